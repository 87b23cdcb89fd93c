/** The file table in the header of a line number program (DWARF 5, section 6.2.4; version 4, section 6.2.4). */
import { RepriseError } from '../errors/errors.ts';
import { SectionReader } from './section-reader.ts';

export interface FileName {
  readonly path: string;
}

/** The sections that texts may be in. */
interface Texts {
  readonly lineStr?: Uint8Array | undefined;
  readonly str?: Uint8Array | undefined;
}

const CONTENT = { path: 1, directoryIndex: 2 } as const;
const FORM = {
  block2: 3,
  data2: 5,
  data4: 6,
  data8: 7,
  string: 8,
  block: 9,
  data1: 11,
  sdata: 13,
  strp: 14,
  udata: 15,
  data16: 30,
  lineStrp: 31,
} as const;
const MAX_FILES = 100_000;

/** Files by their numbers; before version 5 they are counted from 1. */
export function readFileNames(reader: SectionReader, version: number, texts: Texts): FileName[] {
  if (version < 5) return readOld(reader);
  const folders = readTable(reader, texts);
  // The first folder is the one in which the compiler ran.
  return readTable(reader, texts).map(({ path, folder }) => ({ path: joined(folder > 0 ? folders[folder]?.path : undefined, path) }));
}

const joined = (folder: string | undefined, path: string): string =>
  folder === undefined || folder === '' || path.startsWith('/') ? path : `${folder}/${path}`;

function readOld(reader: SectionReader): FileName[] {
  const folders = [''];
  for (let folder = reader.text(); folder !== ''; folder = reader.text()) folders.push(folder);
  const files: FileName[] = [{ path: '?' }];
  for (let path = reader.text(); path !== ''; path = reader.text()) {
    const folder = folders[reader.uleb()];
    // Time and length.
    reader.uleb();
    reader.uleb();
    files.push({ path: joined(folder, path) });
  }
  return files;
}

function readTable(reader: SectionReader, texts: Texts): { path: string; folder: number }[] {
  const formats = Array.from({ length: reader.u8() }, () => [reader.uleb(), reader.uleb()] as const);
  const count = reader.uleb();
  if (count > MAX_FILES) throw new RepriseError('BAD_SYMBOLS', 'a line number program has too many files');
  return Array.from({ length: count }, () => {
    let path = '?';
    let folder = 0;
    for (const [content, form] of formats) {
      const value = readForm(reader, form, texts);
      if (content === CONTENT.path && typeof value === 'string') path = value;
      if (content === CONTENT.directoryIndex && typeof value === 'number') folder = value;
    }
    return { path, folder };
  });
}

function readForm(reader: SectionReader, form: number, texts: Texts): string | number | undefined {
  switch (form) {
    case FORM.string:
      return reader.text();
    case FORM.lineStrp:
      return textAt(texts.lineStr, reader.u32());
    case FORM.strp:
      return textAt(texts.str, reader.u32());
    case FORM.data1:
      return reader.u8();
    case FORM.data2:
      return reader.u16();
    case FORM.data4:
      return reader.u32();
    case FORM.udata:
      return reader.uleb();
    case FORM.sdata:
      return reader.sleb();
    case FORM.data8:
      return void reader.skip(8);
    case FORM.data16:
      return void reader.skip(16);
    case FORM.block:
      return void reader.skip(reader.uleb());
    case FORM.block2:
      return void reader.skip(reader.u16());
    default:
      throw new RepriseError('BAD_SYMBOLS', `a file name has form ${form}, which is not known`);
  }
}

function textAt(section: Uint8Array | undefined, offset: number): string {
  const reader = new SectionReader(section ?? new Uint8Array(0));
  reader.skip(offset);
  return reader.text();
}
