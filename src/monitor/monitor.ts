/**
 * The human monitor: a prompt on a character backend, one command a line, one command at a time.
 */
import { RepriseError } from '../errors/errors.ts';
import type { ControlConsole } from '../host/host.ts';
import type { SessionControl } from '../session/control.ts';
import { type Conversation, converse, type Peer } from '../session/conversation.ts';
import { ArgumentError, Arguments } from './arguments.ts';
import type { MonitorContext, MonitorHost } from './command.ts';
import { SNAPSHOT_COMMANDS } from './commands/snapshots.ts';
import { COMMANDS, findCommand } from './commands.ts';
import { type Completion, History, LineEditor } from './line-editor.ts';

const PROMPT = '(reprise) ';

export class Monitor {
  private readonly context: MonitorContext;
  private readonly history = new History();
  /** Names to complete with. */
  private snapshots: readonly string[] = [];

  constructor(session: SessionControl, host: MonitorHost) {
    this.context = { session, host, format: { count: 1, letter: 'x', size: 4 } };
  }

  /** Runs one command line; returns what to print, errors included. Beginnings of names are not accepted: they change with new commands. */
  async execute(line: string): Promise<string> {
    const match = /^\s*([^\s/]+)(.*)$/s.exec(line);
    if (match === null) return '';
    const [, name, rest] = match;
    const command = findCommand(name);
    if (command === undefined) return `unknown command: '${name}'`;
    const { session } = this.context;
    try {
      return await command.run(
        this.context,
        new Arguments(command.names.join('|'), rest, (register) => session.machine.cpu.inspector.register(register)),
      );
    } catch (error) {
      if (error instanceof ArgumentError) return `${error.message}\nTry "help ${name}" for more information`;
      if (error instanceof RepriseError) return `Error: ${error.message}`;
      throw error;
    }
  }

  /** Talks to whoever comes to a console. */
  attach(console: ControlConsole): void {
    converse(console, (peer) => this.greet(peer));
  }

  private greet(peer: Peer): Conversation {
    const show = (text: string): void => peer.say(text.replaceAll('\n', '\r\n'));
    const editor = new LineEditor({ prompt: PROMPT, history: this.history, show, complete: (text) => this.complete(text) });
    show(`Reprise ${this.context.host.version} monitor - type 'help' for more information\n${PROMPT}`);
    void this.learnSnapshots();
    const run = async (line: string): Promise<void> => {
      const output = await this.execute(line);
      const [name] = line.trim().split(/\s/);
      if (output === '' && findCommand(name)?.ends) return;
      show(`${output === '' ? '' : `${output}\n`}${PROMPT}`);
      if (SNAPSHOT_COMMANDS.some(({ names }) => names.includes(name))) await this.learnSnapshots();
    };
    return {
      take: (byte) => {
        const line = editor.key(byte);
        if (line === undefined) return undefined;
        if (line.trim() !== '') return run(line);
        show(PROMPT);
        return undefined;
      },
      returned: () => editor.redraw(),
    };
  }

  private complete(text: string): Completion {
    const start = text.lastIndexOf(' ') + 1;
    const word = text.slice(start);
    const [name, ...arguments_] = text.slice(0, start).trim().split(/\s+/);
    const words =
      name === ''
        ? COMMANDS.map(({ names }) => names[0])
        : arguments_.length === 0
          ? (findCommand(name)?.complete?.({ session: this.context.session, snapshots: this.snapshots }, word) ?? [])
          : [];
    return { start, candidates: words.filter((candidate) => candidate.startsWith(word)) };
  }

  private async learnSnapshots(): Promise<void> {
    try {
      this.snapshots = (await this.context.session.snapshots.list()).map(({ name }) => name);
    } catch (error) {
      // Without a place to keep them there are none.
      if (!(error instanceof RepriseError)) throw error;
      this.snapshots = [];
    }
  }
}
