/** Addresses as people type them. */
import { RepriseError } from '../errors/errors.ts';
import type { Names } from './names.ts';

const SPAN = 2 ** 32;
const NUMBER = /^(0x[0-9a-fA-F]{1,8}|\d{1,10})$/;

function numberOf(text: string): number | undefined {
  const value = NUMBER.test(text) ? Number(text) : Number.NaN;
  return value < SPAN ? value : undefined;
}

/**
 * `0xc0008000`, a symbol, or either with `+OFFSET`.
 * @throws RepriseError BAD_VALUE, NO_SUCH_SYMBOL
 */
export function parseAddress(text: string, names: Names | undefined): number {
  const [place, offset = '0', ...more] = text.split('+');
  const distance = numberOf(offset);
  if (place === '' || distance === undefined || more.length > 0) {
    throw new RepriseError('BAD_VALUE', `'${text}' is not an address; write 0xc0008000, or a symbol, or either with +OFFSET`);
  }
  const number = numberOf(place);
  if (number === undefined && names === undefined) {
    throw new RepriseError('BAD_VALUE', `'${text}' is not an address; names need a file with symbols (--symbols System.map or ELF)`);
  }
  return ((number ?? names!.symbols.address(place)) + distance) % SPAN;
}

/**
 * An address with `:LENGTH` in bytes behind it, or with the length `otherwise`.
 * @throws RepriseError BAD_VALUE, NO_SUCH_SYMBOL
 */
export function parseStretch(text: string, names: Names | undefined, otherwise: number): { readonly address: number; readonly length: number } {
  const [address, length, ...more] = text.split(':');
  const bytes = length === undefined ? otherwise : numberOf(length);
  if (bytes === undefined || bytes < 1 || bytes > 4096 || more.length > 0)
    throw new RepriseError('BAD_VALUE', `'${text}' is not ADDRESS[:LENGTH] with a length of 1 to 4096 bytes`);
  return { address: parseAddress(address, names), length: bytes };
}
