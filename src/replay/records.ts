/** The log of a recording: what happened, in order, as varint records. Layout: docs/recording-format.md. */
import { assert } from '../errors/errors.ts';
import { icount, LIMIT, ns } from '../time/units.ts';
import { ByteReader, ByteWriter } from './bytes.ts';
import type { Chunk } from './chunks.ts';
import type { Digest, End, EndReason, Header, Input, InputEvent, Position } from './model.ts';

export type LogRecord =
  | { readonly kind: 'event'; readonly event: InputEvent }
  | { readonly kind: 'digest'; readonly digest: Digest }
  /** The run got here; nothing else happened. */
  | { readonly kind: 'progress'; readonly position: Position };

/** Longest serial event; more input is more events. */
export const MAX_SERIAL_BYTES = 64 * 1024;
const MAX_SERIAL_PORT = 15;
const MAX_NIC = 15;
const MAX_MOUSE_STEP = 2 ** 31 - 1;
const MAX_MOUSE_MASK = 7;
const KEY_CODE = /^[a-z0-9_]{1,32}$/;
const COMPONENT = /^[a-z0-9-]{1,64}$/;
/** Longest change by a debugger; more is more events. */
export const MAX_PATCH_BYTES = 64 * 1024;

const KIND = {
  PROGRESS: 1,
  DIGEST: 2,
  SERIAL: 3,
  KEY_DOWN: 4,
  KEY_UP: 5,
  MOUSE_MOVE: 6,
  MOUSE_BUTTONS: 7,
  RESET: 8,
  FRAME: 9,
  PATCH: 10,
} as const;

/** A reason's number is its place here. */
const END_REASONS: readonly EndReason[] = ['guest-reset', 'quit', 'interrupted', 'error', 'disk-error'];
const CHAIN_BYTES = 8;

/** Destination, source and type at the least; see `MAX_FRAME` of the network layer. */
const isFrameLength = (length: number): boolean => length >= 14 && length <= 1518;
const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
/** Virtual time, too, ends at 2^53. */
const isPosition = ({ icount, bias }: Position, shift: number): boolean => isCount(icount) && isCount(bias) && icount * 2 ** shift + bias < LIMIT;
const isMouseStep = (step: number): boolean => Number.isInteger(step) && Math.abs(step) <= MAX_MOUSE_STEP;

const hexOf = (bytes: Uint8Array): string => Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
const bytesOf = (hex: string): number[] => Array.from({ length: hex.length / 2 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16));

/** When the next digest is due: at the start of the recording, then at every multiple of the interval. */
export const firstDigest = ({ start }: Pick<Header, 'start'>): number => start.position.icount;
export const digestAfter = (icount: number, { digestInterval }: Pick<Header, 'digestInterval'>): number =>
  (Math.floor(icount / digestInterval) + 1) * digestInterval;

/** Turns the log into bytes. What it is given comes from this program: a value that the format cannot hold is a broken invariant. */
export class LogEncoder {
  private readonly header: Header;
  private readonly out = new ByteWriter();
  /** Instruction count of the next digest. */
  private due: number;
  /** Of the last record. */
  position: Position;

  constructor(header: Header) {
    this.header = header;
    this.due = firstDigest(header);
    this.position = header.start.position;
  }

  /** Bytes since the last `take`. */
  get length(): number {
    return this.out.length;
  }

  take(): Uint8Array {
    return this.out.take();
  }

  event(event: InputEvent): void {
    const { out } = this;
    const { input } = event;
    switch (input.kind) {
      case 'serial':
        assert(Number.isInteger(input.port) && input.port >= 0 && input.port <= MAX_SERIAL_PORT, 'a serial port is 0 to 15');
        assert(input.bytes.length >= 1 && input.bytes.length <= MAX_SERIAL_BYTES, 'a serial event has 1 byte to 64 KiB');
        this.begin(KIND.SERIAL, event);
        out.u8(input.port);
        out.varint(input.bytes.length);
        out.bytes(input.bytes);
        break;
      case 'key':
        assert(KEY_CODE.test(input.code), 'a key code is a QKeyCode name');
        this.begin(input.down ? KIND.KEY_DOWN : KIND.KEY_UP, event);
        out.u8(input.code.length);
        out.bytes(Array.from(input.code, (c) => c.charCodeAt(0)));
        break;
      case 'mouse-move': {
        const steps = [input.dx, input.dy, input.dz];
        assert(steps.every(isMouseStep), 'a mouse step is an integer of 32 bits');
        this.begin(KIND.MOUSE_MOVE, event);
        for (const step of steps) out.signed(step);
        break;
      }
      case 'mouse-buttons':
        assert(Number.isInteger(input.mask) && input.mask >= 0 && input.mask <= MAX_MOUSE_MASK, 'a mouse has three buttons');
        this.begin(KIND.MOUSE_BUTTONS, event);
        out.u8(input.mask);
        break;
      case 'frame':
        assert(Number.isInteger(input.nic) && input.nic >= 0 && input.nic <= MAX_NIC, 'a network interface is 0 to 15');
        assert(isFrameLength(input.bytes.length), 'a frame has 14 to 1518 bytes');
        this.begin(KIND.FRAME, event);
        out.u8(input.nic);
        out.varint(input.bytes.length);
        out.bytes(input.bytes);
        break;
      case 'patch':
        assert(COMPONENT.test(input.component) && isCount(input.offset), 'a patch is of a place in a component');
        assert(input.bytes.length >= 1 && input.bytes.length <= MAX_PATCH_BYTES, 'a patch has 1 byte to 64 KiB');
        this.begin(KIND.PATCH, event);
        out.u8(input.component.length);
        out.bytes(Array.from(input.component, (c) => c.charCodeAt(0)));
        out.varint(input.offset);
        out.varint(input.bytes.length);
        out.bytes(input.bytes);
        break;
      case 'reset':
        this.begin(KIND.RESET, event);
        break;
    }
  }

  digest(digest: Digest): void {
    assert(digest.icount === this.due, 'a digest is taken at each multiple of the interval');
    this.begin(KIND.DIGEST, digest);
    this.hashes(digest);
    this.due = digestAfter(this.due, this.header);
  }

  progress(position: Position): void {
    this.begin(KIND.PROGRESS, position);
  }

  /** The payload of the end chunk follows, not a record: call `take` before and after. */
  end(end: End): void {
    this.begin(END_REASONS.indexOf(end.reason), end.digest);
    this.hashes(end.digest);
  }

  private begin(kind: number, to: Position): void {
    const from = this.position;
    assert(isPosition(to, this.header.options.icountShift), 'a position is within the limits of exact time');
    assert(to.icount >= from.icount && to.bias >= from.bias, 'the log does not run backwards');
    assert(to.icount <= this.due, 'no digest is left out');
    this.out.u8(kind);
    this.out.varint(to.icount - from.icount);
    this.out.varint(to.bias - from.bias);
    this.position = { icount: to.icount, bias: to.bias };
  }

  private hashes({ chain, components }: Digest): void {
    assert(/^[0-9a-f]{16}$/.test(chain), 'a chain hash is 16 hex digits');
    assert(components.length === this.header.components.length, 'a digest has a hash for each component');
    this.out.bytes(bytesOf(chain));
    for (const hash of components) this.out.u32(hash);
  }
}

/** A place between two chunks of the log, from which decoding can begin. */
export interface LogPlace {
  readonly position: Position;
  /** Instruction count of the next digest. */
  readonly due: number;
  /** Events and digests before. */
  readonly count: number;
}

const startOfLog = (header: Header): LogPlace => ({ position: header.start.position, due: firstDigest(header), count: 0 });

/** Turns bytes, which may be anything, into the log. Its methods throw `Damage` at what no recorder writes. */
export class LogDecoder {
  private readonly header: Header;
  private due: number;
  /** Of the last record. */
  position: Position;
  /** Events and digests so far. */
  count = 0;

  constructor(header: Header, from: LogPlace = startOfLog(header)) {
    this.header = header;
    ({ position: this.position, due: this.due, count: this.count } = from);
  }

  /** Where the next log chunk stands in the log. */
  get place(): LogPlace {
    const { position, due, count } = this;
    return { position, due, count };
  }

  /** The records of a log chunk; chunks must come in order, each read to its end. */
  *records(chunk: Chunk): Generator<LogRecord, void> {
    const reader = new ByteReader(chunk.payload, chunk.payloadOffset);
    do yield this.record(reader);
    while (!reader.atEnd);
  }

  end(chunk: Chunk): End {
    const reader = new ByteReader(chunk.payload, chunk.payloadOffset);
    const reason = END_REASONS[reader.u8()] ?? reader.refuse('an end for a reason that does not exist');
    this.advance(reader);
    const digest = this.hashes(reader);
    if (!reader.atEnd) reader.refuse('something follows the end');
    return { reason, digest };
  }

  private record(reader: ByteReader): LogRecord {
    const kind = reader.u8();
    this.advance(reader);
    if (kind === KIND.PROGRESS) return { kind: 'progress', position: this.position };
    if (kind === KIND.DIGEST) {
      const digest = this.hashes(reader);
      if (digest.icount !== this.due) reader.refuse('a digest where none is due');
      this.due = digestAfter(this.due, this.header);
      this.count++;
      return { kind: 'digest', digest };
    }
    this.count++;
    return { kind: 'event', event: { ...this.position, input: this.input(kind, reader) } };
  }

  private input(kind: number, reader: ByteReader): Input {
    switch (kind) {
      case KIND.SERIAL: {
        const port = reader.u8();
        if (port > MAX_SERIAL_PORT) reader.refuse('a serial port that no machine has');
        const length = reader.varint();
        if (length < 1 || length > MAX_SERIAL_BYTES) reader.refuse('a serial event has 1 byte to 64 KiB');
        // A copy: the event may be kept for longer than the chunk.
        return { kind: 'serial', port, bytes: reader.bytes(length).slice() };
      }
      case KIND.KEY_DOWN:
      case KIND.KEY_UP: {
        const code = String.fromCharCode(...reader.bytes(reader.u8()));
        if (!KEY_CODE.test(code)) reader.refuse('a key without a name');
        return { kind: 'key', code, down: kind === KIND.KEY_DOWN };
      }
      case KIND.MOUSE_MOVE: {
        const [dx, dy, dz] = [reader.signed(), reader.signed(), reader.signed()];
        if (![dx, dy, dz].every(isMouseStep)) reader.refuse('a mouse step of more than 32 bits');
        return { kind: 'mouse-move', dx, dy, dz };
      }
      case KIND.MOUSE_BUTTONS: {
        const mask = reader.u8();
        if (mask > MAX_MOUSE_MASK) reader.refuse('a mouse button that does not exist');
        return { kind: 'mouse-buttons', mask };
      }
      case KIND.FRAME: {
        const nic = reader.u8();
        if (nic > MAX_NIC) reader.refuse('a network interface that no machine has');
        const length = reader.varint();
        if (!isFrameLength(length)) reader.refuse('a frame has 14 to 1518 bytes');
        return { kind: 'frame', nic, bytes: reader.bytes(length).slice() };
      }
      case KIND.PATCH: {
        const component = String.fromCharCode(...reader.bytes(reader.u8()));
        if (!COMPONENT.test(component)) reader.refuse('a component without a name');
        const offset = reader.varint();
        const length = reader.varint();
        if (length < 1 || length > MAX_PATCH_BYTES) reader.refuse('a patch has 1 byte to 64 KiB');
        return { kind: 'patch', component, offset, bytes: reader.bytes(length).slice() };
      }
      case KIND.RESET:
        return { kind: 'reset' };
      default:
        return reader.refuse(`a record of kind ${kind}, which does not exist`);
    }
  }

  private advance(reader: ByteReader): void {
    const { icount: count, bias } = this.position;
    const to: Position = { icount: icount(count + reader.varint()), bias: ns(bias + reader.varint()) };
    if (!isPosition(to, this.header.options.icountShift)) reader.refuse('a position beyond the end of exact time');
    if (to.icount > this.due) reader.refuse('a digest is missing');
    this.position = to;
  }

  private hashes(reader: ByteReader): Digest {
    const chain = hexOf(reader.bytes(CHAIN_BYTES));
    const components = this.header.components.map(() => reader.u32());
    return { ...this.position, chain, components };
  }
}
