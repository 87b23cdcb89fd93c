/** Files that a test makes and compares with what is committed; with BLESS=1 it writes them instead. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT } from './sources.ts';

export const blessing = process.env.BLESS === '1';

/** @param path from the root of the project. @throws Error that names the first line that differs, and what to do. */
export function expectCommitted(path: string, text: string, test: string): void {
  const file = join(ROOT, path);
  if (blessing) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return;
  }
  const remedy = `run BLESS=1 npx vitest run ${test}, look at the difference, and commit it`;
  if (!existsSync(file)) throw new Error(`${path} does not exist: ${remedy}`);
  const [is, should] = [readFileSync(file, 'utf8').split('\n'), text.split('\n')];
  const line = should.findIndex((content, n) => content !== is[n]);
  if (line < 0 && is.length === should.length) return;
  const at = line < 0 ? should.length : line;
  throw new Error(`${path} is out of date: line ${at + 1} is\n  ${is[at] ?? '(missing)'}\nand should be\n  ${should[at] ?? '(missing)'}\n${remedy}`);
}
