/**
 * A replay: the recorded inputs enter at the recorded moments, nothing else does, and every digest is compared.
 */

import type { BlockNode } from '../block/node.ts';
import type { Machine } from '../boards/machine.ts';
import { RepriseError } from '../errors/errors.ts';
import type { HostClock } from '../host/host.ts';
import { type DigestChain, differences } from '../replay/digest-chain.ts';
import type { Digest, End, InputEvent, Position } from '../replay/model.ts';
import { replayState } from '../replay/replay-state.ts';
import type { NamedState } from '../snapshot/blocks.ts';
import type { Schema } from '../state/fields.ts';
import type { State } from '../state/layout.ts';
import { type Icount, type Nanoseconds, NEVER, ns, icount as toIcount } from '../time/units.ts';
import { applyInput } from './apply.ts';
import { DiskFault, DiskService } from './disks.ts';
import { lastCount, withinTime } from './end-of-time.ts';
import { takeOutputs } from './outputs.ts';
import type { Moment, Witness } from './witness.ts';

const SLICE = 1 << 20;
const TURN_MS = 50;

export type ScriptRecord = { readonly kind: 'event'; readonly event: InputEvent } | { readonly kind: 'digest'; readonly digest: Digest };

/** What was recorded, in the order of the log. */
export interface Script {
  readonly componentNames: readonly string[];
  readonly noReboot: boolean;
  /** Inputs and digests, as they were recorded, from that one on, counted from 0. */
  records(from: number): Iterable<ScriptRecord>;
  readonly end: End | undefined;
  /** The last moment that is known to have been recorded. */
  readonly reached: Position;
}

/** The replay is not the recorded run. */
export class DivergenceError extends RepriseError {
  /** Names of what differs. */
  readonly components: readonly string[];
  /** The last moment at which all was well, and the one at which it was not. */
  readonly from: Icount;
  readonly to: Icount;
  constructor(components: readonly string[], from: Icount, to: Icount, detail: string) {
    super('DIVERGED', `the replay differs from the recording between instruction ${from} and ${to}: ${detail}`);
    this.components = components;
    this.from = from;
    this.to = to;
  }
}

export interface ReplayOptions {
  readonly machine: Machine;
  readonly chain: DigestChain;
  readonly script: Script;
  /** One for each disk of the machine; the replay writes to them. */
  readonly disks?: readonly BlockNode[] | undefined;
  readonly clock: HostClock;
  /** Takes what the guest sends on a port; may make the replay wait. */
  readonly output: (port: number, bytes: Uint8Array) => Promise<void> | void;
  readonly onProgress?: ((machine: Machine) => void) | undefined;
  /** Called when a digest was compared, and nothing happened since; the run waits for it. */
  readonly onDigest?: ((position: Position) => Promise<void>) | undefined;
  /** Called now and then, at the moment of a count. */
  readonly onPassing?: (() => void) | undefined;
}

/** How far a replay got. */
export type ReplayStop =
  | 'end'
  | 'limit'
  | 'interrupted'
  /** A debugger's stop, which waits to be taken. */
  | 'debug';

export class ReplayRun {
  readonly machine: Machine;
  private readonly options: ReplayOptions;
  private readonly disks: DiskService;
  private readonly state = replayState.create();
  private script: Iterator<ScriptRecord>;
  private nextEvent: InputEvent | undefined;
  private nextDigest: Digest | undefined;
  private verified: Icount = toIcount(0);
  private last: Digest | undefined;
  private interrupted = false;
  /** When the host could last deliver what had arrived; of one run or another, since many may be short. */
  private lastTurn = 0;
  private ended = false;
  /** Of each serial port: how many bytes were passed on. What is sent again after a step back is not. */
  private readonly printed: number[];
  private readonly witnesses = new Set<Witness>();

  constructor(options: ReplayOptions) {
    this.options = options;
    this.machine = options.machine;
    this.disks = new DiskService(options.machine, options.disks ?? []);
    this.printed = options.machine.serial.map(() => 0);
    this.script = options.script.records(0)[Symbol.iterator]();
    this.readAhead();
  }

  /** What a snapshot needs to know of the replay, besides the machine. */
  get states(): readonly NamedState[] {
    return [{ name: 'replay', state: this.state as State<Schema> }, ...this.options.chain.states];
  }

  /** What a stored checkpoint holds: of the machine and its outputs. The rest follows from the log. */
  get storedStates(): readonly NamedState[] {
    return [...this.machine.components, ...this.options.chain.outputStates];
  }

  /** The machine and `states` are another moment's now: the replay goes on from there. */
  moved(): void {
    this.script = this.options.script.records(this.state.fields.records)[Symbol.iterator]();
    this.ended = false;
    this.verified = this.machine.icount();
    this.last = undefined;
    this.readAhead();
  }

  /** Has `witness` told of all that happens from now on, again after a step back. Returns how to stop that. */
  listen(witness: Witness): () => void {
    this.witnesses.add(witness);
    return () => void this.witnesses.delete(witness);
  }

  /**
   * The machine was put at the moment of a digest of the log: compares it, and goes on from there.
   * @param count events and digests of the log up to this one, itself included
   * @returns what is not as recorded; if anything is, the replay must be taken to another moment
   */
  resume(digest: Digest, count: number): string[] {
    const { chain, script } = this.options;
    const found = { ...chain.resume(digest), ...this.position() };
    const differing = differences(script.componentNames, digest, found);
    if (found.icount !== digest.icount || found.bias !== digest.bias) differing.push('clock');
    this.state.fields.records = count;
    this.moved();
    return differing;
  }

  /** The digest that was compared last. */
  lastDigest(): Digest | undefined {
    return this.last;
  }

  /** Stops between two instructions. */
  interrupt(): void {
    this.interrupted = true;
  }

  position(): Position {
    return { icount: this.machine.icount(), bias: this.machine.clock.state.fields.bias };
  }

  /** Goes on to instruction `limit`, to virtual time `until`, or to the end. @throws DivergenceError */
  async run(limit: Icount = toIcount(Number.MAX_SAFE_INTEGER), until: Nanoseconds = NEVER): Promise<ReplayStop> {
    const { machine, options } = this;
    const { clock, script, onProgress, onPassing } = options;
    const end = script.end?.digest ?? script.reached;
    for (;;) {
      const now = clock.milliseconds();
      if (now - this.lastTurn >= TURN_MS) {
        onProgress?.(machine);
        await clock.turn();
        this.lastTurn = now;
        if (this.interrupted) {
          this.interrupted = false;
          return 'interrupted';
        }
      }
      if (this.ended) return 'end';
      const at = machine.icount();
      if (at >= limit || machine.now() >= until) return 'limit';
      if (this.disks.due() && !this.stuckAtEnd(end)) await this.serveDisks();
      // A digest is taken when its count is first reached, before anything else happens there.
      const soon = at + machine.clock.instructionsUntil(until);
      const goal = toIcount(Math.min(limit, soon, end.icount, this.nextEvent?.icount ?? end.icount, this.nextDigest?.icount ?? end.icount));
      if (goal > lastCount(machine)) this.diverge(['clock'], at, 'virtual time is at its end, and was not in the recording');
      const stop = machine.advance(goal, SLICE);
      await this.forwardOutput();
      if (this.nextDigest?.icount === machine.icount()) await this.checkDigest(this.nextDigest);
      if (stop === 'disk' && !this.stuckAtEnd(end)) continue;
      if (stop === 'debug') return 'debug';
      // The moment of a count is the one at which it is first reached: before events, resets and idle time.
      if (machine.icount() >= limit || machine.now() >= until) return 'limit';
      if (machine.icount() > at) onPassing?.();
      if (stop === 'reset' && !script.noReboot) machine.reset();
      else if (this.nextEvent?.icount === goal && machine.icount() === goal) this.admitOrIdle(this.nextEvent);
      else if (machine.icount() === end.icount) {
        if (this.reachEnd(end)) return 'end';
      } else if (stop === 'reset') this.diverge(['machine'], machine.icount(), 'the guest resets here, and did not in the recording');
      else if (stop === 'idle') this.idle(goal, until);
    }
  }

  /** Takes what the guest has sent, and passes it on. */
  async forwardOutput(): Promise<void> {
    const { chain, output } = this.options;
    const texts: [number, Uint8Array][] = [];
    takeOutputs(this.machine, {
      hashed: (stream, bytes) => chain.sent(stream, bytes),
      serial: (port, bytes, times) => {
        this.tellSerial(port, bytes, times);
        const sent = chain.sentBytes(port);
        const news = Math.min(bytes.length, sent - this.printed[port]);
        if (news <= 0) return;
        this.printed[port] = sent;
        texts.push([port, bytes.subarray(bytes.length - news)]);
      },
      frame: (_nic, bytes, at) => this.tellFrame(bytes, 'sent', this.momentOf(at)),
    });
    for (const [port, bytes] of texts) await output(port, bytes);
  }

  private tellSerial(port: number, bytes: Uint8Array, times: Float64Array): void {
    if (this.witnesses.size === 0) return;
    for (const [n, byte] of bytes.entries()) {
      const at = this.momentOf(ns(times[n]));
      for (const witness of this.witnesses) witness.serial?.(port, byte, at);
    }
  }

  private tellFrame(bytes: Uint8Array, direction: 'sent' | 'received', at: Moment): void {
    for (const witness of this.witnesses) witness.frame?.(bytes, direction, at);
  }

  private tellDisks(): void {
    const guestTime = this.machine.now();
    for (const { name, user } of this.witnesses.size === 0 ? [] : this.machine.disks) {
      const request = user.due() <= guestTime ? user.request() : undefined;
      if (request === undefined) continue;
      for (const witness of this.witnesses) witness.disk?.(name, request, { icount: this.machine.icount(), guestTime });
    }
  }

  /** Of a time since the last outputs were taken; no idle time has passed between it and now. */
  private momentOf(guestTime: Nanoseconds): Moment {
    const { machine } = this;
    return { icount: toIcount(machine.icount() - (machine.now() - guestTime) / machine.clock.scale), guestTime };
  }

  private async checkDigest(expected: Digest): Promise<void> {
    this.compare(expected);
    this.advanceLog();
    await this.options.onDigest?.(this.position());
  }

  private compare(expected: Digest): void {
    const { chain, script } = this.options;
    const found = chain.take(this.position());
    const differing = differences(script.componentNames, expected, found);
    if (found.bias !== expected.bias && differing.length === 0) differing.push('clock');
    if (differing.length > 0) this.diverge(differing, expected.icount, `first differing component: ${differing.join(', ')}`);
    this.verified = expected.icount;
    this.last = found;
  }

  private diverge(components: readonly string[], at: Icount, detail: string): never {
    throw new DivergenceError(components, this.verified, at, detail);
  }

  /** The machine stands at the count of an input: either it is its moment, or idle time has to pass first. */
  private admitOrIdle(event: InputEvent): void {
    if (!this.passIdleTime(event) || this.disks.due()) return;
    if (!applyInput(this.machine, event.input)) {
      this.diverge([event.input.kind], event.icount, `the recorded input (${event.input.kind}) cannot be delivered`);
    }
    if (event.input.kind === 'frame') this.tellFrame(event.input.bytes, 'received', this.momentOf(this.machine.now()));
    this.advanceLog();
  }

  /** Idles towards the moment of `target`, whose count is reached. True when it is there. */
  private passIdleTime(target: Position): boolean {
    const { machine } = this;
    const missing = target.bias - machine.clock.state.fields.bias;
    if (missing === 0) return true;
    if (missing < 0 || !machine.cpu.halted()) this.diverge(['clock'], target.icount, 'virtual time is not what it was');
    machine.idleUntil(ns(Math.min(machine.nextWakeup(), machine.now() + missing)));
    return machine.clock.state.fields.bias === target.bias;
  }

  private reachEnd(end: Position): boolean {
    if (!this.passIdleTime(end) || (this.disks.due() && !this.stuckAtEnd(end))) return false;
    const digest = this.options.script.end?.digest;
    if (digest !== undefined) this.compare(digest);
    this.ended = true;
    return true;
  }

  /** The recording ended while the guest waited for a disk that had failed. */
  private stuckAtEnd(end: Position): boolean {
    const { icount, bias } = this.position();
    return this.options.script.end?.reason === 'disk-error' && icount === end.icount && bias === end.bias && this.nextEvent === undefined;
  }

  private async serveDisks(): Promise<void> {
    this.tellDisks();
    try {
      await this.disks.serve();
    } catch (error) {
      throw error instanceof DiskFault ? error.cause : error;
    }
  }

  private idle(goal: Icount, until: Nanoseconds): void {
    const wake = this.machine.nextWakeup();
    if (wake === NEVER && until === NEVER) this.diverge(['cpu'], goal, 'the guest waits for ever, and did not in the recording');
    this.machine.idleUntil(withinTime(ns(Math.min(wake, until))));
  }

  /** The record that was waited for lies behind. */
  private advanceLog(): void {
    this.state.fields.records++;
    this.readAhead();
  }

  /** Takes the next record of the log; events and digests come in the order of their moments. */
  private readAhead(): void {
    this.nextEvent = undefined;
    this.nextDigest = undefined;
    const { value, done } = this.script.next();
    if (done) return;
    if (value.kind === 'event') this.nextEvent = value.event;
    else this.nextDigest = value.digest;
  }
}
