/**
 * Two engines side by side over one recording: after every so many instructions the state of both machines is compared,
 * RAM at each digest of the recording. For finding faults of the engines; a recording is verified without it.
 */
import type { Machine } from '../boards/machine.ts';
import { type Icount, icount } from '../time/units.ts';
import { DivergenceError, type ReplayRun } from './replay-run.ts';

/** How many of the last instructions before a difference are told. */
const TOLD = 16;

export interface LockstepOptions {
  /** Replays of the same recording that have not begun: the one that is trusted, the one that is looked at, and one to find out with. */
  readonly trusted: ReplayRun;
  readonly examined: ReplayRun;
  /** Makes one more, with the trusted engine. */
  readonly another: () => Promise<ReplayRun>;
  /** Instructions between two comparisons. Compiled code runs in blocks: with too few of them it is never used. */
  readonly step: number;
  /** Compares up to here instead of to the end. */
  readonly to?: Icount | undefined;
}

/** Returns where both have arrived, the same all the way. @throws DivergenceError with the first difference and the code that led to it */
export async function runLockstep({ trusted, examined, another, step, to }: LockstepOptions): Promise<Icount> {
  for (;;) {
    const from = trusted.machine.icount();
    if (to !== undefined && from >= to) return from;
    const limit = icount(Math.min(from + step, to ?? Number.MAX_SAFE_INTEGER));
    const [stop, otherStop] = [await trusted.run(limit), await examined.run(limit)];
    const differing = differences(trusted.machine, examined.machine);
    if (stop !== otherStop) differing.push(`one stops by '${stop}', the other by '${otherStop}'`);
    if (differing.length > 0) {
      const code = await codeBetween(await another(), from, trusted.machine.icount());
      throw new DivergenceError(
        differing.map((name) => name.split('.')[0]),
        from,
        examined.machine.icount(),
        `${differing.join('; ')}\nlast instructions:\n${code.join('\n')}`,
      );
    }
    if (stop !== 'limit') return trusted.machine.icount();
  }
}

/** Fields that differ, with their values: first that of the trusted machine. */
function differences(trusted: Machine, examined: Machine): string[] {
  return trusted.components.flatMap(({ name, state }, n) => {
    const other = examined.components[n].state;
    if (equal(state.bytes, other.bytes)) return [];
    const [fields, otherFields] = [state.fields, other.fields] as Readonly<Record<string, unknown>>[];
    return state.diff(other.save()).map((field) => `${name}.${field} is ${show(fields[field])}, not ${show(otherFields[field])}`);
  });
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  for (let n = 0; n < a.length; n++) if (a[n] !== b[n]) return false;
  return true;
}

const show = (value: unknown): string =>
  ArrayBuffer.isView(value) ? `[${[...(value as Uint32Array)].map((n) => n.toString(16)).join(' ')}]` : String(value);

/** The last instructions of a stretch, as text. */
async function codeBetween(run: ReplayRun, from: Icount, to: Icount): Promise<string[]> {
  const lines: string[] = [];
  await run.run(from);
  while (run.machine.icount() < to) {
    lines.push(`  ${run.machine.icount()} ${run.machine.cpu.nextInstruction()}`);
    if ((await run.run(icount(run.machine.icount() + 1))) !== 'limit') break;
  }
  return lines.slice(-TOLD);
}
