/** Runs the Node host in real child processes, with real pipes, signals and terminals. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll } from 'vitest';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** A folder that is gone after the tests of the file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'reprise-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Compiles the host as it stands in the sources, for the tests of a group; gives the folder with the modules of `host/node`. */
export function compiledHost(): () => string {
  // Beside the packages, so that imports of them resolve.
  const cache = join(ROOT, 'node_modules', '.cache');
  let folder = '';
  beforeAll(() => {
    mkdirSync(cache, { recursive: true });
    folder = mkdtempSync(join(cache, 'host-'));
    compileInto(folder);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return () => join(folder, 'host', 'node');
}

function compileInto(folder: string): void {
  const src = join(ROOT, 'src');
  const config = join(folder, 'tsconfig.json');
  writeFileSync(
    config,
    JSON.stringify({
      extends: join(ROOT, 'tsconfig.base.json'),
      compilerOptions: { types: ['node'], composite: false, declaration: false, rootDir: src, outDir: folder },
      include: [join(src, 'host/**/*.ts')],
      exclude: [join(src, '**/*.test.ts'), join(src, '**/*.fixture.ts')],
    }),
  );
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  execFileSync(process.execPath, [join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', config], { stdio: 'inherit' });
}

/** Writes a program that imports everything from the named modules of the compiled host; returns its path. */
export function writeProgram(folder: string, host: string, modules: readonly string[], body: string): string {
  const path = join(folder, `program-${Math.random().toString(36).slice(2)}.mjs`);
  const imports = modules.map((name, n) => `import * as m${n} from ${JSON.stringify(pathToFileURL(join(host, `${name}.js`)).href)};`);
  writeFileSync(path, `${imports.join('\n')}\nconst host = { ${modules.map((_, n) => `...m${n}`).join(', ')} };\n${body}\n`);
  return path;
}

/** A child process whose output can be waited for. */
export class Child {
  readonly process: ChildProcess;
  output = '';
  readonly exit: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  private changed: () => void = () => {};

  constructor(command: string, args: readonly string[], options: { stdio?: ('pipe' | 'ignore' | number)[] } = {}) {
    this.process = spawn(command, args, { stdio: options.stdio ?? ['pipe', 'pipe', 'pipe'] });
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream?.on('data', (chunk) => {
        this.output += chunk;
        this.changed();
      });
    }
    this.exit = new Promise((resolve) => this.process.once('close', (code, signal) => resolve({ code, signal })));
    this.process.once('close', () => this.changed());
    // A child that has ended takes no input.
    this.process.stdin?.on('error', () => {});
  }

  send(text: string): void {
    this.process.stdin?.write(text);
  }

  /** Waits until the output holds `text`. */
  async shows(text: string, within = 10_000): Promise<void> {
    const end = Date.now() + within;
    while (!this.output.includes(text)) {
      if (this.process.exitCode !== null || Date.now() > end) throw new Error(`'${text}' is not in the output:\n${this.output}`);
      await new Promise<void>((resolve) => {
        this.changed = resolve;
        setTimeout(resolve, 100);
      });
    }
  }
}

/** Runs a shell command on a terminal of its own. */
export function onTerminal(command: string): Child {
  return new Child('script', ['-qefc', command, '/dev/null']);
}

/** Says on standard error why tests are left out, and returns whether they are. */
export function isMissing(program: string, args: readonly string[]): boolean {
  const missing = spawnSync(program, args).status !== 0;
  if (missing) console.error(`skipped: these tests need '${program} ${args.join(' ')}'`);
  return missing;
}
