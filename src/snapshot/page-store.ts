/**
 * RAM at many moments, each page kept once however many moments have it: a table of two levels that moments share as far
 * as they are the same, over pages that are found by their content.
 */
import { isZero } from '../block/zeros.ts';
import { PAGE_BYTES } from '../bus/memory.ts';
import type { Hasher } from '../replay/hasher.ts';
import { samePage } from './pages.ts';

const LEAF_PAGES = 128;

/** A page's content. */
interface Page {
  readonly hash: bigint;
  readonly bytes: Uint8Array;
  /** Leaves that have it. */
  holders: number;
}

interface Leaf {
  /** Undefined: a page of zeros. */
  readonly pages: (Page | undefined)[];
  /** Tables that have it. */
  holders: number;
}

/** RAM at one moment. */
export type PageTable = readonly Leaf[];

export class PageStore {
  private readonly hasher: Hasher;
  private readonly known = new Map<bigint, Page>();
  private pages = 0;

  constructor(hasher: Hasher) {
    this.hasher = hasher;
  }

  /** Memory that the pages take. */
  get bytes(): number {
    return this.pages * PAGE_BYTES;
  }

  /** RAM that is all zeros; the caller holds it. */
  empty(pages: number): PageTable {
    return Array.from({ length: Math.ceil(pages / LEAF_PAGES) }, () => ({
      pages: new Array<Page | undefined>(LEAF_PAGES).fill(undefined),
      holders: 1,
    }));
  }

  /** A table like another, but for some pages; the caller holds it. @param content of a page; copied if it is kept */
  derive(table: PageTable, changed: readonly number[], content: (page: number) => Uint8Array): PageTable {
    const leaves = table.slice() as Leaf[];
    for (const leaf of leaves) leaf.holders++;
    for (const number of changed) {
      const at = Math.floor(number / LEAF_PAGES);
      const found = this.page(content(number));
      if (leaves[at] === table[at]) leaves[at] = this.copyLeaf(leaves[at]);
      const { pages } = leaves[at];
      const old = pages[number % LEAF_PAGES];
      if (found !== undefined) found.holders++;
      pages[number % LEAF_PAGES] = found;
      this.drop(old);
    }
    return leaves;
  }

  /** Pages in which two tables differ, in order. */
  *differing(a: PageTable, b: PageTable): Generator<number> {
    for (let at = 0; at < a.length; at++) {
      if (a[at] === b[at]) continue;
      const [left, right] = [a[at].pages, b[at].pages];
      for (let n = 0; n < LEAF_PAGES; n++) if (left[n] !== right[n]) yield at * LEAF_PAGES + n;
    }
  }

  /** Content of a page; undefined for zeros. */
  content(table: PageTable, number: number): Uint8Array | undefined {
    return table[Math.floor(number / LEAF_PAGES)].pages[number % LEAF_PAGES]?.bytes;
  }

  /** Lets go of a table. */
  release(table: PageTable): void {
    for (const leaf of table) {
      if (--leaf.holders > 0) continue;
      for (const page of leaf.pages) this.drop(page);
    }
  }

  private copyLeaf(leaf: Leaf): Leaf {
    leaf.holders--;
    for (const page of leaf.pages) if (page !== undefined) page.holders++;
    return { pages: leaf.pages.slice(), holders: 1 };
  }

  /** The page with that content, with no more holders than it has already. */
  private page(bytes: Uint8Array): Page | undefined {
    if (isZero(bytes)) return undefined;
    const hash = this.hasher.h64(bytes, 0n);
    const known = this.known.get(hash);
    if (known !== undefined && samePage(known.bytes, bytes)) return known;
    const page: Page = { hash, bytes: bytes.slice(), holders: 0 };
    // Of two contents with one hash only the first is found again.
    if (known === undefined) this.known.set(hash, page);
    this.pages++;
    return page;
  }

  private drop(page: Page | undefined): void {
    if (page === undefined || --page.holders > 0) return;
    this.pages--;
    if (this.known.get(page.hash) === page) this.known.delete(page.hash);
  }
}
