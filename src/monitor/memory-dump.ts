/** What `x`, `xp` and `print` show, in QEMU's columns. Memory is RAM alone: to read a device could change it. */
import type { Machine } from '../boards/machine.ts';
import { RepriseError } from '../errors/errors.ts';
import type { Format } from './arguments.ts';

/** Numbers of one command. */
export const MAX_COUNT = 65_536;

/** Address of physical memory that a shown address stands for; undefined where nothing is mapped. */
type Mapping = (address: number) => number | undefined;

const hex = (value: number | bigint, digits: number): string => value.toString(16).padStart(digits, '0');

/** The bytes at an address, or undefined when some of them are not RAM. */
function readBytes(machine: Machine, map: Mapping, address: number, length: number): Uint8Array | undefined {
  const bytes = new Uint8Array(length);
  for (let n = 0; n < length; n++) {
    const physical = map((address + n) >>> 0);
    const offset = physical === undefined ? -1 : machine.addressSpace.ramOffset(physical);
    if (offset < 0) return undefined;
    bytes[n] = machine.memory.bytes[offset];
  }
  return bytes;
}

const littleEndian = (bytes: Uint8Array): bigint => bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);

function character(code: number): string {
  const special: Readonly<Record<number, string>> = { 39: "\\'", 92: '\\\\', 10: '\\n', 13: '\\r' };
  const text = special[code] ?? (code >= 32 && code <= 126 ? String.fromCharCode(code) : `\\x${hex(code, 2)}`);
  return `'${text}'`;
}

/** A number of a dump, as wide as the largest of its size. */
function column(value: bigint, { letter, size }: Format): string {
  switch (letter) {
    case 'o':
      return (value === 0n ? '0' : `0${value.toString(8)}`).padStart(Math.ceil((size * 8) / 3));
    case 'u':
      return value.toString().padStart(Math.ceil((size * 80) / 33));
    case 'd':
      return BigInt.asIntN(size * 8, value)
        .toString()
        .padStart(Math.ceil((size * 80) / 33));
    case 'c':
      return character(Number(value & 0xffn));
    default:
      return `0x${hex(value, size * 2)}`;
  }
}

/** The value of an expression; negative ones of `x`, `o` and `u` as their 64 bits. */
export function printed(value: bigint, letter: Format['letter']): string {
  const unsigned = BigInt.asUintN(64, value);
  switch (letter) {
    case 'd':
      return value.toString();
    case 'u':
      return unsigned.toString();
    case 'o':
      return unsigned === 0n ? '0' : `0${unsigned.toString(8)}`;
    case 'c':
      return character(Number(unsigned & 0xffn));
    default:
      return unsigned === 0n ? '0' : `0x${unsigned.toString(16)}`;
  }
}

function instructions(machine: Machine, map: Mapping, from: number, count: number): string {
  const { inspector } = machine.cpu;
  const size = inspector.instructionBytes();
  const lines: string[] = [];
  for (let n = 0, address = from; n < count; n++, address = (address + size) >>> 0) {
    const bytes = readBytes(machine, map, address, size);
    if (bytes === undefined) {
      lines.push(`Cannot access memory at address 0x${hex(address, 8)}`);
      break;
    }
    const word = Number(littleEndian(bytes));
    lines.push(`0x${hex(address, 8)}:  ${hex(word, size * 2).padEnd(8)}  ${inspector.disassemble(word, address)}`);
  }
  return lines.join('\n');
}

/**
 * @param kind addresses as the CPU sees them now, or physical ones
 * @throws RepriseError BAD_VALUE for too many numbers
 */
export function dumpMemory(machine: Machine, kind: 'virtual' | 'physical', format: Format, address: number): string {
  if (format.count > MAX_COUNT) throw new RepriseError('BAD_VALUE', `at most ${MAX_COUNT} numbers at a time`);
  const map: Mapping = kind === 'virtual' ? (at) => machine.cpu.debug.translate(at) : (at) => at;
  if (format.letter === 'i') return instructions(machine, map, address, format.count);
  const { size, count } = format;
  const perLine = (size === 1 ? 8 : 16) / size;
  const lines: string[] = [];
  for (let done = 0; done < count; done += perLine) {
    const at = (address + done * size) >>> 0;
    const here = Math.min(perLine, count - done);
    const bytes = readBytes(machine, map, at, here * size);
    const label = `${hex(at, kind === 'virtual' ? 8 : 16)}:`;
    if (bytes === undefined) {
      lines.push(`${label} Cannot access memory`);
      break;
    }
    const columns = Array.from({ length: here }, (_, n) => column(littleEndian(bytes.subarray(n * size, (n + 1) * size)), format));
    lines.push([label, ...columns].join(' '));
  }
  return lines.join('\n');
}
