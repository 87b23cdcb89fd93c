/** A guest that fetches something over the network, recorded, and replayed when there is no network any more. */
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { hasTool } from './support/outside.ts';
import { ROOT, reprise, systemArm, temporaryFolder } from './support/program.ts';
import { hasLinux, info, linux } from './support/recordings.ts';

const MINUTES = 60_000;
const BLOB_BYTES = 1_000_000;
const NO_NETWORK = { env: { NODE_OPTIONS: `--import=${pathToFileURL(join(ROOT, 'tests/support/no-network.mjs')).href}` } };

/** Serves one file on a free port of the loopback interface. */
async function serve(blob: Buffer): Promise<{ port: number; requests: () => number; close: () => Promise<void> }> {
  let requests = 0;
  const server = createServer((_request, response) => {
    requests++;
    response.end(blob);
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  return {
    port: (server.address() as AddressInfo).port,
    requests: () => requests,
    close: () => new Promise((closed) => server.close(() => closed())),
  };
}

const tshark = (file: string, args: readonly string[]): string[] => {
  const { stdout } = spawnSync('tshark', ['-r', file, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return stdout.split('\n').filter((line) => line !== '');
};

/** Counts the records of a pcap file and checks that guest time does not run backwards. */
function framesIn(file: string): number {
  const bytes = readFileSync(file);
  expect(bytes.readUInt32LE(0)).toBe(0xa1b23c4d);
  let count = 0;
  let before = 0;
  for (let at = 24; at < bytes.length; at += 16 + bytes.readUInt32LE(at + 8), count++) {
    const time = bytes.readUInt32LE(at) * 1e9 + bytes.readUInt32LE(at + 4);
    expect(time).toBeGreaterThanOrEqual(before);
    before = time;
  }
  return count;
}

describe.skipIf(!hasLinux('a guest on the network, recorded and replayed'))('a guest on the network', () => {
  const folder = temporaryFolder(afterAll);

  it('gets its lease and its file, and gets them again in a replay without any network', { timeout: 5 * MINUTES }, async () => {
    const blob = randomBytes(BLOB_BYTES);
    const server = await serve(blob);
    const path = join(folder, 'net.rec');
    const words = `autooff url=http://10.0.2.2:${server.port}/blob`;
    const recorded = await reprise(['record', '-o', path, ...linux(words), '-serial', 'stdio', '-netdev', 'user,id=net1', '-net', 'nic,netdev=net1']);
    await server.close();
    expect(recorded.status, recorded.stderr).toBe(0);
    const text = recorded.stdout.toString();
    expect(text).toContain('DHCP 10.0.2.15 via 10.0.2.2');
    expect(text).toContain(`${createHash('md5').update(blob).digest('hex')}  -`);
    expect(server.requests()).toBe(1);

    const replay = await reprise(['replay', path, '-serial', 'stdio'], NO_NETWORK);
    expect(replay.status, replay.stderr).toBe(0);
    expect(Buffer.compare(replay.stdout, recorded.stdout)).toBe(0);
    const { events, bytes } = (await info(path)) as unknown as { events: { frame: number }; bytes: { log: number } };
    expect(events.frame).toBeGreaterThan(BLOB_BYTES / 1514);
    // Frames have headers of Ethernet, IP and TCP; the log may add a tenth to that.
    expect(bytes.log).toBeLessThan((BLOB_BYTES + events.frame * 54) * 1.1);

    const dump = join(folder, 'net.pcap');
    const exported = await reprise(['export', path, '--pcap', dump], NO_NETWORK);
    expect(exported.status, exported.stderr).toBe(0);
    const frames = Number(/: (\d+) frames;/.exec(exported.stdout.toString())?.[1]);
    expect(frames).toBeGreaterThan(events.frame);
    expect(framesIn(dump)).toBe(frames);
    if (hasTool('tshark', 'reading the exported frames with tshark')) {
      expect(tshark(dump, [])).toHaveLength(frames);
      expect(tshark(dump, ['-Y', '_ws.malformed'])).toEqual([]);
      expect(tshark(dump, ['-Y', 'dhcp.option.dhcp == 5'])).toHaveLength(1);
    }
  });

  it('needs a filter on QEMU’s command line, and is told which', async () => {
    const line = [
      ...linux('autooff'),
      '-netdev',
      'user,id=net1',
      '-net',
      'nic,netdev=net1',
      '-icount',
      `shift=3,rr=record,rrfile=${join(folder, 'q.bin')}`,
    ];
    const refused = await systemArm(line);
    expect(refused.status).toBe(2);
    expect(refused.stderr).toContain('add -object filter-replay,id=replay,netdev=net1');
  });
});
