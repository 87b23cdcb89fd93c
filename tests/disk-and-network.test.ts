/**
 * Linux with its memory card and its network, by the lines of QEMU's users: recorded twice on one overlay, and replayed
 * when there is no network any more and nothing may be written to the image.
 */
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { canMount, readOnly, startAfter } from './support/mounts.ts';
import { guestFile, hasTool } from './support/outside.ts';
import { commandOf, NO_NETWORK, type Outcome, reprise, systemArm, temporaryFolder } from './support/program.ts';
import { card, icount, NETWORK } from './support/qemu-lines.ts';
import { hasLinux, type Info, info, linux } from './support/recordings.ts';
import { serve } from './support/web-server.ts';

const MINUTES = 60_000;
const BLOB_BYTES = 5_000_000;
const TESTS = 'Linux with a disk and a network';
const tool = (command: string, ...args: string[]): string => {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stdout}${stderr}`);
  return stdout;
};
const hashOf = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

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

const image = hasLinux(TESTS) ? guestFile('disk.qcow2', TESTS) : undefined;

describe.skipIf(image === undefined)(TESTS, { timeout: 5 * MINUTES }, () => {
  const folder = temporaryFolder(afterAll);
  const at = (name: string): string => join(folder, name);
  const base = at('base/disk.qcow2');
  const [first, second] = ['first.bin', 'second.bin'].map(at);
  const disk = card(base, at('overlay.qcow2'));
  const blob = randomBytes(BLOB_BYTES);
  let before: string;
  const texts = new Map<string, Buffer>();
  /** `qemu-img snapshot -l` and the like between the recordings. */
  let afterFirst: { list: string; check: string; info: string } | undefined;
  const qemuImg = hasTool('qemu-img', 'the overlay as QEMU sees it');
  /** The first one fetches a file; the second one has no network. */
  const lines = new Map<string, string[]>();

  async function record(path: string, line: string[]): Promise<void> {
    lines.set(path, [...line, ...disk, '-serial', 'stdio']);
    const { status, stdout, stderr } = await systemArm([...lines.get(path)!, ...icount('record', path)]);
    expect(status, stderr).toBe(0);
    texts.set(path, stdout);
  }
  const overlay = (): { list: string; check: string; info: string } => ({
    list: tool('qemu-img', 'snapshot', '-l', at('overlay.qcow2')),
    check: tool('qemu-img', 'check', at('overlay.qcow2')),
    info: tool('qemu-img', 'info', at('overlay.qcow2')),
  });
  const expectSame = (outcome: Outcome, path: string, { final }: Info): void => {
    expect(outcome).toMatchObject({
      status: 0,
      stderr: expect.stringContaining(`instruction ${final.icount}; the same as recorded (digest ${final.digest})`),
    });
    expect(Buffer.compare(outcome.stdout, texts.get(path)!)).toBe(0);
  };

  beforeAll(async () => {
    mkdirSync(at('base'));
    writeFileSync(base, image!);
    before = hashOf(base);
    const server = await serve(blob);
    await record(first, [...linux(`autooff url=http://10.0.2.2:${server.port}/blob`), ...NETWORK]);
    await server.close();
    expect(server.requests()).toBe(1);
    if (qemuImg) afterFirst = overlay();
    await record(second, linux('autooff'));
  }, 5 * MINUTES);

  it('does its work: it has the file, reads the card and writes to it', () => {
    const fetched = texts.get(first)!.toString();
    expect(fetched).toContain('DHCP 10.0.2.15 via 10.0.2.2');
    expect(fetched).toContain(`${createHash('md5').update(blob).digest('hex')}  -`);
    for (const path of [first, second]) expect(texts.get(path)!.toString()).toContain('hello from the disk image');
    const boots = [first, second].map(
      (path) =>
        texts
          .get(path)!
          .toString()
          .match(/^boot at /gm)?.length,
    );
    expect(boots, 'the second one finds what the first one wrote').toEqual([1, 2]);
    expect(hashOf(base)).toBe(before);
  });

  it.skipIf(!canMount('a replay in a read-only folder'))('is replayed without network, the folder of its image being read-only', async () => {
    for (const path of [first, second]) {
      const words = [...commandOf('reprise-system-arm'), ...lines.get(path)!, ...icount('replay', path)];
      expectSame(await startAfter(onTestFinished, readOnly(at('base')), words, NO_NETWORK).done, path, await info(path));
    }
  });

  it('is replayed by the recordings alone', async () => {
    for (const path of [first, second]) expectSame(await reprise(['replay', path], NO_NETWORK), path, await info(path));
  });

  it('has a log not much larger than the frames, and a network whose frames other programs can read', async () => {
    const { events, bytes } = await info(first);
    expect(events.frame).toBeGreaterThan(BLOB_BYTES / 1514);
    // Frames have headers of Ethernet, IP and TCP; the log may add a tenth to that.
    expect(bytes.log).toBeLessThan((BLOB_BYTES + events.frame * 54) * 1.1);
    const exported = await reprise(['export', first, '--pcap', at('net.pcap')], NO_NETWORK);
    expect(exported.status, exported.stderr).toBe(0);
    const frames = Number(/: (\d+) frames;/.exec(exported.stdout.toString())?.[1]);
    expect(frames).toBeGreaterThan(events.frame);
    expect(framesIn(at('net.pcap'))).toBe(frames);
    if (hasTool('tshark', 'reading the exported frames with tshark')) {
      expect(tshark(at('net.pcap'), [])).toHaveLength(frames);
      expect(tshark(at('net.pcap'), ['-Y', '_ws.malformed'])).toEqual([]);
      expect(tshark(at('net.pcap'), ['-Y', 'dhcp.option.dhcp == 5'])).toHaveLength(1);
    }
  });

  it.skipIf(!qemuImg)('leaves an overlay that QEMU takes', () => {
    const { list, check, info: told } = overlay();
    expect(check).toMatch(/^No errors were found on the image\.$/m);
    expect(afterFirst!.check).toMatch(/^No errors were found on the image\.$/m);
    expect(told).toMatch(/^backing file: .*base\/disk\.qcow2$/m);
    expect(told).toMatch(/^backing file format: qcow2$/m);
    expect(afterFirst!.list.match(/replay_init/g)).toHaveLength(1);
    expect(afterFirst!.list).toMatch(/^1 +replay_init +.* 00:00:00\.000 +0$/m);
    // The second recording has the name now; the first one's snapshot is kept for its replays.
    expect(list).toMatch(/^1 +replay_init\.1 .* 0$/m);
    expect(list).toMatch(/^2 +replay_init .* 0$/m);
  });

  it.skipIf(!qemuImg || !hasTool('debugfs', 'the file system inside the overlay'))('leaves a clean file system with the guest’s files', () => {
    tool('qemu-img', 'convert', '-O', 'raw', at('overlay.qcow2'), at('flat.raw'));
    expect(tool('e2fsck', '-fn', at('flat.raw'))).toMatch(/^.*flat\.raw: \d+\/\d+ files/m);
    const log = tool('debugfs', '-R', 'cat /log', at('flat.raw'));
    expect(log.match(/^boot at .* uptime /gm)).toHaveLength(2);
    expect(texts.get(second)!.toString().replaceAll('\r', '')).toContain(log);
  });
});
