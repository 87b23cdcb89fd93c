/** Source lines of addresses: the line number programs of DWARF versions 2 to 5, of 32 bits (DWARF 5, section 6.2). */
import { RepriseError } from '../errors/errors.ts';
import { ElfFile } from './elf.ts';
import { type FileName, readFileNames } from './line-files.ts';
import { SectionReader } from './section-reader.ts';

export interface SourceLine {
  /** As the compiler was called, behind the folder that it names. */
  readonly file: string;
  readonly line: number;
}

interface Row extends SourceLine {
  readonly address: number;
  /** Nothing of a sequence begins here: its end. */
  readonly end: boolean;
}

const STANDARD = {
  copy: 1,
  advancePc: 2,
  advanceLine: 3,
  setFile: 4,
  setColumn: 5,
  negateStmt: 6,
  basicBlock: 7,
  constAddPc: 8,
  fixedAdvancePc: 9,
} as const;
const EXTENDED = { endSequence: 1, setAddress: 2 } as const;
const MAX_ROWS = 4_000_000;

export class LineTable {
  /** By address. */
  private readonly rows: readonly Row[];

  /** @throws RepriseError BAD_SYMBOLS */
  constructor(file: Uint8Array) {
    const elf = new ElfFile(file);
    const lines = elf.section('.debug_line');
    const rows: Row[] = [];
    if (lines !== undefined) {
      const reader = new SectionReader(lines);
      const texts = { lineStr: elf.section('.debug_line_str'), str: elf.section('.debug_str') };
      while (reader.left() > 0) readUnit(reader, texts, rows);
    }
    // A sequence may begin where another one ends.
    this.rows = rows.sort((a, b) => a.address - b.address || Number(b.end) - Number(a.end));
  }

  /** The line that the instruction at an address belongs to; undefined where there is none. */
  at(address: number): SourceLine | undefined {
    let low = 0;
    let high = this.rows.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.rows[middle].address <= address) low = middle + 1;
      else high = middle;
    }
    const row = this.rows[low - 1];
    return row === undefined || row.end || row.line === 0 ? undefined : { file: row.file, line: row.line };
  }
}

interface Header {
  readonly minimumLength: number;
  readonly lineBase: number;
  readonly lineRange: number;
  readonly opcodeBase: number;
  readonly operands: readonly number[];
  readonly files: readonly FileName[];
}

/** One compilation unit. */
function readUnit(
  section: SectionReader,
  texts: { readonly lineStr?: Uint8Array | undefined; readonly str?: Uint8Array | undefined },
  rows: Row[],
): void {
  const length = section.u32();
  if (length >= 0xfffffff0) throw new RepriseError('BAD_SYMBOLS', 'line numbers of 64-bit DWARF cannot be read');
  const unit = section.part(length);
  const version = unit.u16();
  if (version < 2 || version > 5) return;
  if (version === 5) unit.skip(2);
  const headerBytes = unit.u32();
  const rest = unit.left();
  const minimumLength = unit.u8();
  if (version >= 4) unit.skip(1);
  unit.skip(1);
  const lineBase = (unit.u8() << 24) >> 24;
  const lineRange = unit.u8();
  const opcodeBase = unit.u8();
  if (lineRange === 0 || opcodeBase === 0) throw new RepriseError('BAD_SYMBOLS', 'the header of a line number program makes no sense');
  const operands = Array.from({ length: opcodeBase - 1 }, () => unit.u8());
  const files = readFileNames(unit, version, texts);
  unit.skip(headerBytes - (rest - unit.left()));
  run(unit, { minimumLength, lineBase, lineRange, opcodeBase, operands, files }, rows);
}

/** The line number state machine. */
function run(program: SectionReader, header: Header, rows: Row[]): void {
  const { minimumLength, lineBase, lineRange, opcodeBase, operands, files } = header;
  let address = 0;
  let file = 1;
  let line = 1;
  const emit = (end: boolean): void => {
    if (rows.length >= MAX_ROWS) throw new RepriseError('BAD_SYMBOLS', 'there are too many line numbers');
    rows.push({ address, file: files[file]?.path ?? '?', line, end });
  };
  while (program.left() > 0) {
    const opcode = program.u8();
    if (opcode >= opcodeBase) {
      const adjusted = opcode - opcodeBase;
      address = (address + Math.floor(adjusted / lineRange) * minimumLength) >>> 0;
      line += lineBase + (adjusted % lineRange);
      emit(false);
      continue;
    }
    switch (opcode) {
      case 0: {
        const extended = program.part(program.uleb());
        if (extended.left() === 0) break;
        const kind = extended.u8();
        if (kind === EXTENDED.endSequence) {
          emit(true);
          [address, file, line] = [0, 1, 1];
        } else if (kind === EXTENDED.setAddress && extended.left() === 4) address = extended.u32();
        break;
      }
      case STANDARD.copy:
        emit(false);
        break;
      case STANDARD.advancePc:
        address = (address + program.uleb() * minimumLength) >>> 0;
        break;
      case STANDARD.advanceLine:
        line += program.sleb();
        break;
      case STANDARD.setFile:
        file = program.uleb();
        break;
      case STANDARD.constAddPc:
        address = (address + Math.floor((255 - opcodeBase) / lineRange) * minimumLength) >>> 0;
        break;
      case STANDARD.fixedAdvancePc:
        address = (address + program.u16()) >>> 0;
        break;
      default:
        for (let n = 0; n < operands[opcode - 1]; n++) program.uleb();
    }
  }
}
