import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasTool } from '../../tests/support/outside.ts';
import { parseIpv4 } from '../net/packets/addresses.ts';
import { ARP, encodeArp } from '../net/packets/arp.ts';
import { ETHERTYPE, encodeEthernet } from '../net/packets/ethernet.ts';
import { encodeIpv4, PROTOCOL } from '../net/packets/ipv4.ts';
import { encodeTcp, SYN } from '../net/packets/tcp.ts';
import { encodeUdp } from '../net/packets/udp.ts';
import { PcapWriter } from '../net/pcap.ts';
import { ns } from '../time/units.ts';
import { parseFrameFilter } from './frame-filter.ts';

const A = parseIpv4('10.0.2.15')!;
const B = parseIpv4('10.0.2.2')!;
const ethernet = (type: number, payload: Uint8Array): Uint8Array =>
  encodeEthernet({ destination: 0x525400123456, source: 0x525400123457, type, payload });
const ip = (protocol: number, source: number, destination: number, payload: Uint8Array, offset = 0): Uint8Array =>
  ethernet(ETHERTYPE.IPV4, encodeIpv4({ source, destination, protocol, identification: 7, offset, moreFragments: false, payload }));
const udp = (source: number, sourcePort: number, destination: number, destinationPort: number): Uint8Array =>
  ip(PROTOCOL.UDP, source, destination, encodeUdp({ sourcePort, destinationPort, payload: Uint8Array.of(1, 2, 3) }, source, destination));
const tcp = (source: number, sourcePort: number, destination: number, destinationPort: number): Uint8Array =>
  ip(
    PROTOCOL.TCP,
    source,
    destination,
    encodeTcp(
      { sourcePort, destinationPort, sequence: 1, acknowledgment: 0, flags: SYN, window: 1000, mss: undefined, payload: new Uint8Array(0) },
      source,
      destination,
    ),
  );

const FRAMES: Readonly<Record<string, Uint8Array>> = {
  arp: ethernet(ETHERTYPE.ARP, encodeArp({ operation: ARP.REQUEST, senderMac: 0x525400123457, senderIp: A, targetMac: 0, targetIp: B })),
  dns: udp(A, 4000, B, 53),
  answer: udp(B, 53, A, 4000),
  web: tcp(A, 40000, B, 80),
  reply: tcp(B, 80, A, 40000),
  ping: ip(PROTOCOL.ICMP, A, B, Uint8Array.of(8, 0, 0xf7, 0xff, 0, 0, 0, 0)),
  later: ip(PROTOCOL.UDP, A, B, new Uint8Array(16), 1480),
  six: ethernet(0x86dd, new Uint8Array(46)),
};
const matching = (filter: string): string[] => Object.keys(FRAMES).filter((name) => parseFrameFilter(filter)(FRAMES[name]));

/** Filters, and Wireshark's display filter of the same meaning. */
const FILTERS = {
  arp: 'arp',
  ip: 'ip',
  'tcp port 80': 'tcp.port == 80',
  'udp and dst port 53': 'udp.dstport == 53',
  'src host 10.0.2.2': 'ip.src == 10.0.2.2 or arp.src.proto_ipv4 == 10.0.2.2',
  'host 10.0.2.15 and not tcp': '(ip.addr == 10.0.2.15 or arp.src.proto_ipv4 == 10.0.2.15) and not tcp',
  'icmp or (tcp and src port 40000)': 'icmp or tcp.srcport == 40000',
  'not (ip or arp)': 'not ip and not arp',
  'not not udp': 'ip.proto == 17',
};

describe('a frame filter', () => {
  it.skipIf(!hasTool('tshark', 'frame filters as tshark has them'))('takes the frames that tshark takes', () => {
    const folder = mkdtempSync(join(tmpdir(), 'reprise-filter-'));
    const file = join(folder, 'x.pcap');
    const parts: Uint8Array[] = [];
    const writer = new PcapWriter({ append: (bytes) => parts.push(bytes) });
    for (const frame of Object.values(FRAMES)) writer.write(ns(0), frame);
    writeFileSync(file, Buffer.concat(parts));
    for (const [ours, theirs] of Object.entries(FILTERS)) {
      const { stdout, stderr } = spawnSync('tshark', ['-r', file, '-Y', theirs, '-T', 'fields', '-e', 'frame.number']);
      const numbers = stdout.toString().split('\n').filter(Boolean).map(Number);
      expect(numbers.length, stderr.toString()).toBeGreaterThan(0);
      expect([ours, matching(ours)]).toEqual([ours, numbers.map((n) => Object.keys(FRAMES)[n - 1])]);
    }
    rmSync(folder, { recursive: true });
  });

  it('is found in both directions unless a side is named', () => {
    expect(matching('port 53')).toEqual(['dns', 'answer']);
    expect(matching('src port 53')).toEqual(['answer']);
    expect(matching('udp dst host 10.0.2.15')).toEqual(['answer']);
  });

  it.each(['', 'tcp port', 'port 70000', 'port x', 'host 1.2.3', 'src tcp', 'foo', 'tcp udp', '(tcp', 'tcp)', 'not', 'tcp and', '('.repeat(100)])(
    'that makes no sense is refused: %s',
    (text) => {
      expect(() => parseFrameFilter(text)).toThrow(expect.objectContaining({ code: 'BAD_VALUE' }));
    },
  );

  it('stands any frame', () => {
    const filters = Object.keys(FILTERS).map(parseFrameFilter);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (frame) => {
        for (const filter of filters) filter(frame);
      }),
    );
  });
});
