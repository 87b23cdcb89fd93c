/** What goes wrong at the start of a run: one clear line, the right exit status, and nothing lost or left behind. */
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { commandOf, type Outcome, reprise, shellWords, startCommand, systemArm, temporaryFolder } from './support/program.ts';
import { LEDGER, LOST_UPDATE } from './support/recordings.ts';

const folder = temporaryFolder(afterAll);
const file = (name: string): string => join(folder, name);
const OUTPUT = file('out.rec');

beforeEach(() => {
  for (const name of readdirSync(folder)) rmSync(file(name), { recursive: true, force: true });
});

/** That a program said one line of the form `PROGRAM: … [CODE]`, nothing else, and ended with that status. */
function expectLine({ status, stdout, stderr }: Outcome, expected: number, code: string, ...parts: readonly string[]): void {
  expect(stderr).toMatch(new RegExp(`^reprise(-system-arm)?: [^\\n]+ \\[${code}\\]\\n$`));
  for (const part of parts) expect(stderr).toContain(part);
  expect(stdout.toString()).toBe('');
  expect(status).toBe(expected);
}

const machine = (...more: readonly string[]): string[] => ['-M', 'integratorcp', '-display', 'none', ...more];
const listing = (): string[] => readdirSync(folder);

describe('a machine that cannot be', () => {
  it.each<[string, string[], number, string, string[]]>([
    ['an unknown machine', ['-M', 'integratorpc', '-kernel', LOST_UPDATE], 2, 'UNKNOWN_MACHINE', ["'integratorpc'", 'did you mean', 'integratorcp']],
    ['no machine', ['-kernel', LOST_UPDATE], 2, 'UNKNOWN_MACHINE', ['-M integratorcp']],
    ['an unknown CPU', machine('-cpu', 'arm920', '-kernel', LOST_UPDATE), 2, 'UNKNOWN_MACHINE', ["'arm920'", 'arm926']],
    ['nothing to run', machine(), 2, 'USAGE', ['-kernel FILE']],
    ['too much RAM', machine('-m', '512', '-kernel', LOST_UPDATE), 2, 'BAD_VALUE', ['-m 512', '16 to 256 MiB']],
    ['too much RAM, in other units', machine('-m', '1G', '-kernel', LOST_UPDATE), 2, 'BAD_VALUE', ['-m 1G', '16 to 256 MiB']],
    ['too little RAM', machine('-m', '8', '-kernel', LOST_UPDATE), 2, 'BAD_VALUE', ['-m 8', '16 to 256 MiB']],
    ['RAM that is no size', machine('-m', 'lots', '-kernel', LOST_UPDATE), 2, 'BAD_VALUE', ['-m lots']],
    ['an unknown option', machine('-kernal', LOST_UPDATE), 2, 'UNKNOWN_OPTION', ['-kernal;', 'did you mean -kernel?']],
    ['an unknown long option', machine('--sereal', 'stdio'), 2, 'UNKNOWN_OPTION', ['--sereal;', 'did you mean -serial?']],
    ['an option without its argument', machine('-kernel'), 2, 'USAGE', ['-kernel']],
    ['an unknown suboption', machine('-icount', 'shift=3,slep=on', '-kernel', LOST_UPDATE), 2, 'UNKNOWN_OPTION', ['slep', 'sleep']],
    ['a shift that cannot be', machine('-icount', 'shift=11', '-kernel', LOST_UPDATE), 2, 'BAD_VALUE', ['0 to 10']],
    ['a date that is none', machine('-rtc', 'base=2026-02-30', '-kernel', LOST_UPDATE), 2, 'BAD_VALUE', ['2026-02-30']],
    ['a date beyond the clock', machine('-rtc', 'base=2206-01-01', '-kernel', LOST_UPDATE), 2, 'BAD_VALUE', ['1970 to 2106']],
    ['a backend that is none', machine('-serial', 'stdoi', '-kernel', LOST_UPDATE), 2, 'BAD_VALUE', ['-serial stdoi', 'stdio']],
    ['two users of standard input', machine('-serial', 'stdio', '-monitor', 'stdio', '-kernel', LOST_UPDATE), 2, 'BAD_VALUE', ['mon:stdio']],
    ['a stray word', machine('zImage'), 2, 'USAGE', ["'zImage'", '-kernel zImage']],
    ['an option for a kernel without one', machine('-append', 'quiet'), 2, 'USAGE', ['-append', '-kernel']],
    ['a window', ['-M', 'integratorcp', '-display', 'gtk', '-kernel', LOST_UPDATE], 2, 'BAD_VALUE', ['-display gtk', 'none']],
    ['QEMU’s way to record', machine('-icount', 'shift=3,rr=record,rrfile=x', '-kernel', LOST_UPDATE), 2, 'USAGE', ['reprise-system-arm', '-o']],
  ])('is refused: %s', async (_, options, status, code, parts) => {
    expectLine(await reprise(['record', '-o', OUTPUT, ...options]), status, code, ...parts);
    expect(listing()).toEqual([]);
  });

  it('is refused by `run` and by QEMU’s own line, too', async () => {
    for (const outcome of [
      await reprise(['run', ...machine('-m', '512', '-kernel', LOST_UPDATE)]),
      await systemArm(machine('-m', '512', '-kernel', LOST_UPDATE)),
    ])
      expectLine(outcome, 2, 'BAD_VALUE', '16 to 256 MiB');
  });
});

describe('software that cannot be loaded', () => {
  it.each<[string, string, string, string, string[]]>([
    ['a kernel that is not there', '-kernel', 'FILE_NOT_FOUND', 'missing', ['kernel', 'check the path']],
    ['a kernel in a folder that is not there', '-kernel', 'FILE_NOT_FOUND', 'no/such/kernel', ['does not exist']],
    ['a folder as kernel', '-kernel', 'FILE_UNREADABLE', 'folder', ['is a folder']],
    ['an empty kernel', '-kernel', 'BAD_KERNEL', 'empty', ['empty']],
    ['a text as kernel', '-kernel', 'BAD_KERNEL', 'readme', ['this is a text']],
    ['a packed file as kernel', '-kernel', 'BAD_KERNEL', 'packed.gz', ['gunzip']],
    ['a disk image as kernel', '-kernel', 'BAD_KERNEL', 'disk.qcow2', ['disk image']],
    ['the start of a kernel', '-kernel', 'BAD_KERNEL', 'cut.elf', ['cut.elf']],
    ['a kernel for another computer', '-kernel', 'BAD_KERNEL', 'other.elf', ['other.elf']],
    ['a firmware that is not there', '-bios', 'FILE_NOT_FOUND', 'missing', ['bios']],
    ['an empty firmware', '-bios', 'BAD_KERNEL', 'empty', ['empty']],
    ['a firmware larger than RAM', '-bios', 'IMAGE_TOO_BIG', 'large', ['-m']],
  ])('is refused: %s', async (_, option, code, name, parts) => {
    mkdirSync(file('folder'));
    writeFileSync(file('empty'), '');
    writeFileSync(file('readme'), 'To start the kernel, turn the key.\n');
    writeFileSync(file('packed.gz'), gzipSync('a kernel'));
    writeFileSync(file('disk.qcow2'), Buffer.concat([Buffer.from('QFI\xfb', 'latin1'), Buffer.alloc(512)]));
    const elf = readFileSync(LOST_UPDATE);
    writeFileSync(file('cut.elf'), elf.subarray(0, 100));
    // EM_386.
    elf.writeUInt16LE(3, 18);
    writeFileSync(file('other.elf'), elf);
    writeFileSync(file('large'), new Uint8Array(17 * 2 ** 20));
    const before = listing();
    expectLine(await reprise(['record', '-o', OUTPUT, ...machine('-m', '16', option, file(name))]), 1, code, file(name), ...parts);
    expect(listing()).toEqual(before);
  });

  it('is refused: a device tree or RAM disk that is none, or not there', async () => {
    writeFileSync(file('picture.png'), Buffer.from('\x89PNG\r\n\x1a\n and more', 'latin1'));
    const with_ = (...more: readonly string[]): Promise<Outcome> => reprise(['run', ...machine('-kernel', LOST_UPDATE, ...more)]);
    expectLine(await with_('-dtb', file('picture.png')), 1, 'BAD_DTB', file('picture.png'), 'device tree');
    expectLine(await with_('-dtb', file('missing')), 1, 'FILE_NOT_FOUND', file('missing'));
    expectLine(await with_('-initrd', file('missing')), 1, 'FILE_NOT_FOUND', file('missing'));
  });
});

describe('an output that cannot be written', () => {
  const record = (path: string, ...more: readonly string[]): Promise<Outcome> =>
    reprise(['record', '-o', path, ...LEDGER, '-serial', 'null', ...more]);

  it('is refused: in a folder that is not there', async () => {
    expectLine(await record(file('no/out.rec')), 1, 'FILE_UNWRITABLE', `'${file('no/out.rec')}'`, `there is no folder '${file('no')}'`);
  });

  it('is refused: in a file that is taken for a folder', async () => {
    writeFileSync(file('plain'), 'x');
    expectLine(await record(file('plain/out.rec')), 1, 'FILE_UNWRITABLE', `'${file('plain')}' is not a folder`);
  });

  it('is refused: a folder', async () => {
    mkdirSync(file('folder'));
    expectLine(await record(file('folder')), 1, 'FILE_UNWRITABLE', 'is a folder');
    expectLine(await record(file('folder'), '--force'), 1, 'FILE_UNWRITABLE', 'is a folder');
    expect(listing()).toEqual(['folder']);
  });

  it('is refused: without a name', async () => {
    expectLine(await reprise(['record', ...LEDGER]), 2, 'USAGE', '-o FILE');
  });

  it('keeps a file that exists', async () => {
    writeFileSync(OUTPUT, 'years of work');
    expectLine(await record(OUTPUT), 1, 'FILE_EXISTS', `'${OUTPUT}' exists already and is kept`, '--force');
    expect(readFileSync(OUTPUT, 'utf8')).toBe('years of work');
    expect(listing()).toEqual(['out.rec']);
  });

  it('keeps a file that exists even with --force, when the run cannot begin', async () => {
    writeFileSync(OUTPUT, 'years of work');
    expectLine(await record(OUTPUT, '--force', '-kernel', file('missing')), 1, 'FILE_NOT_FOUND');
    // The port cannot be opened: this is found out after the output has been.
    expectLine(await record(OUTPUT, '--force', '-serial', `file:${file('no/log')}`), 1, 'FILE_UNWRITABLE', 'no/log');
    expect(readFileSync(OUTPUT, 'utf8')).toBe('years of work');
    expect(listing()).toEqual(['out.rec']);
  });

  it('leaves nothing behind when the run cannot begin', async () => {
    expectLine(await record(OUTPUT, '-serial', `file:${file('no/log')}`), 1, 'FILE_UNWRITABLE', 'no/log');
    expect(listing()).toEqual([]);
  });

  it('is refused: where the name of a file leads nowhere', async () => {
    symlinkSync(file('no/target'), file('link'));
    const outcome = await record(file('link'));
    expectLine(outcome, 1, 'FILE_UNWRITABLE', file('link'));
    expect(listing()).toEqual(['link']);
  });

  it('is refused: in a read-only folder', async () => {
    const readOnly = file('read-only');
    mkdirSync(readOnly);
    const [node, script] = commandOf('reprise');
    const command = shellWords([node, script, 'record', '-o', join(readOnly, 'out.rec'), ...LEDGER, '-serial', 'null']);
    // To the superuser a mode says nothing: it takes a file system that is read-only.
    const mount = `mount -t tmpfs -o ro none '${readOnly}' 2>/dev/null || exit 99`;
    const superuser = process.getuid?.() === 0;
    if (!superuser) chmodSync(readOnly, 0o555);
    const outcome = await (superuser
      ? startCommand(onTestFinished, 'unshare', ['--mount', 'sh', '-c', `${mount}; ${command}`])
      : startCommand(onTestFinished, 'sh', ['-c', command])
    ).done;
    if (outcome.status === 99 || /^unshare:/.test(outcome.stderr)) console.log('skipped: a read-only folder, because nothing may be mounted here');
    else expectLine(outcome, 1, 'FILE_UNWRITABLE', `the folder '${readOnly}' is read-only`);
  });
});

describe('a port that is taken', () => {
  const listenOn = async (where: number | string): Promise<Server> => {
    const server = createServer();
    await new Promise<void>((settle) => server.listen(where, ...((typeof where === 'number' ? ['127.0.0.1', settle] : [settle]) as [() => void])));
    onTestFinished(() => void server.close());
    return server;
  };

  it('is refused, and leaves nothing behind: TCP', async () => {
    const { port } = (await listenOn(0)).address() as { port: number };
    const outcome = await reprise(['record', '-o', OUTPUT, ...LEDGER, '-serial', `tcp:127.0.0.1:${port},server,nowait`]);
    expectLine(outcome, 1, 'ADDRESS_IN_USE', String(port));
    expect(listing()).toEqual([]);
  });

  it('is refused, and leaves nothing behind: a Unix socket', async () => {
    await listenOn(file('socket'));
    const outcome = await reprise(['record', '-o', OUTPUT, ...LEDGER, '-serial', `unix:${file('socket')},server,nowait`]);
    expectLine(outcome, 1, 'ADDRESS_IN_USE', file('socket'));
    expect(listing()).toEqual(['socket']);
  });

  it('is refused where nobody listens', async () => {
    const server = await listenOn(0);
    const { port } = server.address() as { port: number };
    await new Promise((settle) => server.close(settle));
    expectLine(await reprise(['run', ...LEDGER, '-serial', `tcp:127.0.0.1:${port}`]), 1, 'CONNECT_FAILED', String(port));
  });
});

describe('a recording that cannot be replayed', () => {
  it.each(['replay', 'verify', 'info'])('is refused by %s', async (command) => {
    writeFileSync(file('text'), 'this is not a recording, whatever its name is');
    writeFileSync(file('empty.rec'), '');
    mkdirSync(file('folder'));
    expectLine(await reprise([command]), 2, 'USAGE', 'name its file');
    expectLine(await reprise([command, file('missing.rec')]), 1, 'FILE_NOT_FOUND', file('missing.rec'));
    expectLine(await reprise([command, file('text')]), 1, 'NOT_A_RECORDING', file('text'));
    expectLine(await reprise([command, file('empty.rec')]), 1, 'NOT_A_RECORDING', file('empty.rec'));
    expectLine(await reprise([command, file('folder')]), 1, 'FILE_UNREADABLE', file('folder'));
    expectLine(await reprise([command, 'one', 'two']), 2, 'USAGE', "'two'");
    expectLine(await reprise([command, '--jsno', 'one']), 2, 'UNKNOWN_OPTION', '--jsno');
  });

  it('is refused with a count that is none', async () => {
    for (const count of ['1e6', '-1', 'ten', '0x10', ''])
      expectLine(await reprise(['replay', 'some.rec', '--to', count]), 2, 'BAD_VALUE', 'instruction count');
  });
});

describe('the program itself', () => {
  it('tells what there is when it is given no command, or one that does not exist', async () => {
    const nothing = await reprise([]);
    expect(nothing.status).toBe(2);
    expect(nothing.stdout.toString()).toContain('usage: reprise COMMAND');
    expectLine(await reprise(['replya']), 2, 'USAGE', "'replya'", 'did you mean replay?');
    expectLine(await reprise(['']), 2, 'USAGE');
  });

  it.each(['record', 'replay', 'verify', 'info', 'run', 'demo'])('helps with %s', async (command) => {
    for (const option of ['--help', '-h', '-help']) {
      const { status, stdout, stderr } = await reprise([command, option]);
      expect([status, stderr]).toEqual([0, '']);
      expect(stdout.toString()).toMatch(new RegExp(`^usage: ${command} `));
    }
  });

  it('answers like QEMU', async () => {
    for (const [args, answer] of [
      [['-version'], /^Reprise \d+\.\d+\.\d+\n$/],
      [['--version'], /^Reprise \d+\.\d+\.\d+\n$/],
      [['-M', 'help'], /integratorcp /],
      [['-M', '?'], /integratorcp /],
      [['-cpu', 'help'], /arm926/],
      [['-help'], /^usage: reprise-system-arm /],
    ] as const) {
      const { status, stdout, stderr } = await systemArm(args);
      expect([status, stderr]).toEqual([0, '']);
      expect(stdout.toString()).toMatch(answer);
    }
  });

  it('ends quietly when nobody reads its help', async () => {
    const [node, script] = commandOf('reprise');
    const outcome = await startCommand(onTestFinished, 'sh', ['-c', `${shellWords([node, script, 'record', '--help'])} | head -1`]).done;
    expect(outcome.stdout.toString()).toMatch(/^usage: record/);
    expect(outcome.stderr).toBe('');
  });
});
