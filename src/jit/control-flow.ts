/**
 * Turns the blocks of a region, which branch to each other as they like, into WebAssembly's structured control flow.
 *
 * Blocks lie in the order of their addresses. A branch forwards goes straight to the end of a `block` that ends where its
 * target begins. A branch backwards is a `loop` if the stretch from its target to itself is entered at the top alone;
 * every other one goes through one loop around the region, whose `br_table` reaches the places it needs.
 */
import type { RegionCode } from './region-code.ts';
import type { Label } from './wasm-code.ts';

export interface RegionBlock {
  /** Blocks of the region that it may branch to, by number. */
  readonly targets: readonly number[];
  /** Whether it can run on into the block with the next number. */
  readonly runsOn: boolean;
  /** Whether the region can be entered here. */
  readonly entry: boolean;
  emit(): void;
}

/** Emits the blocks. Returns the number of each place where the region can be entered, by block. */
export function emitBlocks(code: RegionCode, blocks: readonly RegionBlock[]): ReadonlyMap<number, number> {
  const { ends, dispatched } = findLoops(blocks);
  const places = new Map([...dispatched].map((block, place) => [block, place]));
  const isTarget = blocks.map((_, n) => blocks.some(({ targets }, from) => from < n && targets.includes(n)));
  const top = code.loop();
  code.openTop(top, places);
  emitRange(
    code,
    blocks,
    ends,
    (block) => isTarget[block] || dispatched.has(block),
    0,
    blocks.length - 1,
    undefined,
    (labels) => {
      const table = [...dispatched].map((block) => labels.get(block)!);
      if (table.length === 1) code.br(table[0]);
      else {
        code.pushPlace();
        code.brTable(table);
      }
    },
  );
  code.end();
  code.op(0x00);
  return places;
}

/** For each head of a loop its last block, and the blocks that are reached by number. */
function findLoops(blocks: readonly RegionBlock[]): { ends: Map<number, number>; dispatched: Set<number> } {
  const entries = blocks.flatMap(({ entry }, n) => (entry ? [n] : []));
  const heads = new Map<number, number>();
  blocks.forEach(({ targets }, from) => {
    for (const head of targets) if (head <= from) heads.set(head, Math.max(from, heads.get(head) ?? 0));
  });
  const dispatched = new Set(entries);
  const ends = new Map(heads);
  for (let changed = true; changed; ) {
    changed = false;
    for (const [head, end] of ends) {
      // Loops that overlap are made to lie within each other.
      const overlap = Math.max(...[...ends].flatMap(([other, last]) => (other > head && other <= end ? [last] : [])), end);
      if (overlap > end) {
        ends.set(head, overlap);
        changed = true;
      }
      if (enteredElsewhere(blocks, dispatched, head, overlap)) {
        ends.delete(head);
        dispatched.add(head);
        changed = true;
      }
    }
  }
  return { ends, dispatched };
}

/** Whether anything but its head is a way into the blocks from `head` to `end`. */
function enteredElsewhere(blocks: readonly RegionBlock[], dispatched: ReadonlySet<number>, head: number, end: number): boolean {
  for (const block of dispatched) if (block > head && block <= end) return true;
  return blocks.some(({ targets }, from) => (from < head || from > end) && targets.some((to) => to > head && to <= end));
}

/** Emits the blocks `first` to `last`; `loop` is the head of the innermost loop around them. */
function emitRange(
  code: RegionCode,
  blocks: readonly RegionBlock[],
  ends: ReadonlyMap<number, number>,
  isTarget: (block: number) => boolean,
  first: number,
  last: number,
  loop: number | undefined,
  afterLabels: (labels: ReadonlyMap<number, Label>) => void,
): void {
  const endOf = (block: number): number => (block === loop ? block : (ends.get(block) ?? block));
  const items: number[] = [];
  for (let block = first; block <= last; block = endOf(block) + 1) items.push(block);
  const labelled = items.filter((block) => block !== loop && isTarget(block));
  const labels = new Map<number, Label>();
  for (const block of [...labelled].reverse()) {
    const label = code.block();
    labels.set(block, label);
    code.openLabel(block, label);
  }
  afterLabels(labels);
  for (const block of items) {
    if (labels.has(block)) {
      code.end();
      code.openLabel(block, undefined);
    }
    if (endOf(block) === block && !(block !== loop && ends.has(block))) {
      blocks[block].emit();
      continue;
    }
    code.openLabel(block, code.loop());
    emitRange(code, blocks, ends, isTarget, block, endOf(block), block, () => {});
    code.end();
    code.openLabel(block, undefined);
  }
}
