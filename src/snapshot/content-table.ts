/**
 * Which stored content each page of RAM, or each block of a disk, has at a moment: a sparse table, and its encoding as runs
 * of neighbours with contents that follow each other.
 */
import type { ByteReader, ByteWriter } from '../replay/bytes.ts';

/** The content of that number is zeros. */
export const ZEROS = 0;
/** Units that a table can have at most: 4 GiB of changed blocks. */
export const MAX_UNITS = 2 ** 20;
const LEAF_UNITS = 1024;
/** Not in the table: as it was at the start. */
const ABSENT = 0xffff_ffff;

export class ContentTable {
  private readonly leaves = new Map<number, Uint32Array>();
  private used = 0;

  /** Units that are in it. */
  get size(): number {
    return this.used;
  }

  set(unit: number, content: number): void {
    const at = Math.floor(unit / LEAF_UNITS);
    let leaf = this.leaves.get(at);
    if (leaf === undefined) this.leaves.set(at, (leaf = new Uint32Array(LEAF_UNITS).fill(ABSENT)));
    if (leaf[unit % LEAF_UNITS] === ABSENT) this.used++;
    leaf[unit % LEAF_UNITS] = content;
  }

  /** `varint` units; then runs until there are as many: `varint` units left out before, `varint` length, `varint` first content. */
  encode(out: ByteWriter): void {
    out.varint(this.used);
    let [start, length, first, end] = [0, 0, 0, 0];
    const flush = (): void => {
      if (length === 0) return;
      out.varint(start - end);
      out.varint(length);
      out.varint(first);
      end = start + length;
    };
    for (const at of [...this.leaves.keys()].sort((a, b) => a - b)) {
      const leaf = this.leaves.get(at) as Uint32Array;
      for (let n = 0; n < LEAF_UNITS; n++) {
        const content = leaf[n];
        if (content === ABSENT) continue;
        const unit = at * LEAF_UNITS + n;
        if (unit === start + length && length > 0 && content === (first === ZEROS ? ZEROS : first + length)) length++;
        else {
          flush();
          [start, length, first] = [unit, 1, content];
        }
      }
    }
    flush();
  }
}

/** What a table says: content `contents[n]` is at unit `units[n]`; in the order of units. */
export interface Placement {
  readonly units: Uint32Array;
  readonly contents: Uint32Array;
}

/**
 * @param limit units that there are
 * @param lastContent the highest number that a content may have
 * @throws Damage
 */
export function decodeTable(reader: ByteReader, limit: number, lastContent: number): Placement {
  const used = reader.varint();
  if (used > Math.min(limit, MAX_UNITS)) reader.refuse('a table has more entries than there can be');
  const [units, contents] = [new Uint32Array(used), new Uint32Array(used)];
  for (let filled = 0, unit = 0; filled < used; ) {
    unit += reader.varint();
    const length = reader.varint();
    const first = reader.varint();
    if (length === 0 || length > used - filled || unit + length > limit) reader.refuse('a run does not fit into its table');
    if (first !== ZEROS && first + length - 1 > lastContent) reader.refuse('a content that does not exist');
    for (let n = 0; n < length; n++) {
      units[filled] = unit++;
      contents[filled++] = first === ZEROS ? ZEROS : first + n;
    }
  }
  return { units, contents };
}
