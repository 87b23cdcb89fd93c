/** gdb with a program's symbols and lines, on a whole machine that was run before. */
import { afterEach, describe, expect, it } from 'vitest';
import { hasTool } from '../../tests/support/outside.ts';
import type { Arm926 } from '../cpu/arm/cpu.ts';
import { LOST_UPDATE, ledgerTime } from '../debug/machine-time.suite.ts';
import { answers, gdb, registerIn, type Served, serve } from './gdb.suite.ts';

let served: Served | undefined;
afterEach(() => served?.close());

/** What gdb answers to each command, from the end of a run of the built-in guest. */
async function atTheEnd(...commands: string[]): Promise<string[]> {
  const time = ledgerTime();
  served = await serve(time, time.machine.cpu as Arm926, true);
  return answers(await gdb(served.port, `file ${LOST_UPDATE}`, ...commands, 'detach')).slice(1);
}

describe.skipIf(!hasTool('gdb-multiarch', 'a program in gdb'))('gdb with symbols', () => {
  it('shows the last writes of a variable backwards, with their lines', async () => {
    const [value, , first, second, stack] = await atTheEnd('p ledger_balance', 'watch ledger_balance', 'reverse-continue', 'reverse-continue', 'bt');
    const last = Number(/\d+$/.exec(value));
    expect(first).toMatch(new RegExp(`Hardware watchpoint 1: ledger_balance\\s+Old value = ${last}\\s+New value = (\\d+)`));
    expect(first).toContain('ledger_post () at ledger.c:58\n58\t  ledger_balance = balance + amount;');
    const before = /New value = (\d+)/.exec(first)?.[1];
    expect(second).toContain(`Old value = ${before}\n`);
    expect(stack).toMatch(/#0 .*ledger_post \(\) at ledger.c:58\s+#1 .*main \(\) at main.c/);
  });

  it('leaves an interrupt handler backwards, function by function and line by line', async () => {
    const [, stop, stack, finished, stack2, , , , stepped, entry, , forwards] = await atTheEnd(
      'break ledger_count_byte',
      'reverse-continue',
      'bt',
      'reverse-finish',
      'bt',
      'reverse-next',
      'reverse-next',
      'reverse-next',
      'reverse-finish',
      'reverse-finish',
      'info registers pc icount',
      'continue',
    );
    expect(stop).toContain('Breakpoint 1, ledger_count_byte () at ledger.c:20');
    expect(stack).toMatch(/#0 .*ledger_count_byte.*\n#1 .*console_irq.*\n#2 .*irq_dispatch.*\n#3 .*irq_entry/);
    expect(finished).toContain('console_irq () at console.c:32');
    expect(stack2).toMatch(/#0 .*console_irq.*\n#1 .*irq_dispatch/);
    expect(stepped).toContain('irq_dispatch () at main.c');
    expect(entry).toContain('irq_entry () at guest/start.S');
    expect(forwards).toContain('Breakpoint 1, ledger_count_byte () at ledger.c:20');
  });

  it('steps over calls both ways to the same lines', async () => {
    const where = 'info registers pc icount';
    const all = await atTheEnd(
      'break ledger_post',
      'reverse-continue',
      'delete',
      where,
      'next',
      where,
      'next',
      where,
      'reverse-next',
      where,
      'reverse-next',
      where,
    );
    const places = all.filter((answer) => answer.startsWith('pc ')).map((answer) => [registerIn(answer, 'pc'), registerIn(answer, 'icount')]);
    expect(places).toHaveLength(5);
    expect(places[3]).toEqual(places[1]);
    // gdb stops at the first instruction that the line table has for the line.
    expect(places[4][1]).toBeGreaterThanOrEqual(places[0][1]);
    expect(places[4][1]).toBeLessThan(places[1][1]);
    expect(places[2][1]).toBeGreaterThan(places[1][1] + 10);
  });

  it('hits a conditional breakpoint backwards', async () => {
    const [, stop, tick] = await atTheEnd('break ledger_post if ledger_balance < 2000', 'reverse-continue', 'p ledger_balance');
    expect(stop).toContain('Breakpoint 1, ledger_post ()');
    expect(Number(/\d+$/.exec(tick))).toBeLessThan(2000);
    expect(Number(/\d+$/.exec(tick))).toBeGreaterThan(1900);
  });
});
