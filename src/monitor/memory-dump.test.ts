import { beforeEach, describe, expect, it } from 'vitest';
import { RAM_BASE } from '../bus/memory.ts';
import { BUSY_GUEST } from '../session/session.suite.ts';
import { Monitor } from './monitor.ts';
import { DUMPED, DUMPED_AT, QEMU_DUMPS } from './testing/dump.suite.ts';
import { TestSession } from './testing/session.suite.ts';

let session: TestSession;
let monitor: Monitor;
beforeEach(() => {
  session = new TestSession({ guest: BUSY_GUEST });
  monitor = new Monitor(session, { version: '1', saveFile: () => {}, localDate: String, logGuest: () => {} });
  session.machine.memory.bytes.set(DUMPED, RAM_BASE + DUMPED_AT);
});

/** QEMU 7.2's columns for the same memory; but it shows numbers of less than 64 bits as unsigned even for `d`, and four `c` for one. */
describe('a dump of memory', () => {
  it.each([
    ...QEMU_DUMPS,
    ['x /2dh 0x1004', '00001004:    -1 32767'],
    ['x /2dw 0x100c', '0000100c: -2012805627          0'],
    ['x /5c 0x1000', "00001000: 'A' '\\x00' '\\'' '\\n' '\\xff'"],
    ['x 0x16000000', '16000000: Cannot access memory'],
    ['xp /2xw 0xffffc', '00000000000ffffc: Cannot access memory'],
    ['x /2i 0', '0x00000000:  e3a04416  mov r4, #0x16000000\n0x00000004:  e2811001  add r1, r1, #1'],
    ['x /1i 0xfffffc', 'Cannot access memory at address 0x00fffffc'],
    ['p 1+2*3', '0x7'],
    ['p $pc', '0'],
    ['p $nope', 'unknown register\nTry "help p" for more information'],
    ['x', 'x: expression expected\nTry "help x" for more information'],
    ['x /65537xb 0', 'Error: at most 65536 numbers at a time'],
    ['x /99999999999999999999xb 0', 'Error: at most 65536 numbers at a time'],
  ])('%s', async (line, expected) => expect(await monitor.execute(line)).toBe(expected));

  it('shows what the one before it showed, where it does not say', async () => {
    await monitor.execute('x /2uh 0');
    expect(await monitor.execute('x 0x1000')).toBe('00001000:    65');
    expect(await monitor.execute('p 65')).toBe('65');
    expect(await monitor.execute('x /2x 0x1000')).toBe('00001000: 0x0041 0x0a27');
  });

  it('changes nothing', async () => {
    session.advance(100);
    const before = session.machine.components.map(({ state }) => state.save());
    for (const line of ['x /1000xw 0', 'xp /10xw 0x16000000', 'x /64i 0', 'info registers', 'info qtree', 'info mtree']) await monitor.execute(line);
    expect(session.machine.components.flatMap(({ state }, n) => state.diff(before[n]))).toEqual([]);
  });
});
