/** Frames that no sane guest sends: nothing breaks, nothing grows, and what comes back is sound. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BROADCAST_IP, BROADCAST_MAC, viewOf } from '../packets/addresses.ts';
import { ARP, decodeArp, encodeArp } from '../packets/arp.ts';
import { addWords, checksumOf, pseudoHeader } from '../packets/checksum.ts';
import { decodeEthernet, ETHERTYPE, encodeEthernet } from '../packets/ethernet.ts';
import { decodeIcmp, encodeIcmp } from '../packets/icmp.ts';
import { decodeIpv4, encodeIpv4, PROTOCOL } from '../packets/ipv4.ts';
import { ACK, decodeTcp, encodeTcp, FIN, RST, SYN } from '../packets/tcp.ts';
import { decodeUdp, encodeUdp } from '../packets/udp.ts';
import { BUFFER } from './tcp-limits.ts';
import { DNS, GATEWAY, GATEWAY_MAC, GUEST, GUEST_MAC } from './testing/guest.suite.ts';
import { Bench } from './testing/manual-host.suite.ts';
import { randomNumbers } from './testing/wire.suite.ts';

const ROUNDS = 40_000;
const ports = { sourcePort: 1234, destinationPort: 80 };

function frame(
  protocol: number,
  payload: Uint8Array,
  fields: { source?: number; destination?: number; offset?: number; more?: boolean } = {},
): Uint8Array {
  const { source = GUEST, destination = GATEWAY, offset = 0, more = false } = fields;
  const packet = { source, destination, protocol, identification: 3, offset, moreFragments: more, payload };
  const mac = destination === BROADCAST_IP ? BROADCAST_MAC : GATEWAY_MAC;
  return encodeEthernet({ destination: mac, source: GUEST_MAC, type: ETHERTYPE.IPV4, payload: encodeIpv4(packet) });
}

const udp = (port: number, payload: Uint8Array, destination = GATEWAY, source = GUEST) =>
  frame(PROTOCOL.UDP, encodeUdp({ sourcePort: 68, destinationPort: port, payload }, source, destination), { source, destination });
const tcp = (flags: number, sequence: number, payload = new Uint8Array(0)) => {
  const segment = { ...ports, sequence, acknowledgment: 0, flags, window: 1000, mss: flags & SYN ? 500 : undefined, payload };
  return frame(PROTOCOL.TCP, encodeTcp(segment, GUEST, GATEWAY));
};

function dhcp(): Uint8Array {
  const message = new Uint8Array(300);
  message.set([1, 1, 6]);
  message.set([0x63, 0x82, 0x53, 0x63, 53, 1, 1, 50, 4, 10, 0, 2, 16, 12, 3, 97, 98, 99, 255], 236);
  return udp(67, message, BROADCAST_IP, 0);
}

/** One of each kind that means something to the network. */
const SEEDS: readonly Uint8Array[] = [
  encodeEthernet({
    destination: BROADCAST_MAC,
    source: GUEST_MAC,
    type: ETHERTYPE.ARP,
    payload: encodeArp({ operation: ARP.REQUEST, senderMac: GUEST_MAC, senderIp: GUEST, targetMac: 0, targetIp: GATEWAY }),
  }),
  dhcp(),
  udp(53, Uint8Array.of(0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, 119, 119, 119, 2, 97, 98, 0, 0, 1, 0, 1), DNS),
  udp(69, Buffer.from('\0\x01kernel\0octet\0blksize\x00100\0tsize\x000\0')),
  udp(69, Uint8Array.of(0, 4, 0, 1)),
  udp(9999, Uint8Array.of(1, 2, 3)),
  frame(PROTOCOL.ICMP, encodeIcmp({ type: 8, code: 0, rest: 1, payload: new Uint8Array(30) })),
  frame(PROTOCOL.UDP, new Uint8Array(24), { more: true }),
  frame(PROTOCOL.UDP, new Uint8Array(24), { offset: 24 }),
  frame(PROTOCOL.ICMP, new Uint8Array(1480), { offset: 64_000, more: true }),
  tcp(SYN, 999),
  tcp(ACK, 1000, new Uint8Array(100)),
  tcp(ACK, 1200, new Uint8Array(100)),
  tcp(FIN | ACK, 1300),
  tcp(RST, 1000),
];

/** Options as DHCP, TCP and IPv4 have them (code, length, value), with lengths that are right, nearly right or absurd. */
function options(random: () => number, codes: number, counted: 'value' | 'all'): number[] {
  const bytes: number[] = [];
  for (let n = random() * 8; n > 1; n--) {
    const value = Array.from({ length: random() * 12 }, () => Math.floor(random() * 256));
    const length = value.length + (counted === 'all' ? 2 : 0);
    const lies = random();
    const told = lies < 0.1 ? [0, 1, 2, 255][Math.floor(lies * 40)] : lies < 0.2 ? length + Math.floor(random() * 5) - 2 : length;
    bytes.push(Math.floor(random() * codes), told & 255, ...value);
  }
  return bytes;
}

/** A seed with options of its own at `at`: those of its header, which tells their length in words. */
function withHeaderOptions(seed: Uint8Array, at: number, lengthAt: number, lengthShift: number, made: readonly number[]): Uint8Array {
  const words = Math.min(Math.ceil(made.length / 4), 10);
  const bytes = Buffer.concat([
    seed.subarray(0, at),
    Buffer.from(made).subarray(0, words * 4),
    Buffer.alloc(Math.max(words * 4 - made.length, 0)),
    seed.subarray(at),
  ]);
  bytes[lengthAt] += words << lengthShift;
  bytes.writeUInt16BE(bytes.readUInt16BE(16) + words * 4, 16);
  return bytes;
}

/** Makes the checksums right again, so that what is wrong gets further in. */
function mend(bytes: Uint8Array): void {
  const view = viewOf(bytes);
  if (bytes.length < 34) return;
  const header = Math.min((bytes[14] & 15) * 4, bytes.length - 14);
  const end = Math.min(14 + view.getUint16(16), bytes.length);
  if (header < 20) return;
  view.setUint16(24, 0);
  view.setUint16(24, checksumOf(addWords(bytes.subarray(14, 14 + header))));
  const place = { 1: 2, 6: 16, 17: 6 }[bytes[23]];
  const start = 14 + header;
  if (place === undefined || start + place + 2 > end) return;
  view.setUint16(start + place, 0);
  const sum = bytes[23] === 1 ? 0 : pseudoHeader(view.getUint32(26), view.getUint32(30), bytes[23], end - start);
  view.setUint16(start + place, checksumOf(addWords(bytes.subarray(start, end), sum)));
}

/** Everything that the network sends can be read by any computer. */
function sound(bytes: Uint8Array): boolean {
  if (bytes.length < 60 || bytes.length > 1514) return false;
  const { type, payload } = decodeEthernet(bytes)!;
  if (type === ETHERTYPE.ARP) return decodeArp(payload) !== undefined;
  const packet = decodeIpv4(payload);
  if (packet === undefined) return false;
  if (packet.offset > 0 || packet.moreFragments) return true;
  const { protocol, source, destination } = packet;
  if (protocol === PROTOCOL.ICMP) return decodeIcmp(packet.payload) !== undefined;
  if (protocol === PROTOCOL.UDP) return decodeUdp(packet.payload, source, destination) !== undefined;
  return decodeTcp(packet.payload, source, destination) !== undefined;
}

function made(): Bench {
  const bench = new Bench({ tftp: 'folder', bootfile: 'kernel', hostname: 'guest' });
  bench.host.files.set('folder:kernel', new Uint8Array(5000));
  return bench;
}

/** The host's side does something, too. */
function stir(bench: Bench, random: () => number): void {
  const stream = bench.host.streams[Math.floor(random() * bench.host.streams.length)];
  const what = Math.floor(random() * 6);
  if (what === 0) bench.host.pass(random() * 3000);
  if (stream === undefined || stream.wasReset || stream.failed) return;
  if (what === 1) stream.listener.opened();
  if (what === 2) stream.send('x'.repeat(random() * 5000));
  if (what === 3) stream.finish();
  if (what === 4) stream.taken();
  if (what === 5 && random() < 0.2) stream.fail('reset');
}

function check(bench: Bench): void {
  expect(bench.frames.every(sound)).toBe(true);
  bench.frames = [];
  expect(bench.host.sockets.filter(({ closed }) => !closed).length).toBeLessThanOrEqual(256);
  expect(bench.host.openFiles).toBeLessThanOrEqual(8);
  expect(bench.host.runningTimers).toBeLessThan(600);
}

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** Bytes of frames and queues that are held on to; of the heap too much belongs to the test itself. */
function memory(): number {
  // The second time what the first one found is given back.
  collectGarbage();
  collectGarbage();
  return process.memoryUsage().arrayBuffers;
}

/** It still does what it should. */
async function stillWorks(bench: Bench): Promise<void> {
  bench.host.pass(300_000);
  bench.frames = [];
  bench.net.send(SEEDS[6]);
  expect(bench.icmp()).toMatchObject([{ type: 0 }]);
  bench.sendTcp(SYN, { sourcePort: 60_000, sequence: 5 });
  bench.host.streams.at(-1)!.listener.opened();
  expect(bench.tcp()).toMatchObject([{ flags: SYN | ACK, acknowledgment: 6 }]);
  await bench.net.close();
  expect(bench.host.runningTimers).toBe(0);
  expect(bench.host.openFiles).toBe(0);
}

describe('a hostile guest', () => {
  test('sends noise', async () => {
    const bench = made();
    const random = randomNumbers(1);
    for (let n = 0; n < ROUNDS; n++) {
      const bytes = Uint8Array.from({ length: random() * 120 }, () => random() * 256);
      if (random() < 0.5 && bytes.length >= 14) bytes.set(SEEDS[0].subarray(0, 13));
      bench.net.send(bytes);
    }
    check(bench);
    await stillWorks(bench);
  });

  test.each([1, 2, 3])('sends what is almost right (seed %i)', async (seed) => {
    const bench = made();
    const random = randomNumbers(seed);
    for (let n = 0; n < ROUNDS; n++) {
      const original = SEEDS[Math.floor(random() * SEEDS.length)];
      const cut = random() < 0.1 ? Math.floor(random() * original.length) : original.length;
      const bytes = new Uint8Array(cut + (random() < 0.1 ? random() * 200 : 0));
      bytes.set(original.subarray(0, cut));
      for (let changes = random() * 4; changes > 1; changes--) {
        // Mostly in the headers, where it matters.
        const at = random() < 0.8 ? 12 + random() * 50 : random() * bytes.length;
        if (at < bytes.length) bytes[Math.floor(at)] = random() < 0.3 ? [0, 1, 127, 128, 255][Math.floor(random() * 5)] : random() * 256;
      }
      if (random() < 0.8) mend(bytes);
      bench.net.send(bytes);
      if (random() < 0.1) stir(bench, random);
      if (n % 1000 === 0) {
        check(bench);
        await Promise.resolve();
      }
    }
    check(bench);
    await stillWorks(bench);
  });

  test('sends single connections all the segments there are', async () => {
    const random = randomNumbers(9);
    for (let round = 0; round < 150; round++) {
      const bench = made();
      const { stream, theirs, ours } = bench.open(500, 3000);
      for (let n = 0; n < 200; n++) {
        const near = (from: number) => (from + Math.floor((random() - 0.3) * (random() < 0.5 ? 10 : 70_000))) >>> 0;
        const flags = Math.floor(random() * 256) & (random() < 0.9 ? ~(RST | SYN) : 255);
        bench.sendTcp(flags | (random() < 0.9 ? ACK : 0), {
          sequence: near(ours),
          acknowledgment: near(theirs),
          window: random() * 65_536,
          text: 'y'.repeat(random() < 0.5 ? 0 : random() * 1400),
        });
        if (random() < 0.3) stir(bench, random);
      }
      check(bench);
      expect(stream.written.length).toBeLessThan(200 * 1400);
      expect(stream.written).toMatch(/^y*$/);
      await bench.net.close();
      expect(bench.host.runningTimers).toBe(0);
    }
  });

  test('sends options of every kind and length', async () => {
    const bench = made();
    const random = randomNumbers(21);
    const message = dhcp();
    let leases = 0;
    for (let n = 0; n < ROUNDS / 2; n++) {
      const kind = Math.floor(random() * 3);
      let bytes: Uint8Array;
      if (kind === 0) {
        // A discovery, and whatever follows it.
        const offered = [53, 1, random() < 0.5 ? 1 : 3, ...options(random, random() < 0.5 ? 64 : 256, 'value'), random() < 0.7 ? 255 : 0];
        bytes = message.slice();
        bytes.set(offered.slice(0, message.length - 282), 282);
      } else if (kind === 1) bytes = withHeaderOptions(tcp(SYN, 999), 54, 46, 4, options(random, 6, 'all'));
      else bytes = withHeaderOptions(SEEDS[6], 34, 14, 0, options(random, 256, 'all'));
      mend(bytes);
      bench.net.send(bytes);
      leases += bench.frames.some((answer) => answer[23] === PROTOCOL.UDP) ? 1 : 0;
      check(bench);
      if (random() < 0.05) stir(bench, random);
    }
    expect(leases).toBeGreaterThan(100);
    expect(bench.host.streams.length).toBeGreaterThan(0);
    await stillWorks(bench);
  });

  test('sends fragments in any order and more than once: a datagram arrives whole, and once', () => {
    const pieces = fc.array(fc.integer({ min: 1, max: 180 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(pieces, fc.integer({ min: 1, max: 7 }), fc.infiniteStream(fc.nat()), (sizes, last, numbers) => {
        const bench = made();
        const text = Array.from({ length: sizes.reduce((sum, size) => sum + size * 8, last) }, (_, i) => String.fromCharCode(33 + (i % 90))).join('');
        const whole = encodeUdp({ sourcePort: 68, destinationPort: 9999, payload: Buffer.from(text) }, GUEST, GATEWAY);
        const frames: Uint8Array[] = [];
        for (let at = 0, n = 0; at < whole.length; n++) {
          const end = Math.min(at + (sizes[n] ?? 180) * 8, whole.length);
          frames.push(frame(PROTOCOL.UDP, whole.subarray(at, end), { offset: at, more: end < whole.length }));
          at = end;
        }
        fc.pre(frames.length > 1);
        const shuffled = frames.map((bytes) => ({ bytes, key: numbers.next().value as number })).sort((a, b) => a.key - b.key);
        shuffled.forEach(({ bytes, key }, i) => {
          bench.net.send(bytes);
          if (key % 3 === 0 && i < shuffled.length - 1) bench.net.send(bytes);
        });
        expect(bench.host.sockets.flatMap(({ sent }) => sent.map((datagram) => datagram.text))).toEqual([text]);
      }),
      { numRuns: 60 },
    );
  });

  test('sends fragments that overlap, lie and never end', async () => {
    const bench = made();
    const random = randomNumbers(31);
    const before = memory();
    for (let n = 0; n < ROUNDS; n++) {
      const offset = 8 * Math.floor(random() * (random() < 0.5 ? 20 : 8192));
      const bytes = frame(random() < 0.5 ? PROTOCOL.UDP : PROTOCOL.ICMP, new Uint8Array(random() < 0.3 ? random() * 40 : 1480), {
        offset,
        more: random() < 0.9,
      });
      new DataView(bytes.buffer).setUint16(18, random() * (random() < 0.5 ? 4 : 65_536));
      mend(bytes);
      bench.net.send(bytes);
      if (random() < 0.01) bench.host.pass(1000);
      if (n % 100 === 0) check(bench);
    }
    // Sixteen packets at a time, of 64 fragments each.
    expect(memory() - before).toBeLessThan(16 * 64 * 1480 + 2 ** 19);
    await stillWorks(bench);
  });

  test('makes no connection keep more than it may, whatever it sends and takes', async () => {
    const bench = made();
    const connections = Array.from({ length: 48 }, (_, n) => {
      bench.sendTcp(SYN, { sourcePort: 2000 + n, sequence: 999, mss: 1460 });
      const stream = bench.host.streams.at(-1)!;
      stream.listener.opened();
      const acknowledgment = (bench.tcp()[0].sequence + 1) >>> 0;
      bench.sendTcp(ACK, { sourcePort: 2000 + n, sequence: 1000, acknowledgment });
      stream.stalled = true;
      return { stream, sourcePort: 2000 + n, acknowledgment };
    });
    const before = memory();
    let unread = 0;
    for (const { stream, sourcePort, acknowledgment } of connections) {
      const send = (sequence: number, text: string) => bench.sendTcp(ACK, { sourcePort, sequence, acknowledgment, text });
      // Nobody takes what comes from either side; and the guest heeds no window.
      stream.send('x'.repeat(4 * BUFFER));
      for (let at = 0; at < 4 * BUFFER; at += 1400) send(1000 + at, 'y'.repeat(1400));
      for (let at = 0; at < 4000; at += 2) send(1001 + stream.written.length + at, 'z');
      bench.host.pass(50);
      unread += stream.unread;
      expect(stream.written.length).toBeLessThanOrEqual(2 * BUFFER);
      stream.written = '';
      bench.frames = [];
    }
    // The host was asked for no more than a window's worth.
    expect(unread).toBeGreaterThanOrEqual(48 * 3 * BUFFER);
    expect((memory() - before) / 48).toBeLessThan(3 * BUFFER);
    await bench.net.close();
  });

  test('sends a frame that is too long', () => {
    const bench = made();
    bench.net.send(udp(9999, new Uint8Array(1480)));
    expect(bench.host.sockets).toEqual([]);
  });
});
