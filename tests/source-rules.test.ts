/** Rules about the sources as a whole, and proof that the rules which the linter keeps are kept. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ROOT, sources } from './support/sources.ts';

const MAX_LINES = 500;

describe('sources', () => {
  const all = sources();

  it('know Node only in host/node and cli', () => {
    const offenders = all.filter(({ path, text }) => !/^src\/(host\/node|cli)\//.test(path) && /['"`]node:/.test(text));
    expect(offenders.map(({ path }) => path)).toEqual([]);
    expect(all.filter(({ text }) => /['"`]node:/.test(text)).length).toBeGreaterThan(0);
  });

  it(`have at most ${MAX_LINES} lines, tables and generated files apart`, () => {
    const long = all.filter(({ path, text }) => !/\.(rows|regs|generated)\.ts$/.test(path) && text.trimEnd().split('\n').length > MAX_LINES);
    expect(long.map(({ path }) => path)).toEqual([]);
  });

  it('have no folder for what has no place', () => {
    expect(all.map(({ path }) => path).filter((path) => /\/(util|utils|common|base|helpers)\//.test(path))).toEqual([]);
  });
});

describe('linter', () => {
  const MODULE_STATE = 'A variable of a module is state';
  const PRIVATE = 'A #private field escapes';
  const DOOR = 'enter through host/ only';
  const LAYERS = 'point downwards only';
  const LOCALS = [
    'export function sum(numbers: readonly number[]): number {',
    '  let total = 0;',
    '  for (const n of numbers) total += n;',
    '  return total;',
    '}',
    'const table: number[] = [];',
    'for (let n = 0; n < 3; n++) {',
    '  let square = n;',
    '  square *= n;',
    '  table.push(square);',
    '}',
    'export { table };',
  ];
  /** What stands in a file of a device, and what the linter says of it, if anything. */
  const cases: readonly (readonly [string, string, string | undefined])[] = [
    ['a module-level let', 'let count = 0;\nexport const next = () => count++;', MODULE_STATE],
    ['an exported let', 'export let count = 0;\nexport const next = () => count++;', MODULE_STATE],
    ['a module-level var', 'var count = 0;\nexport const next = () => count++;', MODULE_STATE],
    ['local variables', LOCALS.join('\n'), undefined],
    ['a #private field', 'export class X {\n  #y = 1;\n  y = () => this.#y;\n}', PRIVATE],
    ['a #private method', 'export class X {\n  #y() {}\n  y = () => this.#y();\n}', PRIVATE],
    ['a private field', 'export class X {\n  private readonly z = 1;\n  y = () => this.z;\n}', undefined],
    ['randomness', 'export const x = Math.random();', DOOR],
    ['the time of the host', 'export const x = Date.now();', DOOR],
    ['a file of the host', "import { readFileSync } from 'node:fs';\nexport const x = readFileSync;", LAYERS],
    ['a board', "import { buildIntegratorCp } from '../boards/integratorcp.ts';\nexport const x = buildIntegratorCp;", LAYERS],
  ];
  /** A folder, and one above it, which it may not know. */
  const upwards: readonly (readonly [string, string])[] = [
    ['api', 'cli'],
    ['opening', 'cli'],
    ['opening', 'api'],
    ['options', 'cli'],
    ['options', 'opening'],
    ['session', 'opening'],
  ];
  const folder = mkdtempSync(join(tmpdir(), 'reprise-lint-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const devices = join(folder, 'src/devices');
  mkdirSync(devices, { recursive: true });
  cases.forEach(([, text], n) => {
    writeFileSync(join(devices, `case${n}.ts`), `${text}\n`);
  });
  for (const [below, above] of upwards) {
    mkdirSync(join(folder, 'src', below), { recursive: true });
    writeFileSync(join(folder, 'src', below, `${above}.ts`), `import { x } from '../${above}/x.ts';\nexport const y = x;\n`);
  }
  cpSync(join(ROOT, 'biome.json'), join(folder, 'biome.json'));
  cpSync(join(ROOT, 'lint'), join(folder, 'lint'), { recursive: true });
  const biome = join(ROOT, 'node_modules/@biomejs/biome/bin/biome');
  const options = ['lint', '--colors=off', '--vcs-enabled=false', '--max-diagnostics=none', '--diagnostic-level=error', 'src'];
  const { stdout, stderr } = spawnSync(process.execPath, [biome, ...options], { cwd: folder, encoding: 'utf8' });
  // Each diagnostic begins with the file it is about.
  const diagnostics = `${stdout}${stderr}`.split(/^(?=src\/)/m);

  it.each(cases.map(([what, , message], n) => [message === undefined ? 'lets be' : 'refuses', what, message, n] as const))(
    '%s %s in a device',
    (_, __, message, n) => {
      const own = diagnostics.filter((text) => text.startsWith(`src/devices/case${n}.ts`));
      if (message === undefined) expect(own).toEqual([]);
      else expect(own.join('')).toContain(message);
    },
  );

  it.each(upwards)('refuses in %s what is in %s', (below, above) => {
    const own = diagnostics.filter((text) => text.startsWith(`src/${below}/${above}.ts`));
    expect(own.join('')).toContain(LAYERS);
  });
});
