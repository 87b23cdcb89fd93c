/** Pages of RAM that get the content of another moment. Those that stay the same stay clean. */
import { isZero } from '../block/zeros.ts';
import { DIRTY, type GuestMemory } from '../bus/memory.ts';

/** Whether two pages, wherever they lie, have the same content. */
export function samePage(a: Uint8Array, b: Uint8Array): boolean {
  if ((a.byteOffset | b.byteOffset) & 3) return a.every((byte, n) => byte === b[n]);
  const [left, right] = [wordsOf(a), wordsOf(b)];
  for (let n = 0; n < left.length; n++) if (left[n] !== right[n]) return false;
  return true;
}

/** @returns whether it was another one */
export function putPage(memory: GuestMemory, number: number, bytes: Uint8Array): boolean {
  const page = memory.page(number);
  if (samePage(page, bytes)) return false;
  page.set(bytes);
  memory.flags[number] |= DIRTY;
  return true;
}

/** Makes it zeros. @returns whether it was something else */
export function clearPage(memory: GuestMemory, number: number): boolean {
  const page = memory.page(number);
  if (isZero(page)) return false;
  page.fill(0);
  memory.flags[number] |= DIRTY;
  return true;
}

/** A quarter of the steps, where a page lies at a multiple of 4. */
const wordsOf = (page: Uint8Array): Int32Array => new Int32Array(page.buffer, page.byteOffset, page.length >> 2);
