/** Machines that are joined by `-netdev socket`: two of ours, and ours with QEMU's. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { hasTool } from './support/outside.ts';
import { freePort, ROOT, type Running, reprise, start, startCommand, temporaryFolder } from './support/program.ts';
import { hasLinux, linux } from './support/recordings.ts';

const MINUTES = 60_000;
const NO_NETWORK = { env: { NODE_OPTIONS: `--import=${pathToFileURL(join(ROOT, 'tests/support/no-network.mjs')).href}` } };
/** A shell at once, and the network as it says. */
const SHELL = 'rdinit=/bin/sh quiet';
const wired = (ends: string, mac: string): string[] => ['-nic', `socket,id=cable,mac=52:54:00:00:00:${mac},${ends}`];
const up = (address: string): string => `export PATH=/bin; ip addr add ${address}/24 dev eth0; ip link set eth0 up; echo ADDRESS $?\n`;

/** Waits for the guest's shell, and gives its interface an address. */
async function address(guest: Running, address: string): Promise<void> {
  await guest.shows('# ', MINUTES);
  guest.send(up(address));
  await guest.shows('ADDRESS 0', MINUTES);
}

async function pings(guest: Running, address: string): Promise<void> {
  guest.send(`ping -c 2 ${address}\n`);
  await guest.shows('2 packets transmitted, 2 packets received, 0% packet loss', MINUTES);
}

async function portOf(listener: Running): Promise<string> {
  await listener.says('listening on tcp:');
  return /listening on tcp:[^:]+:(\d+)/.exec(listener.stderr)![1];
}

const record = (path: string, nic: readonly string[]): Running =>
  start(onTestFinished, 'reprise', ['record', '-o', path, ...linux(SHELL), '-serial', 'stdio', '-icount', 'shift=3,sleep=on', ...nic], {
    input: 'open',
  });

const qemu = (nic: readonly string[]): Running =>
  startCommand(onTestFinished, 'qemu-system-arm', [...linux(SHELL), '-display', 'none', '-monitor', 'none', '-serial', 'stdio', ...nic], {
    input: 'open',
  });

describe.skipIf(!hasLinux('machines joined by a socket'))('machines joined by a socket', () => {
  const folder = temporaryFolder(afterAll);

  it('reach each other, and replay without the other', { timeout: 5 * MINUTES }, async () => {
    const [left, right] = ['left.rec', 'right.rec'].map((name) => join(folder, name));
    const listener = record(left, wired('listen=:0', '01'));
    const caller = record(right, wired(`connect=127.0.0.1:${await portOf(listener)}`, '02'));
    await Promise.all([address(listener, '10.0.0.1'), address(caller, '10.0.0.2')]);
    await pings(caller, '10.0.0.1');
    await pings(listener, '10.0.0.2');
    const ended = async (guest: Running, path: string): Promise<void> => {
      guest.send('reboot -f\n');
      const { status, stderr, stdout } = await guest.done;
      expect(status, stderr).toBe(0);
      const replay = await reprise(['replay', path, '-serial', 'stdio'], NO_NETWORK);
      expect(replay.status, replay.stderr).toBe(0);
      expect(Buffer.compare(replay.stdout, stdout)).toBe(0);
    };
    await Promise.all([ended(listener, left), ended(caller, right)]);
  });

  describe.skipIf(!hasTool('qemu-system-arm', 'joining a machine with one of QEMU'))('with QEMU', () => {
    it('connect to it', { timeout: 5 * MINUTES }, async () => {
      const port = await freePort();
      const theirs = qemu(wired(`listen=127.0.0.1:${port}`, '01'));
      // Its guest speaks: it listens.
      await address(theirs, '10.0.0.1');
      const ours = record(join(folder, 'connects.rec'), wired(`connect=127.0.0.1:${port}`, '02'));
      await address(ours, '10.0.0.2');
      await pings(ours, '10.0.0.1');
      await pings(theirs, '10.0.0.2');
    });

    it('are connected to by it', { timeout: 5 * MINUTES }, async () => {
      const ours = record(join(folder, 'listens.rec'), wired('listen=:0', '02'));
      const theirs = qemu(wired(`connect=127.0.0.1:${await portOf(ours)}`, '01'));
      await Promise.all([address(ours, '10.0.0.2'), address(theirs, '10.0.0.1')]);
      await pings(theirs, '10.0.0.2');
      await pings(ours, '10.0.0.1');
    });
  });
});
