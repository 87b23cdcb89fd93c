/** Whole WebAssembly modules of the few kinds that are made here (core specification 5.5). */
import { ByteWriter, I32, I64, type WasmCode } from './wasm-code.ts';

/** A function type: parameters and results are all i32. */
export interface Signature {
  readonly parameters: number;
  readonly results: number;
}

export interface FunctionBody {
  readonly signature: Signature;
  /** Locals beyond the parameters. */
  readonly i32Locals: number;
  readonly i64Locals: number;
  /** The code, without the final `end`. */
  readonly code: WasmCode;
}

export interface ModuleParts {
  /** Pages of the imported memory, which never grows. */
  readonly memoryPages: number;
  /** Functions that are imported, by name from module `env`; they have the first indices. */
  readonly imports: readonly { readonly name: string; readonly signature: Signature }[];
  /** Exported as `f0`, `f1`, …. */
  readonly functions: readonly FunctionBody[];
  /** Elements of a table of functions, exported as `table`; 0 for none. */
  readonly tableSize: number;
  /** Types that `call_indirect` refers to, beyond those of functions: they come first. */
  readonly types: readonly Signature[];
}

const SECTION = { type: 1, import: 2, function: 3, table: 4, export: 7, code: 10 } as const;
const FUNCREF = 0x70;
const KIND = { function: 0, table: 1, memory: 2 } as const;

export function encodeModule(parts: ModuleParts): Uint8Array {
  const out = new ByteWriter();
  for (const byte of [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]) out.byte(byte);
  const types: Signature[] = [...parts.types];
  const typeOf = ({ parameters, results }: Signature): number => {
    const known = types.findIndex((type) => type.parameters === parameters && type.results === results);
    return known >= 0 ? known : types.push({ parameters, results }) - 1;
  };
  const importTypes = parts.imports.map(({ signature }) => typeOf(signature));
  const functionTypes = parts.functions.map(({ signature }) => typeOf(signature));

  section(out, SECTION.type, types, (to, { parameters, results }) => {
    to.byte(0x60);
    to.unsigned(parameters);
    for (let n = 0; n < parameters; n++) to.byte(I32);
    to.unsigned(results);
    for (let n = 0; n < results; n++) to.byte(I32);
  });
  section(out, SECTION.import, [undefined, ...parts.imports], (to, item, n) => {
    to.name('env');
    to.name(item?.name ?? 'memory');
    if (item === undefined) {
      to.byte(KIND.memory);
      to.byte(1);
      to.unsigned(parts.memoryPages);
      to.unsigned(parts.memoryPages);
    } else {
      to.byte(KIND.function);
      to.unsigned(importTypes[n - 1]);
    }
  });
  section(out, SECTION.function, functionTypes, (to, type) => to.unsigned(type));
  if (parts.tableSize > 0) {
    section(out, SECTION.table, [parts.tableSize], (to, size) => {
      to.byte(FUNCREF);
      to.byte(0);
      to.unsigned(size);
    });
  }
  const exported = parts.functions.map((_, n) => ({ name: `f${n}`, kind: KIND.function as number, index: parts.imports.length + n }));
  if (parts.tableSize > 0) exported.push({ name: 'table', kind: KIND.table, index: 0 });
  section(out, SECTION.export, exported, (to, { name, kind, index }) => {
    to.name(name);
    to.byte(kind);
    to.unsigned(index);
  });
  section(out, SECTION.code, parts.functions, (to, { i32Locals, i64Locals, code }) => {
    const body = new ByteWriter();
    const locals = [
      [i32Locals, I32],
      [i64Locals, I64],
    ].filter(([count]) => count > 0);
    body.unsigned(locals.length);
    for (const [count, type] of locals) {
      body.unsigned(count);
      body.byte(type);
    }
    body.append(code);
    body.byte(0x0b);
    to.unsigned(body.length);
    to.append(body);
  });
  return out.take();
}

function section<T>(out: ByteWriter, id: number, items: readonly T[], write: (to: ByteWriter, item: T, n: number) => void): void {
  const body = new ByteWriter();
  body.unsigned(items.length);
  items.forEach((item, n) => {
    write(body, item, n);
  });
  out.byte(id);
  out.unsigned(body.length);
  out.append(body);
}
