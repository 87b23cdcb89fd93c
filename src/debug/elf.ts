/** What a debugger reads of an ELF file: its sections and symbols (ELF specification 1.2; ARM IHI 0044). The file may be anything. */
import { RepriseError } from '../errors/errors.ts';

export interface ElfSymbol {
  readonly name: string;
  readonly address: number;
  readonly size: number;
  readonly kind: 'code' | 'data';
}

const HEADER_BYTES = 52;
const SECTION_BYTES = 40;
const SYMBOL_BYTES = 16;
const SHT_SYMTAB = 2;
const SHT_NOBITS = 8;
const SHF_EXECINSTR = 4;
const SHF_COMPRESSED = 0x800;
const STT_FUNC = 2;
const STT_SECTION = 3;
const STT_FILE = 4;
/** Section numbers from here on are not sections: absolute values and the like. */
const SHN_LORESERVE = 0xff00;

interface Section {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
}

export const isElf = (bytes: Uint8Array): boolean =>
  bytes.length >= 4 && bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;

const bad = (what: string): never => {
  throw new RepriseError('BAD_SYMBOLS', `the ELF file with symbols cannot be read: ${what}`);
};

export class ElfFile {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly sections: readonly Section[];

  /** @throws RepriseError BAD_SYMBOLS */
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    if (bytes.length < HEADER_BYTES || !isElf(bytes)) bad('it has no ELF header');
    if (bytes[4] !== 1 || bytes[5] !== 1) bad('it is not a little-endian file of 32 bits');
    const [table, entryBytes, count, namesAt] = [this.u32(32), this.u16(46), this.u16(48), this.u16(50)];
    if (count > 0 && (entryBytes < SECTION_BYTES || table + count * entryBytes > bytes.length)) bad('its section headers are cut off');
    const raw = Array.from({ length: count }, (_, n) => {
      const at = table + n * entryBytes;
      const [name, type, flags, , offset, size, link] = Array.from({ length: 7 }, (__, field) => this.u32(at + 4 * field));
      if (type !== SHT_NOBITS && offset + size > bytes.length) bad('a section is cut off');
      return { name, type, flags, offset, size, link };
    });
    const names = raw[namesAt];
    this.sections = raw.map((section) => ({ ...section, name: names === undefined ? '' : this.text(names, section.name) }));
  }

  private u16(at: number): number {
    return this.view.getUint16(at, true);
  }

  private u32(at: number): number {
    return this.view.getUint32(at, true);
  }

  /** Text that ends with a zero byte, in a section of texts. */
  private text({ offset, size }: Pick<Section, 'offset' | 'size'>, at: number): string {
    const end = this.bytes.indexOf(0, offset + at);
    if (at >= size || end < 0 || end >= offset + size) return bad('a name is cut off');
    return String.fromCharCode(...this.bytes.subarray(offset + at, Math.min(end, offset + at + 4096)));
  }

  /** The bytes of a section, or undefined if there is none of that name. */
  section(name: string): Uint8Array | undefined {
    const section = this.sections.find((s) => s.name === name && s.type !== SHT_NOBITS);
    if (section === undefined) return undefined;
    if (section.flags & SHF_COMPRESSED) return bad(`its section ${name} is compressed`);
    return this.bytes.subarray(section.offset, section.offset + section.size);
  }

  /** Functions and variables, without ARM's mapping symbols (`$a`, `$t`, `$d`) and absolute values. */
  symbols(): ElfSymbol[] {
    return this.sections.filter(({ type }) => type === SHT_SYMTAB).flatMap((table) => this.symbolsOf(table));
  }

  private symbolsOf({ offset, size, link }: Section): ElfSymbol[] {
    const names = this.sections[link] ?? bad('its symbols have no names');
    const symbols: ElfSymbol[] = [];
    for (let at = offset; at + SYMBOL_BYTES <= offset + size; at += SYMBOL_BYTES) {
      const type = this.bytes[at + 12] & 15;
      const home = this.u16(at + 14);
      if (home === 0 || home >= SHN_LORESERVE || type === STT_SECTION || type === STT_FILE) continue;
      const name = this.text(names, this.u32(at));
      if (name === '' || name.startsWith('$')) continue;
      const code = type === STT_FUNC || ((this.sections[home]?.flags ?? 0) & SHF_EXECINSTR) !== 0;
      // Bit 0 of a function's address says that it is in Thumb state.
      const address = type === STT_FUNC ? (this.u32(at + 4) & ~1) >>> 0 : this.u32(at + 4);
      symbols.push({ name, address, size: this.u32(at + 8), kind: code ? 'code' : 'data' });
    }
    return symbols;
  }
}
