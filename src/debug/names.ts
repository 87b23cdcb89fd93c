/** What people call addresses, from one file with symbols. */
import { isElf } from './elf.ts';
import { LineTable } from './lines.ts';
import { placeText, readSymbols, type SymbolTable } from './symbols.ts';

export class Names {
  readonly symbols: SymbolTable;
  private readonly lines: LineTable | undefined;

  /** @param file an ELF file or a System.map. @throws RepriseError BAD_SYMBOLS */
  constructor(file: Uint8Array) {
    this.symbols = readSymbols(file);
    this.lines = isElf(file) ? new LineTable(file) : undefined;
  }

  /** `symbol+0x10`, or undefined where there is none. */
  place(address: number): string | undefined {
    const place = this.symbols.at(address);
    return place && placeText(place);
  }

  /** `file.c:12`, or undefined where it is not known. */
  line(address: number): string | undefined {
    const line = this.lines?.at(address);
    return line && `${line.file}:${line.line}`;
  }
}

export const hexAddress = (address: number): string => `0x${(address >>> 0).toString(16).padStart(8, '0')}`;

/** An address with its names, for a person: `0x00008b30 ledger_post+0x30 at ledger.c:58`. */
export function addressText(address: number, names: Names | undefined): string {
  const [place, line] = [names?.place(address), names?.line(address)];
  return [hexAddress(address), ...(place === undefined ? [] : [place]), ...(line === undefined ? [] : [`at ${line}`])].join(' ');
}

/** The same for programs; what is not known is left out. */
export function addressJson(pc: number, names: Names | undefined): { readonly pc: string; readonly symbol?: string; readonly line?: string } {
  const [symbol, line] = [names?.place(pc), names?.line(pc)];
  return { pc: hexAddress(pc), ...(symbol !== undefined && { symbol }), ...(line !== undefined && { line }) };
}
