/** The bundled programs, which is what a user's `reprise` is: files that they look for beside them are there. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT } from './support/program.ts';

const BUNDLE = join(ROOT, 'dist/bin');

it('holds every file that its modules name', () => {
  const named = readdirSync(BUNDLE).flatMap((file) =>
    [...readFileSync(join(BUNDLE, file), 'utf8').matchAll(/new URL\(["']([^"']+)["'], import\.meta\.url\)/g)].map(([, path]) => path),
  );
  expect(named).toContain('../../package.json');
  expect(named.filter((path) => !existsSync(join(BUNDLE, path)))).toEqual([]);
});
