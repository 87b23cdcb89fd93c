import { createHash } from 'node:crypto';
import { linkSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { hasTool } from '../../tests/support/outside.ts';
import { failure, tool } from '../block/image.fixture.ts';
import { createQcow2 } from '../block/qcow2/create.ts';
import { NodeBlockFile } from '../host/node/block-file.ts';
import type { DriveSpec } from '../options/drives.ts';
import { openRecordDrive, openReplayDrive, openRunDrive } from './drives.ts';

const MIB = 2 ** 20;
const root = mkdtempSync(join(tmpdir(), 'reprise-drives-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let folder = '';
let counter = 0;
const at = (name: string): string => join(folder, name);
const hashOf = (name: string): string =>
  createHash('sha256')
    .update(readFileSync(at(name)))
    .digest('hex');
const SNAPSHOT = { name: 'replay_init', date: { seconds: 0, nanoseconds: 0 }, vmClockNs: 0, icount: 0 };

/** The SD card over `disk`; a raw image unless made otherwise. */
const card = (more: Partial<DriveSpec> = {}): DriveSpec => ({
  id: 'sd0',
  file: at('disk'),
  format: undefined,
  readOnly: false,
  temporary: false,
  blkreplay: undefined,
  allowedBacking: [],
  ...more,
});
const withOverlay = (more: Partial<DriveSpec> = {}): DriveSpec => card({ blkreplay: { overlay: at('overlay.qcow2') }, ...more });

async function makeQcow2(name: string): Promise<void> {
  const file = await NodeBlockFile.create(at(name));
  await createQcow2(file, { size: MIB });
  await file.close();
}

/** Nobody has the images any more: they can be opened by one who wants them alone. */
async function expectFree(...names: string[]): Promise<void> {
  for (const name of names) await (await NodeBlockFile.open(at(name), false)).close();
}

/** Records: the snapshot at the start, and then some writes. */
async function record(spec: DriveSpec, fill: number): Promise<void> {
  const drive = await openRecordDrive(spec);
  if (drive.store?.listSnapshots().some(({ name }) => name === SNAPSHOT.name)) await drive.store.deleteSnapshot(SNAPSHOT.name);
  await drive.store?.createSnapshot(SNAPSHOT);
  await drive.node.write(100_000, new Uint8Array(50_000).fill(fill));
  await drive.close();
}

beforeEach(() => {
  folder = join(root, String(counter++));
  mkdirSync(folder);
  writeFileSync(at('disk'), new Uint8Array(MIB).fill(1));
});

describe('a run', () => {
  const notices: string[] = [];
  const notice = (text: string): void => void notices.push(text);

  test('writes the image itself, and warns of a raw one whose format was guessed', async () => {
    const drive = await openRunDrive(card(), notice);
    expect(notices.splice(0)).toEqual([expect.stringMatching(/^warning: '.*disk' looks like a raw image .*say format=raw/)]);
    expect(drive).toMatchObject({ device: 'sd0', store: undefined, layer: undefined, base: drive.node });
    await drive.node.write(5, Uint8Array.of(7));
    await drive.close();
    expect(readFileSync(at('disk'))[5]).toBe(7);
    await (await openRunDrive(card({ format: 'raw' }), notice)).close();
    expect(notices).toEqual([]);
  });

  test('keeps snapshots in a qcow2 image', async () => {
    await makeQcow2('q');
    const drive = await openRunDrive(card({ file: at('q') }), notice);
    expect(drive.summary.medium).toEqual({ file: at('q'), format: 'qcow2', sizeBytes: MIB, readOnly: false, backing: [], temporary: false });
    await drive.store!.createSnapshot(SNAPSHOT);
    await drive.close();
    expect(notices).toEqual([]);
  });

  test('with snapshot=on leaves the image as it is', async () => {
    const before = hashOf('disk');
    const drive = await openRunDrive(card({ temporary: true }), notice);
    expect(drive.summary.medium).toMatchObject({ temporary: true, readOnly: false });
    await drive.node.write(0, new Uint8Array(100_000).fill(9));
    expect(await drive.node.read(99_999, 2)).toEqual(Uint8Array.of(9, 1));
    expect(drive.layer).toBe(drive.node);
    await drive.close();
    expect(hashOf('disk')).toBe(before);
    await expectFree('disk');
  });

  test('with readonly=on shares the image with other readers', async () => {
    const drives = [await openRunDrive(card({ readOnly: true }), notice), await openRunDrive(card({ readOnly: true, temporary: true }), notice)];
    for (const drive of drives) {
      expect(drive.node.readOnly).toBe(true);
      expect(drive.summary.medium?.readOnly).toBe(true);
      await drive.close();
    }
    await expectFree('disk');
  });
});

describe('a recording', () => {
  test('makes the overlay, goes on with it the next time, and leaves the image as it is', async () => {
    const before = hashOf('disk');
    const first = await openRecordDrive(withOverlay());
    expect(first.summary.medium).toEqual({
      file: at('overlay.qcow2'),
      format: 'qcow2',
      sizeBytes: MIB,
      readOnly: false,
      backing: [at('disk')],
      temporary: false,
    });
    expect(first.store?.header).toMatchObject({ backingFile: 'disk', backingFormat: 'raw' });
    await first.node.write(10, Uint8Array.of(1, 2, 3));
    await first.close();
    const second = await openRecordDrive(withOverlay());
    expect(await second.node.read(9, 5)).toEqual(Uint8Array.of(1, 1, 2, 3, 1));
    await second.close();
    expect(hashOf('disk')).toBe(before);
    expect(readdirSync(folder).sort()).toEqual(['disk', 'overlay.qcow2']);
  });

  test.skipIf(!hasTool('qemu-img', 'an overlay as QEMU sees it'))('leaves an overlay that QEMU takes', async () => {
    await makeQcow2('disk.qcow');
    const spec = withOverlay({ file: at('disk.qcow') });
    await record(spec, 3);
    expect(tool(folder, 'qemu-img', 'check', 'overlay.qcow2')).toMatch(/^No errors/);
    expect(JSON.parse(tool(folder, 'qemu-img', 'info', '--output=json', 'overlay.qcow2'))).toMatchObject({
      'backing-filename': 'disk.qcow',
      'backing-filename-format': 'qcow2',
      snapshots: [{ name: 'replay_init', icount: 0 }],
    });
    tool(folder, 'qemu-img', 'convert', '-O', 'raw', 'overlay.qcow2', 'flat');
    expect(readFileSync(at('flat')).subarray(100_000, 150_000)).toEqual(Buffer.alloc(50_000, 3));
  });

  test('without an overlay writes to a layer that is gone afterwards', async () => {
    const before = hashOf('disk');
    for (const spec of [card(), card({ blkreplay: { overlay: undefined } })]) {
      const drive = await openRecordDrive(spec);
      await drive.node.write(0, new Uint8Array(MIB).fill(9));
      expect(drive).toMatchObject({ layer: drive.node, store: undefined, summary: { medium: { temporary: true } } });
      await drive.close();
    }
    expect(hashOf('disk')).toBe(before);
    expect(readdirSync(folder)).toEqual(['disk']);
  });

  test('in another folder names the image by its whole path; either may have other names', async () => {
    mkdirSync(at('elsewhere'));
    const spec = card({ blkreplay: { overlay: at('elsewhere/overlay.qcow2') } });
    await record(spec, 3);
    linkSync(at('disk'), at('disk-too'));
    const drive = await openRecordDrive({ ...spec, file: at('disk-too') });
    expect(drive.store?.header.backingFile).toBe(at('disk'));
    await drive.close();
  });

  test.each<[string, () => Promise<DriveSpec> | DriveSpec, RegExp]>([
    [
      'on another image',
      () => {
        writeFileSync(at('other'), new Uint8Array(MIB));
        return withOverlay({ file: at('other') });
      },
      /^BACKING_REFUSED overlay '.*overlay.qcow2' is based on 'disk', not on '.*other'/,
    ],
    [
      'on an image of another format',
      () => withOverlay({ format: 'qcow2' }),
      /^BACKING_REFUSED .* as a raw image, not as a qcow2 one; say format=raw/,
    ],
    [
      'on an image that became smaller',
      () => {
        truncateSync(at('disk'), MIB / 2);
        return withOverlay();
      },
      /^DISK_CHANGED '.*disk' has 524288 bytes, and overlay '.*overlay.qcow2' is of a disk of 1048576;/,
    ],
    ['that is no qcow2 image', () => card({ blkreplay: { overlay: at('disk') } }), /^IMAGE_UNSUPPORTED overlay '.*disk' is not a qcow2 image/],
    [
      'that is based on nothing',
      async () => {
        await makeQcow2('alone');
        return card({ blkreplay: { overlay: at('alone') } });
      },
      /^BACKING_REFUSED overlay '.*alone' is not based on '.*disk'/,
    ],
    ['without its image', () => withOverlay({ file: at('none') }), /^FILE_NOT_FOUND .*none/],
    ['in a folder that is not there', () => card({ blkreplay: { overlay: at('no/overlay') } }), /^(FILE_UNWRITABLE|FILE_NOT_FOUND) .*no/],
  ])('is refused with an overlay %s, and nothing stays open or changes', async (_, spoil, message) => {
    await record(withOverlay(), 3);
    const spec = await spoil();
    const before = readdirSync(folder).filter((name) => name !== 'no');
    const hashes = before.map(hashOf);
    expect(await failure(() => openRecordDrive(spec))).toMatch(message);
    expect(await failure(() => openReplayDrive(spec, async () => SNAPSHOT.name))).not.toBe('no error');
    expect(before.map(hashOf)).toEqual(hashes);
    await expectFree(...before);
  });

  test.skipIf(!hasTool('flock', 'an overlay in use'))('has the overlay alone, and the image with others', async () => {
    const drive = await openRecordDrive(withOverlay());
    expect(await failure(() => openRecordDrive(withOverlay()))).toMatch(/^IMAGE_IN_USE disk image '.*overlay.qcow2' is in use by this very program/);
    expect(await failure(() => openRunDrive(card(), () => {}))).toMatch(/^IMAGE_IN_USE disk image '.*disk'/);
    const other = await openRecordDrive(card({ blkreplay: { overlay: at('other.qcow2') } }));
    await other.close();
    await drive.close();
    await expectFree('disk', 'overlay.qcow2');
  });
});

describe('a replay', () => {
  test('begins with a snapshot of the overlay and changes nothing', async () => {
    await record(withOverlay(), 3);
    const before = [hashOf('disk'), hashOf('overlay.qcow2')];
    const drives = await Promise.all([0, 1].map(() => openReplayDrive(withOverlay(), async (overlay) => overlay.listSnapshots()[0].name)));
    for (const drive of drives) {
      expect(await drive.node.read(100_000, 3)).toEqual(Uint8Array.of(1, 1, 1));
      await drive.node.write(100_001, Uint8Array.of(9));
      expect(await drive.node.read(100_000, 3)).toEqual(Uint8Array.of(1, 9, 1));
      expect(drive).toMatchObject({ store: undefined, layer: drive.node, summary: { medium: { temporary: true, file: at('overlay.qcow2') } } });
      await drive.close();
    }
    expect([hashOf('disk'), hashOf('overlay.qcow2')]).toEqual(before);
  });

  test('can store a snapshot of its own disk in the overlay', async () => {
    await record(withOverlay(), 3);
    const drive = await openReplayDrive(withOverlay(), async () => SNAPSHOT.name, { saveSnapshots: true });
    await drive.node.write(5000, new Uint8Array(100).fill(8));
    const changes = drive.layer!.contents();
    await drive.store!.forkSnapshot({ ...SNAPSHOT, name: 'later' }, { from: SNAPSHOT.name, changes, vmState: [Uint8Array.of(1)] });
    await drive.close();
    const later = await openReplayDrive(withOverlay(), async () => 'later');
    expect(await later.node.read(4999, 102)).toEqual(Uint8Array.of(1, ...new Array(100).fill(8), 1));
    await later.close();
    const next = await openRecordDrive(withOverlay());
    expect(await next.node.read(100_000, 1)).toEqual(Uint8Array.of(3));
    await next.close();
  });

  test('without the snapshot is refused, and nothing stays open', async () => {
    await record(withOverlay(), 3);
    expect(await failure(() => openReplayDrive(withOverlay(), async () => 'none'))).toMatch(
      /^NO_SNAPSHOT .*no snapshot 'none'; it has 'replay_init'/,
    );
    await expectFree('disk', 'overlay.qcow2');
  });

  test('of a recording without an overlay has a layer over the image', async () => {
    const before = hashOf('disk');
    const drive = await openReplayDrive(card(), async () => 'unused');
    await drive.node.write(0, Uint8Array.of(9));
    await drive.close();
    expect(hashOf('disk')).toBe(before);
  });
});

test('an image whose backing file lies elsewhere needs to be allowed, and the error says how', async () => {
  mkdirSync(at('images'));
  const file = await NodeBlockFile.create(at('images/top'));
  await createQcow2(file, { size: MIB, backing: { file: '../disk', format: 'raw' } });
  await file.close();
  const spec = card({ file: at('images/top') });
  expect(await failure(() => openRecordDrive(spec))).toMatch(/^BACKING_REFUSED .* give -allow-backing FILE/);
  const drive = await openRecordDrive({ ...spec, allowedBacking: [at('disk')] });
  expect(drive.summary.medium?.backing).toEqual([at('images/../disk')]);
  await drive.close();
});
