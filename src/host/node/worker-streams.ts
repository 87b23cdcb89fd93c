/**
 * Work on other threads whose results come as streams, at the pace at which they are taken: a thread that is far ahead of
 * whoever takes its items waits.
 */
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { Piscina } from 'piscina';
import { type ErrorCode, RepriseError } from '../../errors/errors.ts';

/** Items that are sent at once. */
const BATCH = 256;
/** So many batches of a stream are sent and not taken, at most. */
const WINDOW = 64;
/** Items of a stream that are sent and not taken, at most. */
export const ITEMS_AHEAD = BATCH * WINDOW;
/** Milliseconds that an item waits for others to be sent with. */
const LINGER_MS = 50;

/** What comes from a worker. */
type Message<Item> =
  | { readonly items: readonly Item[] }
  | { readonly report: readonly number[] }
  | { readonly error: { readonly code: ErrorCode | undefined; readonly message: string } }
  | { readonly end: true };

/** What a worker's file is called with, by its default export. */
export interface StreamJob<Task> {
  readonly task: Task;
  readonly port: MessagePort;
}

export class WorkerStreams<Task, Item> {
  private readonly pool: Piscina<StreamJob<Task>, void>;
  /** This side of the streams that go on; an open one keeps the process alive. */
  private readonly ports = new Set<MessagePort>();

  private constructor(pool: Piscina<StreamJob<Task>, void>) {
    this.pool = pool;
  }

  /** @param file a module whose default export takes a `StreamJob` and calls `sendItems` @param setup what `workerSetup` gives it */
  static async open<Task, Item>(file: URL, threads: number, setup: unknown): Promise<WorkerStreams<Task, Item>> {
    // Most commands have no workers: they need not wait for the library.
    const { Piscina } = await import('piscina');
    // Threads that wait the atomic way do nothing else meanwhile, such as getting ready.
    return new WorkerStreams(new Piscina({ filename: file.href, minThreads: threads, maxThreads: threads, workerData: setup, atomics: 'disabled' }));
  }

  /** Begins a task as soon as a thread is free. @param onReport takes what the worker reports. @returns its items; throws what the worker threw */
  start(task: Task, onReport: (report: readonly number[]) => void): AsyncGenerator<Item, void> {
    const { port1: here, port2: port } = new MessageChannel();
    const inbox = new Inbox<Message<Item>>();
    this.ports.add(here);
    here.on('close', () => this.ports.delete(here));
    here.on('message', (message: Message<Item>) => {
      if ('report' in message) onReport(message.report);
      else inbox.put(message);
    });
    this.pool
      .run({ task, port }, { transferList: [port] })
      .catch((error: Error) => inbox.put({ error: { code: undefined, message: error.message } }));
    return receive(here, inbox);
  }

  /** Ends all threads, whatever they are at. Streams that are waited for throw. */
  async close(): Promise<void> {
    await this.pool.destroy();
    for (const port of this.ports) port.close();
  }
}

/** In a worker: what it was set up with. */
export const workerSetup = async (): Promise<unknown> => (await import('piscina')).Piscina.workerData;

/** In a worker: sends the items of a stream, and how it ended. */
export async function sendItems<Item>(port: MessagePort, items: AsyncIterable<Item>): Promise<void> {
  const send = (message: Message<Item>): void => port.postMessage(message);
  const taken = new Inbox<unknown>();
  port.on('message', (message) => taken.put(message));
  let batch: Item[] = [];
  let ahead = 0;
  let flushed = Number.NEGATIVE_INFINITY;
  const flush = (): void => {
    if (batch.length === 0) return;
    send({ items: batch });
    batch = [];
    ahead++;
    flushed = performance.now();
  };
  const timer = setInterval(flush, LINGER_MS);
  try {
    for await (const item of items) {
      if (batch.push(item) >= BATCH || performance.now() - flushed >= LINGER_MS) flush();
      for (; ahead >= WINDOW; ahead--) await taken.take();
    }
    flush();
    send({ end: true });
  } catch (error) {
    send({
      error: { code: error instanceof RepriseError ? error.code : undefined, message: error instanceof Error ? error.message : String(error) },
    });
  } finally {
    clearInterval(timer);
    port.close();
  }
}

/** In a worker: tells how it gets on. */
export function sendReport(port: MessagePort, ...report: readonly number[]): void {
  port.postMessage({ report } satisfies Message<never>);
}

async function* receive<Item>(port: MessagePort, inbox: Inbox<Message<Item>>): AsyncGenerator<Item, void> {
  try {
    for (;;) {
      const message = await inbox.take();
      if ('error' in message) {
        const { code, message: text } = message.error;
        throw code === undefined ? new Error(text) : new RepriseError(code, text);
      }
      if (!('items' in message)) return;
      yield* message.items;
      port.postMessage('taken');
    }
  } finally {
    port.close();
  }
}

/** Messages that have come and are not taken, for one who waits for them. */
class Inbox<T> {
  private readonly messages: T[] = [];
  private wake: () => void = () => {};

  put(message: T): void {
    this.messages.push(message);
    this.wake();
  }

  async take(): Promise<T> {
    while (this.messages.length === 0) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    return this.messages.shift() as T;
  }
}
