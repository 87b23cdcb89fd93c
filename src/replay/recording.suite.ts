/** For the tests of recordings: a file in memory, and one small recording with everything in it. */
import type { AppendSink, RandomAccessSource } from '../host/host.ts';
import { icount, ns } from '../time/units.ts';
import type { Hasher } from './hasher.ts';
import type { Digest, End, Header, Input, InputEvent, Position } from './model.ts';
import { RecordingWriter } from './writer.ts';

export const at = (count: number, bias = 0): Position => ({ icount: icount(count), bias: ns(bias) });
export const eventAt = (position: Position, input: Input): InputEvent => ({ ...position, input });
export const digestAt = (position: Position, chain: string, ...components: number[]): Digest => ({ ...position, chain, components });

/** A file in memory, to be appended to and to be read. */
export class MemoryFile implements AppendSink, RandomAccessSource {
  bytes: Uint8Array;
  syncs = 0;
  longestRead = 0;
  /** Appends beyond this size fail half-way, as on a full disk. */
  private readonly capacity: number;

  constructor(bytes: Uint8Array = new Uint8Array(0), capacity = Number.POSITIVE_INFINITY) {
    this.bytes = bytes;
    this.capacity = capacity;
  }

  get size(): number {
    return this.bytes.length;
  }

  append(bytes: Uint8Array): void {
    const room = this.capacity - this.size;
    const grown = new Uint8Array(this.size + Math.min(room, bytes.length));
    grown.set(this.bytes);
    grown.set(bytes.subarray(0, room), this.size);
    this.bytes = grown;
    if (room < bytes.length) throw new Error('disk full');
  }

  sync(): void {
    this.syncs++;
  }

  read(offset: number, length: number): Uint8Array {
    if (offset < 0 || length < 0 || offset + length > this.size) throw new Error(`read of ${length} at ${offset} outside of ${this.size} bytes`);
    this.longestRead = Math.max(this.longestRead, length);
    return this.bytes.slice(offset, offset + length);
  }

  close(): void {}
}

export const KERNEL = Uint8Array.of(0xde, 0xad, 0xbe, 0xef);

export const HEADER: Header = {
  engineVersion: '0.1.0',
  options: {
    machine: 'integratorcp',
    cpu: 'arm926',
    ramBytes: 128 * 1024 * 1024,
    append: 'console=ttyAMA0',
    icountShift: 3,
    rtcBase: 1_000_000_000,
    seed: '0123456789abcdef',
    noReboot: true,
    nics: [],
    disks: [],
  },
  disks: [],
  start: { snapshot: 'replay_init', kept: 'power-on', position: at(0) },
  inputs: [
    {
      role: 'kernel',
      name: 'zImage',
      size: KERNEL.length,
      sha256: '5f78c33274e43fa9de5659265c1d917e25c03722dcb0b8d27db8d5feaa813953',
      embedded: true,
    },
  ],
  components: [
    { name: 'cpu', schema: 'arm926', version: 1, hash: 0x12345678 },
    { name: 'uart0', schema: 'pl011', version: 2, hash: 0xfedcba98 },
  ],
  digestInterval: 1000,
};

export const END: End = { reason: 'guest-reset', digest: digestAt(at(1500, 320), 'ffeeddccbbaa9988', 5, 0xffffffff) };

export const create = (file: AppendSink, hasher: Hasher, header = HEADER, kernel = KERNEL): RecordingWriter =>
  RecordingWriter.create(file, header, new Map([['kernel', kernel]]), hasher);

/** Every kind of record; the worked example of docs/recording-format.md. */
export function writeSmall(file: AppendSink, hasher: Hasher): void {
  const writer = create(file, hasher);
  writer.digest(digestAt(at(0), '0011223344556677', 1, 2));
  writer.event(eventAt(at(200), { kind: 'serial', port: 0, bytes: Uint8Array.of(0x6c, 0x73, 0x0d) }));
  writer.event(eventAt(at(600, 100), { kind: 'key', code: 'ret', down: true }));
  writer.event(eventAt(at(600, 300), { kind: 'key', code: 'ret', down: false }));
  writer.flush(at(700, 300));
  writer.event(eventAt(at(800, 300), { kind: 'mouse-move', dx: -3, dy: 200, dz: 0 }));
  writer.event(eventAt(at(800, 300), { kind: 'mouse-buttons', mask: 5 }));
  writer.digest(digestAt(at(1000, 300), '8899aabbccddeeff', 3, 4));
  writer.event(eventAt(at(1400, 320), { kind: 'reset' }));
  writer.event(eventAt(at(1400, 320), { kind: 'frame', nic: 0, bytes: Uint8Array.from({ length: 14 }, (_, n) => n) }));
  writer.finish(END);
}

export function smallRecording(hasher: Hasher): Uint8Array {
  const file = new MemoryFile();
  writeSmall(file, hasher);
  return file.bytes;
}

/** Arbitrary chunks with checks that are right, as someone would make them who means harm. */
export function forge(hasher: Hasher, chunks: readonly { readonly type: number; readonly payload: Uint8Array }[]): Uint8Array {
  const file = new Uint8Array(16 + chunks.reduce((sum, { payload }) => sum + payload.length + 16, 0));
  const view = new DataView(file.buffer);
  file.set(smallRecording(hasher).subarray(0, 16));
  let chain = hasher.h64(file.subarray(0, 16), 0n);
  let at = 16;
  for (const { type, payload } of chunks) {
    const end = at + 8 + payload.length;
    view.setUint32(at, payload.length * 256 + type, true);
    view.setUint32(at + 4, hasher.h32(file.subarray(at, at + 4), Number(chain & 0xffffffffn)), true);
    file.set(payload, at + 8);
    chain = hasher.h64(file.subarray(at, end), chain);
    view.setBigUint64(end, chain, true);
    at = end + 8;
  }
  return file;
}
