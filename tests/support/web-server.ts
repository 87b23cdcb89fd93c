/** A web server for guests to fetch from. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface WebServer {
  readonly port: number;
  /** How many requests there have been. */
  requests(): number;
  close(): Promise<void>;
}

/** Serves one file on a free port of the loopback interface. */
export async function serve(blob: Buffer): Promise<WebServer> {
  let requests = 0;
  const server = createServer((_request, response) => {
    requests++;
    response.end(blob);
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  return {
    port: (server.address() as AddressInfo).port,
    requests: () => requests,
    close: () => new Promise((closed) => server.close(() => closed())),
  };
}
