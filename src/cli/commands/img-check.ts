/** `reprise img check`: whether an image contradicts itself. The exit status is qemu-img's. */
import { probeFormat } from '../../block/open.ts';
import { type CheckResult, checkQcow2 } from '../../block/qcow2/check.ts';
import { NodeBlockFile } from '../../host/node/block-file.ts';
import { FORMAT, type ImgCommand, OUTPUT, oneFile, print, printJson, QUIET, SHARE } from './img-options.ts';

const STATUS = { clean: 0, corrupt: 2, leaks: 3, notCheckable: 63 } as const;

function asText({ corruptions, leaks, messages, imageEnd, clusters }: CheckResult): string {
  const lines = [...messages];
  if (corruptions + leaks > messages.length) lines.push(`… and ${corruptions + leaks - messages.length} more`);
  if (corruptions > 0) lines.push(`${corruptions} errors: data may be lost, and writing to the image may lose more`);
  if (leaks > 0) lines.push(`${leaks} leaked clusters: they waste space and do no harm`);
  if (corruptions + leaks === 0) lines.push('No errors were found on the image.');
  const share = (part: number, of: number): string => `${of === 0 ? '0.00' : ((100 * part) / of).toFixed(2)}%`;
  const { total, allocated, fragmented, compressed } = clusters;
  if (allocated > 0)
    lines.push(
      `${allocated}/${total} = ${share(allocated, total)} allocated, ${share(fragmented, allocated)} fragmented, ${share(compressed, allocated)} compressed clusters`,
    );
  lines.push(`Image end offset: ${imageEnd}`);
  return lines.join('\n');
}

function asJson(filename: string, { corruptions, leaks, imageEnd, clusters }: CheckResult): object {
  const { total, allocated, compressed, fragmented } = clusters;
  const found = Object.entries({
    corruptions,
    leaks,
    'allocated-clusters': allocated,
    'compressed-clusters': compressed,
    'fragmented-clusters': fragmented,
  }).filter(([, count]) => count > 0);
  return { filename, format: 'qcow2', 'check-errors': 0, 'image-end-offset': imageEnd, 'total-clusters': total, ...Object.fromEntries(found) };
}

export const check: ImgCommand = {
  name: 'check',
  usage: '[-f FORMAT] [--output=human|json] [-U] FILE',
  summary: 'look for contradictions in a qcow2 image (exit status 2) or lost space (3)',
  rows: [FORMAT, OUTPUT, SHARE, QUIET],
  async run(draft, words) {
    const path = oneFile(words);
    const file = await NodeBlockFile.open(path, true, { locked: !draft.forceShare });
    try {
      if ((draft.format ?? (await probeFormat(file))) === 'raw') {
        process.stderr.write(`reprise: '${path}' is a raw image, which has nothing that could be checked\n`);
        return STATUS.notCheckable;
      }
      const result = await checkQcow2(file);
      if (draft.json) printJson(asJson(path, result));
      else if (!draft.quiet) print(asText(result));
      return result.corruptions > 0 ? STATUS.corrupt : result.leaks > 0 ? STATUS.leaks : STATUS.clean;
    } finally {
      await file.close();
    }
  },
};
