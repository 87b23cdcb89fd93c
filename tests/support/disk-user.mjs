// A process with the disk of a QEMU command line, and nothing else of the machine: node disk-user.mjs WHAT OPTIONS…
import { rmSync } from 'node:fs';
import { runMain } from '../../dist/cli/exit.js';
import { openRecordDrive, openReplayDrive } from '../../dist/opening/drives.js';
import { parseQemuOptions } from '../../dist/options/qemu.js';

const [what, ...options] = process.argv.slice(2);
const BLOCK = 20_000;
const say = (text) => process.stdout.write(`${text}\n`);
const block = (n) => new Uint8Array(BLOCK).fill(1 + (n % 255));

const actions = {
  /** Writes and flushes, and says what is safe, until it is killed. */
  async write({ node }) {
    for (let n = 0; ; n++) {
      await node.write((n * 7 * BLOCK) % (node.size - BLOCK), block(n));
      await node.flush();
      say(`flushed ${n}`);
    }
  },
  /** Writes until the host's disk is full; then somebody makes room, and the same write is done again. */
  async fill({ node, close }) {
    let full = 0;
    let n = 0;
    for (; (n + 1) * BLOCK <= node.size; n++) {
      for (;;) {
        try {
          await node.write(n * BLOCK, block(n));
          await node.flush();
          break;
        } catch (error) {
          if (error.code !== 'DISK_FULL' || full++ > 0) throw error;
          say(`full: ${error.message}`);
          rmSync(process.env.BALLAST);
        }
      }
    }
    for (let k = 0; k < n; k++) if (Buffer.compare(await node.read(k * BLOCK, BLOCK), block(k)) !== 0) throw new Error(`block ${k} was lost`);
    await close();
    say(`wrote ${n}, full ${full} times`);
  },
  /** What a recording does at its start, and then some writes. */
  async record({ node, store, close }) {
    await store?.createSnapshot({ name: 'replay_init', date: { seconds: 0, nanoseconds: 0 }, vmClockNs: 0, icount: 0 });
    for (let n = 0; n < 20; n++) await node.write(n * BLOCK, block(n));
    await close();
    say('recorded');
  },
  async replay({ node, store, close }) {
    if (store !== undefined) say('could save snapshots');
    for (let n = 0; n < 20; n++) await node.write(n * BLOCK, block(n));
    await close();
    say('replayed');
  },
  async hold(drive) {
    say('open');
    // A file that nothing refers to any more is closed when it is collected.
    setInterval(() => drive, 1000);
    await new Promise(() => {});
  },
};

await runMain('disk-user', async () => {
  const [spec] = parseQemuOptions(options).drives;
  await actions[what](await (what === 'replay' ? openReplayDrive(spec, async () => 'replay_init', { saveSnapshots: true }) : openRecordDrive(spec)));
  return 0;
});
