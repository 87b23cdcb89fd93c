/** How a debugger is told why the machine stands (GDB manual E.3, "Stop Reply Packets"). */
import { hexOf, littleEndian } from './hex.ts';
import { type CpuDescription, registersOf } from './registers.ts';
import type { StopReason } from './target.ts';

/** The only thread there is: the CPU. */
export const THREAD = '1';

const SIGINT = '02';
const SIGTRAP = '05';
const WATCH = { write: 'watch', read: 'rwatch', access: 'awatch' } as const;

export interface StopWords {
  /** The client understands `swbreak` and `hwbreak`. */
  readonly breakpointReasons: boolean;
  /** The breakpoint at which the machine stands is a hardware breakpoint, as the client has it. */
  readonly hardware: boolean;
}

export function stopReply(stop: StopReason, cpu: CpuDescription, words: StopWords): string {
  if (stop.kind === 'exited') return 'W00';
  const signal = stop.kind === 'interrupted' ? SIGINT : SIGTRAP;
  const registers = registersOf(cpu)
    .filter(({ name }) => cpu.expedited.includes(name))
    .map((register) => `${register.number.toString(16).padStart(2, '0')}:${hexOf(littleEndian(register.read(), register.bits / 8))};`);
  return `T${signal}thread:${THREAD};${registers.join('')}${reason(stop, words)}`;
}

function reason(stop: StopReason, { breakpointReasons, hardware }: StopWords): string {
  switch (stop.kind) {
    case 'breakpoint':
      return breakpointReasons ? (hardware ? 'hwbreak:;' : 'swbreak:;') : '';
    case 'watchpoint':
      return `${WATCH[stop.watchpoint.kind]}:${stop.address.toString(16)};`;
    case 'history-begin':
      return 'replaylog:begin;';
    case 'history-end':
      return 'replaylog:end;';
    default:
      return '';
  }
}
