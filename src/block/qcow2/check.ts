/** Checks an image: are all references within the file, does every cluster have the refcount that it should have? */
import type { BlockFile } from '../node.ts';
import { MetadataCache } from './cache.ts';
import { type Clusters, clustersOf } from './clusters.ts';
import { isCopied } from './entries.ts';
import { type Header, readHeader } from './header.ts';
import { Refcounts, readRefcountTable } from './refcounts.ts';
import { References, type Use } from './references.ts';
import { Storage } from './storage.ts';

/** The most messages that are kept; more are only counted. */
const MAX_MESSAGES = 100;
/** Clusters that are counted at once: bounds the memory, at the price of another walk for each further window. */
const WINDOW = 2 ** 23;
const USE_BIT: Readonly<Record<Use, number>> = { metadata: 1, 'L2 table': 2, data: 4 };

export interface CheckResult {
  /** Contradictions: data may be lost now, or by further writes. */
  readonly corruptions: number;
  /** Clusters that nothing uses and that are not free. */
  readonly leaks: number;
  /** One line for each of the first corruptions and leaks. */
  readonly messages: readonly string[];
  /** Where the last cluster in use ends. */
  readonly imageEnd: number;
  /** Of the disk as it is now. */
  readonly clusters: { readonly total: number; readonly allocated: number; readonly compressed: number; readonly fragmented: number };
}

/**
 * Only reads. The file stays open.
 * @throws RepriseError IMAGE_DAMAGED, IMAGE_UNSUPPORTED when the image cannot even be walked
 */
export async function checkQcow2(file: BlockFile): Promise<CheckResult> {
  const storage = new Storage(file, await file.size());
  const header = await readHeader(storage);
  const refcounts = new Refcounts(
    storage,
    new MetadataCache(storage, header.clusterSize),
    header,
    await readRefcountTable(storage, header),
    () => false,
  );
  const report = new Report();
  if (header.corrupt) report.corruption('the image is marked as corrupt');
  await checkActive(storage, header, refcounts, report);
  let imageEnd = header.clusterSize;
  await compareRefcounts(storage, header, refcounts, {
    cluster(cluster, stored, counted, overlap) {
      if (overlap) report.corruption(`cluster ${cluster} is metadata and something else at once`);
      if (stored < counted) report.corruption(`cluster ${cluster} has refcount ${stored}, but ${counted} references`);
      if (stored > counted) report.leak(`cluster ${cluster} is leaked: refcount ${stored}, ${counted} references`);
      imageEnd = Math.max(imageEnd, (cluster + 1) * header.clusterSize);
    },
  });
  return { ...report.result(), imageEnd };
}

/** Sets right the refcounts of an image that was not closed after lazy refcounts were in use. @throws RepriseError IMAGE_DAMAGED */
export async function repairRefcounts(clusters: Clusters): Promise<void> {
  const { storage, header, refcounts } = clusters;
  const rewrite = await clusters.beginRewrite();
  const wrong: { readonly cluster: number; readonly counted: number }[] = [];
  await compareRefcounts(storage, header, refcounts, {
    cluster(cluster, stored, counted, overlap) {
      if (overlap) throw storage.damaged(`cluster ${cluster} is metadata and something else at once`);
      if (counted > refcounts.codec.max)
        throw storage.damaged(`cluster ${cluster} has ${counted} references, and refcounts end at ${refcounts.codec.max}`);
      if (stored !== counted) wrong.push({ cluster, counted });
    },
    async blockDone() {
      for (const { cluster, counted } of wrong.splice(0)) await rewrite.set(cluster, counted);
    },
    problem(message) {
      throw storage.damaged(message);
    },
  });
  await clusters.switchTo(rewrite, {}, clusters.l1);
}

class Report {
  private corruptions = 0;
  private leaks = 0;
  private readonly messages: string[] = [];
  private readonly clusters = { total: 0, allocated: 0, compressed: 0, fragmented: 0 };
  /** Where the next cluster would be if the image were not fragmented. */
  private expected = 0;

  corruption(message: string): void {
    this.corruptions++;
    this.say(`ERROR: ${message}`);
  }

  leak(message: string): void {
    this.leaks++;
    this.say(message);
  }

  allocated(offset: number, clusterSize: number, compressed: boolean): void {
    this.clusters.allocated++;
    if (compressed) this.clusters.compressed++;
    if (compressed || (this.expected !== 0 && offset !== this.expected)) this.clusters.fragmented++;
    this.expected = offset + clusterSize;
  }

  disk(clusters: number): void {
    this.clusters.total = clusters;
  }

  result(): Omit<CheckResult, 'imageEnd'> {
    const { corruptions, leaks, messages, clusters } = this;
    return { corruptions, leaks, messages, clusters };
  }

  private say(message: string): void {
    if (this.messages.length < MAX_MESSAGES) this.messages.push(message);
  }
}

/** What cannot be followed, and copied bits that contradict the refcounts: those of the active tables decide what is written in place. */
async function checkActive(storage: Storage, header: Header, refcounts: Refcounts, report: Report): Promise<void> {
  const { clusterSize } = header;
  report.disk(Math.ceil(header.size / clusterSize));
  await new References(storage, header, refcounts.table).visit({
    reference() {},
    problem: (message) => report.corruption(message),
    async activeL1(index, offset, l1) {
      const count = await storedCount(refcounts, offset / clusterSize);
      if ((count === 1) !== isCopied(l1, index)) report.corruption(`the copied bit of L2 table ${index} is wrong: its refcount is ${count}`);
    },
    async activeL2(mapping) {
      if (mapping.kind === 'unallocated') return;
      report.allocated(mapping.offset, clusterSize, mapping.kind === 'compressed');
      if (mapping.kind === 'compressed') return;
      const [cluster] = clustersOf(mapping, clusterSize);
      const count = await storedCount(refcounts, cluster);
      if ((count === 1) !== mapping.copied) report.corruption(`the copied bit of data cluster ${cluster} is wrong: its refcount is ${count}`);
    },
  });
}

/** 0 when the block cannot be read; that it cannot is reported elsewhere. */
async function storedCount(refcounts: Refcounts, cluster: number): Promise<number> {
  try {
    return await refcounts.get(cluster);
  } catch {
    return 0;
  }
}

interface Comparison {
  /** Each cluster of the file that has a refcount or a reference. */
  cluster(cluster: number, stored: number, counted: number, overlap: boolean): void;
  /** After the clusters of one refcount block. */
  blockDone?(): Promise<void>;
  /** Something that cannot be followed. */
  problem?(message: string): void;
}

async function compareRefcounts(storage: Storage, header: Header, refcounts: Refcounts, comparison: Comparison): Promise<void> {
  const total = Math.ceil(storage.end / header.clusterSize);
  const references = new References(storage, header, refcounts.table);
  for (const window of await usedWindows(references, header, refcounts, total, (message) => comparison.problem?.(message))) {
    const first = window * WINDOW;
    const length = Math.min(WINDOW, total - first);
    const counts = new Uint32Array(length);
    const uses = new Uint8Array(length);
    await references.visit({
      reference(use, offset, bytes) {
        const from = Math.max(first, Math.floor(offset / header.clusterSize));
        const to = Math.min(first + length, Math.ceil((offset + bytes) / header.clusterSize));
        for (let cluster = from; cluster < to; cluster++) {
          counts[cluster - first]++;
          uses[cluster - first] |= USE_BIT[use] | (use === 'metadata' && counts[cluster - first] > 1 ? 8 : 0);
        }
      },
      problem() {},
    });
    const { codec } = refcounts;
    for (let n = 0; n < length; ) {
      const range = Math.floor((first + n) / codec.perBlock);
      const end = Math.min(length, (range + 1) * codec.perBlock - first);
      const block = await refcounts.block(range).catch(() => undefined);
      for (; n < end; n++) {
        const stored = block === undefined ? 0 : codec.get(block.view, (first + n) % codec.perBlock);
        if (stored !== 0 || counts[n] !== 0) comparison.cluster(first + n, stored, counts[n], ![0, 1, 2, 4].includes(uses[n]));
      }
      await comparison.blockDone?.();
    }
  }
}

/** The windows that anything lies in: a sparse file may be far larger than what it holds. */
async function usedWindows(
  references: References,
  { clusterSize }: Header,
  { table, codec }: Refcounts,
  total: number,
  problem: (message: string) => void,
): Promise<Set<number>> {
  const windows = new Set<number>();
  const use = (from: number, to: number): void => {
    for (let window = Math.floor(from / WINDOW); window * WINDOW < Math.min(to, total); window++) windows.add(window);
  };
  await references.visit({
    reference: (_use, offset, length) => use(Math.floor(offset / clusterSize), Math.ceil((offset + length) / clusterSize)),
    problem,
  });
  table.forEach((offset, range) => {
    if (offset !== 0) use(range * codec.perBlock, (range + 1) * codec.perBlock);
  });
  return windows;
}
