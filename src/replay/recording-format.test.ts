/** The worked example of docs/recording-format.md is the recording it says it is. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { loadHasher } from './hasher.ts';
import { smallRecording } from './recording.suite.ts';

const DOC = new URL('../../docs/recording-format.md', import.meta.url);
/** Offset, up to 16 bytes, what they are. */
const LINE = /^([0-9a-f]{4}) {2}((?:[0-9a-f]{2} )*[0-9a-f]{2})(?: {2,}\S.*)?$/;

it('documents a recording byte by byte', async () => {
  const listing = readFileSync(DOC, 'utf8').split('## Example')[1].split('```')[1];
  const lines = listing.split('\n').filter((line) => line !== '');
  const documented: number[] = [];
  for (const line of lines) {
    const [, offset, bytes] = LINE.exec(line) ?? expect.fail(`not a line of the listing: ${line}`);
    expect(Number.parseInt(offset, 16), line).toBe(documented.length);
    documented.push(...bytes.split(' ').map((byte) => Number.parseInt(byte, 16)));
  }
  expect(documented).toEqual([...smallRecording(await loadHasher())]);
});
