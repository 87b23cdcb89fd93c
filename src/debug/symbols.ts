/** Names of addresses: from an ELF file, or from a System.map as Linux and `nm` make it, packed with gzip or not. */
import { gunzip } from '../boards/boot/gunzip.ts';
import { RepriseError } from '../errors/errors.ts';
import { ElfFile, type ElfSymbol, isElf } from './elf.ts';

/** A place as people say it. */
export interface Place {
  readonly name: string;
  readonly offset: number;
}

const MAX_UNPACKED = 256 * 1024 * 1024;
const MAX_LINE = 4096;
/** How far behind its name an unsized symbol may be said to reach. */
const MAX_OFFSET = 0x1000000;

/** @throws RepriseError BAD_SYMBOLS */
export function readSymbols(file: Uint8Array): SymbolTable {
  const bytes = file[0] === 0x1f && file[1] === 0x8b ? unpacked(file) : file;
  return new SymbolTable(isElf(bytes) ? new ElfFile(bytes).symbols() : readSystemMap(bytes));
}

function unpacked(file: Uint8Array): Uint8Array {
  const bytes = gunzip(file, MAX_UNPACKED);
  if (typeof bytes === 'string') throw new RepriseError('BAD_SYMBOLS', `the file with symbols cannot be unpacked: it is ${bytes}`);
  return bytes;
}

/** Lines of an address, a letter and a name (nm's BSD format). */
function readSystemMap(bytes: Uint8Array): ElfSymbol[] {
  const symbols: ElfSymbol[] = [];
  for (let at = 0; at < bytes.length; ) {
    const newline = bytes.indexOf(10, at);
    const end = newline < 0 ? bytes.length : newline;
    const line = String.fromCharCode(...bytes.subarray(at, Math.min(end, at + MAX_LINE)));
    at = end + 1;
    if (line.trim() === '') continue;
    const [, address, letter, name] = /^([0-9a-fA-F]{1,8}) (\S) (\S+)\s*$/.exec(line) ?? [];
    if (address === undefined) throw new RepriseError('BAD_SYMBOLS', 'the file with symbols is neither an ELF file nor a System.map');
    // Absolute values are no places.
    if (letter !== 'A' && letter !== 'a' && !name.startsWith('$'))
      symbols.push({ name, address: Number.parseInt(address, 16), size: 0, kind: /[tTwW]/.test(letter) ? 'code' : 'data' });
  }
  return symbols;
}

export class SymbolTable {
  /** By address; of several at one, those of the file's order. */
  private readonly sorted: readonly ElfSymbol[];
  private readonly byName = new Map<string, number>();

  constructor(symbols: readonly ElfSymbol[]) {
    this.sorted = [...symbols].sort((a, b) => a.address - b.address);
    for (const { name, address } of symbols) if (!this.byName.has(name)) this.byName.set(name, address);
  }

  /** @throws RepriseError NO_SUCH_SYMBOL */
  address(name: string): number {
    const address = this.byName.get(name);
    if (address === undefined) throw new RepriseError('NO_SUCH_SYMBOL', `the symbols have no '${name}'`);
    return address;
  }

  /** The symbol that an address belongs to: the last one at or before it, unless it is known to end before. */
  at(address: number): Place | undefined {
    let low = 0;
    let high = this.sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.sorted[middle].address <= address) low = middle + 1;
      else high = middle;
    }
    if (low === 0) return undefined;
    // Of several names at one address, the first in the file.
    const { address: start } = this.sorted[low - 1];
    let first = low - 1;
    while (first > 0 && this.sorted[first - 1].address === start) first--;
    const offset = address - start;
    const found = this.sorted.slice(first, low).find(({ size }) => offset < (size || MAX_OFFSET));
    return found && { name: found.name, offset };
  }
}

/** `name`, or `name+0x10`. */
export const placeText = ({ name, offset }: Place): string => (offset === 0 ? name : `${name}+0x${offset.toString(16)}`);
