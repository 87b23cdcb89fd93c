import type { CharBackend } from '../host.ts';

/** Drops the output and has no input. */
export const nullBackend: CharBackend = Object.freeze({
  congested: false,
  write() {},
  drained: async () => {},
  onInput() {},
  pauseInput() {},
  close: async () => {},
});
