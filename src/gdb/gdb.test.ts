/** gdb and lldb themselves, over a socket. */
import { afterEach, describe, expect, it } from 'vitest';
import { hasTool } from '../../tests/support/outside.ts';
import { answers, gdb, output, registerIn, type Served, serveBench } from './gdb.suite.ts';

let served: Served;
afterEach(() => served?.close());

describe.skipIf(!hasTool('gdb-multiarch', 'a machine in gdb'))('gdb', () => {
  it('shows a live machine: registers, memory, steps, breakpoints, watchpoints', async () => {
    served = await serveBench({ replay: false });
    const [registers, code, , step, , hit, condition, place, , watched, value, , back, mode, written] = answers(
      await gdb(
        served.port,
        'info registers',
        'x/2i $pc',
        'stepi',
        'info registers pc icount',
        'break *0x8108 if $r1 == 5',
        'continue',
        'p $r1',
        'info registers pc icount',
        'watch *(int*)0x9000',
        'continue',
        'info registers pc icount',
        'set var $r1 = 0x1234',
        'p/x $r1',
        'maintenance packet Qqemu.PhyMemMode:1',
        'p {int}0x80009000',
        'detach',
      ),
    );
    for (const name of ['r12', 'sp', 'lr', 'pc', 'cpsr', 'fpscr', 'spsr', 'c1_control', 'c6_far', 'icount'])
      expect(registers).toMatch(new RegExp(`^${name} `, 'm'));
    expect(code).toMatch(/=> 0x8000:\tmov\tr8, r8.*\n.*0x8004:\tbl\t0x8100/);
    expect([registerIn(step, 'pc'), registerIn(step, 'icount')]).toEqual([0x8004, 1]);
    expect(hit).toContain('Breakpoint 1, 0x00008108');
    expect(condition).toBe('$1 = 5');
    expect(registerIn(place, 'pc')).toBe(0x8108);
    expect(watched).toMatch(/Hardware watchpoint 2: \*\(int\*\)0x9000\s+Old value = 4\s+New value = 5\s+0x0000810c/);
    expect([registerIn(value, 'pc'), registerIn(value, 'icount')]).toEqual([0x810c, registerIn(place, 'icount') + 1]);
    expect(back).toBe('$2 = 0x1234');
    expect(mode).toContain('received: "OK"');
    expect(written).toBe('$3 = 5');
    expect(served.asked).toEqual(['attach', 'detach']);
  });

  it('goes backwards as it went forwards', async () => {
    served = await serveBench({ replay: true });
    const show = 'info registers';
    const there = Array.from({ length: 12 }, () => ['stepi', show]).flat();
    const back = Array.from({ length: 12 }, () => ['reverse-stepi', show]).flat();
    const all = answers(await gdb(served.port, 'stepi 200', show, ...there, ...back, 'detach')).filter((answer) => answer.startsWith('r0 '));
    expect(all).toHaveLength(25);
    expect(all.slice(13)).toEqual(all.slice(0, 12).reverse());
    expect(new Set(all).size).toBe(13);
  });

  it('finds every write backwards, each where going forwards finds it', async () => {
    served = await serveBench({ replay: true, end: 300 });
    const rounds = (command: string): string[] => Array.from({ length: 40 }, () => [command, 'info registers icount']).flat();
    const text = await gdb(served.port, 'watch *(int*)0x9000', ...rounds('continue'), 'echo BACK', ...rounds('reverse-continue'), 'detach');
    const found = (part: string): number[][] =>
      [...part.matchAll(/Old value = (\d+)\s+New value = (\d+)[\s\S]*?icount +(0x[0-9a-f]+)/g)].map(([, ...numbers]) => numbers.map(Number));
    const [there, back] = text.split(/^BACK/m).map(found);
    expect(there.length).toBeGreaterThan(20);
    // Behind the write there, before it on the way back.
    expect(back).toEqual(there.map(([before, after, icount]) => [after, before, icount - 1]).reverse());
    expect(text.match(/No more reverse-execution history/g)?.length).toBeGreaterThanOrEqual(2);
  });

  it('stops at reads and at accesses of both kinds, where they are', async () => {
    served = await serveBench({ replay: true });
    const where = 'info registers pc icount';
    const go = (command: string): string[] => [command, where, command, where];
    const text = await gdb(
      served.port,
      'rwatch *(int*)0x9000',
      ...go('continue'),
      'delete',
      'awatch *(int*)0x9000',
      ...go('continue'),
      ...go('reverse-continue'),
      'detach',
    );
    const places = answers(text)
      .filter((answer) => answer.startsWith('pc '))
      .map((answer) => [registerIn(answer, 'pc'), registerIn(answer, 'icount')]);
    // A read at 0x8100 and a write at 0x8108 in each round: behind them, and on the way back before them.
    const [first, second, write, read, ...back] = places;
    expect([first, second].map(([pc]) => pc)).toEqual([0x8104, 0x8104]);
    expect([write, read]).toEqual([
      [0x810c, second[1] + 2],
      [0x8104, second[1] + 9],
    ]);
    expect(back).toEqual([
      [0x8100, read[1] - 1],
      [0x8108, write[1] - 1],
    ]);
    expect(text.match(/Hardware read watchpoint/g)).toHaveLength(3);
    expect(text.match(/^Hardware access \(read\/write\) watchpoint/gm)).toHaveLength(5);
  });

  it('goes past what it is told to forget, and steps onto a watched write', async () => {
    served = await serveBench({ replay: true });
    const [, , , , hit, place] = answers(
      await gdb(served.port, 'tbreak *0x8108', 'continue', 'watch *(int*)0x9000', 'info registers pc', 'stepi', 'info registers pc icount', 'detach'),
    );
    expect(hit).toMatch(/Old value = 0\s+New value = 1/);
    expect([registerIn(place, 'pc'), registerIn(place, 'icount')]).toEqual([0x810c, 5]);
  });

  it('hits a conditional breakpoint backwards, and goes forwards from there again', async () => {
    served = await serveBench({ replay: true });
    const [, , , condition, , finished, , ahead] = answers(
      await gdb(
        served.port,
        'continue',
        'break *0x8108 if $r1 == 7',
        'reverse-continue',
        'p $r1',
        'delete',
        'info registers pc',
        'tbreak *0x8008',
        'continue',
        'detach',
      ),
    );
    expect(condition).toBe('$1 = 7');
    expect(registerIn(finished, 'pc')).toBe(0x8108);
    expect(ahead).toContain('0x00008008');
  });

  it('uses the monitor, is refused what a replay cannot have, and may come again', async () => {
    served = await serveBench({ replay: true });
    const text = await gdb(served.port, 'monitor info version', 'set var $r1 = 5', 'set {int}0x9000 = 1', 'detach');
    expect(text).toContain('you said: info version');
    expect(text).toContain('a replay is read-only; monitor fork FILE');
    expect(text).toContain('Cannot access memory at address 0x9000');
    const [registers] = answers(await gdb(served.port, 'info registers pc', 'kill'));
    expect(registerIn(registers, 'pc')).toBe(0x8000);
    expect(served.asked).toEqual(['attach', 'detach', 'attach', 'kill']);
  });
});

describe.skipIf(!hasTool('lldb', 'a machine in lldb'))('lldb', () => {
  it('steps, stops at breakpoints and watchpoints, reads and detaches', async () => {
    served = await serveBench({ replay: true });
    const commands = [
      `gdb-remote 127.0.0.1:${served.port}`,
      'thread step-inst',
      'breakpoint set -a 0x8108',
      'process continue',
      'register read pc r1 icount',
      'watchpoint set expression -w write -s 4 -- 0x9000',
      'process continue',
      'register read pc',
      'memory read -s 4 -f x -c 1 0x9000',
      'process detach',
      'quit',
    ];
    const text = await output('lldb', ['-x', ...commands.flatMap((command) => ['-o', command])]);
    expect(text).toMatch(/stop reason = instruction step into\s+frame #0: 0x00008004/);
    expect(text).toMatch(/stop reason = breakpoint 1\.1[\s\S]*pc = 0x00008108\s+r1 = 0x00000001\s+icount = 0x0000000000000004/);
    expect(text).toMatch(/Watchpoint 1 hit:\s+old value: 0\s+new value: 1[\s\S]*pc = 0x0000810c/);
    expect(text).toContain('0x00009000: 0x00000001');
    expect(served.asked).toEqual(['attach', 'detach']);
  });
});
