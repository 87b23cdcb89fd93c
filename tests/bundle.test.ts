/** The bundled programs, which is what a user's `reprise` is: they start, and files that they look for beside them are there. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT } from './support/program.ts';

const BUNDLE = join(ROOT, 'dist/bin');

it.each(['reprise', 'reprise-system-arm'])('%s starts', (program) => {
  const { status, stdout } = spawnSync(process.execPath, [join(BUNDLE, `${program}.js`), '--version'], { encoding: 'utf8' });
  expect([status, stdout]).toEqual([0, expect.stringMatching(/^Reprise \d/)]);
});

it('holds every file that its modules name', () => {
  const named = readdirSync(BUNDLE).flatMap((file) =>
    [...readFileSync(join(BUNDLE, file), 'utf8').matchAll(/new URL\(["']([^"']+)["'], import\.meta\.url\)/g)].map(([, path]) => path),
  );
  expect(named).toContain('../../package.json');
  expect(named.filter((path) => !existsSync(join(BUNDLE, path)))).toEqual([]);
});
