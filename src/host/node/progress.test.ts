import { describe, expect, test } from 'vitest';
import type { HostClock } from '../host.ts';
import { compiledHost, isMissing, onTerminal, temporaryFolder, writeProgram } from './child.fixture.ts';
import { ProgressLine } from './progress.ts';

class Screen {
  readonly isTTY = true;
  readonly columns = 100;
  text = '';
  write(text: string): boolean {
    this.text += text;
    return true;
  }
  cursorTo(): void {}
  clearLine(): void {}
}

function setUp(total?: number) {
  const screen = new Screen();
  let now = 1000;
  const clock = { milliseconds: () => now } as HostClock;
  const line = new ProgressLine({ clock, total, stream: screen as unknown as NodeJS.WriteStream });
  return { screen, line, advance: (ms: number) => (now += ms) };
}

test('nothing is drawn before there is something to tell', () => {
  const { screen, line } = setUp();
  line.close();
  expect(screen.text).toBe('');
});

test('instructions, guest time and speed', () => {
  const { screen, line, advance } = setUp();
  advance(500);
  line.update(50_000_000, 400_000_000);
  expect(screen.text).toContain('50 million instructions  0.4 s guest time  100.0 MIPS');
  advance(1500);
  line.update(1_350_000_000, 12_340_000_000);
  line.close();
  expect(screen.text).toContain('1,350 million instructions  12.3 s guest time  675.0 MIPS');
  expect(screen.text).not.toContain('%');
});

test('the speed is that of the last seconds', () => {
  const { screen, line, advance } = setUp();
  for (const icount of [10_000_000, 20_000_000, 400_000_000]) {
    advance(2000);
    line.update(icount, 0);
  }
  line.close();
  expect(screen.text).toContain('190.0 MIPS');
});

test('percent of a known total, never more than there are', () => {
  const { screen, line, advance } = setUp(200_000_000);
  advance(1000);
  line.update(99_999_999, 0);
  line.update(200_000_000, 0);
  line.close();
  expect(screen.text).toContain(' 49 %');
  expect(screen.text).toContain('[==========----------]');
  expect(screen.text).toContain(' 100 %');
});

describe.skipIf(isMissing('script', ['--version']))('on a terminal', () => {
  const folder = temporaryFolder();
  const host = compiledHost();
  const program = () =>
    writeProgram(
      folder,
      host(),
      ['progress', 'clock'],
      `const line = host.openProgress(new host.NodeClock(), process.argv[2] === 'console', 100);
       line?.update(50, 1e9);
       line?.print('a line of its own');
       line?.update(60, 1e9);
       line?.close();
       console.log('end ' + (line !== undefined));`,
    );

  test('it is drawn, cleared, and lets the process end', async () => {
    const child = onTerminal(`"${process.execPath}" ${program()}`);
    expect((await child.exit).code).toBe(0);
    expect(child.output).toContain('50 %');
    const output = child.output.replaceAll('\x1b', 'ESC');
    expect(output).toMatch(/ESC\[2K[^\n%]*a line of its own\r\n/);
    expect(output).toMatch(/60 %.*ESC\[2K[^\n%]*end true\r\n$/);
    // Wrapping stays on: a killed program could not turn it on again.
    expect(output).not.toContain('ESC[?7l');
  });

  test('there is none beside a console, or when standard error is not a terminal', async () => {
    for (const rest of ['console', '2>/dev/null']) {
      const child = onTerminal(`"${process.execPath}" ${program()} ${rest}`);
      await child.exit;
      expect(child.output).toBe('end false\r\n');
    }
  });
});
