/** For the tests of sessions: small guests, a host whose time is made up, and recordings in memory. */
import { createHash } from 'node:crypto';
import type { BlockNode } from '../block/node.ts';
import type { Machine } from '../boards/machine.ts';
import { SECTOR_BYTES } from '../bus/disk.ts';
import { armWord } from '../cpu/arm/testing/assembler.suite.ts';
import type { CharBackend, HostClock } from '../host/host.ts';
import { DigestChain } from '../replay/digest-chain.ts';
import { type Hasher, loadHasher } from '../replay/hasher.ts';
import { type End, type EndReason, type Header, type MachineOptions, START } from '../replay/model.ts';
import { type Recording, readRecording } from '../replay/reader.ts';
import { MemoryFile } from '../replay/recording.suite.ts';
import type { LogRecord } from '../replay/records.ts';
import { RecordingWriter } from '../replay/writer.ts';
import { RecordingStore } from '../snapshot/recording-store.ts';
import { type Icount, icount } from '../time/units.ts';
import { buildMachine, digestible, type MachineFiles } from './build.ts';
import type { CheckpointKeeper } from './checkpoint-keeper.ts';
import { LiveRun } from './live.ts';
import { prepareReplay } from './play.ts';
import { LogRecorder } from './recorder.ts';
import type { ReplayRun, ReplayStop } from './replay-run.ts';
import type { SnapshotPlace } from './snapshots.ts';

export const hasher: Hasher = await loadHasher();
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** A program for the bare machine, one instruction a line; `label:` stands alone, `@label` is its address. */
export function program(text: string): Uint8Array {
  const lines = text
    .split('\n')
    .map((line) => line.replace(/;.*/, '').trim())
    .filter((line) => line !== '');
  const labels = new Map<string, number>();
  const instructions: string[] = [];
  for (const line of lines) {
    if (line.endsWith(':')) labels.set(line.slice(0, -1), instructions.length * 4);
    else instructions.push(line);
  }
  const words = instructions.map((line, n) =>
    armWord(
      line.replace(/@(\w+)/, (_, label) => `#${labels.get(label)}`),
      n * 4,
    ),
  );
  return new Uint8Array(Uint32Array.from(words).buffer);
}

/**
 * Waits for interrupts and says what came: `.` for each tick of a 100 Hz timer, and each received byte itself; a `!`
 * resets the board. How often it woke up is counted at 0x8000. Interrupts are masked: they only end the waits.
 * @param ticking without the timer it waits for ever unless something comes
 */
export const waitingGuest = (ticking: boolean): Uint8Array =>
  program(`
    mov r4, #0x16000000     ; UART0
    mov r5, #0x13000000     ; timers
    mov r6, #0x14000000     ; interrupt controller
    mov r8, #0x8000
    mov r0, #0x10
    str r0, [r4, #0x38]     ; receive interrupt
    mov r0, #0x2700
    orr r0, r0, #0x10
    str r0, [r5, #0x100]    ; 10000 microseconds
    mov r0, #${ticking ? '0xe2' : '0'}
    str r0, [r5, #0x108]    ; periodic, interrupting, 32 bits
    mov r0, #0x42
    str r0, [r6, #8]        ; both interrupts
    mov r0, #0x3e           ; '>'
    str r0, [r4]
    wait:
    mcr p15, #0, r0, c7, c0, #4
    ldr r1, [r8]
    add r1, r1, #1
    str r1, [r8]
    mov r0, #0x40           ; some work
    work:
    subs r0, r0, #1
    bne @work
    ldr r0, [r5, #0x110]
    tst r0, #1
    beq @receive
    str r0, [r5, #0x10c]
    mov r0, #0x2e           ; '.'
    str r0, [r4]
    receive:
    ldr r0, [r4, #0x18]
    tst r0, #0x10           ; nothing received
    bne @wait
    ldr r0, [r4]
    str r0, [r4]
    cmp r0, #0x21           ; '!'
    moveq r2, #0x10000000
    moveq r3, #8
    streq r3, [r2, #0xc]
    b @receive
  `);

/** Counts, as fast as it can, and sends a `.` every 4096 rounds; what comes in waits. */
export const BUSY_GUEST = program(`
    mov r4, #0x16000000
    loop:
    add r1, r1, #1
    movs r2, r1, lsl #20
    moveq r0, #0x2e
    streq r0, [r4]
    b @loop
  `);

export const bios = (bytes: Uint8Array): MachineFiles => ({ bios: { name: 'guest.bin', bytes } });

export const OPTIONS: MachineOptions = {
  machine: 'integratorcp',
  cpu: 'arm926',
  ramBytes: 0x100000,
  append: '',
  icountShift: 3,
  rtcBase: 1_000_000_000,
  seed: '0000000000000001',
  noReboot: true,
  nics: [],
  disks: [],
};

/** Something that happens at a moment of the host's time. */
export interface Happening {
  readonly at: number;
  readonly act: () => void;
}

/**
 * A host whose time passes only while it is looked at, and while someone waits. What is to happen happens when the
 * program lets the host have its turn.
 */
export class MadeUpClock implements HostClock {
  private now = 0;
  private readonly agenda: Happening[] = [];
  /** What a look at the clock costs, in milliseconds: it stands for the work in between. */
  private readonly step: number;

  constructor(step = 0.5) {
    this.step = step;
  }

  /** Adds something to happen; what is added for the same moment happens in the order of adding. */
  plan(at: number, act: () => void): void {
    this.agenda.push({ at, act });
    this.agenda.sort((a, b) => a.at - b.at);
  }

  milliseconds(): number {
    this.now += this.step;
    return this.now;
  }

  async wait(ms: number, wake: Promise<void>): Promise<void> {
    let woken = false;
    void wake.then(() => {
      woken = true;
    });
    const end = this.now + ms;
    await this.turn();
    while (!woken && this.now < end) {
      const next = this.agenda[0]?.at ?? Number.POSITIVE_INFINITY;
      if (next === Number.POSITIVE_INFINITY && end === next) throw new Error('the run waits for ever');
      this.now = Math.max(this.now, Math.min(next, end));
      await this.turn();
    }
  }

  async turn(): Promise<void> {
    while (this.agenda.length > 0 && this.agenda[0].at <= this.now) {
      this.agenda.shift()!.act();
      await Promise.resolve();
    }
    await Promise.resolve();
  }
}

/** The far end of a serial line. */
export class FarEnd implements CharBackend {
  congested = false;
  held = false;
  /** How often the other side asked to hold back. */
  holds = 0;
  said = '';
  private listener: (bytes: Uint8Array) => void = () => {};
  private draining: () => void = () => {};

  type(text: string): void {
    this.listener(Uint8Array.from(text, (c) => c.charCodeAt(0)));
  }
  write(bytes: Uint8Array): void {
    this.said += Buffer.from(bytes).toString('latin1');
  }
  drained(): Promise<void> {
    return new Promise((resolve) => {
      this.draining = resolve;
    });
  }
  setCongested(congested: boolean): void {
    this.congested = congested;
    if (!congested) this.draining();
  }
  onInput(listener: (bytes: Uint8Array) => void): void {
    this.listener = listener;
  }
  pauseInput(paused: boolean): void {
    this.held = paused;
    if (paused) this.holds++;
  }
  async close(): Promise<void> {}
}

export interface Session {
  readonly live: LiveRun;
  readonly machine: Machine;
  readonly clock: MadeUpClock;
  readonly ends: readonly [FarEnd, FarEnd];
  readonly file: MemoryFile;
}

export interface SessionOptions {
  readonly guest?: Uint8Array;
  readonly files?: MachineFiles;
  readonly options?: Partial<MachineOptions>;
  readonly sleep?: boolean;
  readonly interval?: number;
  readonly startHeld?: boolean;
  readonly step?: number;
  /** Room in the file that takes the recording, in bytes. */
  readonly capacity?: number;
  /** What is behind the machine's disks. */
  readonly disks?: readonly BlockNode[];
  /** Stores checkpoints. */
  readonly keeper?: (recording: { readonly machine: Machine; readonly chain: DigestChain; readonly writer: RecordingWriter }) => CheckpointKeeper;
}

/** A machine that is recorded into memory, and has not begun. */
export function newSession({
  guest,
  files,
  options,
  sleep = false,
  interval = 5000,
  startHeld,
  step,
  capacity,
  disks = [],
  keeper,
}: SessionOptions): Session {
  const settings = { ...OPTIONS, disks: disks.map(({ size, readOnly }) => ({ sectors: size / SECTOR_BYTES, readOnly })), ...options };
  const inputs = files ?? bios(guest!);
  const machine = buildMachine(settings, inputs, () => {});
  const chain = new DigestChain(digestible(machine), hasher);
  const named = Object.entries(inputs) as [keyof MachineFiles, { name: string; bytes: Uint8Array }][];
  const header: Header = {
    engineVersion: 'test',
    options: settings,
    inputs: named.map(([role, { name, bytes }]) => ({ role, name, size: bytes.length, sha256: sha256(bytes), embedded: true })),
    disks: disks.map((_, n) => ({ device: `sd${n}`, name: 'disk', content: '0'.repeat(64), embedded: false, overlay: '' })),
    start: { snapshot: 'replay_init', kept: 'power-on', position: START },
    components: chain.components(),
    digestInterval: interval,
  };
  const file = new MemoryFile(undefined, capacity);
  const writer = RecordingWriter.create(file, header, new Map(named.map(([role, { bytes }]) => [role, bytes])), hasher);
  const ends = [new FarEnd(), new FarEnd()] as const;
  const clock = new MadeUpClock(step);
  const recorder = new LogRecorder(writer, chain, header, keeper?.({ machine, chain, writer }));
  const snapshots: SnapshotPlace = {
    store: new RecordingStore({ snapshots: [], initial: undefined, append: () => writer, blocks: () => [] }, 0),
    options: settings,
    engineVersion: 'test',
    layers: undefined,
    date: () => ({ seconds: 1_000_000, nanoseconds: 0 }),
    newName: () => 'vm-1',
  };
  const live = new LiveRun({ machine, clock, serial: ends, network: [], disks, sleep, noReboot: settings.noReboot, startHeld, recorder, snapshots });
  return { live, machine, clock, ends, file };
}

/** Runs until the guest resets, or quits at that time of the host. */
export async function runUntil({ live, clock }: Session, quitAt?: number): Promise<EndReason> {
  if (quitAt !== undefined) clock.plan(quitAt, () => live.quit('quit'));
  return live.run();
}

export const open = (bytes: Uint8Array): Recording => readRecording(new MemoryFile(bytes), hasher, sha256);

export interface Replay {
  readonly run: ReplayRun;
  /** What the serial ports have sent. */
  readonly said: [string, string];
}

/**
 * A replay that has not begun.
 * @param step of its clock, in milliseconds
 * @param taken resolves when output has been taken
 * @param onPassing called now and then, between two instructions
 * @param disks what is behind the machine's disks
 */
export async function newReplay(
  bytes: Uint8Array,
  step?: number,
  taken: () => Promise<void> | void = () => {},
  onPassing?: () => void,
  disks?: readonly BlockNode[],
): Promise<Replay> {
  const recording = open(bytes);
  const files: MachineFiles = {};
  for (const { role, name } of recording.header.inputs) files[role] = { name, bytes: (await recording.embedded(role))! };
  const said: [string, string] = ['', ''];
  const output = (port: number, sent: Uint8Array): Promise<void> | void => {
    said[port] += Buffer.from(sent).toString('latin1');
    return taken();
  };
  return { run: await prepareReplay(recording, files, hasher, { clock: new MadeUpClock(step), output, onPassing, disks }), said };
}

/** Replays to the end, or to a count. @throws DivergenceError */
export async function replay(bytes: Uint8Array, to?: number): Promise<Replay & { readonly stop: ReplayStop }> {
  const { run, said } = await newReplay(bytes);
  return { run, said, stop: await run.run(to === undefined ? undefined : (icount(to) as Icount)) };
}

/** What someone with an editor makes of a recording: every check is right. */
export async function forged(
  bytes: Uint8Array,
  change: {
    readonly header?: Partial<Header>;
    readonly log?: (records: LogRecord[]) => readonly LogRecord[];
    readonly end?: (end: End) => End | undefined;
  },
): Promise<Uint8Array> {
  const { header, log, end, embedded } = open(bytes);
  const inputs = new Map<Header['inputs'][number]['role'], Uint8Array>();
  for (const { role } of header.inputs) inputs.set(role, (await embedded(role))!);
  const file = new MemoryFile();
  const writer = RecordingWriter.create(file, { ...header, ...change.header }, inputs, hasher);
  for (const record of change.log?.([...log]) ?? log) {
    if (record.kind === 'event') writer.event(record.event);
    else if (record.kind === 'digest') writer.digest(record.digest);
    else writer.flush(record.position);
  }
  const last = end && change.end ? change.end(end) : end;
  if (last !== undefined) writer.finish(last);
  else if (end !== undefined) writer.flush(end.digest);
  return file.bytes;
}

/** The names of all that differs between two machines. */
export function differing(a: Machine, b: Machine): string[] {
  const names = a.components.flatMap(({ name, state }, n) => state.diff(b.components[n].state.save()).map((field) => `${name}.${field}`));
  if (Buffer.compare(a.memory.ram, b.memory.ram) !== 0) names.push('ram');
  return names;
}
