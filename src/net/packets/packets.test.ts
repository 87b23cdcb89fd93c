import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatIpv4, parseIpv4, parseIpv6, readMac, textOf } from './addresses.ts';
import { decodeArp, encodeArp } from './arp.ts';
import { addWords, checksumOf } from './checksum.ts';
import { decodeEthernet, encodeEthernet } from './ethernet.ts';
import { decodeIcmp, encodeIcmp } from './icmp.ts';
import { decodeIpv4, encodeIpv4, fragment, quote } from './ipv4.ts';
import { advance, ahead, decodeTcp, encodeTcp } from './tcp.ts';
import { decodeUdp, encodeUdp } from './udp.ts';

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const hex = (data: Uint8Array) => Buffer.from(data).toString('hex');
const word = fc.integer({ min: 0, max: 0xffff });
const byte = fc.integer({ min: 0, max: 0xff });
const address = fc.integer({ min: 0, max: 0xffff_ffff });
const mac = fc.integer({ min: 0, max: 0xffff_ffff_ffff });
const payload = fc.uint8Array({ maxLength: 1400 });

/** Every single bit turned over is noticed. */
function noticesDamage(data: Uint8Array, decode: (damaged: Uint8Array) => unknown, except: readonly number[] = []): void {
  for (let bit = 0; bit < data.length * 8; bit++) {
    if (except.includes(bit >> 3)) continue;
    const damaged = data.slice();
    damaged[bit >> 3] ^= 1 << (bit & 7);
    expect(decode(damaged), `bit ${bit}`).toBeUndefined();
  }
}

describe('the Internet checksum', () => {
  test('is that of the example in RFC 1071, section 3', () => {
    expect(checksumOf(addWords(bytes('0001 f203 f4f5 f6f7')))).toBe(0xffff - 0xddf2);
  });

  test('pads an odd byte with zero, and holds for the longest packets', () => {
    expect(checksumOf(addWords(bytes('12 34 56')))).toBe(checksumOf(addWords(bytes('1234 5600'))));
    expect(checksumOf(addWords(new Uint8Array(65_535).fill(0xff)))).toBe(0x00ff);
  });
});

describe('Ethernet', () => {
  test('frames are there and back the same, padded to 60 bytes', () => {
    fc.assert(
      fc.property(mac, mac, word, fc.uint8Array({ minLength: 46, maxLength: 1500 }), (destination, source, type, data) => {
        const frame = { destination, source, type, payload: data };
        expect(decodeEthernet(encodeEthernet(frame))).toEqual(frame);
      }),
    );
    expect(encodeEthernet({ destination: 1, source: 2, type: 3, payload: bytes('aa') }).length).toBe(60);
    expect(decodeEthernet(new Uint8Array(13))).toBeUndefined();
    expect(readMac(bytes('525400123456'), 0)).toBe(0x5254_0012_3456);
  });
});

describe('ARP', () => {
  test('packets are there and back the same', () => {
    fc.assert(
      fc.property(word, mac, address, mac, address, (operation, senderMac, senderIp, targetMac, targetIp) => {
        const packet = { operation, senderMac, senderIp, targetMac, targetIp };
        expect(decodeArp(encodeArp(packet))).toEqual(packet);
      }),
    );
  });

  test('a request looks as in RFC 826', () => {
    const request = { operation: 1, senderMac: 0x5254_0012_3456, senderIp: parseIpv4('10.0.2.15')!, targetMac: 0, targetIp: parseIpv4('10.0.2.2')! };
    expect(hex(encodeArp(request))).toBe('00010800060400015254001234560a00020f0000000000000a000202');
  });

  test.each([
    ['for another hardware', 1],
    ['for another protocol', 2],
    ['with other lengths', 4],
  ])('packets %s are not understood', (_, at) => {
    const packet = encodeArp({ operation: 1, senderMac: 1, senderIp: 2, targetMac: 3, targetIp: 4 });
    expect(decodeArp(packet)).toBeDefined();
    packet[at] = 9;
    expect(decodeArp(packet)).toBeUndefined();
    expect(decodeArp(packet.subarray(0, 27))).toBeUndefined();
  });
});

describe('IPv4', () => {
  const packet = { source: 0xc0a80001, destination: 0xc0a800c7, protocol: 17, identification: 0, offset: 0, moreFragments: false };

  test('has the header of a packet seen in the wild', () => {
    const header = hex(encodeIpv4({ ...packet, payload: new Uint8Array(95) }).subarray(0, 20));
    expect(header).toBe('4500007300004000' + '4011b861' + 'c0a80001c0a800c7');
  });

  test('packets are there and back the same', () => {
    const offset = fc.integer({ min: 0, max: 0x1fff }).map((n) => n * 8);
    fc.assert(
      fc.property(
        address,
        address,
        byte,
        word,
        offset,
        fc.boolean(),
        payload,
        (source, destination, protocol, identification, at, moreFragments, data) => {
          const whole = { source, destination, protocol, identification, offset: at, moreFragments, payload: data };
          expect(decodeIpv4(encodeIpv4(whole))).toEqual(whole);
        },
      ),
    );
  });

  test('skips options and padding, and notices every damaged bit of the header', () => {
    const data = encodeIpv4({ ...packet, payload: bytes('0102') });
    expect(decodeIpv4(Uint8Array.of(...data, 0, 0, 0))!.payload).toEqual(bytes('0102'));
    const options = bytes('46000019000000004011000000000000000000000101010007');
    const sum = checksumOf(addWords(options.subarray(0, 24)));
    options[10] = sum >> 8;
    options[11] = sum & 255;
    expect(decodeIpv4(options)!.payload).toEqual(bytes('07'));
    noticesDamage(data.subarray(0, 20), (damaged) => decodeIpv4(Uint8Array.of(...damaged, 1, 2)));
    expect(decodeIpv4(data.subarray(0, 21))).toBeUndefined();
  });

  test('pieces of a large packet fit into frames and make it up again', () => {
    const data = Uint8Array.from({ length: 4000 }, (_, n) => n);
    const pieces = fragment({ ...packet, payload: data });
    expect(pieces.map(({ offset, moreFragments }) => [offset, moreFragments])).toEqual([
      [0, true],
      [1480, true],
      [2960, false],
    ]);
    expect(Buffer.concat(pieces.map((piece) => piece.payload))).toEqual(Buffer.from(data));
    expect(fragment({ ...packet, payload: new Uint8Array(0) }).length).toBe(1);
  });

  test('a quotation has the whole length in its header, and a right checksum', () => {
    const quoted = quote({ ...packet, payload: new Uint8Array(95) }, 8);
    expect(hex(quoted)).toBe(`450000730000400040${'11b861'}c0a80001c0a800c7${'00'.repeat(8)}`);
  });
});

describe('ICMP, UDP and TCP', () => {
  test('messages are there and back the same', () => {
    fc.assert(
      fc.property(byte, byte, address, payload, (type, code, rest, data) => {
        expect(decodeIcmp(encodeIcmp({ type, code, rest, payload: data }))).toEqual({ type, code, rest, payload: data });
      }),
    );
    fc.assert(
      fc.property(address, address, word, word, payload, (source, destination, sourcePort, destinationPort, data) => {
        const datagram = { sourcePort, destinationPort, payload: data };
        expect(decodeUdp(encodeUdp(datagram, source, destination), source, destination)).toEqual(datagram);
      }),
    );
    const mss = fc.option(word, { nil: undefined });
    fc.assert(
      fc.property(fc.tuple(address, address, word, word, address, address, byte, word), mss, payload, (fields, size, data) => {
        const [source, destination, sourcePort, destinationPort, sequence, acknowledgment, flags, window] = fields;
        const segment = { sourcePort, destinationPort, sequence, acknowledgment, flags, window, mss: size, payload: data };
        expect(decodeTcp(encodeTcp(segment, source, destination), source, destination)).toEqual(segment);
      }),
    );
  });

  test('every damaged bit is noticed', () => {
    noticesDamage(encodeIcmp({ type: 8, code: 0, rest: 5, payload: bytes('0102030405') }), decodeIcmp);
    const segment = { sourcePort: 1, destinationPort: 2, sequence: 3, acknowledgment: 4, flags: 16, window: 5, mss: 6, payload: bytes('0708') };
    noticesDamage(encodeTcp(segment, 9, 10), (damaged) => decodeTcp(damaged, 9, 10));
    noticesDamage(encodeUdp({ sourcePort: 1, destinationPort: 2, payload: bytes('0102') }, 9, 10), (damaged) => decodeUdp(damaged, 9, 10));
    expect(decodeTcp(encodeTcp(segment, 9, 10), 9, 11)).toBeUndefined();
  });

  test('a datagram may come without a checksum, and never goes without one', () => {
    const datagram = encodeUdp({ sourcePort: 1, destinationPort: 2, payload: bytes('0102') }, 9, 10);
    datagram.set([0, 0], 6);
    expect(decodeUdp(datagram, 9, 10)!.payload).toEqual(bytes('0102'));
    // The sum of this one is all ones, so that its checksum would be zero.
    const sum = 17 + 10 + 10;
    const zero = encodeUdp({ sourcePort: 0, destinationPort: 0, payload: bytes((0xffff - sum).toString(16)) }, 0, 0);
    expect(hex(zero.subarray(6, 8))).toBe('ffff');
    expect(decodeUdp(zero.subarray(0, 9), 0, 0)).toBeUndefined();
  });

  test.each([
    ['none', '', undefined],
    ['the size', '020405b4', 1460],
    ['others around it', '01 030307 020405b4 0402', 1460],
    ['the end before it', '00 020405b4', undefined],
    ['one of no length before it', '0300 020405b4', undefined],
    ['one that is too long before it', '03ff 020405b4', undefined],
    ['one that is cut off', '01010102', undefined],
    ['a size of the wrong length', '02030500', undefined],
  ])('options of TCP: %s', (_, options, mss) => {
    const option = bytes(options);
    const length = Math.ceil(option.length / 4) * 4;
    const plain = encodeTcp(
      { sourcePort: 1, destinationPort: 2, sequence: 3, acknowledgment: 4, flags: 2, window: 5, mss: undefined, payload: bytes('') },
      0,
      0,
    );
    const segment = new Uint8Array(20 + length);
    segment.set(plain);
    segment.set(option, 20);
    segment[12] = (5 + length / 4) << 4;
    segment.set([0, 0], 16);
    const sum = checksumOf(addWords(segment, 6 + segment.length));
    segment.set([sum >> 8, sum & 255], 16);
    expect(decodeTcp(segment, 0, 0)).toMatchObject({ mss, sequence: 3 });
  });

  test('sequence numbers go round', () => {
    expect(ahead(5, 0xffff_fff0)).toBe(21);
    expect(ahead(0xffff_fff0, 5)).toBe(-21);
    expect(advance(0xffff_fff0, 21)).toBe(5);
  });
});

describe('addresses', () => {
  test.each(['0.0.0.0', '10.0.2.15', '255.255.255.255'])('%s is there and back the same', (text) => {
    expect(formatIpv4(parseIpv4(text)!)).toBe(text);
  });

  test.each(['', '1.2.3', '1.2.3.256', '1.2.3.4.5', 'a.b.c.d', '1.2.3.4 ', '-1.2.3.4'])("'%s' is none", (text) => {
    expect(parseIpv4(text)).toBeUndefined();
  });

  test.each([
    ['::', '00000000000000000000000000000000'],
    ['::1', '00000000000000000000000000000001'],
    ['2001:db8::5:6', '20010db8000000000000000000050006'],
    ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
    ['1::', '00010000000000000000000000000000'],
    ['::ffff:192.0.2.1', '00000000000000000000ffffc0000201'],
  ])('IPv6 %s', (text, expected) => {
    expect(hex(parseIpv6(text)!)).toBe(expected);
  });

  test.each(['', '1:2', '1:2:3:4:5:6:7:8:9', '1::2::3', '12345::', 'fe80::1%eth0', '1:2:3:4:5:6:7::8', ':::'])("IPv6 '%s' is none", (text) => {
    expect(parseIpv6(text)).toBeUndefined();
  });

  test('text is printable or nothing', () => {
    expect(textOf(bytes('68 69'))).toBe('hi');
    expect(textOf(bytes('68 00'))).toBeUndefined();
  });
});
