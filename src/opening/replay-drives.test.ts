/** The disks in recordings that someone made, or changed, by hand. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { failure } from '../block/image.fixture.ts';
import { loadHasher } from '../replay/hasher.ts';
import type { Header } from '../replay/model.ts';
import { type Recording, readRecording } from '../replay/reader.ts';
import { HEADER, KERNEL, MemoryFile } from '../replay/recording.suite.ts';
import { RecordingWriter } from '../replay/writer.ts';
import { openReplayDrives } from './replay-drives.ts';

const BLOCK = 65536;
const hasher = await loadHasher();
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const number = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};
/** A disk of 1 MiB with one block of sevens, hashed as docs/disk-images.md says. */
const SEVENS = new Uint8Array(BLOCK).fill(7);
const CONTENT = sha256(Buffer.concat([number(2 ** 20), number(3 * BLOCK), SEVENS]));

function recordingOf(embedded: boolean, content: string, ...parts: readonly (readonly [number, Uint8Array])[]): Recording {
  const disks: Header['disks'] = [{ device: 'sd0', name: 'disk.img', content, embedded, overlay: '' }];
  const header: Header = { ...HEADER, options: { ...HEADER.options, disks: [{ sectors: 2048, readOnly: false }] }, disks };
  const file = new MemoryFile();
  const writer = RecordingWriter.create(file, header, new Map([['kernel', KERNEL]]), hasher);
  for (const [offset, bytes] of parts) writer.disk(0, offset, bytes);
  return readRecording(file, hasher, sha256);
}

describe('a disk that is embedded in a recording', () => {
  it('is what it was, and is not written', async () => {
    const recording = recordingOf(true, CONTENT, [3 * BLOCK, SEVENS]);
    const [drive] = await openReplayDrives(recording, [], hasher, false);
    expect(await drive.node.read(3 * BLOCK - 1, 2)).toEqual(Uint8Array.of(0, 7));
    await drive.node.write(3 * BLOCK, Uint8Array.of(9));
    await drive.close();
    const [again] = await openReplayDrives(recording, [], hasher, false);
    expect(await again.node.read(3 * BLOCK, 1)).toEqual(Uint8Array.of(7));
    await again.close();
  });

  it.each<[string, readonly (readonly [number, Uint8Array])[]]>([
    ['other bytes', [[3 * BLOCK, SEVENS.with(9, 8)]]],
    ['bytes at another place', [[4 * BLOCK, SEVENS]]],
    ['nothing', []],
    ['a part that is no whole block', [[3 * BLOCK, SEVENS.subarray(1)]]],
    ['a part that does not begin a block', [[3 * BLOCK + 512, SEVENS]]],
  ])('is refused when it has %s', async (_, parts) => {
    expect(await failure(() => openReplayDrives(recordingOf(true, CONTENT, ...parts), [], hasher, false))).toMatch(/^RECORDING_DAMAGED /);
  });

  it('is asked for where it is not there', async () => {
    expect(await failure(() => openReplayDrives(recordingOf(false, CONTENT), [], hasher, false))).toBe(
      "FILE_NOT_FOUND the recording does not contain its disk ('disk.img'); name it as it was when it was recorded, such as -drive file=disk.img,if=sd",
    );
  });
});
