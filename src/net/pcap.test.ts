import { expect, test } from 'vitest';
import { ns } from '../time/units.ts';
import { PcapWriter } from './pcap.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

test('a dump is the header of the format, then frames with their nanoseconds', () => {
  const parts: string[] = [];
  const writer = new PcapWriter({ append: (bytes) => parts.push(hex(bytes)) });
  writer.write(ns(3_000_000_007), Uint8Array.of(1, 2, 3));
  writer.write(ns(2 ** 52), Uint8Array.of());
  expect(parts).toEqual([
    '4d3cb2a1' + '02000400' + '00000000' + '00000000' + '00000100' + '01000000',
    `${'03000000' + '07000000' + '03000000' + '03000000'}010203`,
    // 2^52 ns are 4503599 s and 627370496 ns.
    '2fb84400' + '00ea6425' + '00000000' + '00000000',
  ]);
});

test('a limit cuts frames off and keeps their length', () => {
  const parts: string[] = [];
  const writer = new PcapWriter({ append: (bytes) => parts.push(hex(bytes)) }, 2);
  writer.write(ns(0), Uint8Array.of(1, 2, 3));
  expect(parts[0].slice(32, 40)).toBe('02000000');
  expect(parts[1]).toBe(`${'00'.repeat(8)}02000000030000000102`);
});
