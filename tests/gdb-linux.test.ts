/** gdb and lldb on a recording of Linux with its disk and its network, forwards and backwards. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type * as Library from '../src/index.ts';
import { guestFile, hasTool } from './support/outside.ts';
import { ROOT, type Running, reprise, start, startCommand, temporaryFolder } from './support/program.ts';
import { hasLinux, linux } from './support/recordings.ts';
import { symbolFile } from './support/symbol-file.ts';

const { Replay } = (await import(join(ROOT, 'dist/index.js'))) as typeof Library;
const TESTS = 'debuggers on Linux';
const map = hasLinux(TESTS) ? guestFile('integratorcp/System.map.gz', TESTS) : undefined;
const disk = map === undefined ? undefined : guestFile('disk.qcow2', TESTS);

describe.skipIf(disk === undefined)('a recording of Linux with a disk and a network', { timeout: 180_000 }, () => {
  const folder = temporaryFolder(afterAll);
  const [path, symbols, image] = ['linux.rec', 'vmlinux.sym', 'disk.qcow2'].map((name) => join(folder, name));
  let replay: Library.Replay;

  beforeAll(async () => {
    writeFileSync(symbols, symbolFile(map!));
    writeFileSync(image, disk!);
    const hardware = ['-netdev', 'user,id=net1', '-net', 'nic,netdev=net1', '-drive', `file=${image},if=sd,format=qcow2,snapshot=on`];
    const { status, stdout, stderr } = await reprise(['record', '-o', path, ...linux('autooff'), ...hardware, '-serial', 'stdio']);
    expect(status, stderr).toBe(0);
    expect(stdout.toString()).toContain('hello from the disk image');
    replay = await Replay.open(path, { symbols });
  });
  afterAll(() => replay?.close());

  /** A replay that waits for a debugger, and where. */
  async function waiting(): Promise<{ program: Running; port: string }> {
    const program = start(onTestFinished, 'reprise', ['replay', path, '--gdb', '0', '-serial', 'null', '-display', 'none']);
    await program.says('gdb can connect: target remote ');
    return { program, port: /target remote \S+?:(\d+)/.exec(program.stderr)![1] };
  }
  /** What gdb answers to each command; the replay is at its start, where there is no kernel yet, so that gdb finds no end of a prologue. */
  async function gdb(...commands: string[]): Promise<string[]> {
    const { port } = await waiting();
    const settings = [
      'set confirm off',
      'set pagination off',
      'set width 0',
      'set architecture armv5te',
      `file ${symbols}`,
      `target remote :${port}`,
    ];
    const script = [...settings, ...[...commands, 'kill'].flatMap((command) => [`echo > ${command}\\n`, command])];
    const { stdout } = await startCommand(onTestFinished, 'gdb-multiarch', ['-nx', '-batch', ...script.flatMap((command) => ['-ex', command])]).done;
    return stdout
      .toString()
      .split(/^> .*$/m)
      .slice(1)
      .map((answer) => answer.trim());
  }
  const place = (text: string): { pc: number; icount: number } => ({
    pc: Number(/^pc +(0x[0-9a-f]+)/m.exec(text)?.[1]),
    icount: Number(/^icount +(0x[0-9a-f]+)/m.exec(text)?.[1]),
  });
  const WHERE = 'info registers pc icount';
  const repeat = (count: number, ...commands: string[]): string[] => Array.from({ length: count }, () => commands).flat();
  const address = (name: string): number => replay.names.symbols.address(name);
  const word = (bytes: Uint8Array): number => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);

  describe.skipIf(!hasTool('gdb-multiarch', 'gdb on Linux'))('in gdb', () => {
    it('steps ten instructions there and back, with the same registers in reverse', async () => {
      const all = await gdb(
        'tbreak *&handle_level_irq',
        'continue',
        'info registers',
        ...repeat(10, 'stepi', 'info registers'),
        ...repeat(10, 'reverse-stepi', 'info registers'),
      );
      const states = all.filter((answer) => /^r0 /.test(answer));
      expect(states).toHaveLength(21);
      expect(new Set(states).size).toBe(11);
      expect(states.slice(11)).toEqual(states.slice(0, 10).reverse());
    });

    it('finds the last writes of jiffies_64 from the end, each where a forward scan finds it', async () => {
      const all = await gdb('continue', 'watch *(unsigned int*)&jiffies_64', ...repeat(6, 'reverse-continue', WHERE));
      const found = all.flatMap((answer, n) => {
        const [, old, new_] = /Old value = (\d+)\s+New value = (\d+)/.exec(answer) ?? [];
        return old === undefined ? [] : [{ ...place(all[n + 1]), before: Number(new_), after: Number(old) }];
      });
      expect(found).toHaveLength(6);
      const jiffies = address('jiffies_64');
      const scanned: typeof found = [];
      await replay.seek(found[5].icount - 1);
      for (;;) {
        const before = word(replay.memory(jiffies, 4));
        const stop = await replay.forward({ watchpoints: [{ space: 'virtual', address: jiffies, length: 4, kind: 'write' }] });
        if (stop.kind !== 'watchpoint') break;
        scanned.unshift({ pc: stop.pc, icount: stop.icount, before, after: stop.value });
      }
      expect(found).toEqual(scanned);
      expect(found.map(({ after }) => after)).toEqual(found.map((_, n) => found[0].after - n));
    });

    it('goes backwards out of an interrupt handler, function by function, to the code that was interrupted', async () => {
      const all = await gdb(
        'tbreak *&sp804_timer_interrupt',
        'continue',
        WHERE,
        'bt 4',
        'reverse-next',
        'reverse-finish',
        'reverse-finish',
        WHERE,
        'tbreak *0xffff0018',
        'reverse-continue',
        WHERE,
        'reverse-stepi',
        WHERE,
        'tbreak *&sp804_timer_interrupt',
        'continue',
        WHERE,
      );
      const [, , inside, stack, next, finished, again, outer, , , vector, , interrupted, , , back] = all;
      expect(stack).toMatch(/#0 .*sp804_timer_interrupt.*\n#1 .*__handle_irq_event_percpu.*\n#2 .*handle_irq_event .*\n#3 .*handle_level_irq/);
      expect(next).toContain('__handle_irq_event_percpu');
      expect(finished).toContain('in handle_irq_event');
      expect(again).toContain('in handle_level_irq');
      expect(place(back)).toEqual(place(inside));
      expect(place(outer).icount).toBeLessThan(place(inside).icount);
      expect(place(vector)).toMatchObject({ pc: 0xffff0018 });
      // The instruction before the interrupt, as a trace of the same run has it.
      const at = place(vector).icount;
      const traced: Library.TraceEntry[] = [];
      for await (const entry of replay.trace({ from: at - 1, to: at + 1 })) traced.push(entry);
      expect(traced.map(({ kind, icount, pc }) => ({ kind, icount, pc }))).toEqual([
        { kind: 'instruction', ...place(interrupted) },
        { kind: 'interrupt', icount: at, pc: 0xffff0018 },
        { kind: 'instruction', icount: at, pc: 0xffff0018 },
      ]);
    });

    it('hits a breakpoint as often in both directions, and a conditional one where a forward scan does', async () => {
      const all = await gdb(
        'break *&smc_hard_start_xmit',
        'ignore 1 100000',
        'continue',
        'info breakpoints',
        'reverse-continue',
        'info breakpoints',
        'delete',
        'continue',
        'p *(unsigned int*)&jiffies_64',
        'break *&handle_level_irq if *(unsigned int*)&jiffies_64 < $ - 5',
        'reverse-continue',
        WHERE,
        'p *(unsigned int*)&jiffies_64',
      );
      const hits = all.flatMap((answer) => /already hit (\d+) times/.exec(answer)?.[1] ?? []).map(Number);
      const sent: Library.Moment[] = [];
      for await (const moment of replay.executions(address('smc_hard_start_xmit'))) sent.push(moment);
      expect(sent.length).toBeGreaterThan(1);
      expect(hits).toEqual([sent.length, 2 * sent.length]);
      const [last, there] = all.flatMap((answer) => /^\$\d+ = (\d+)$/.exec(answer)?.[1] ?? []).map(Number);
      expect(there).toBeLessThan(last - 5);
      // No later one has the condition.
      const { icount } = place(all[11]);
      const jiffies = address('jiffies_64');
      await replay.seek(icount);
      expect(word(replay.memory(jiffies, 4))).toBe(there);
      const later = await replay.forward({ breakpoints: [address('handle_level_irq')], when: () => word(replay.memory(jiffies, 4)) < last - 5 });
      expect(later.kind).toBe('end');
    });
  });

  describe.skipIf(!hasTool('lldb', 'lldb on Linux'))('in lldb', () => {
    it('stops where it does in the library: at a function, a step behind it, at the next write of a variable', async () => {
      const { port } = await waiting();
      const jiffies = address('jiffies_64');
      const commands = [
        `target create --arch armv5e-unknown-unknown ${symbols}`,
        `gdb-remote 127.0.0.1:${port}`,
        'breakpoint set -n smc_hard_start_xmit',
        'process continue',
        'register read icount',
        'thread step-inst',
        'register read icount',
        `watchpoint set expression -w write -s 4 -- ${jiffies}`,
        'breakpoint disable',
        'process continue',
        'register read icount',
        'process detach',
        'quit',
      ];
      const { stdout } = await startCommand(onTestFinished, 'lldb', ['-x', ...commands.flatMap((command) => ['-o', command])]).done;
      const counts = [...stdout.toString().matchAll(/^ +icount = (0x[0-9a-f]+)$/gm)].map(([, count]) => Number(count));
      await replay.seek(replay.start);
      const sent = await replay.forward({ breakpoints: [address('smc_hard_start_xmit')] });
      const write = await replay.forward({ watchpoints: [{ space: 'virtual', address: jiffies, length: 4, kind: 'write' }] });
      expect([sent.kind, write.kind]).toEqual(['breakpoint', 'watchpoint']);
      const [first, second] = [sent, write].map((stop) => (stop as Library.DebugStop).icount);
      expect(counts).toEqual([first, first + 1, second + 1]);
      expect(stdout.toString()).toContain('Watchpoint 1 hit');
    });
  });
});
