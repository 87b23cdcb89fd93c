/** A debugger leaves no trace in the run: digests are those of a run without one. */
import { describe, expect, it } from 'vitest';
import { DigestChain } from '../replay/digest-chain.ts';
import { loadHasher } from '../replay/hasher.ts';
import type { Digest } from '../replay/model.ts';
import { digestible } from '../session/build.ts';
import { icount } from '../time/units.ts';
import { ledgerTime, type MachineTime } from './machine-time.suite.ts';
import { reverseContinue, stopsUntil } from './reverse.ts';

const END = 300_000;
const STEP = 20_000;
const hasher = await loadHasher();

async function digests(time: MachineTime, stopped: (count: number) => Promise<void> = async () => {}): Promise<{ chain: Digest[]; stops: number }> {
  await time.seek(time.start);
  const chain = new DigestChain(digestible(time.machine), hasher);
  const taken: Digest[] = [];
  let stops = 0;
  for (let at = STEP; at <= END; at += STEP) {
    for await (const _ of stopsUntil(time, icount(at))) await stopped(++stops);
    taken.push(chain.take({ icount: time.now(), bias: time.machine.clock.state.fields.bias }));
  }
  return { chain: taken, stops };
}

describe('digests', () => {
  it('are the same with breakpoints and watchpoints of all kinds', async () => {
    const plain = await digests(ledgerTime());
    const time = ledgerTime();
    for (const address of [0x8b00, 0x8a80, 0x18, 0x8adc]) time.cpu.addBreakpoint(address);
    time.cpu.addWatchpoint({ space: 'virtual', address: 0xa100, length: 4, kind: 'access' });
    time.cpu.addWatchpoint({ space: 'physical', address: 0x16000000, length: 0x1000, kind: 'read' });
    time.cpu.addWatchpoint({ space: 'physical', address: 0xa000, length: 300, kind: 'write' });
    const debugged = await digests(time);
    expect(plain.stops).toBe(0);
    expect(debugged.stops).toBeGreaterThan(2000);
    expect(debugged.chain).toEqual(plain.chain);
  });

  it('are the same after going back', async () => {
    const plain = await digests(ledgerTime());
    const time = ledgerTime();
    await time.seek(time.end);
    time.cpu.addBreakpoint(0x8a80);
    for (let n = 0; n < 5; n++) await reverseContinue(time);
    time.cpu.clear();
    expect((await digests(time)).chain).toEqual(plain.chain);
  });
});
