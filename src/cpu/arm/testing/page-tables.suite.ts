/** Page tables for tests, built word by word as ARM ARM B4.7 draws them. */
import type { CpuBench } from './cpu-bench.suite.ts';

/** Access permissions AP, by what they allow. User access is in the second half of the name. */
export const AP = { byControl: 0, privileged: 1, userReads: 2, all: 3 } as const;
/** What a domain does: no access, check permissions, do not check. */
export const DOMAIN = { none: 0, client: 1, manager: 3 } as const;

export interface Attributes {
  readonly ap?: number;
  readonly domain?: number;
}

const FIRST_LEVEL = 0x100000;

export class PageTables {
  private readonly bench: CpuBench;
  private next = FIRST_LEVEL + 0x4000;

  /** Puts an empty first-level table at 0x100000; second-level ones behind it. */
  constructor(bench: CpuBench) {
    this.bench = bench;
  }

  /** Address of the first-level descriptor of a virtual address. */
  first(address: number): number {
    return FIRST_LEVEL + ((address >>> 20) << 2);
  }

  /** Address of the second-level descriptor; the first-level one must be there. */
  second(address: number): number {
    const first = this.bench.word(this.first(address));
    return (first & 3) === 1 ? (first & 0xfffffc00) + (((address >>> 12) & 0xff) << 2) : (first & 0xfffff000) + (((address >>> 10) & 0x3ff) << 2);
  }

  section(from: number, to: number, { ap = AP.all, domain = 0 }: Attributes = {}): this {
    this.bench.words(this.first(from), (to & 0xfff00000) | (ap << 10) | (domain << 5) | 0x10 | 2);
    return this;
  }

  private table(address: number, domain: number, type: 1 | 3): void {
    if ((this.bench.word(this.first(address)) & 3) === type) return;
    const bytes = type === 1 ? 0x400 : 0x1000;
    this.next = (this.next + bytes - 1) & -bytes;
    this.bench.words(this.first(address), this.next | (domain << 5) | 0x10 | type);
    this.next += bytes;
  }

  /** 64 KiB, in a coarse table (16 descriptors) or a fine one (64). `aps` of the four 16 KiB from the lowest. */
  large(from: number, to: number, { aps = [3, 3, 3, 3], domain = 0, fine = false } = {}): this {
    this.table(from, domain, fine ? 3 : 1);
    for (let at = from & ~0xffff; at < (from & ~0xffff) + 0x10000; at += fine ? 0x400 : 0x1000) {
      this.bench.words(this.second(at), (to & 0xffff0000) | packed(aps) | 1);
    }
    return this;
  }

  /** 4 KiB, in a coarse table or a fine one. `aps` of the four 1 KiB from the lowest. */
  small(from: number, to: number, { aps = [3, 3, 3, 3], domain = 0, fine = false } = {}): this {
    this.table(from, domain, fine ? 3 : 1);
    for (let at = from & ~0xfff; at < (from & ~0xfff) + 0x1000; at += fine ? 0x400 : 0x1000) {
      this.bench.words(this.second(at), (to & 0xfffff000) | packed(aps) | 2);
    }
    return this;
  }

  /** 1 KiB, in a fine table. */
  tiny(from: number, to: number, { ap = AP.all, domain = 0 }: Attributes = {}): this {
    this.table(from, domain, 3);
    this.bench.words(this.second(from), (to & 0xfffffc00) | (ap << 4) | 3);
    return this;
  }

  /** A second-level descriptor with any contents, in a coarse or fine table. */
  raw(from: number, descriptor: number, { domain = 0, fine = false } = {}): this {
    this.table(from, domain, fine ? 3 : 1);
    this.bench.words(this.second(from), descriptor);
    return this;
  }

  /** Switches the MMU on. `domains` by number, 0 being a client if nothing is said. `control` are more bits of c1. */
  enable({ domains = { 0: DOMAIN.client }, control = 0 }: { domains?: Record<number, number>; control?: number } = {}): void {
    const { s } = this.bench.cpu;
    s.ttbr = FIRST_LEVEL;
    s.dacr = Object.entries(domains).reduce((value, [domain, access]) => (value | (access << (2 * Number(domain)))) >>> 0, 0);
    s.control |= 1 | control;
    this.bench.cpu.dropDerived();
  }
}

const packed = (aps: readonly number[]): number => aps.reduce((bits, ap, n) => bits | (ap << (4 + 2 * n)), 0);
