/** A real recording that is damaged: an error that says so, or the exact beginning; never anything else. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RepriseError } from '../src/errors/errors.ts';
import type { Recording } from '../src/replay/reader.ts';
import { forged, newReplay, newSession, open, type Replay, runUntil, type Session } from '../src/session/session.suite.ts';
import { icount } from '../src/time/units.ts';
import { reprise, temporaryFolder } from './support/program.ts';
import { LOST_UPDATE } from './support/recordings.ts';

/** The built-in guest with some keys and letters, as `reprise record` would record it: 2 million instructions. */
let session: Session;
let whole: Uint8Array;
let recording: Recording;

beforeAll(async () => {
  const kernel = { name: 'lost-update.elf', bytes: new Uint8Array(readFileSync(LOST_UPDATE)) };
  session = newSession({ files: { kernel }, options: { ramBytes: 16 * 2 ** 20 }, interval: 2 ** 18, step: 2 });
  for (let n = 0; n < 12; n++) {
    session.clock.plan(8 + 5 * n, () => session.live.inputs.push({ kind: 'key', code: 'a', down: n % 2 === 0 }));
    if (n < 5) session.clock.plan(9 + 5 * n, () => session.ends[0].type('help\r'[n]));
  }
  await runUntil(session, 70);
  whole = session.file.bytes;
  recording = open(whole);
  expect(recording.end?.reason).toBe('quit');
  expect(session.ends[0].said).toContain('try help');
});

/** The file with a bit that is another. */
function flipped(bit: number): Uint8Array {
  const bytes = whole.slice();
  bytes[bit >> 3] ^= 1 << (bit & 7);
  return bytes;
}

/** What becomes of some bytes: an error with a code and a message, or a replay. */
async function opened(bytes: Uint8Array): Promise<RepriseError | Replay> {
  try {
    return await newReplay(bytes);
  } catch (error) {
    if (error instanceof RepriseError) return error;
    throw error;
  }
}

const logStart = (): number => recording.sizes.file - recording.sizes.log;

describe('one flipped bit', () => {
  const expectRefused = async (bit: number): Promise<void> => {
    const result = await opened(flipped(bit));
    expect(result, `bit ${bit}`).toBeInstanceOf(RepriseError);
    const { code, message } = result as RepriseError;
    expect(['RECORDING_DAMAGED', 'NOT_A_RECORDING', 'RECORDING_VERSION'], message).toContain(code);
    expect(message.length).toBeLessThan(500);
    expect(message).not.toContain('\n');
  };

  it('is noticed wherever it is in the log', { timeout: 120_000 }, async () => {
    for (let bit = logStart() * 8; bit < whole.length * 8; bit++) await expectRefused(bit);
  });

  it('is noticed wherever it is in the head', { timeout: 120_000 }, async () => {
    const { inputs } = recording.sizes;
    const head = (logStart() - inputs) * 8;
    for (let bit = 0; bit < head; bit += 3) await expectRefused(bit);
  });

  it('is noticed anywhere', { timeout: 120_000 }, async () => {
    await fc.assert(fc.asyncProperty(fc.nat(whole.length * 8 - 1), expectRefused), { numRuns: 1500 });
  });

  it('says what is still usable, and it is', async () => {
    const near = whole.length - 60;
    const { message } = (await opened(flipped(near * 8 + 3))) as RepriseError;
    const [, bytes, count] = /The (\d+) bytes before are whole and replay up to instruction (\d+)/.exec(message)!;
    const rest = (await opened(whole.slice(0, Number(bytes)))) as Replay;
    expect(await rest.run.run()).toBe('end');
    expect(rest.run.machine.icount()).toBe(Number(count));
    expect(session.ends[0].said.startsWith(rest.said[0])).toBe(true);
  });
});

describe('a cut', () => {
  it('leaves nothing, or the exact beginning', { timeout: 120_000 }, async () => {
    const cuts = fc.oneof(fc.nat(whole.length - 1), fc.integer({ min: logStart(), max: whole.length - 1 }));
    let replays = 0;
    await fc.assert(
      fc.asyncProperty(cuts, async (length) => {
        const result = await opened(whole.slice(0, length));
        if (result instanceof RepriseError) {
          expect(['RECORDING_DAMAGED', 'NOT_A_RECORDING']).toContain(result.code);
          expect(length).toBeLessThan(logStart());
          return;
        }
        expect(length).toBeGreaterThanOrEqual(logStart());
        const { reached, end } = open(whole.slice(0, length));
        expect(end).toBeUndefined();
        // A replay of everything for each of them would take long, and most of them are of the same chunks.
        if (replays++ % 5 !== 0) return;
        expect(await result.run.run()).toBe('end');
        expect(result.run.machine.icount()).toBe(reached.icount);
        expect(session.ends[0].said.startsWith(result.said[0])).toBe(true);
        const straight = await newReplay(whole);
        await straight.run.run(icount(reached.icount));
        expect(straight.said).toEqual(result.said);
      }),
      { numRuns: 150 },
    );
    expect(replays).toBeGreaterThan(50);
  });
});

describe('several faults at once', () => {
  it('are noticed: bytes changed, put in, left out, exchanged', { timeout: 120_000 }, async () => {
    const fault = fc.oneof(
      fc.record({ kind: fc.constant('change'), at: fc.nat(whole.length - 1), bytes: fc.uint8Array({ minLength: 1, maxLength: 40 }) }),
      fc.record({ kind: fc.constant('insert'), at: fc.nat(whole.length - 1), bytes: fc.uint8Array({ minLength: 1, maxLength: 40 }) }),
      fc.record({ kind: fc.constant('remove'), at: fc.nat(whole.length - 1), bytes: fc.uint8Array({ minLength: 1, maxLength: 2000 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fault, { minLength: 1, maxLength: 3 }), async (faults) => {
        let bytes: Buffer = Buffer.from(whole);
        for (const { kind, at, bytes: other } of faults) {
          const rest = kind === 'insert' ? at : at + other.length;
          bytes = Buffer.concat([bytes.subarray(0, at), kind === 'remove' ? Buffer.alloc(0) : other, bytes.subarray(rest)]);
        }
        if (Buffer.compare(bytes, whole) === 0) return;
        const result = await opened(new Uint8Array(bytes));
        // Only the end may be missing without an error.
        if (!(result instanceof RepriseError)) expect(open(new Uint8Array(bytes)).end).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });
});

describe('the command line', () => {
  const folder = temporaryFolder(afterAll);
  const path = join(folder, 'bad.rec');

  it.each(['replay', 'verify', 'info'])('%s refuses a damaged recording in one line', async (command) => {
    writeFileSync(path, flipped((logStart() + 40) * 8));
    const { status, stdout, stderr } = await reprise([command, path]);
    expect(stderr).toMatch(/^reprise: [^\n]*bad\.rec: the recording is damaged at byte \d+: [^\n]* \[RECORDING_DAMAGED\]\n$/);
    expect(stdout.toString()).toBe('');
    expect(status).toBe(1);
  });

  it('ends with 3 and names component and interval when the replay is not the recorded run', async () => {
    const { header } = recording;
    const place = 3 * header.digestInterval;
    const uart = header.components.findIndex(({ name }) => name === 'uart1');
    writeFileSync(
      path,
      await forged(whole, {
        log: (records) =>
          records.map((record) =>
            record.kind === 'digest' && record.digest.icount === place
              ? { ...record, digest: { ...record.digest, components: record.digest.components.with(uart, 12345) } }
              : record,
          ),
      }),
    );
    for (const command of ['replay', 'verify']) {
      const { status, stderr, stdout } = await reprise([command, path]);
      expect(stderr).toBe(
        `reprise: the replay differs from the recording between instruction ${2 * header.digestInterval} and ${place}: first differing component: uart1 [DIVERGED]\n`,
      );
      expect(status).toBe(3);
      if (command === 'verify') expect(stdout.toString()).toBe('');
    }
  });

  it('ends with 3 when the recording lacks an input', async () => {
    writeFileSync(path, await forged(whole, { log: (records) => records.filter((r) => r.kind !== 'event' || r.event.input.kind !== 'serial') }));
    const { status, stderr } = await reprise(['verify', path]);
    expect(stderr).toMatch(/between instruction \d+ and \d+: first differing component: .*uart0.* \[DIVERGED\]\n$/);
    expect(status).toBe(3);
  });

  it('replays the recording when nothing is wrong with it', async () => {
    writeFileSync(path, whole);
    const { status, stderr, stdout } = await reprise(['replay', path]);
    expect(status, stderr).toBe(0);
    expect(stdout.toString('latin1')).toBe(session.ends[0].said);
    expect(stderr).toContain(`the same as recorded (digest ${recording.end?.digest.chain})`);
  });
});
