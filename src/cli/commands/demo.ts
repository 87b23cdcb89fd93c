/** `reprise demo`: records the built-in guest until its rare bug shows, replays it, proves that both runs are the same, and goes back to the cause. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { RepriseError } from '../../errors/errors.ts';
import type { AppendSink, CharBackend } from '../../host/host.ts';
import { NodeClock, randomSeed, wallClock } from '../../host/node/clock.ts';
import { readInput } from '../../host/node/files.ts';
import { createOutput } from '../../host/node/output-file.ts';
import { type EndingSignal, exitStatus, onEndingSignal } from '../../host/node/signals.ts';
import { chooseEngine } from '../../opening/engine.ts';
import { openRecording } from '../../opening/open-recording.ts';
import { renderHelp } from '../../options/help.ts';
import { HELP_OPTIONS, newQemuDraft, type QemuDraft } from '../../options/qemu.ts';
import { type OptionRow, parseCommandLine } from '../../options/table.ts';
import { loadHasher } from '../../replay/hasher.ts';
import type { MachineOptions } from '../../replay/model.ts';
import { buildMachine } from '../../session/build.ts';
import { LiveRun } from '../../session/live.ts';
import { prepareReplay } from '../../session/play.ts';
import { EXIT } from '../exit.ts';
import { describeLostUpdate, findLostUpdate, GUEST } from '../lost-update.ts';
import { answerRequest } from '../requests.ts';
import { INITIAL_SNAPSHOT, startRecording } from '../start-recording.ts';
import type { Command } from './command.ts';

const DEFAULT_NAME = 'reprise-demo';
/** The bug shows after some dozens of keystrokes; patience ends long after that. */
const PATIENCE_MS = 20_000;
/** Between two keystrokes, in milliseconds: someone who types fast, and never quite evenly. */
const KEY_MS = { least: 4, spread: 16 };
const LETTERS = 'the quick brown fox jumps over the lazy dog ';

/** Someone at the console: keeps what the guest says, and types. */
class Typist implements CharBackend {
  readonly congested = false;
  typed = 0;
  said = '';
  private timer: NodeJS.Timeout | undefined;

  write(bytes: Uint8Array): void {
    this.said += Buffer.from(bytes).toString('latin1');
  }
  async drained(): Promise<void> {}
  pauseInput(): void {}
  async close(): Promise<void> {
    clearTimeout(this.timer);
  }
  onInput(listener: (bytes: Uint8Array) => void): void {
    const next = (): void => {
      listener(Uint8Array.of(LETTERS.charCodeAt(this.typed++ % LETTERS.length)));
      this.timer = setTimeout(next, KEY_MS.least + Math.random() * KEY_MS.spread);
    };
    this.timer = setTimeout(next, 300);
  }
}

/** Takes nothing and says nothing. */
const silent: CharBackend = { congested: false, write() {}, drained: async () => {}, onInput() {}, pauseInput() {}, close: async () => {} };

interface DemoDraft extends QemuDraft {
  output: string | undefined;
}

const ROWS: readonly OptionRow<DemoDraft>[] = [
  {
    names: ['o', 'output'],
    argument: 'FILE',
    group: 'Recording',
    help: `the recording to write (default ${DEFAULT_NAME}.rec, or the next free name)`,
    apply: (draft, value) => {
      draft.output = value;
    },
  },
  ...HELP_OPTIONS,
];

function freeName(): string {
  for (let n = 1; ; n++) {
    const name = `${DEFAULT_NAME}${n === 1 ? '' : `-${n}`}.rec`;
    if (!existsSync(name)) return name;
  }
}

const print = (text: string): void => void process.stdout.write(`${text}\n`);
const lineOf = (text: string, start: string): string | undefined => text.split(/\r?\n/).find((line) => line.includes(start));

interface Run {
  readonly said: string;
  readonly icount: number;
  readonly digest: string | undefined;
}

interface FirstRun extends Run {
  readonly typed: number;
  readonly guestSeconds: number;
  /** Ended it. */
  readonly signal: EndingSignal | undefined;
}

async function recordUntilBug(path: string): Promise<FirstRun> {
  const options: MachineOptions = {
    machine: 'integratorcp',
    cpu: 'arm926',
    ramBytes: 16 * 2 ** 20,
    append: '',
    icountShift: 3,
    rtcBase: wallClock().utcSeconds,
    seed: randomSeed(),
    noReboot: true,
    nics: [],
    disks: [],
  };
  const files = { kernel: { name: 'lost-update.elf', bytes: readInput(fileURLToPath(GUEST), 'built-in guest') } };
  const machine = buildMachine(options, files, () => {}, chooseEngine());
  const typist = new Typist();
  let signal: EndingSignal | undefined;
  let live: LiveRun | undefined;
  const stopListening = onEndingSignal((received) => {
    signal = received;
    live?.quit('interrupted');
  });
  const patience = setTimeout(() => live?.quit('quit'), PATIENCE_MS);
  let sink: AppendSink | undefined;
  try {
    sink = createOutput(path);
    const { recorder } = await startRecording({
      machine,
      options,
      files,
      drives: [],
      named: [],
      embed: 'small',
      snapshotName: INITIAL_SNAPSHOT,
      loaded: false,
      sink,
      hasher: await loadHasher(),
    });
    live = new LiveRun({ machine, clock: new NodeClock(), serial: [typist, silent], network: [], sleep: false, noReboot: true, recorder });
    if (signal !== undefined) live.quit('interrupted');
    await live.run();
    const { typed, said } = typist;
    return { said, typed, icount: machine.icount(), digest: recorder.final()?.chain, guestSeconds: machine.now() / 1e9, signal };
  } finally {
    clearTimeout(patience);
    await typist.close();
    sink?.close();
    stopListening();
  }
}

async function replayOnce(path: string): Promise<Run> {
  const { recording, hasher, close } = await openRecording(path);
  try {
    const kernel = await recording.embedded('kernel');
    let said = '';
    const run = await prepareReplay(recording, kernel === undefined ? {} : { kernel: { name: 'lost-update.elf', bytes: kernel } }, hasher, {
      clock: new NodeClock(),
      output: (_port, bytes) => {
        said += Buffer.from(bytes).toString('latin1');
      },
    });
    await run.run();
    return { said, icount: run.machine.icount(), digest: run.lastDigest()?.chain };
  } finally {
    close();
  }
}

export const demo: Command = {
  name: 'demo',
  usage: '[-o FILE]',
  summary: 'record and replay a rare bug of the built-in guest',
  help: () => renderHelp(ROWS as readonly OptionRow<never>[]),
  async run(args) {
    const draft: DemoDraft = { ...newQemuDraft(), output: undefined };
    const [stray] = parseCommandLine(ROWS, args, draft);
    if (draft.request !== undefined) return answerRequest(draft.request, demo);
    if (stray !== undefined) throw new RepriseError('USAGE', `'${stray}' belongs to no option`);
    const path = draft.output ?? freeName();

    print('A small program for the ARM Integrator/CP counts the characters that someone types at its console.');
    print('Its main loop and its interrupt handler both update one number, without a lock: now and then an update is lost.');
    print(`\nRecording to ${path} until that happens …\n`);
    const recorded = await recordUntilBug(path);
    if (recorded.signal !== undefined) {
      print('interrupted; the recording is whole up to here');
      return exitStatus(recorded.signal);
    }
    const bug = lineOf(recorded.said, 'LOST UPDATE');
    if (bug === undefined) {
      print(`The bug did not show in ${recorded.typed} characters: it is rare. The recording is whole all the same; run the demo again.`);
      return EXIT.error;
    }
    print(`  guest: ${bug}`);
    print(
      `\nIt took ${recorded.typed} characters and ${recorded.icount.toLocaleString('en-US')} instructions (${recorded.guestSeconds.toFixed(1)} s of the guest's time).`,
    );
    print('Typing the same again would not show it again: it depends on the very instruction at which a character arrives.');
    print('\nReplaying the recording …\n');
    const replayed = await replayOnce(path);
    print(`  guest: ${lineOf(replayed.said, 'LOST UPDATE') ?? '(no lost update)'}\n`);
    const compare = (what: string, a: unknown, b: unknown, shown: string): boolean => {
      print(`  ${what.padEnd(20)} ${a === b ? 'the same' : 'DIFFERENT'}  ${shown}`);
      return a === b;
    };
    const same = [
      compare('serial text', recorded.said, replayed.said, `(${recorded.said.length} characters)`),
      compare('instruction count', recorded.icount, replayed.icount, `(${replayed.icount})`),
      compare('digest of machine', recorded.digest, replayed.digest, `(${replayed.digest})`),
    ].every(Boolean);
    if (!same) throw new RepriseError('DIVERGED', 'the replay is not the recorded run; please report this');
    print('\nGoing back from the message, with one watchpoint on the shared number, ledger_balance …\n');
    const cause = await findLostUpdate(path);
    if (cause === undefined) throw new RepriseError('DIVERGED', 'the lost update cannot be found in the replay; please report this');
    for (const line of describeLostUpdate(cause)) print(line);
    print('\nThe bug that shows once in a while now shows every time, on any computer. What to try next:\n');
    print(`  npx reprise replay ${path}              watch it again`);
    print(`  npx reprise replay ${path} --to ${Math.max(1, recorded.icount - 1_000_000)}  stop a million instructions before its end`);
    print(`  npx reprise last-write ${path} 0xa100     ask who wrote to ledger_balance last`);
    print(`  npx reprise info ${path}                what the recording holds`);
    print('  npx reprise record --help                       record a machine of your own');
    return EXIT.done;
  },
};
