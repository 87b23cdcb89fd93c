/** Questions to a run: who wrote there, when was that, what happened. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Arm926 } from '../cpu/arm/cpu.ts';
import { readCpsr } from '../cpu/arm/psr.ts';
import { icount } from '../time/units.ts';
import { detections, executions, momentJson, momentText, StreamSearch, serialBytes, textEnds } from './find.ts';
import { type Stretch, type Write, writeJson, writesBackwards, writeText } from './last-write.ts';
import { LOST_UPDATE, ledgerTime, type MachineTime } from './machine-time.suite.ts';
import { Names } from './names.ts';
import { type TracedRegister, type TraceEntry, trace, traceJson, traceText } from './trace.ts';

const names = new Names(readFileSync(LOST_UPDATE));
const BALANCE = { space: 'virtual', address: names.symbols.address('ledger_balance'), length: 4 } as const;
let machine: MachineTime;
beforeAll(() => {
  machine = ledgerTime();
});
const number = (bytes: Uint8Array): number => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
async function lastWrite(run: MachineTime, stretch: Stretch, before?: Write['icount']): Promise<Write | undefined> {
  for await (const write of writesBackwards(run, stretch, before)) return write;
  return undefined;
}
async function pcAt(count: number): Promise<number> {
  await machine.seek(icount(count));
  return machine.cpu.pc();
}
async function all<T>(generator: AsyncGenerator<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of generator) items.push(item);
  return items;
}

describe('last write', () => {
  it('is the instruction, with the values before and after it', async () => {
    const write = (await lastWrite(machine, BALANCE))!;
    expect(names.place(write.pc)).toBe('ledger_post+0x30');
    expect(number(write.after)).toBeGreaterThan(number(write.before));
    expect(writeText(write, names)).toMatch(
      /^instruction \d+ \(\d\.\d{9} s\) at 0x00008b30 ledger_post\+0x30 at .*ledger\.c:58: 0x[0-9a-f]{8} -> 0x[0-9a-f]{8}$/,
    );
    expect(writeJson(write, names)).toEqual({
      icount: write.icount,
      nanoseconds: write.icount * 8,
      by: 'cpu',
      pc: '0x00008b30',
      symbol: 'ledger_post+0x30',
      line: expect.stringMatching(/ledger\.c:58$/),
      address: '0x0000a100',
      size: 4,
      before: Buffer.from(write.before).toString('hex'),
      after: Buffer.from(write.after).toString('hex'),
    });
    expect(writeText(write, undefined)).toMatch(/at 0x00008b30: /);
  });

  it('before a moment, again and again, makes a chain of values to the first', async () => {
    const writes = await all(writesBackwards(machine, BALANCE));
    expect(writes.length).toBeGreaterThan(200);
    for (let n = 1; n < writes.length; n++) {
      expect(number(writes[n].after)).toBe(number(writes[n - 1].before));
      expect(writes[n].icount).toBeLessThan(writes[n - 1].icount);
    }
    expect(await lastWrite(machine, BALANCE, writes[5].icount)).toEqual(writes[6]);
    // A byte that came was counted, and is lost if the store after it holds the sum of what was there before it and an amount.
    const by = (write: Write): string | undefined => names.symbols.at(write.pc)?.name;
    expect(new Set(writes.map(by))).toEqual(new Set(['ledger_post', 'ledger_count_byte', '_start']));
  });

  it('by physical address is the same', async () => {
    const physical = await lastWrite(machine, { ...BALANCE, space: 'physical', address: 0x80000000 + BALANCE.address });
    expect(physical).toEqual(await lastWrite(machine, BALANCE));
  });

  it('of what was never written is none', async () => {
    expect(await lastWrite(machine, { space: 'virtual', address: 0x80000, length: 16 })).toBeUndefined();
  });
});

describe('executions of an instruction', () => {
  it('are found with count and time, all and within bounds', async () => {
    const address = names.symbols.address('ledger_count_byte');
    const moments = await all(executions(machine, address));
    expect(moments).toHaveLength(57);
    expect(moments.map(({ icount: at }) => at)).toEqual(moments.map(({ icount: at }) => at).sort((a, b) => a - b));
    const [, , third, fourth] = moments;
    expect(await all(executions(machine, address, third.icount, icount(fourth.icount + 1)))).toEqual([third, fourth]);
    expect(await all(executions(machine, address, icount(third.icount + 1), fourth.icount))).toEqual([]);
    expect(momentText(third)).toBe(`instruction ${third.icount} (${((third.icount * 8) / 1e9).toFixed(9)} s)`);
    expect(momentJson(third)).toEqual({ icount: third.icount, nanoseconds: third.icount * 8 });
  });
});

describe('a text on the serial port', () => {
  it('is found at the instruction that sent its last byte', async () => {
    const text = 'try help';
    const [moment, ...more] = await all(textEnds(detections(machine, serialBytes(0)), Buffer.from(text)));
    expect(more).toEqual([]);
    expect(names.place(await pcAt(moment.icount))).toMatch(/^put_text/);
    expect(machine.guestTime()).toBe(moment.guestTime);
    // What was said before, and with that instruction.
    const said = async (to: number): Promise<string> => {
      let heard = '';
      const stop = machine.listen({ serial: (_, byte) => void (heard += String.fromCharCode(byte)) });
      await machine.seek(machine.start);
      await machine.runForward(icount(to));
      stop();
      return heard;
    };
    expect((await said(moment.icount)).endsWith(text.slice(0, -1))).toBe(true);
    expect((await said(moment.icount + 1)).endsWith(text)).toBe(true);
  });

  it('is found each time, in a part of the run, and not on another port', async () => {
    const letters = await all(textEnds(detections(machine, serialBytes(0)), Buffer.from('e')));
    expect(letters.length).toBeGreaterThan(5);
    const third = letters[2].icount;
    expect(await all(detections(machine, serialBytes(0), third, icount(third + 1)))).toEqual([{ ...letters[2], byte: 0x65 }]);
    expect(await all(detections(machine, serialBytes(1)))).toEqual([]);
  });
});

describe('a text in a stream', () => {
  it('is found each time, overlaps included', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[ab]{0,60}$/), fc.stringMatching(/^[ab]{1,5}$/), (stream, text) => {
        const expected = Array.from({ length: stream.length }, (_, n) => n + 1).filter((end) => stream.slice(0, end).endsWith(text));
        const search = new StreamSearch(Buffer.from(text));
        const found = [...Buffer.from(stream)].flatMap((byte, n) => (search.push(byte) ? [n + 1] : []));
        expect(found).toEqual(expected);
      }),
    );
  });
});

describe('trace', () => {
  const registers = (): TracedRegister[] => {
    const cpu = machine.machine.cpu as Arm926;
    const general = Array.from({ length: 15 }, (_, n) => ({ name: `r${n}`, bits: 32, read: () => BigInt(cpu.r[n] >>> 0) }));
    return [...general, { name: 'cpsr', bits: 32, read: () => BigInt(readCpsr(cpu)) }];
  };
  const traced = (from: number, to: number): Promise<TraceEntry[]> => all(trace(machine, registers(), icount(from), icount(to)));

  it('has every instruction with what it changed', async () => {
    const entries = await traced(0, 6);
    expect(entries.map((entry) => traceText(entry, names).replace(/ +/g, ' '))).toMatchInlineSnapshot(`
      [
        " 0 0x00008000 _start at start.S:16: msr cpsr_c, #0xd2 cpsr=000000d2",
        " 1 0x00008004 _start+0x4 at start.S:17: ldr sp, [pc, #0x50] r13=0000b780",
        " 2 0x00008008 _start+0x8 at start.S:18: msr cpsr_c, #0xd3 r13=00000000 cpsr=000000d3",
        " 3 0x0000800c _start+0xc at start.S:19: ldr sp, [pc, #0x4c] r13=0000b380",
        " 4 0x00008010 _start+0x10 at start.S:21: mrc p15, #0, r0, c1, c0, #0 r0=00050078",
        " 5 0x00008014 _start+0x14 at start.S:22: ldr r1, [pc, #0x48] r1=00003007",
      ]
    `);
    expect(traceJson(entries[1], undefined)).toMatchInlineSnapshot(`
      {
        "changed": {
          "r13": "0x0000b780",
        },
        "icount": 1,
        "kind": "instruction",
        "pc": "0x00008004",
        "text": "ldr sp, [pc, #0x50]",
      }
    `);
  });

  it('shows where an interrupt is taken', async () => {
    const address = names.symbols.address('ledger_count_byte');
    const [first] = await all(executions(machine, address));
    const entries = await traced(first.icount - 100, first.icount + 1);
    expect(entries.filter(({ kind }) => kind === 'instruction')).toHaveLength(101);
    const at = entries.findIndex(({ kind }) => kind === 'interrupt');
    expect(entries[at]).toMatchObject({ pc: 0x18, icount: entries[at + 1].icount });
    expect(entries[at].changes.map(({ name }) => name)).toEqual(['r13', 'r14', 'cpsr']);
    expect(entries[at + 1]).toMatchObject({ kind: 'instruction', pc: 0x18 });
    expect(traceText(entries[at], names)).toContain('(interrupt)');
    expect(traceJson(entries[at], undefined)).toMatchObject({ kind: 'interrupt', pc: '0x00000018' });
    expect(entries.at(-1)).toMatchObject({ pc: address, icount: first.icount });
  });

  it('told twice, or in pieces, is the same', async () => {
    expect([...(await traced(120_000, 120_200)), ...(await traced(120_200, 120_400))]).toEqual(await traced(120_000, 120_400));
  });
});
