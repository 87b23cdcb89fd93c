// Programs without an operating system, built for the bench.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const COMPILER = 'arm-none-eabi-gcc';

/** Builds an assembler source of this folder into `image`, with symbols defined. @throws Error with what the compiler says */
export function build(source, image, defines) {
  const path = fileURLToPath(new URL(source, import.meta.url));
  const options = [
    '-nostdlib',
    '-mcpu=arm926ej-s',
    '-mfpu=vfp',
    '-mfloat-abi=softfp',
    '-Wl,-Ttext=0x10000',
    ...defines.map((define) => `-D${define}`),
  ];
  const { status, stderr } = spawnSync(COMPILER, [...options, '-o', image, path], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${COMPILER}: ${stderr}`);
}
