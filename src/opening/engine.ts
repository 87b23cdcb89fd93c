/** How guest code is executed: what the command line and the environment say. */
import type { Engine } from '../boards/machine.ts';
import { NodeClock } from '../host/node/clock.ts';
import { tuneForCompiledCode } from '../host/node/engine.ts';
import { environmentVariable } from '../host/node/environment.ts';
import { parseInteger } from '../options/values.ts';

/** @param accel what `-accel` says @throws RepriseError BAD_VALUE of REPRISE_JIT_HOT */
export function chooseEngine(accel: Engine['accel'] = 'jit'): Engine {
  if (accel === 'jit') tuneForCompiledCode();
  const hot = environmentVariable('REPRISE_JIT_HOT');
  const clock = new NodeClock();
  return {
    accel,
    hot: hot === undefined ? undefined : parseInteger(hot, 'REPRISE_JIT_HOT', 1, 1_000_000),
    stopwatch: () => clock.milliseconds(),
  };
}

/** Tells what compiled code has done, if REPRISE_JIT_STATISTICS is set. */
export function reportEngine(say: (text: string) => void, statistics: Readonly<Record<string, number>> | undefined): void {
  if (environmentVariable('REPRISE_JIT_STATISTICS') === undefined || statistics === undefined) return;
  say(
    `jit: ${Object.entries(statistics)
      .map(([name, value]) => `${name} ${Math.round(value)}`)
      .join(', ')}`,
  );
}
