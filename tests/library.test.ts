/** The built package as a program uses it, and the example of docs/api.md. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type * as Library from '../src/index.ts';
import { ROOT, reprise, temporaryFolder } from './support/program.ts';
import { LOST_UPDATE, replayed } from './support/recordings.ts';

const { Replay, RepriseError } = (await import(join(ROOT, 'dist/index.js'))) as typeof Library;
const folder = temporaryFolder(afterAll);
const path = join(folder, 'ledger.rec');
let replay: Library.Replay;
/** Each byte that the guest counted: one or some dozens, depending on when its bug showed. */
let counted: Library.Moment[];

beforeAll(async () => {
  expect((await reprise(['demo', '-o', path])).status).toBe(0);
  replay = await Replay.open(path, { symbols: LOST_UPDATE });
  counted = await all(replay.executions(addressOf('ledger_count_byte')));
});
afterAll(() => replay?.close());

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}
const addressOf = (name: string): number => replay.names.symbols.address(name);
const registers = (): string =>
  replay
    .registerNames()
    .map((name) => `${name}=${replay.register(name)}`)
    .join(' ');

describe('the example of docs/api.md', () => {
  const [, example] = /```js\n([\s\S]*?)```/.exec(readFileSync(join(ROOT, 'docs/api.md'), 'utf8'))!;
  writeFileSync(join(folder, 'package.json'), '{}');
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(ROOT, join(folder, 'node_modules/reprise'));
  writeFileSync(join(folder, 'example.mjs'), example);

  it('does what it says', () => {
    expect(example.trimEnd().split('\n').length).toBeLessThanOrEqual(17);
    const { status, stdout, stderr } = spawnSync(process.execPath, ['example.mjs', path, LOST_UPDATE], { cwd: folder, encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
    const [, icount] = /^last byte counted by instruction (\d+), r3 = \d+\n/.exec(stdout)!;
    expect(stdout).toContain(`\n${icount} ledger.c:21 Uint8Array(4)`);
  });

  it('has types', () => {
    const host = 'declare const console: { log(...what: unknown[]): void };\ndeclare const process: { argv: string[] };\n';
    writeFileSync(join(folder, 'example.mts'), host + example);
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const options = ['--noEmit', '--strict', '--target', 'es2023', '--module', 'nodenext', '--types', '', '--skipLibCheck', 'false'];
    const { stdout } = spawnSync(process.execPath, [tsc, ...options, 'example.mts'], { cwd: folder, encoding: 'utf8' });
    expect(stdout).toBe('');
  });
});

describe('a replay', () => {
  it('is at the same moment in the same state, wherever it comes from', async () => {
    const middle = Math.floor(replay.end / 2);
    await replay.seek(middle);
    const [there, time] = [registers(), replay.guestTime];
    await replay.seek(replay.end);
    await replay.seek(1000);
    expect([replay.icount, replay.guestTime]).toEqual([1000, 8000]);
    await replay.seekTime(time);
    expect([replay.icount, registers()]).toEqual([middle, there]);
    for (const bad of [-1, 0.5, replay.end + 1]) expect(() => replay.seek(bad)).toThrow(RepriseError);
    expect(() => replay.register('eax')).toThrow(/no register 'eax'/);
  });

  it('goes to conditions both ways, and to both ends', async () => {
    const [address, balance] = [addressOf('ledger_count_byte'), addressOf('ledger_balance')];
    await replay.seek(replay.end);
    const last = await replay.backward({ breakpoints: [address] });
    expect(last).toMatchObject({ kind: 'breakpoint', pc: address, icount: replay.icount });
    expect(Number(replay.register('pc'))).toBe(address);
    expect(replay.icount).toBe(counted.at(-1)!.icount);
    const [first] = counted;
    await replay.seek(replay.end);
    const earliest = await replay.backward({ breakpoints: [address], when: ({ icount }) => icount <= first.icount });
    expect(earliest).toMatchObject({ kind: 'breakpoint', icount: first.icount });
    await replay.seek(0);
    const again = await replay.forward({ breakpoints: [address], when: ({ icount }) => icount >= counted.at(-1)!.icount });
    expect(again).toEqual(last);
    const watch = { watchpoints: [{ space: 'virtual', address: balance, length: 4, kind: 'write' }] } as const;
    const write = await replay.forward(watch);
    expect(write).toMatchObject({ kind: 'watchpoint', icount: replay.icount - 1 });
    const value = replay.memory(balance, 4);
    expect(await replay.backward(watch)).toMatchObject({ ...write });
    expect(replay.memory(balance, 4)).not.toEqual(value);
    expect(replay.memory(0x80000000 + balance, 4, 'physical')).toEqual(replay.memory(balance, 4));
    expect(await replay.forward({ to: replay.icount + 5 })).toEqual({ kind: 'limit' });
    expect(await replay.forward({})).toEqual({ kind: 'end' });
    expect(replay.icount).toBe(replay.end);
    await replay.seek(100_000);
    expect(await replay.backward({})).toEqual({ kind: 'start' });
  });

  it('tells what the guest sent, byte by byte with its moment, and may be moved meanwhile', async () => {
    const bytes: Library.SerialByte[] = [];
    for await (const byte of replay.serial()) {
      bytes.push(byte);
      if (bytes.length % 50 === 1) await replay.seek(byte.icount);
    }
    expect(Buffer.from(bytes.map(({ byte }) => byte)).toString()).toBe((await replayed(path)).toString());
    expect(bytes.every(({ icount, guestTime }) => guestTime === icount * 8)).toBe(true);
    // The store to the data register (DDI 0183, UARTDR at offset 0).
    await replay.seek(bytes[9].icount);
    expect(replay.disassemble(Number(replay.register('pc')))).toMatch(/^str/);
    expect(await all(replay.serial(0, { from: bytes[3].icount, to: bytes[5].icount }))).toEqual(bytes.slice(3, 5));
    expect(await all(replay.frames())).toEqual([]);
    expect(await all(replay.diskRequests())).toEqual([]);
  });

  it('tells executions and writes', async () => {
    const address = addressOf('ledger_count_byte');
    expect(counted.length).toBeGreaterThan(0);
    const [{ icount }] = counted;
    const entries = await all(replay.trace({ from: icount, to: icount + 3 }));
    expect(entries.map((entry) => [entry.icount, entry.pc])).toEqual([0, 1, 2].map((n) => [icount + n, address + 4 * n]));
    const writes: Library.Write[] = [];
    for await (const write of replay.writes(addressOf('ledger_balance'), 4)) if (writes.push(write) === 5) break;
    for (let n = 1; n < 5; n++) expect(writes[n].after).toEqual(writes[n - 1].before);
  });

  it('is refused with a code when there is nothing to open', async () => {
    await expect(Replay.open(join(folder, 'none.rec'))).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
    await expect(Replay.open(path, { disk: LOST_UPDATE })).rejects.toMatchObject({ code: 'INPUT_CHANGED' });
    await expect(Replay.open(path, { symbols: path })).rejects.toMatchObject({ code: 'BAD_SYMBOLS' });
  });
});
