/** `reprise img snapshot`: lists, takes, applies and deletes the snapshots inside a qcow2 image. */
import { probeFormat } from '../../block/open.ts';
import { Qcow2Image } from '../../block/qcow2/image.ts';
import { RepriseError } from '../../errors/errors.ts';
import { NodeBlockFile } from '../../host/node/block-file.ts';
import { EXIT } from '../exit.ts';
import { imageSnapshots } from './img-info.ts';
import { FORMAT, type ImgCommand, type ImgDraft, type ImgRow, oneFile, print, QUIET, SHARE } from './img-options.ts';

type Kind = ImgDraft['actions'][number]['kind'];

const action = (letter: string, kind: Kind, help: string): ImgRow => ({
  names: [letter],
  ...(kind === 'list' ? {} : { argument: 'NAME' }),
  group: 'Options',
  help,
  apply: (draft, name) => void draft.actions.push({ kind, name }),
});

async function perform(image: Qcow2Image, kind: Kind, name: string): Promise<void> {
  switch (kind) {
    case 'list':
      if (image.listSnapshots().length > 0) print(imageSnapshots(image.listSnapshots()));
      return;
    case 'create': {
      const now = Date.now();
      const date = { seconds: Math.floor(now / 1000), nanoseconds: (now % 1000) * 1e6 };
      // No machine runs, so there is no clock and no count.
      await image.createSnapshot({ name, date, vmClockNs: 0, icount: undefined });
      return;
    }
    case 'apply':
      return image.applySnapshot(name);
    case 'delete':
      return image.deleteSnapshot(name);
  }
}

export const snapshot: ImgCommand = {
  name: 'snapshot',
  usage: '[-l | -c NAME | -a NAME | -d NAME] FILE',
  summary: 'list, create, apply or delete a snapshot inside a qcow2 image',
  rows: [
    action('l', 'list', 'list the snapshots (this is done when nothing else is asked for)'),
    action('c', 'create', 'take a snapshot of the disk as it is'),
    action('a', 'apply', 'make the disk what it was at the snapshot of this name or ID'),
    action('d', 'delete', 'delete the snapshot of this name or ID'),
    FORMAT,
    { ...SHARE, help: `with -l: ${SHARE.help}` },
    QUIET,
  ],
  async run(draft, words) {
    const path = oneFile(words);
    const [{ kind, name }, second] = draft.actions.length === 0 ? [{ kind: 'list' as const, name: '' }] : draft.actions;
    if (second !== undefined) throw new RepriseError('USAGE', 'one of -l, -c, -a and -d at a time');
    const file = await NodeBlockFile.open(path, kind === 'list', { locked: kind !== 'list' || !draft.forceShare });
    try {
      if ((draft.format ?? (await probeFormat(file))) === 'raw')
        throw new RepriseError('IMAGE_UNSUPPORTED', `'${path}' is a raw image, which has no room for snapshots`);
      // Snapshots share clusters of the image alone.
      const image = await Qcow2Image.open(file, { openBacking: async () => undefined });
      await perform(image, kind, name);
      await image.flush();
    } finally {
      await file.close();
    }
    return EXIT.done;
  },
};
