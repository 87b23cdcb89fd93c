/** Questions to a part of a recording, as plain data that a worker can be given, and how a replay answers them. */
import { Arm926 } from '../cpu/arm/cpu.ts';
import { type DiskAccess, detections, diskAccesses, executions, type Frame, frames, type SerialByte, serialBytes } from '../debug/find.ts';
import { parseFrameFilter } from '../debug/frame-filter.ts';
import { type Stretch, type Write, writesBackwards } from '../debug/last-write.ts';
import { type TracedRegister, type TraceEntry, trace } from '../debug/trace.ts';
import type { Moment } from '../debug/witnessed.ts';
import { assert } from '../errors/errors.ts';
import { armDescription } from '../gdb/arm.ts';
import { registersOf } from '../gdb/registers.ts';
import type { Icount } from '../time/units.ts';
import type { OpenedReplay } from './open-replay.ts';

export type Question =
  | { readonly kind: 'executions'; readonly address: number }
  | { readonly kind: 'serial'; readonly port: number }
  /** All frames, if there is no filter. */
  | { readonly kind: 'frames'; readonly filter: string | undefined }
  | { readonly kind: 'disk-requests' }
  /** The last one first. */
  | { readonly kind: 'writes'; readonly stretch: Stretch }
  | { readonly kind: 'trace' };

interface Answers {
  readonly executions: Moment;
  readonly serial: SerialByte;
  readonly frames: Frame;
  readonly 'disk-requests': DiskAccess;
  readonly writes: Write;
  readonly trace: TraceEntry;
}

export type AnswerTo<Q extends Question> = Answers[Q['kind']];

/** All answers in [from, to). @throws RepriseError BAD_VALUE of the filter, and those of the replay */
export function answers(replay: OpenedReplay, question: Question, from: Icount, to: Icount): AsyncGenerator<AnswerTo<Question>, void> {
  const { time, session } = replay;
  switch (question.kind) {
    case 'executions':
      return executions(time, question.address, from, to);
    case 'serial':
      return detections(time, serialBytes(question.port), from, to);
    case 'frames':
      return detections(time, frames(question.filter === undefined ? () => true : parseFrameFilter(question.filter)), from, to);
    case 'disk-requests':
      return detections(time, diskAccesses, from, to);
    case 'writes':
      return writesBackwards(time, question.stretch, to, from);
    case 'trace':
      return trace(time, tracedRegisters(session.machine.cpu), from, to);
  }
}

/** They change with every instruction, or cannot. */
const UNTRACED = ['pc', 'icount'];

function tracedRegisters(cpu: unknown): TracedRegister[] {
  assert(cpu instanceof Arm926, 'every machine has this processor');
  return registersOf(armDescription(cpu)).filter(({ name }) => !UNTRACED.includes(name));
}
