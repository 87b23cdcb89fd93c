/**
 * An encoder of WebAssembly code: the body of one function, written instruction by instruction. Names are those of the
 * WebAssembly core specification. Nothing is checked here; tests validate what comes out.
 */

/** Value types. */
export const I32 = 0x7f;
export const I64 = 0x7e;
/** The block type of a block without a result. */
export const EMPTY = 0x40;

/** Opcodes (core specification 5.4). */
export const OP = {
  unreachable: 0x00,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  brTable: 0x0e,
  return: 0x0f,
  call: 0x10,
  callIndirect: 0x11,
  drop: 0x1a,
  select: 0x1b,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  i32Load: 0x28,
  f32Load: 0x2a,
  f64Load: 0x2b,
  i32Load8S: 0x2c,
  i32Load8U: 0x2d,
  i32Load16S: 0x2e,
  i32Load16U: 0x2f,
  i32Store: 0x36,
  i64Store: 0x37,
  f32Store: 0x38,
  f64Store: 0x39,
  i32Store8: 0x3a,
  i32Store16: 0x3b,
  i32Const: 0x41,
  i64Const: 0x42,
  i32Eqz: 0x45,
  i32Eq: 0x46,
  i32Ne: 0x47,
  i32LtS: 0x48,
  i32LtU: 0x49,
  i32GtS: 0x4a,
  i32GtU: 0x4b,
  i32LeS: 0x4c,
  i32LeU: 0x4d,
  i32GeS: 0x4e,
  i32GeU: 0x4f,
  i64Eqz: 0x50,
  f32Eq: 0x5b,
  f32Lt: 0x5d,
  f64Eq: 0x61,
  f64Lt: 0x63,
  i32Clz: 0x67,
  i32Add: 0x6a,
  i32Sub: 0x6b,
  i32Mul: 0x6c,
  i32And: 0x71,
  i32Or: 0x72,
  i32Xor: 0x73,
  i32Shl: 0x74,
  i32ShrS: 0x75,
  i32ShrU: 0x76,
  i32Rotr: 0x78,
  i64Add: 0x7c,
  i64Mul: 0x7e,
  i64Or: 0x84,
  i64Shl: 0x86,
  i64ShrU: 0x88,
  f32Neg: 0x8c,
  f32Sqrt: 0x91,
  f32Add: 0x92,
  f32Sub: 0x93,
  f32Mul: 0x94,
  f32Div: 0x95,
  f64Neg: 0x9a,
  f64Sqrt: 0x9f,
  f64Add: 0xa0,
  f64Sub: 0xa1,
  f64Mul: 0xa2,
  f64Div: 0xa3,
  i32WrapI64: 0xa7,
  i32TruncF32S: 0xa8,
  i32TruncF32U: 0xa9,
  i32TruncF64S: 0xaa,
  i32TruncF64U: 0xab,
  i64ExtendI32S: 0xac,
  i64ExtendI32U: 0xad,
  f32ConvertI32S: 0xb2,
  f32ConvertI32U: 0xb3,
  f64ConvertI32S: 0xb7,
  f64ConvertI32U: 0xb8,
  f64PromoteF32: 0xbb,
  i32ReinterpretF32: 0xbc,
  i64ReinterpretF64: 0xbd,
} as const;

/** log2 of the width of an access, for its alignment hint. */
const ALIGNMENT: Readonly<Record<number, number>> = {
  [OP.i32Load]: 2,
  [OP.i32Store]: 2,
  [OP.i32Load16S]: 1,
  [OP.i32Load16U]: 1,
  [OP.i32Store16]: 1,
};

/** A structured instruction that a branch can go to. */
export type Label = number;

/** Bytes that grow. */
export class ByteWriter {
  private bytes = new Uint8Array(4096);
  length = 0;

  byte(value: number): void {
    if (this.length === this.bytes.length) this.grow(1);
    this.bytes[this.length++] = value;
  }

  /** LEB128 of an unsigned number below 2^32. */
  unsigned(value: number): void {
    let rest = value >>> 0;
    while (rest >= 0x80) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.byte(rest);
  }

  /** LEB128 of a signed 32-bit number. */
  signed(value: number): void {
    let rest = value | 0;
    while (rest < -0x40 || rest >= 0x40) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>= 7;
    }
    this.byte(rest & 0x7f);
  }

  append(other: ByteWriter): void {
    if (this.length + other.length > this.bytes.length) this.grow(other.length);
    this.bytes.set(other.bytes.subarray(0, other.length), this.length);
    this.length += other.length;
  }

  name(text: string): void {
    this.unsigned(text.length);
    for (let n = 0; n < text.length; n++) this.byte(text.charCodeAt(n));
  }

  take(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }

  private grow(more: number): void {
    const larger = new Uint8Array(Math.max(2 * this.bytes.length, this.length + more));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
  }
}

/** A function's code. Depths of branches are counted from labels, so that the writer of code need not. */
export class WasmCode extends ByteWriter {
  private depth = 0;

  op(opcode: number): void {
    this.byte(opcode);
  }

  i32(value: number): void {
    this.byte(OP.i32Const);
    this.signed(value);
  }

  /** A constant below 2^31. */
  i64(value: number): void {
    this.byte(OP.i64Const);
    this.signed(value);
  }

  get(local: number): void {
    this.byte(OP.localGet);
    this.unsigned(local);
  }

  set(local: number): void {
    this.byte(OP.localSet);
    this.unsigned(local);
  }

  tee(local: number): void {
    this.byte(OP.localTee);
    this.unsigned(local);
  }

  /** A load or store at `offset` from the address on the stack. */
  access(opcode: number, offset: number): void {
    this.byte(opcode);
    this.byte(ALIGNMENT[opcode] ?? 0);
    this.unsigned(offset);
  }

  /** Loads the word at a fixed address. */
  loadAt(address: number): void {
    this.i32(0);
    this.access(OP.i32Load, address);
  }

  block(result: number = EMPTY): Label {
    this.byte(OP.block);
    this.byte(result);
    return ++this.depth;
  }

  loop(): Label {
    this.byte(OP.loop);
    this.byte(EMPTY);
    return ++this.depth;
  }

  if(result: number = EMPTY): Label {
    this.byte(OP.if);
    this.byte(result);
    return ++this.depth;
  }

  else(): void {
    this.byte(OP.else);
  }

  end(): void {
    this.byte(OP.end);
    this.depth--;
  }

  br(label: Label): void {
    this.byte(OP.br);
    this.unsigned(this.depth - label);
  }

  brIf(label: Label): void {
    this.byte(OP.brIf);
    this.unsigned(this.depth - label);
  }

  /** The last label is for all other values. */
  brTable(labels: readonly Label[]): void {
    this.byte(OP.brTable);
    this.unsigned(labels.length - 1);
    for (const label of labels) this.unsigned(this.depth - label);
  }

  call(index: number): void {
    this.byte(OP.call);
    this.unsigned(index);
  }
}
