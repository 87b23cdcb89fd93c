/** From the failure of the built-in guest back to its cause: what a person does with a debugger, for the demonstration. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Replay } from '../api/replay.ts';
import { readInput } from '../host/node/files.ts';

export const GUEST = new URL('../../guest/lost-update.elf', import.meta.url);

/** An access to the shared word. */
interface Step {
  readonly icount: number;
  /** `ledger.c:58`, and the text of that line where the sources are there. */
  readonly line: string;
  readonly text: string;
  readonly function: string;
  /** The word before and after the instruction. */
  readonly before: number;
  readonly after: number;
}

export interface LostUpdate {
  readonly load: Step;
  readonly counted: Step;
  readonly store: Step;
}

/** Finds it in a recording that ends with the guest's message; undefined if no byte was lost. @throws RepriseError */
export async function findLostUpdate(path: string): Promise<LostUpdate | undefined> {
  const replay = await Replay.open(path, { symbols: fileURLToPath(GUEST) });
  const names = replay.names;
  const balance = names.symbols.address('ledger_balance');
  const by = (pc: number): string | undefined => names.symbols.at(pc)?.name;
  const watch = (kind: 'read' | 'write') => [{ space: 'virtual', address: balance, length: 4, kind } as const];
  const value = (): number => new DataView(replay.memory(balance, 4).slice().buffer).getUint32(0, true);
  /** Where the replay stands, before an instruction. */
  const step = async (): Promise<Step> => {
    const [icount, pc, before] = [replay.icount, Number(replay.register('pc')), value()];
    const line = names.line(pc) ?? '';
    await replay.seek(icount + 1);
    return { icount, line, text: sourceLine(line), function: by(pc) ?? '', before, after: value() };
  };
  try {
    await replay.seek(replay.end);
    for (;;) {
      // The last byte that was counted, by the interrupt handler.
      const byte = await replay.backward({ watchpoints: watch('write'), when: ({ pc }) => by(pc) === 'ledger_count_byte' });
      if (byte.kind !== 'watchpoint') return undefined;
      const counted = await step();
      await replay.forward({ watchpoints: watch('write') });
      await replay.seek(replay.icount - 1);
      const store = await step();
      await replay.seek(store.icount);
      await replay.backward({ watchpoints: watch('read'), when: ({ pc }) => by(pc) === 'ledger_post' });
      const load = await step();
      if (load.icount < counted.icount) return { load, counted, store };
      await replay.seek(counted.icount);
    }
  } finally {
    await replay.close();
  }
}

/** A line of the guest's sources, which lie beside it in a checkout. */
function sourceLine(place: string): string {
  const [file, line] = place.split(':');
  const source = new URL(file.split('/').at(-1)!, GUEST);
  return existsSync(source)
    ? (Buffer.from(readInput(fileURLToPath(source), 'source'))
        .toString()
        .split('\n')
        [Number(line) - 1]?.trim() ?? '')
    : '';
}

/** For a person. */
export function describeLostUpdate({ load, counted, store }: LostUpdate): string[] {
  const row = ({ icount, line, text, function: name }: Step, what: string): string =>
    `  ${icount.toLocaleString('en-US').padStart(14)}  ${name.padEnd(18)} ${line.padEnd(13)} ${text.padEnd(36)} ${what}`;
  return [
    row(load, `reads ${load.before}`),
    row(counted, `${counted.before} -> ${counted.after}`),
    row(store, `${store.before} -> ${store.after}`),
    '',
    `The main loop read ${load.before}; the interrupt handler counted a byte and made it ${counted.after}; the main loop`,
    `then stored ${load.before} + ${store.after - load.before} = ${store.after}, and the byte was gone.`,
  ];
}
