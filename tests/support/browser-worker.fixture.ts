/** What a page's worker does: it fetches a job from whoever served the page, and sends back what came of it. */
import { type Job, runJob } from './machine-job.ts';

interface Order {
  readonly job: Job;
  /** In base64, by their roles. */
  readonly files: Readonly<Record<string, string>>;
}

async function work(): Promise<unknown> {
  const { job, files } = (await (await fetch('/order')).json()) as Order;
  const named = Object.entries(files).map(([role, text]) => [role, { name: role, bytes: Uint8Array.from(atob(text), (c) => c.charCodeAt(0)) }]);
  return { scope: globalThis.constructor.name, result: await runJob(job, Object.fromEntries(named)) };
}

const answer = await work().catch((error: Error) => ({ failure: error.stack }));
await fetch('/answer', { method: 'POST', body: JSON.stringify(answer) });
