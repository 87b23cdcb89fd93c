/** What happens to a session, as QMP's events. */
import type { SessionEvent } from '../session/control.ts';
import type { Result } from './command.ts';

export interface QmpEvent {
  readonly event: string;
  readonly data?: { readonly [name: string]: Result };
}

export function toQmpEvent(event: SessionEvent): QmpEvent {
  switch (event.kind) {
    case 'stop':
      return { event: 'STOP' };
    case 'resume':
      return { event: 'RESUME' };
    case 'reset':
      return { event: 'RESET', data: { guest: event.guest, reason: event.guest ? 'guest-reset' : 'host-qmp-system-reset' } };
    case 'shutdown':
      // QAPI's `ShutdownCause` knows no end of a replay.
      return { event: 'SHUTDOWN', data: { guest: event.guest, reason: event.reason === 'replay-end' ? 'none' : event.reason } };
    case 'block-io-error':
      return {
        event: 'BLOCK_IO_ERROR',
        data: {
          device: event.device,
          'node-name': event.device,
          operation: event.operation,
          action: 'stop',
          nospace: event.noSpace,
          reason: event.reason,
        },
      };
  }
}
