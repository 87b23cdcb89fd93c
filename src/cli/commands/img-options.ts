/** What the subcommands of `reprise img` share: their options, spelled as qemu-img spells them, and how files are opened. */
import type { ImageFormat } from '../../block/open.ts';
import { RepriseError } from '../../errors/errors.ts';
import { NodeBlockFiles } from '../../host/node/block-file.ts';
import { readSuboptions, type Suboptions } from '../../options/suboptions.ts';
import { type OptionRow, parseCommandLine } from '../../options/table.ts';
import { badValue, parseChoice, parseInteger, parseSize, parseSwitch } from '../../options/values.ts';

/** What `-o` can say of a new image. */
export interface FormatOptions {
  size?: number;
  backingFile?: string;
  backingFormat?: ImageFormat;
  version?: 2 | 3;
  clusterSize?: number;
  refcountBits?: number;
  lazyRefcounts?: boolean;
}

export interface ImgDraft {
  format: ImageFormat | undefined;
  outputFormat: ImageFormat;
  backing: string | undefined;
  backingFormat: ImageFormat | undefined;
  readonly options: FormatOptions;
  json: boolean;
  quiet: boolean;
  force: boolean;
  forceShare: boolean;
  chain: boolean;
  snapshot: string | undefined;
  readonly actions: { readonly kind: 'list' | 'create' | 'apply' | 'delete'; readonly name: string }[];
  readonly allowed: string[];
}

export type ImgRow = OptionRow<ImgDraft>;

export const FORMATS = ['raw', 'qcow2'] as const;
const group = 'Options';

/** A subcommand. */
export interface ImgCommand {
  readonly name: string;
  readonly usage: string;
  readonly summary: string;
  readonly rows: readonly ImgRow[];
  /** @returns the exit status @throws RepriseError */
  run(draft: ImgDraft, words: readonly string[]): Promise<number>;
}

export const QUIET: ImgRow = { names: ['q'], group, help: 'print nothing', apply: (draft) => void (draft.quiet = true) };

export const FORCE: ImgRow = { names: ['force'], group, help: 'replace an existing file', apply: (draft) => void (draft.force = true) };

export const SHARE: ImgRow = {
  names: ['U', 'force-share'],
  group,
  help: 'read an image that somebody else has opened for writing; what is read may contradict itself',
  apply: (draft) => void (draft.forceShare = true),
};

export const FORMAT: ImgRow = {
  names: ['f'],
  argument: 'FORMAT',
  group,
  help: 'format of the image, raw or qcow2; found out when not given (a new image: raw)',
  apply: (draft, value, option) => void (draft.format = parseChoice(value, option, FORMATS)),
};

export const OUTPUT: ImgRow = {
  names: ['output'],
  argument: 'human|json',
  group,
  help: 'how to print the result',
  apply: (draft, value, option) => void (draft.json = parseChoice(value, option, ['human', 'json']) === 'json'),
};

export const ALLOW: ImgRow = {
  names: ['allow-backing'],
  argument: 'FILE',
  group,
  help: "a backing file that the image may use although it lies outside of the image's folder; may be given more than once",
  apply: (draft, value) => void draft.allowed.push(value),
};

export const NEW_IMAGE: ImgRow = {
  names: ['o'],
  argument: 'NAME=VALUE,…',
  group,
  help: 'of a new qcow2 image: size, backing_file, backing_fmt, cluster_size (512 to 2M), refcount_bits (1 to 64), lazy_refcounts (on or off), compat (0.10 or 1.1)',
  apply: ({ options }, value, option) => {
    const known: Suboptions = {
      size: (text, where) => void (options.size = parseSize(text, where, 'B')),
      backing_file: (text) => void (options.backingFile = text),
      backing_fmt: (text, where) => void (options.backingFormat = parseChoice(text, where, FORMATS)),
      cluster_size: (text, where) => void (options.clusterSize = parseSize(text, where, 'B')),
      refcount_bits: (text, where) => void (options.refcountBits = parseInteger(text, where, 1, 64)),
      lazy_refcounts: (text, where) => void (options.lazyRefcounts = parseSwitch(text, where)),
      compat: (text, where) => void (options.version = ['0.10', 'v2'].includes(text) ? 2 : ['1.1', 'v3'].includes(text) ? 3 : noVersion(where)),
    };
    readSuboptions(option, value, undefined, known);
  },
};

function noVersion(where: string): never {
  throw badValue(where, 'expects 0.10 or 1.1');
}

/** @throws RepriseError UNKNOWN_OPTION, USAGE, BAD_VALUE */
export function parseImg(rows: readonly ImgRow[], args: readonly string[]): { readonly draft: ImgDraft; readonly words: readonly string[] } {
  const draft: ImgDraft = {
    format: undefined,
    outputFormat: 'raw',
    backing: undefined,
    backingFormat: undefined,
    options: {},
    json: false,
    quiet: false,
    force: false,
    forceShare: false,
    chain: false,
    snapshot: undefined,
    actions: [],
    allowed: [],
  };
  // qemu-img takes the argument of a long option in the same word, too.
  const apart = args.flatMap((word) => /^(--[a-z-]+)=(.*)$/s.exec(word)?.slice(1) ?? [word]);
  return { words: parseCommandLine(rows, apart, draft), draft };
}

/** The only word there may be. @throws RepriseError USAGE */
export function oneFile(words: readonly string[]): string {
  const [path, stray] = words;
  if (path === undefined) throw new RepriseError('USAGE', 'which image? name its file');
  if (stray !== undefined) throw new RepriseError('USAGE', `one image at a time: '${stray}' is one too many`);
  return path;
}

export const imageFiles = ({ allowed, forceShare }: Pick<ImgDraft, 'allowed' | 'forceShare'>): NodeBlockFiles =>
  new NodeBlockFiles(allowed, 'give --allow-backing FILE', { locked: !forceShare });

export const print = (text: string): void => void process.stdout.write(`${text}\n`);

export const printJson = (value: object): void => print(JSON.stringify(value, null, 4));
