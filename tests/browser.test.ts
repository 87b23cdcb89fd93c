/** The core in a browser's worker: it runs, compiles and ends as it does in Node. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { MachineFiles } from '../src/session/build.ts';
import { OPTIONS } from '../src/session/session.suite.ts';
import { bundleForBrowser, inWorker } from './support/chromium.ts';
import { type Job, type JobResult, runJob } from './support/machine-job.ts';
import { hasTool } from './support/outside.ts';
import { ROOT, temporaryFolder } from './support/program.ts';
import { hasLinux, LOST_UPDATE, linuxFile } from './support/recordings.ts';
import { sources } from './support/sources.ts';

const TESTS = 'the core in a browser';
const MiB = 1 << 20;

/** Typed one byte at a time, as the guest has no FIFO. */
const typing = (text: string, from: number, every: number): Job['typed'] =>
  [...text].map((c, n) => ({ at: from + n * every, byte: c.charCodeAt(0) }));
const read = (path: string): { name: string; bytes: Uint8Array } => ({ name: path, bytes: new Uint8Array(readFileSync(path)) });

describe.skipIf(!hasTool('chromium', TESTS))(TESTS, { timeout: 90_000 }, () => {
  let script: string;
  beforeAll(async () => {
    script = await bundleForBrowser(join(import.meta.dirname, 'support/browser-worker.fixture.ts'));
  });

  /** Runs it here and in a browser, both compiling; returns what both say. */
  async function onBothHosts(job: Job, files: MachineFiles): Promise<JobResult> {
    const encoded = Object.entries(files).map(([role, { bytes }]) => [role, Buffer.from(bytes).toString('base64')]);
    const answer = await inWorker(onTestFinished, script, JSON.stringify({ job, files: Object.fromEntries(encoded) }));
    const here = await runJob(job, files);
    // With the statistics: what is hot depends on the guest alone, so both have compiled the same.
    expect(answer).toEqual({ scope: 'DedicatedWorkerGlobalScope', result: here });
    return here;
  }

  it('loads there, every module of it', async () => {
    const core = sources().filter(({ path }) => !/^src\/(host\/node|cli|api|opening|index\.ts$)/.test(path));
    const entry = join(temporaryFolder(onTestFinished), 'core.ts');
    // Exported, or the bundler leaves out what nothing uses.
    const exports = core.map(({ path }, n) => `export * as module${n} from ${JSON.stringify(join(ROOT, path))};\n`).join('');
    writeFileSync(entry, `${exports}await fetch('/answer', { method: 'POST', body: '{"loaded":true}' });\n`);
    const whole = await bundleForBrowser(entry);
    for (const name of ['LiveRun', 'ReplayRun', 'UserNet', 'GdbServer', 'QmpServer']) expect(whole).toContain(name);
    expect(await inWorker(onTestFinished, whole, '')).toEqual({ loaded: true });
  });

  it('goes through the built-in guest as in Node, compiled and interpreted', async () => {
    const files = { kernel: read(LOST_UPDATE) };
    const typed = typing('help\rirqs\rcount\r', 10_000_000, 700_001);
    const job: Job = { options: { ...OPTIONS, ramBytes: 16 * MiB }, engine: { accel: 'jit', hot: 20 }, typed, until: 40_000_000 };
    const { statistics, ...outcome } = await onBothHosts(job, files);
    expect(outcome.digest.icount).toBe(job.until);
    // One byte is lost: the guest notices and resets the board, and the rest is typed after that.
    expect(outcome.said).toMatch(/LOST UPDATE.*> count\r\nreceived 7 bytes, counted 7/s);
    expect(statistics!.functions).toBeGreaterThan(10);
    expect(statistics!.instructions).toBeGreaterThan(0.9 * job.until);
    expect(await runJob({ ...job, engine: { accel: 'interp' } }, files)).toEqual(outcome);
  });

  it.skipIf(!hasLinux(TESTS))('boots Linux as in Node', async () => {
    const files = { kernel: read(linuxFile('zImage')), initrd: read(linuxFile('initrd.gz')), dtb: read(linuxFile('integratorcp.dtb')) };
    const options = { ...OPTIONS, ramBytes: 128 * MiB, append: 'console=ttyAMA0' };
    const typed = typing('echo $((6 * 7)) times\r', 290_000_000, 200_001);
    const job: Job = { options, engine: { accel: 'jit', hot: 100 }, typed, until: 300_000_000 };
    const { statistics, said } = await onBothHosts(job, files);
    expect(said).toContain('\r\n42 times\r\n');
    expect(statistics!.functions).toBeGreaterThan(1000);
    expect(statistics!.instructions).toBeGreaterThan(0.9 * job.until);
  });
});
