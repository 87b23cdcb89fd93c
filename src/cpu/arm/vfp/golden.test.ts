/** Every data-processing instruction against QEMU's ARM926, from a file that scripts/vfp-golden makes. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { rowOf, TestHost } from './vfp.suite.ts';
import { FPSCR } from './vfp.ts';

interface Group {
  readonly text: string;
  readonly insn: number;
  readonly fpscr: number;
  readonly inputs: number[];
  readonly outputs: number[];
  readonly cases: { line: string; before: number[]; after: number[]; fpscr: number }[];
}

const numbers = (text: string, radix: number): number[] =>
  text
    .split(' ')
    .filter(Boolean)
    .map((word) => Number.parseInt(word, radix));

function parse(text: string): Group[] {
  const groups: Group[] = [];
  for (const line of text.trimEnd().split('\n')) {
    if (line.startsWith('=')) {
      const [name, words, registers] = line.slice(2).split(' | ');
      const [insn, fpscr] = numbers(words, 16);
      const [inputs, outputs] = registers.split('>').map((list) => numbers(list, 10));
      groups.push({ text: name, insn, fpscr, inputs, outputs, cases: [] });
    } else {
      const [before, result] = line.split('>').map((list) => numbers(list, 16));
      groups.at(-1)!.cases.push({ line, before, after: result.slice(0, -1), fpscr: result.at(-1)! });
    }
  }
  return groups;
}

const FLUSHED = 0x88;
/** QEMU flushes to a zero of the same sign, the VFP9-S to +0: in that mode the sign of a zero is not compared. */
const unsignedZero = (words: number[], flushed: boolean): number[] =>
  flushed && words.every((word, i) => word === 0 || (i === words.length - 1 && word === 0x80000000)) ? words.map(() => 0) : words;

/** Results that differ, as text. */
function differences({ text, insn, fpscr, inputs, outputs, cases }: Group): string[] {
  return cases.flatMap((example) => {
    const host = new TestHost();
    for (let n = 0; n < 32; n++) host.vfp[n] = n;
    inputs.forEach((register, i) => {
      host.vfp[register] = example.before[i];
    });
    const expected = host.vfp.slice();
    host.fpscr = fpscr;
    if (!host.run(insn)) return [`${text}: undefined`];
    const flushed = (fpscr & FPSCR.FZ) !== 0 && (example.fpscr & FLUSHED) !== 0;
    const after = unsignedZero(
      outputs.map((register) => host.vfp[register]),
      flushed,
    );
    outputs.forEach((register, i) => {
      expected[register] = unsignedZero(example.after, flushed)[i];
      host.vfp[register] = after[i];
    });
    const same = host.fpscr === example.fpscr && host.vfp.every((word, n) => word === expected[n]);
    return same
      ? []
      : [`${text} (FPSCR ${fpscr.toString(16)}): ${example.line}; here ${[...after, host.fpscr].map((x) => x.toString(16)).join(' ')}`];
  });
}

describe('VFP data processing gives what QEMU gives', () => {
  const groups = parse(readFileSync(new URL(process.env.VFP_GOLDEN ?? 'golden.txt', import.meta.url), 'utf8'));
  const names = [...new Set(groups.map(({ insn }) => rowOf(insn)?.name ?? 'undefined'))];
  it.each(names)('%s', (name) => {
    const mine = groups.filter(({ insn }) => (rowOf(insn)?.name ?? 'undefined') === name);
    expect(mine.flatMap(differences)).toEqual([]);
    expect(mine.every(({ insn, text }) => text.toUpperCase().startsWith(`${rowOf(insn)?.name} `))).toBe(true);
  });
});
