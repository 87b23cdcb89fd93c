// Builds guest/lost-update.elf with Debian's gcc-arm-none-eabi. With --check it builds into a temporary folder instead and
// compares the result with the committed file, byte by byte: exit 1 when they differ. Without the compiler it skips.
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const COMPILER = 'arm-none-eabi-gcc';
const MADE_WITH = 'gcc 12.2.1, Debian 12';
const guest = fileURLToPath(new URL('../guest/', import.meta.url));
const committed = join(guest, 'lost-update.elf');

const compilerFlags = [
  ...['-mcpu=arm926ej-s', '-marm', '-mfloat-abi=soft', '-std=gnu11', '-ffreestanding', '-O2', '-fno-pic'],
  // Loops that fill or copy memory stay loops: there is no library with memset and memcpy.
  '-fno-tree-loop-distribute-patterns',
  ...['-ffunction-sections', '-fdata-sections', '-Wall', '-Wextra', '-Werror'],
  // Debug information without the folder or the options of this build.
  ...['-g', '-gno-record-gcc-switches', `-fdebug-prefix-map=${guest.slice(0, -1)}=guest`],
];
const linkerFlags = ['-nostdlib', '-nostartfiles', '-Wl,--build-id=none', '-Wl,--gc-sections', '-T', 'lost-update.ld'];

/** Compiles and links into `folder`; returns the path of the program. */
function build(folder) {
  const headers = execFileSync(COMPILER, ['-print-file-name=include'], { encoding: 'utf8' }).trim();
  const flags = [...compilerFlags, `-fdebug-prefix-map=${headers}=gcc`];
  const objects = [];
  const sources = readdirSync(guest).filter((name) => /\.[cS]$/.test(name));
  for (const source of sources.sort()) {
    const object = join(folder, `${source}.o`);
    execFileSync(COMPILER, [...flags, '-c', source, '-o', object], { cwd: guest, stdio: 'inherit' });
    objects.push(object);
  }
  const program = join(folder, 'lost-update.elf');
  execFileSync(COMPILER, [...flags, ...linkerFlags, ...objects, '-o', program], { cwd: guest, stdio: 'inherit' });
  return program;
}

function compilerVersion() {
  const { error, stdout } = spawnSync(COMPILER, ['-dumpfullversion'], { encoding: 'utf8' });
  return error ? undefined : stdout.trim();
}

const version = compilerVersion();
if (version === undefined) {
  console.log(`skip: ${COMPILER} is not installed (Debian: gcc-arm-none-eabi); guest/lost-update.elf stays as it is`);
} else {
  const folder = mkdtempSync(join(tmpdir(), 'build-guest-'));
  try {
    const program = build(folder);
    if (!process.argv.includes('--check')) {
      copyFileSync(program, committed);
      console.log(`guest/lost-update.elf built with gcc ${version}`);
    } else if (readFileSync(program).equals(readFileSync(committed))) {
      console.log(`guest/lost-update.elf is what gcc ${version} builds from guest/`);
    } else {
      console.error(`guest/lost-update.elf (made with ${MADE_WITH}) differs from what gcc ${version} builds from guest/: build and commit it`);
      process.exitCode = 1;
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}
