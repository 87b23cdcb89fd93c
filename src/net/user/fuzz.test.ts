/** Frames that no sane guest sends: nothing breaks, nothing grows, and what comes back is sound. */
import { describe, expect, test } from 'vitest';
import { BROADCAST_IP, BROADCAST_MAC, viewOf } from '../packets/addresses.ts';
import { ARP, decodeArp, encodeArp } from '../packets/arp.ts';
import { addWords, checksumOf, pseudoHeader } from '../packets/checksum.ts';
import { decodeEthernet, ETHERTYPE, encodeEthernet } from '../packets/ethernet.ts';
import { decodeIcmp, encodeIcmp } from '../packets/icmp.ts';
import { decodeIpv4, encodeIpv4, PROTOCOL } from '../packets/ipv4.ts';
import { ACK, decodeTcp, encodeTcp, FIN, RST, SYN } from '../packets/tcp.ts';
import { decodeUdp, encodeUdp } from '../packets/udp.ts';
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

  test('sends a frame that is too long', () => {
    const bench = made();
    bench.net.send(udp(9999, new Uint8Array(1480)));
    expect(bench.host.sockets).toEqual([]);
  });
});
