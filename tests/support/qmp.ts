/** A machine under control of a real QMP client. */
import { join } from 'node:path';
import { QMPClient } from 'node-qemu';
import { type CleanUp, type Running, start, temporaryFolder } from './program.ts';

export type Endpoint = { readonly socketPath: string } | { readonly host: string; readonly port: number };

/** The client's connection is closed when the test is over. */
export async function connect(cleanUp: CleanUp, endpoint: Endpoint): Promise<QMPClient> {
  const client = new QMPClient({ ...endpoint, reconnect: false });
  await client.connect();
  cleanUp(() => void client.close());
  return client;
}

/** Waits for the Unix socket of `-qmp unix:PATH,server,nowait`, and connects. */
export async function connected(cleanUp: CleanUp, running: Running, socketPath: string): Promise<QMPClient> {
  await running.says(`listening on unix:${socketPath}`);
  return connect(cleanUp, { socketPath });
}

export interface Controlled {
  readonly running: Running;
  readonly client: QMPClient;
}

/** Starts a program of ours under control of a client; the machine stands. */
export async function startControlled(cleanUp: CleanUp, program: Parameters<typeof start>[1], words: readonly string[]): Promise<Controlled> {
  const socket = join(temporaryFolder(cleanUp), 'qmp');
  const running = start(cleanUp, program, [...words, '-S', '-qmp', `unix:${socket},server,nowait`]);
  return { running, client: await connected(cleanUp, running, socket) };
}

/** Lets the machine go on, and waits until it stands again. */
export async function untilStop(client: QMPClient): Promise<void> {
  const stopped = nextEvent(client, 'STOP');
  await client.cont();
  await stopped;
}

/** Lets a replay go on to an instruction. */
export async function replayTo(client: QMPClient, icount: number): Promise<void> {
  await client.execute('replay-break', { icount });
  await untilStop(client);
}

/** What the human monitor prints. */
export const hmp = (client: QMPClient, line: string): Promise<string> => client.execute<string>('human-monitor-command', { 'command-line': line });

export const countOf = async (client: QMPClient): Promise<number> => (await client.execute<{ icount: number }>('query-replay')).icount;

/** Resolves with the next event of that name, which is to be asked for before what causes it. */
export const nextEvent = (client: QMPClient, name: 'STOP' | 'RESUME' | 'BLOCK_IO_ERROR' | 'SHUTDOWN'): Promise<unknown> =>
  new Promise((settle) => client.once(name, settle));

/** Does a job (`snapshot-save`, `snapshot-load`, `snapshot-delete`) and forgets it. @throws Error with the job's own words when it failed */
export async function job(client: QMPClient, kind: string, more: Readonly<Record<string, unknown>>): Promise<void> {
  const id = `${kind}-${jobs++}`;
  await client.execute(kind, { 'job-id': id, ...more });
  for (;;) {
    const all = await client.execute<{ id: string; status: string; error?: string }[]>('query-jobs');
    const mine = all.find((candidate) => candidate.id === id);
    if (mine?.status !== 'concluded') continue;
    await client.execute('job-dismiss', { id });
    if (mine.error !== undefined) throw new Error(mine.error);
    return;
  }
}
let jobs = 0;
