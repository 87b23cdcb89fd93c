/**
 * Going backwards: a run is only ever executed forwards, so the last stop before a moment is found by running up to it from
 * an earlier one, and noting each stop on the way.
 */
import type { DebugStop } from '../bus/debug.ts';
import { type Icount, icount } from '../time/units.ts';
import type { Runner, RunStop, TimeMachine } from './time-machine.ts';

/**
 * Looking back, each stretch is as long as all before it, so that what is near is found at once and what is far with few
 * jumps; but no longer than this, since a stretch is run to its end to find the last stop in it.
 */
const LONGEST_STRETCH = 2 ** 26;

/** Runs forwards with breakpoints and watchpoints in force. */
export async function runArmed(runner: Runner, limit: Icount): Promise<RunStop> {
  runner.cpu.armed = true;
  try {
    return await runner.runForward(limit);
  } finally {
    runner.cpu.armed = false;
  }
}

/** Yields every stop from the present moment to `limit`, which is not included, each as the machine stands there. Ends early with the reason. */
export async function* stopsUntil(runner: Runner, limit: Icount): AsyncGenerator<DebugStop, Exclude<RunStop, DebugStop>> {
  for (;;) {
    const stop = await runArmed(runner, limit);
    if (stop.kind !== 'breakpoint' && stop.kind !== 'watchpoint') return stop;
    yield stop;
    if (stop.kind === 'breakpoint') runner.cpu.pass();
  }
}

/** How going backwards ended. */
export type ReverseStop =
  | DebugStop
  | { readonly kind: 'step' }
  /** There is no stop before. */
  | { readonly kind: 'start' }
  /** The machine is where it was. */
  | { readonly kind: 'interrupted' };

/** Whether a stop counts. It is asked as the machine stands there: before the instruction at a breakpoint, behind a watched access. */
export type StopCondition = (stop: DebugStop) => boolean;

/**
 * Goes back to the last stop before the present moment: to a breakpoint, or to the moment before an instruction that
 * makes a watched access; of the two at one moment, the access counts.
 * @param when passes over the stops for which it is false
 * @param start the moment at which it ends if there is no stop before
 */
export async function reverseContinue(machine: TimeMachine, when: StopCondition = () => true, start = machine.start): Promise<ReverseStop> {
  const origin = machine.now();
  for (let limit = origin; limit > start; ) {
    const stretch = Math.min(origin - limit, LONGEST_STRETCH);
    const from = icount(Math.max(start, machine.checkpointBefore(icount(Math.max(start + 1, limit - stretch)))));
    await machine.seek(from);
    const last = await lastStop(machine, limit, when);
    if (last === 'interrupted') {
      await machine.seek(origin);
      return { kind: 'interrupted' };
    }
    if (last !== undefined) {
      await land(machine, last);
      return last;
    }
    limit = from;
  }
  await machine.seek(start);
  return { kind: 'start' };
}

/** Goes back by one instruction. */
export async function reverseStep(machine: TimeMachine): Promise<ReverseStop> {
  const now = machine.now();
  if (now <= machine.start) return { kind: 'start' };
  const before = icount(now - 1);
  await machine.seek(before);
  if (!machine.cpu.watching()) return { kind: 'step' };
  const stop = await lastStop(machine, now, () => true);
  if (stop !== undefined && stop !== 'interrupted' && stop.kind === 'watchpoint') {
    await land(machine, stop);
    return stop;
  }
  await machine.seek(before);
  return { kind: 'step' };
}

async function lastStop(machine: TimeMachine, limit: Icount, when: StopCondition): Promise<DebugStop | 'interrupted' | undefined> {
  let last: DebugStop | undefined;
  const stops = stopsUntil(machine, limit);
  for (;;) {
    const { done, value } = await stops.next();
    if (done) return value.kind === 'interrupted' ? 'interrupted' : last;
    if (when(value)) last = value;
  }
}

/**
 * Goes to the moment before a stop's instruction. Where an interrupt is taken at the same count, that moment is behind it:
 * the instruction is the handler's first.
 */
async function land(machine: TimeMachine, { icount: at, pc }: DebugStop): Promise<void> {
  const { cpu } = machine;
  await machine.seek(at);
  if (cpu.pc() === pc) return;
  const own = cpu.addBreakpoint(pc);
  try {
    await runArmed(machine, icount(at + 1));
  } finally {
    if (own) cpu.removeBreakpoint(pc);
  }
}
