/** A card on a bench: the host at its other end are the methods below, and its disk is in memory. */
import type { DiskUser } from '../../bus/disk.ts';
import { SECTOR_BYTES } from '../../bus/disk.ts';
import { ns } from '../../time/units.ts';
import { Bench } from '../contract.suite.ts';
import { ACMD, CMD } from './commands.ts';
import { SdCard } from './sd-card.ts';

export const MiB = 1024 ** 2;
export const GiB = 1024 ** 3;

/** A disk of any size of which only what is not zero takes room. It refuses what a card must never ask for. */
export class SparseDisk {
  readonly bytes: number;
  readonly done: string[] = [];
  private readonly sectors = new Map<number, Uint8Array>();

  constructor(bytes: number) {
    this.bytes = bytes;
  }

  sector(offset: number): Uint8Array {
    return this.sectors.get(offset) ?? new Uint8Array(SECTOR_BYTES);
  }

  fill(offset: number, value: number): void {
    this.sectors.set(offset, new Uint8Array(SECTOR_BYTES).fill(value));
  }

  /** Does what is due, as the session does. */
  serve(user: DiskUser, now: number): void {
    if (user.due() > now) return;
    const request = user.request();
    if (request === undefined || request.kind === 'flush') throw new Error('a due time without a request');
    const length = request.kind === 'write' ? request.bytes.length : request.length;
    const { offset, kind } = request;
    if (offset < 0 || offset % SECTOR_BYTES || length <= 0 || length % SECTOR_BYTES || offset + length > this.bytes)
      throw new Error(`${kind} of ${length} bytes at ${offset}`);
    this.done.push(`${kind} ${offset / SECTOR_BYTES}+${length / SECTOR_BYTES}`);
    if (request.kind === 'write') this.sectors.set(offset, request.bytes.slice());
    if (request.kind === 'discard') for (const key of this.sectors.keys()) if (key >= offset && key < offset + length) this.sectors.delete(key);
    user.complete(request.kind === 'read' ? this.sector(offset).slice() : undefined);
  }
}

export class CardBed {
  readonly bench = new Bench();
  readonly card: SdCard;
  readonly disk: SparseDisk;
  changes = 0;

  constructor(bytes: number, readOnly = false) {
    this.card = new SdCard('sd0', { bytes, readOnly }, { host: { cardChanged: () => void this.changes++ }, clock: this.bench });
    this.card.seal();
    this.disk = new SparseDisk(bytes);
  }

  /** Time passes, and the disk does its work. */
  pass(nanoseconds: number): void {
    const target = this.bench.time + nanoseconds;
    while (this.card.due() <= target) {
      this.bench.time = ns(this.card.due());
      this.disk.serve(this.card, this.bench.time);
    }
    this.bench.time = ns(target);
  }

  /** The value of a short response, the words of a long one, or undefined. */
  cmd(index: number, argument = 0): number | readonly number[] | undefined {
    const response = this.card.command(index, argument >>> 0);
    return response?.kind === 'short' ? response.value : response?.words;
  }

  acmd(index: number, argument = 0): number | readonly number[] | undefined {
    this.cmd(CMD.APP_CMD, this.address());
    return this.cmd(index, argument);
  }

  /** The card's relative address, where an argument has it. */
  address(): number {
    return (this.card.state.fields.rca << 16) >>> 0;
  }

  /** From power-on to the transfer state. */
  identify(): this {
    this.cmd(CMD.GO_IDLE_STATE);
    this.cmd(CMD.SEND_IF_COND, 0x1aa);
    const ready = (): boolean => ((this.acmd(ACMD.SD_SEND_OP_COND, 0x40ff8000) as number) & 0x80000000) !== 0;
    if (!ready()) {
      this.pass(5_000_000);
      if (!ready()) throw new Error('the card does not power up');
    }
    this.cmd(CMD.ALL_SEND_CID);
    this.cmd(CMD.SEND_RELATIVE_ADDR);
    this.cmd(CMD.SELECT_CARD, this.address());
    return this;
  }

  /** CURRENT_STATE, as SEND_STATUS tells it. */
  state(): number {
    return ((this.cmd(CMD.SEND_STATUS, this.address()) as number) >>> 9) & 15;
  }

  /** What comes on the data lines, as far as the card goes by itself. */
  receive(limit = 4096): Uint8Array {
    const bytes: number[] = [];
    while (bytes.length < limit) {
      this.card.nextBlock();
      this.pass(1_000_000);
      if (this.card.readable() === 0) break;
      while (this.card.readable() > 0 && bytes.length < limit) bytes.push(this.card.take());
    }
    return Uint8Array.from(bytes);
  }

  /** Sends bytes until the card takes no more; returns how many it took. */
  send(bytes: Uint8Array): number {
    let sent = 0;
    while (sent < bytes.length) {
      this.card.nextBlock();
      if (this.card.writable() === 0) break;
      while (this.card.writable() > 0 && sent < bytes.length) this.card.put(bytes[sent++]);
      this.pass(1_000_000);
    }
    return sent;
  }
}

/** Bits `high` to `low` of a register that was sent as bytes or words, the most significant first. */
export function bitsOf(register: Uint8Array | readonly number[], high: number, low: number): number {
  const width = register instanceof Uint8Array ? 8 : 32;
  let value = 0n;
  for (const part of register) value = (value << BigInt(width)) | BigInt(part);
  return Number((value >> BigInt(low)) & ((1n << BigInt(high - low + 1)) - 1n));
}
