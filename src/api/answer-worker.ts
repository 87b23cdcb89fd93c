/** A worker that replays parts of a recording to answer a question about them; see `inquiry.ts`. */
import { type StreamJob, sendItems, sendReport, workerSetup } from '../host/node/worker-streams.ts';
import type { WorkerSetup, WorkerTask } from './inquiry.ts';
import { openReplay } from './open-replay.ts';
import { type AnswerTo, answers, type Question } from './questions.ts';

const { path, options } = (await workerSetup()) as WorkerSetup;
/** Who is answered now. */
const asker: { port: StreamJob<WorkerTask>['port'] | undefined } = { port: undefined };
const opening = openReplay(path, {
  ...options,
  onProgress: (icount, guestTime) => {
    if (asker.port !== undefined) sendReport(asker.port, icount, guestTime);
  },
});
// Whoever asks is told; nobody may have asked yet.
opening.catch(() => {});

async function* answer({ question, from, to }: WorkerTask): AsyncGenerator<AnswerTo<Question>, void> {
  yield* answers(await opening, question, from, to);
}

export default ({ task, port }: StreamJob<WorkerTask>): Promise<void> => {
  asker.port = port;
  return sendItems(port, answer(task));
};
