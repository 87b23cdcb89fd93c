/** What is wrong with a snapshot that cannot be read. */
import { RepriseError } from '../errors/errors.ts';
import { Damage } from '../replay/damage.ts';
import { ShapeError } from '../replay/shape.ts';

export const damaged = (why: string, cause?: unknown): RepriseError =>
  new RepriseError('SNAPSHOT_DAMAGED', `the snapshot is damaged: ${why}; delete it, and use another one`, cause);

/** Does something with bytes that may be anything. @throws RepriseError SNAPSHOT_DAMAGED */
export function refuse<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof Damage || error instanceof ShapeError) throw damaged(error.message, error);
    throw error;
  }
}
