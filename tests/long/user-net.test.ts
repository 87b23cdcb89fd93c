/** Much data through the user-mode network, over a wire with faults. Not part of the default run. */
import { createHash } from 'node:crypto';
import { afterEach, expect, test } from 'vitest';
import { GATEWAY, until } from '../../src/net/user/testing/guest.suite.ts';
import { closeAll, serve, start } from '../../src/net/user/testing/servers.suite.ts';

afterEach(closeAll);

const TOTAL = 100 * 2 ** 20;
const PIECE = 65_536;
const FAULTS = { loss: 0.002, duplication: 0.005, reordering: 0.01 };

/** The n-th piece of the data. */
function piece(n: number): Uint8Array {
  const words = new Uint32Array(PIECE / 4);
  for (let at = 0, word = n; at < words.length; at++) words[at] = word = (Math.imul(word, 1_664_525) + 1_013_904_223) >>> 0;
  return new Uint8Array(words.buffer);
}

function digest(): string {
  const hash = createHash('md5');
  for (let n = 0; n < TOTAL / PIECE; n++) hash.update(piece(n));
  return hash.digest('hex');
}

test('100 MB down and 100 MB up at the same time arrive intact', { timeout: 600_000 }, async () => {
  const { guest } = await start({ faults: FAULTS, seed: 42 });
  guest.forgetful = true;
  const up = createHash('md5');
  let uploaded = false;
  const { port } = await serve((socket) => {
    let sent = 0;
    const feed = () => {
      while (sent < TOTAL / PIECE && socket.write(piece(sent++)));
      if (sent === TOTAL / PIECE && !socket.writableEnded) socket.end();
    };
    socket.on('drain', feed);
    socket.on('data', (bytes) => up.update(bytes));
    socket.on('end', () => (uploaded = true));
    feed();
  });
  const socket = guest.connect(GATEWAY, port);
  socket.keep = false;
  const down = createHash('md5');
  socket.onData = (bytes) => down.update(bytes);
  for (let n = 0; n < TOTAL / PIECE; n++) {
    await until(() => socket.unsent < 4 * PIECE, 'room', 60_000);
    socket.write(piece(n));
  }
  socket.close();
  await until(() => uploaded && socket.ended, 'both ends', 300_000);
  expect(socket.receivedBytes).toBe(TOTAL);
  expect(down.digest('hex')).toBe(digest());
  expect(up.digest('hex')).toBe(digest());
  expect(guest.in.lost + guest.out.lost).toBeGreaterThan(100);
});
