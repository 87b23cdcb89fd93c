import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../tests/support/program.ts';
import type { DumpSpec, NicSpec } from '../options/network.ts';
import { ns } from '../time/units.ts';
import { Dumps } from './dumps.ts';

const HEADER = 24;
const RECORD = 16;
const folder = temporaryFolder(afterAll);
const nic = (...dumps: DumpSpec[]): NicSpec => ({
  mac: '525400123456',
  netdev: { id: 'net1', backend: { kind: 'user', user: {} }, filtered: false, dumps },
});
const frame = new Uint8Array(100).fill(7);

describe('dumps of a network', () => {
  it('replace earlier files, and keep of each frame what they are to keep', () => {
    const [whole, short] = ['whole', 'short'].map((name) => join(folder, name));
    writeFileSync(short, 'something older, and longer than a header');
    const dumps = new Dumps(nic({ id: 'a', file: whole, maxlen: 65536 }, { id: 'b', file: short, maxlen: 60 }), () => {});
    dumps.frame(frame, ns(1_500_000_000));
    // They are there while the machine runs, as far as it has come.
    expect(readFileSync(whole)).toHaveLength(HEADER + RECORD + 100);
    dumps.frame(frame, ns(2_000_000_000));
    dumps.close();
    const kept = readFileSync(short);
    expect(kept).toHaveLength(HEADER + 2 * (RECORD + 60));
    const record = [0, 4, 8, 12].map((at) => kept.readUInt32LE(HEADER + at));
    expect(record).toEqual([1, 500_000_000, 60, 100]);
  });

  it('that cannot be made are an error, and leave nothing behind', () => {
    const first = join(folder, 'first');
    const nowhere = join(folder, 'nowhere', 'dump');
    expect(() => new Dumps(nic({ id: 'a', file: first, maxlen: 9 }, { id: 'b', file: nowhere, maxlen: 9 }), () => {})).toThrow(
      expect.objectContaining({ code: 'FILE_UNWRITABLE' }),
    );
    expect(existsSync(nowhere)).toBe(false);
    if (existsSync('/dev/full'))
      expect(() => new Dumps(nic({ id: 'a', file: '/dev/full', maxlen: 9 }), () => {})).toThrow(expect.objectContaining({ code: 'DISK_FULL' }));
  });

  it.skipIf(process.platform === 'win32')('end with one message when their file takes no more, and the others go on', async () => {
    const pipe = join(folder, 'pipe');
    const file = join(folder, 'goes-on');
    spawnSync('mkfifo', [pipe]);
    const reader = spawn('head', ['-c', `${HEADER}`, pipe], { stdio: 'ignore' });
    const notices: string[] = [];
    const dumps = new Dumps(nic({ id: 'a', file: pipe, maxlen: 65536 }, { id: 'b', file, maxlen: 65536 }), (text) => notices.push(text));
    await once(reader, 'exit');
    for (let n = 0; n < 3; n++) dumps.frame(frame, ns(n));
    dumps.close();
    expect(notices).toEqual([expect.stringMatching(/^filter 'a' ends here, the run goes on: .*pipe/)]);
    expect(readFileSync(file)).toHaveLength(HEADER + 3 * (RECORD + 100));
  });
});
