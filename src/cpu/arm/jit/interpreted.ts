/** Instructions that are left to the interpreter: the rare ones, and those that change more than registers. */
import { ALL, NZCV, type Plan } from './context.ts';

export function interpreted(ends: Plan['ends']): Plan {
  return {
    writes: 0,
    sets: 0,
    reads: NZCV,
    seen: true,
    ends,
    source: 'memory',
    opaque: true,
    emit: (context) => context.interpret(ALL),
  };
}
