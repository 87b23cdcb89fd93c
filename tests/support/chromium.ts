/** A Web Worker of a headless Chromium, from the outside: what it fetches is served here, and its answer comes back here. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { rolldown } from 'rolldown';
import { type CleanUp, startCommand, temporaryFolder } from './program.ts';

const PATIENCE = 60_000;
// No names: Chromium has much to tell its makers, and a test has nothing.
const OPTIONS = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-quic', '--no-first-run', '--disable-sync'],
  ...['--disable-background-networking', '--disable-component-update', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1'],
];
/** A worker that cannot be loaded says no more than that. */
const PAGE = `<!doctype html><title>worker</title><script>
new Worker('/worker.js', { type: 'module' }).onerror = ({ message }) =>
  fetch('/answer', { method: 'POST', body: JSON.stringify({ failure: message ?? 'the worker cannot be loaded' }) });
</script>`;

/** A module and all that it imports as one script for a browser. @throws Error when something of it is in Node only */
export async function bundleForBrowser(path: string): Promise<string> {
  const bundle = await rolldown({ input: path, platform: 'browser', logLevel: 'silent' });
  const { output } = await bundle.generate({ format: 'esm', codeSplitting: false });
  await bundle.close();
  const [{ code, imports }] = output;
  if (imports.length > 0) throw new Error(`a browser has no ${imports.join(', ')}`);
  return code;
}

/** Runs a script that fetches `/order` and posts to `/answer` in a worker; returns what it posted. @throws Error when that is a failure */
export async function inWorker(cleanUp: CleanUp, script: string, order: string): Promise<Record<string, unknown>> {
  const served: Readonly<Record<string, readonly [string, string]>> = {
    '/': ['text/html', PAGE],
    '/worker.js': ['text/javascript', script],
    '/order': ['application/json', order],
  };
  let asked = false;
  let answered: (answer: string) => void;
  const answer = new Promise<string>((settle) => {
    answered = settle;
  });
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    asked = true;
    if (request.url === '/answer') answered(await text(request));
    const [type, body] = served[request.url!] ?? ['text/plain', ''];
    response.writeHead(200, { 'content-type': type }).end(body);
  };
  const server = createServer((request, response) => void respond(request, response));
  cleanUp(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));

  const profile = `--user-data-dir=${temporaryFolder(cleanUp)}`;
  const chromium = startCommand(cleanUp, 'chromium', [...OPTIONS, profile, `http://127.0.0.1:${(server.address() as AddressInfo).port}/`]);
  const first = await Promise.race([answer, chromium.done, setTimeout(PATIENCE, undefined, { ref: false })]);
  // By itself, so that nobody writes to its folder while that goes.
  chromium.kill('SIGTERM');
  await Promise.race([chromium.done, setTimeout(5_000, undefined, { ref: false })]);
  if (typeof first === 'string') {
    const { failure, ...posted } = JSON.parse(first);
    if (failure !== undefined) throw new Error(`in the browser: ${failure}`);
    return posted;
  }
  const what = first === undefined ? `there is no answer after ${PATIENCE / 1000} s` : `Chromium has ended with status ${first.status}`;
  const where = asked ? 'it has asked for the page' : 'it has not even asked for the page: what keeps it from starting is outside of this project';
  // It complains of everything that a desktop would have.
  const says = chromium.stderr.split('\n').filter((line) => !line.includes('dbus/'));
  throw new Error(`${what}; ${where}; it says:\n${says.join('\n').slice(-2000)}`);
}
