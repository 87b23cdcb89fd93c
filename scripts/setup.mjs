// Makes a fresh clone ready: installs the packages of the lock file and builds, each only when needed.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const quiet = process.argv.includes('--quiet');
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Reprise needs Node 20.19 or newer; this is ${process.version}.`);
  process.exit(1);
}

/** Runs a step; its own output says what is wrong with it. */
function step(what, program, args, output) {
  console.error(`${what} …`);
  const { status, error } = spawnSync(program, args, { cwd: root, stdio: ['ignore', output, 'inherit'] });
  if (status === 0) return;
  console.error(`${what} failed${error ? `: ${error.message}` : ''}.`);
  process.exit(1);
}

const lock = readFileSync(join(root, 'package-lock.json'), 'utf8');
const stamp = join(root, 'node_modules', '.reprise-lock');
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== lock) {
  step('Installing packages', npm, ['ci', '--silent'], 'ignore');
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, lock);
}

const newest = (folder) =>
  Math.max(
    0,
    ...readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((e) => e.isFile())
      .map((e) => statSync(join(e.parentPath, e.name)).mtimeMs),
  );
// The last that is made: a compiler that was run by itself has left it behind.
const built = join(root, 'dist', 'bin', 'reprise.js');
if (!existsSync(built) || newest(join(root, 'src')) > statSync(built).mtimeMs) {
  step('Building', process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-b'], 'inherit');
  step('Bundling', process.execPath, [join(root, 'node_modules', 'rolldown', 'bin', 'cli.mjs'), '--config', '--log-level', 'warn'], 'ignore');
}
if (!quiet) console.error('Reprise is ready: npm run demo, npm test, or npx reprise --help.');
