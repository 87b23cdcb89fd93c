import { describe, expect, test } from 'vitest';
import { RepriseError } from '../errors/errors.ts';
import { renderHelp } from './help.ts';
import { toMachineOptions } from './machine-options.ts';
import { CONSOLE_OPTIONS, MACHINE_OPTIONS, newQemuDraft, parseQemuOptions, QEMU_OPTIONS } from './qemu.ts';
import { type OptionRow, parseCommandLine, refused } from './table.ts';

const words = (line: string) => line.split(' ').filter((word) => word !== '');
const parse = (line: string) => parseQemuOptions(words(line));

function failure(line: string | (() => unknown)): string {
  try {
    if (typeof line === 'string') parse(line);
    else line();
  } catch (error) {
    if (!(error instanceof RepriseError)) throw error;
    return `${error.code} ${error.message}`;
  }
  return 'accepted';
}

const HOST = { utcSeconds: 1_700_000_000, utcOffsetSeconds: 7200, seed: '00000000000000ff' };

describe('a command line of QEMU', () => {
  test('the Linux line of the manual', () => {
    const options = parseQemuOptions([
      ...words('-M integratorcp -m 64 -kernel zImage -dtb a.dtb -initrd initrd.gz -append'),
      'console=ttyAMA0 autooff',
      ...words('-display none -serial stdio -no-reboot -icount shift=3,sleep=off,rr=record,rrfile=replay.bin -rtc base=2006-06-17 -seed 255'),
    ]);
    expect(options).toMatchObject({
      kernel: 'zImage',
      dtb: 'a.dtb',
      initrd: 'initrd.gz',
      bios: undefined,
      icountSleep: false,
      rr: { mode: 'record', file: 'replay.bin' },
      consoles: { serial: [{ backend: { kind: 'stdio' }, monitor: false }], monitor: undefined, qmp: [] },
      request: undefined,
    });
    expect(toMachineOptions(options, HOST)).toEqual({
      machine: 'integratorcp',
      cpu: 'arm926',
      ramBytes: 64 * 2 ** 20,
      append: 'console=ttyAMA0 autooff',
      icountShift: 3,
      rtcBase: 1150502400,
      seed: '00000000000000ff',
      noReboot: true,
      nics: [],
      disks: [],
    });
  });

  test('the defaults are those of QEMU, and the clock and the seed those of the host', () => {
    expect(toMachineOptions(parse('-M integratorcp -bios x'), HOST)).toEqual({
      machine: 'integratorcp',
      cpu: 'arm926',
      ramBytes: 128 * 2 ** 20,
      append: '',
      icountShift: 3,
      rtcBase: 1_700_000_000,
      seed: '00000000000000ff',
      noReboot: false,
      nics: [],
      disks: [],
    });
  });

  test('one dash or two, and both names of an option', () => {
    expect(parse('--machine type=integratorcp --kernel k')).toEqual(parse('-M integratorcp -kernel k'));
  });

  test('a later option overrides an earlier one, suboption by suboption', () => {
    const options = parse('-m 16 -m size=32 -icount shift=5,sleep=off -icount 7 -kernel a -kernel b');
    expect(options).toMatchObject({ ramBytes: 32 * 2 ** 20, icountShift: 7, icountSleep: false, kernel: 'b' });
  });

  test('the argument is the next word, whatever it looks like', () => {
    expect(parseQemuOptions(['-kernel', 'k', '-append', '-dtb']).append).toBe('-dtb');
  });

  test('two commas in a value are one comma', () => {
    expect(parse('-icount shift=1,rr=replay,rrfile=a,,b').rr).toEqual({ mode: 'replay', file: 'a,b' });
  });

  test.each([
    ['16', 16],
    ['256', 256],
    ['128M', 128],
    ['64m', 64],
    ['65536K', 64],
    ['0.25G', 256],
    ['33554432B', 32],
  ])('-m %s is %i MiB', (text, mib) => {
    expect(parse(`-m ${text}`).ramBytes).toBe(mib * 2 ** 20);
  });

  test.each(['15', '257', '0', '1G', '16.5', '-16', '128X', '', '0x80', '16385K'])('-m %s is refused', (text) => {
    expect(failure(() => parseQemuOptions(['-m', text]))).toMatch(/^BAD_VALUE -m.*: .*(16 to 256 MiB|128M)/);
  });

  test.each([
    ['2006-06-17T16:01:21', 1150560081],
    ['2006-06-17', 1150502400],
    ['2000-02-29', 951782400],
    ['localtime', 1_700_007_200],
    ['utc', 1_700_000_000],
  ])('-rtc base=%s', (base, seconds) => {
    expect(toMachineOptions(parse(`-M integratorcp -kernel k -rtc base=${base}`), HOST).rtcBase).toBe(seconds);
  });

  test.each(['2006-06-31', '2006-06-17T25:00:00', '2006-6-17', 'yesterday', '2006-06-17T16:01', ''])('-rtc base=%s is refused', (base) => {
    expect(failure(`-rtc base=${base}`)).toMatch(/^BAD_VALUE -rtc base=.*2006-06-17T16:01:21/);
  });

  test('a date that 32 bits of seconds cannot hold is refused', () => {
    expect(failure(() => toMachineOptions(parse('-M integratorcp -kernel k -rtc base=1969-12-31'), HOST))).toContain('1970 to 2106');
    expect(failure(() => toMachineOptions(parse('-M integratorcp -kernel k -rtc base=2106-02-08'), HOST))).toContain('1970 to 2106');
  });

  test('the seed has 64 bits', () => {
    expect(parse('-seed 0xDEADbeef').seed).toBe('00000000deadbeef');
    expect(parse('-seed 18446744073709551615').seed).toBe('ffffffffffffffff');
    expect(failure('-seed 18446744073709551616')).toMatch(/^BAD_VALUE -seed/);
    expect(failure('-seed 1.5')).toMatch(/^BAD_VALUE -seed/);
  });

  test('accepted without effect', () => {
    expect(parse('-net none -nic none -name guest -display none -rtc clock=vm')).toEqual(parse(''));
  });

  test('help ends the line, what is wrong with the rest of it does not matter', () => {
    expect(parse('-M integratorcp -h -bogus').request).toBe('help');
    expect(parse('--version -bogus').request).toBe('version');
    expect(parse('-M help').request).toBe('machines');
    expect(parse('-cpu ?').request).toBe('cpus');
    expect(parse('-append x -M help').request).toBe('machines');
  });
});

describe('serial ports and monitor', () => {
  const consoles = (line: string) => parse(line).consoles;
  const backend = (text: string) => consoles(`-serial ${text}`).serial[0];
  const STDIO = { kind: 'stdio' };

  test('without a word about them there is nothing', () => {
    expect(consoles('')).toEqual({ serial: [], monitor: undefined, qmp: [] });
    expect(consoles('-nographic -nodefaults')).toEqual({ serial: [], monitor: undefined, qmp: [] });
  });

  test('-nographic puts what is left over on the terminal', () => {
    expect(consoles('-nographic')).toEqual({ serial: [{ backend: STDIO, monitor: true }], monitor: undefined, qmp: [] });
    expect(consoles('-nographic -monitor none')).toEqual({ serial: [{ backend: STDIO, monitor: false }], monitor: undefined, qmp: [] });
    expect(consoles('-nographic -serial null')).toEqual({ serial: [{ backend: { kind: 'null' }, monitor: false }], monitor: STDIO, qmp: [] });
    expect(consoles('-nographic -serial mon:stdio')).toEqual({ serial: [{ backend: STDIO, monitor: true }], monitor: undefined, qmp: [] });
  });

  test.each(['-nographic -serial stdio', '-serial stdio -serial stdio', '-serial stdio -monitor stdio', '-serial mon:stdio -monitor stdio'])(
    '%s: standard input has one user',
    (line) => expect(failure(line)).toMatch(/^BAD_VALUE stdio can serve only one.*mon:stdio.*-monitor none/),
  );

  test('every backend', () => {
    expect(backend('none')).toEqual({ backend: { kind: 'null' }, monitor: false });
    expect(backend('file:/run/a,b:c')).toEqual({ backend: { kind: 'file', path: '/run/a,b:c' }, monitor: false });
    expect(backend('tcp:example.org:4444').backend).toEqual({ kind: 'tcp', host: 'example.org', port: 4444, role: 'client' });
    expect(backend('tcp::4444,server').backend).toEqual({ kind: 'tcp', host: 'localhost', port: 4444, role: 'waiting-server' });
    expect(backend('tcp:0.0.0.0:0,server,nowait').backend).toEqual({ kind: 'tcp', host: '0.0.0.0', port: 0, role: 'server' });
    expect(backend('tcp:[::1]:80,server=on,wait=off').backend).toEqual({ kind: 'tcp', host: '::1', port: 80, role: 'server' });
    expect(backend('tcp:h:80,server=on,wait=on').backend).toMatchObject({ role: 'waiting-server' });
    expect(backend('tcp:h:80,server=off').backend).toMatchObject({ role: 'client' });
    expect(backend('unix:/run/a,,b').backend).toEqual({ kind: 'unix', path: '/run/a,b', role: 'client' });
    expect(backend('unix:/run/a,server,nowait').backend).toEqual({ kind: 'unix', path: '/run/a', role: 'server' });
    expect(backend('unix:path=/run/a=b,server').backend).toEqual({ kind: 'unix', path: '/run/a=b', role: 'waiting-server' });
    expect(backend('mon:tcp::1,server,nowait')).toMatchObject({ backend: { kind: 'tcp' }, monitor: true });
  });

  test.each([
    ['bogus', /BAD_VALUE -serial bogus: not a backend \(accepted: stdio, mon:stdio/],
    ['stdio:', /BAD_VALUE .*not a backend/],
    ['mon:', /BAD_VALUE .*not a backend/],
    ['file:', /BAD_VALUE .*path/],
    ['unix:', /BAD_VALUE .*path/],
    ['tcp:4444', /BAD_VALUE .*tcp:HOST:PORT/],
    ['tcp:h:0', /BAD_VALUE .*port: expects a number from 1 to 65535/],
    ['tcp:h:65536,server', /BAD_VALUE .*from 0 to 65535/],
    ['tcp:h:http', /BAD_VALUE .*from 1 to 65535/],
    ['tcp:h:80,nowait', /BAD_VALUE .*belong to a server/],
    ['tcp:h:80,sever', /UNKNOWN_OPTION .*unknown suboption 'sever'; did you mean server\? \(accepted: server, wait\)/],
    ['tcp:h:80,server=yes', /BAD_VALUE .*server=yes: expects on or off/],
    ['unix:/a,nodelay', /UNKNOWN_OPTION .*'nodelay'/],
  ])('-serial %s is refused', (text, message) => expect(failure(`-serial ${text}`)).toMatch(message));

  test('there are two ports', () => {
    expect(consoles('-serial null -serial null').serial).toHaveLength(2);
    expect(failure('-serial null -serial null -serial null')).toMatch(/^BAD_VALUE .*2 serial ports/);
  });

  test('the monitor is on stdio, a socket, or nowhere', () => {
    expect(consoles('-monitor stdio').monitor).toEqual(STDIO);
    expect(consoles('-monitor null').monitor).toBeUndefined();
    expect(consoles('-monitor tcp::1,server,nowait').monitor).toEqual({ kind: 'tcp', host: 'localhost', port: 1, role: 'server' });
    expect(failure('-monitor file:x')).toMatch(/^BAD_VALUE -monitor file:x: a file cannot ask/);
  });

  test('QMP is on as many backends as are named, one of them stdio at most', () => {
    expect(consoles('-qmp unix:/run/q,server -qmp none -qmp stdio').qmp).toEqual([{ kind: 'unix', path: '/run/q', role: 'waiting-server' }, STDIO]);
    expect(failure('-qmp stdio -monitor stdio')).toMatch(/^BAD_VALUE stdio can serve only one/);
    expect(failure('-qmp file:x')).toMatch(/^BAD_VALUE/);
  });
});

describe('what is wrong is said in one line', () => {
  test.each([
    ['-intrd x', 'UNKNOWN_OPTION unknown option -intrd; did you mean -initrd?'],
    ['--kernal x', 'UNKNOWN_OPTION unknown option --kernal; did you mean -kernel?'],
    ['-vga 1', 'UNKNOWN_OPTION unknown option -vga; -help lists the options'],
    ['-', 'UNKNOWN_OPTION unknown option -; -help lists the options'],
    ['--kernel=k', 'UNKNOWN_OPTION unknown option --kernel=k; the argument is a word of its own: -kernel k'],
    ['-kernel', 'USAGE -kernel needs an argument: -kernel FILE'],
    [
      'disk.img',
      "USAGE 'disk.img' belongs to no option, and the machine has no hard disk that it could be an image of; did you mean -kernel disk.img, or -sd disk.img?",
    ],
    ['-M integratorpc', "UNKNOWN_MACHINE unknown machine 'integratorpc'; did you mean integratorcp? (known: integratorcp)"],
    ['-M virt', "UNKNOWN_MACHINE unknown machine 'virt' (known: integratorcp)"],
    ['-cpu cortex-a9', "UNKNOWN_MACHINE unknown CPU 'cortex-a9' (known: arm926)"],
    ['-M integratorcp,usb=on', "UNKNOWN_OPTION -M: unknown suboption 'usb' (accepted: type)"],
    ['-m 128,slots=2', "UNKNOWN_OPTION -m: unknown suboption 'slots' (accepted: size)"],
    ['-icount shift=11', 'BAD_VALUE -icount shift=11: expects a number from 0 to 10'],
    ['-icount fast', 'BAD_VALUE -icount shift=fast: expects a number from 0 to 10'],
    ['-icount shift=3,sleep', 'accepted'],
    ['-icount shift=3,sleep=1', 'BAD_VALUE -icount sleep=1: expects on or off'],
    ['-icount shift=3,rr=both', 'BAD_VALUE -icount rr=both: expects record or replay'],
    ['-icount shift=3,rr=record', 'USAGE -icount rr=record needs a file: add rrfile=FILE'],
    ['-icount shift=3,rrfile=x', 'USAGE -icount rrfile needs to know what for: add rr=record or rr=replay'],
    [
      '-icount shift=3,rr=record,rrfile=x,rrsnap=y',
      "UNKNOWN_OPTION -icount: unknown suboption 'rrsnap' (accepted: shift, sleep, rr, rrfile, rrsnapshot)",
    ],
    ['-append x', 'USAGE -append is for a kernel; add -kernel FILE'],
    ['-M integratorcp,toString', "UNKNOWN_OPTION -M: unknown suboption 'toString' (accepted: type)"],
  ])('%s', (line, message) => expect(failure(line)).toBe(message));

  test.each([
    ['-icount auto', /BAD_VALUE -icount shift=auto: .*depend on the host/],
    ['-rtc clock=host', /BAD_VALUE -rtc clock=host: .*clock=vm/],
    ['-display gtk', /BAD_VALUE -display gtk: .*screendump/],
  ])('%s is refused with the reason', (line, message) => expect(failure(line)).toMatch(message));

  test('a machine and something to run have to be named', () => {
    expect(failure(() => toMachineOptions(parse('-kernel k'), HOST))).toMatch(/^UNKNOWN_MACHINE .*-M integratorcp/);
    expect(failure(() => toMachineOptions(parse('-M integratorcp'), HOST))).toMatch(/^USAGE .*-kernel FILE or -bios FILE/);
  });
});

describe('the table', () => {
  test('no two options share a name', () => {
    const names = QEMU_OPTIONS.flatMap((row) => row.names);
    expect(new Set(names).size).toBe(names.length);
  });

  test('the help text has every option under its group, within 80 columns', () => {
    const help = renderHelp(QEMU_OPTIONS);
    for (const row of QEMU_OPTIONS) expect(help).toContain(`-${row.names[0]}`);
    expect(help).toMatch(/^Machine:\n-machine or -M \[type=\]NAME\n {16}the computer/);
    expect(help).toMatch(/\nConsole:\n-serial BACKEND /);
    expect(Math.max(...help.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  test('another command takes some of the options, adds its own and refuses the rest', () => {
    interface Draft {
      to: number;
    }
    const own: OptionRow<Draft> = {
      names: ['to'],
      argument: 'ICOUNT',
      group: 'Replay',
      help: 'stop there',
      apply: (d, value) => (d.to = Number(value)),
    };
    const rows = [own, ...CONSOLE_OPTIONS, ...refused(MACHINE_OPTIONS, 'is fixed by the recording')];
    const draft = { ...newQemuDraft(), to: 0 };
    expect(parseCommandLine(rows, words('a.rec --to 1000 -serial null'), draft)).toEqual(['a.rec']);
    expect(draft).toMatchObject({ to: 1000, serial: [{ backend: { kind: 'null' }, monitor: false }] });
    expect(failure(() => parseCommandLine(rows, words('a.rec -kernel zImage'), draft))).toBe('USAGE -kernel is fixed by the recording');
  });
});
