/** Markdown pages made from the product's own tables. */

import { armRows } from '../../src/cpu/arm/isa/arm.rows.ts';
import { thumbRows } from '../../src/cpu/arm/isa/thumb.rows.ts';
import { vfpRows } from '../../src/cpu/arm/isa/vfp.rows.ts';
import type { Row } from '../../src/cpu/arm/op.ts';
import { ERROR_CODES } from '../../src/errors/errors.ts';
import { TOPICS } from '../../src/monitor/commands/info.ts';
import { COMMANDS } from '../../src/monitor/commands.ts';
import { QMP_COMMANDS } from '../../src/qmp/commands.ts';
import type { Members } from '../../src/qmp/schema.ts';
import { bankTable } from '../../src/registers/bank.ts';
import type { Field } from '../../src/state/fields.ts';
import { banks, schemas } from './sources.ts';

type Page = readonly (string | readonly string[])[];

/** Paragraphs and lines of tables to a page. */
const page = (title: string, from: string, body: Page): string =>
  `${[`# ${title}`, `Made from ${from} by \`BLESS=1 npx vitest run tests/docs.test.ts\`; not to be edited by hand.`, ...body.map((part) => (typeof part === 'string' ? part : part.join('\n')))].join('\n\n')}\n`;

const cell = (text: string): string => text.replaceAll('|', '\\|');
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string[] =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.map(cell).join(' | ')} |`);

export async function registersPage(): Promise<string> {
  const found = await banks();
  return page('Registers', 'the register tables in `src/devices`', [
    'What the guest can do with a field: `rw` it is stored; `ro` the device sets it; `wo` a write acts, it reads as 0; `w1c` writing 1 clears it; ' +
      '`rsvd` the datasheet reserves it; `absent` the chip has it and the model does not: it reads as after reset, and writing it is told of in the log.',
    ...found.map(({ value }) => bankTable(value)),
  ]);
}

const instructions = (rows: readonly Row[]): string[] =>
  table(
    ['name', 'encoding', 'syntax', 'section'],
    rows.map(({ name, pattern, syntax, section }) => [name, `\`${pattern}\``, `\`${syntax}\``, section]),
  );

export function instructionsPage(): string {
  const vfp = new Set(vfpRows);
  return page('Instructions', 'the instruction tables in `src/cpu/arm`', [
    'Sections are those of the ARM Architecture Reference Manual, ARM DDI 0100I. Where encodings overlap the first one counts. What is in none of ' +
      'the tables is an undefined instruction.',
    'Encodings are printed most significant bit first. Letters stand for fields: `c` condition; `S` sets the flags; `d` `n` `m` `s` `h` `l` `e` ' +
      'register numbers, in VFP instructions with `D` `N` `M` as their fifth bit; `i` immediate; `r` rotation; `t` and `a` kind and amount of a shift; ' +
      '`P` `U` `B` `W` addressing; `l` register list, in Thumb instructions with `E` for LR or PC; `x` `y` halves of a register; `R` `f` status ' +
      'register and its fields; `o` `p` `q` opcodes and number of a coprocessor; `z` ignored.',
    '## ARM',
    instructions(armRows.filter((row) => !vfp.has(row))),
    '## VFP',
    instructions(vfpRows),
    '## Thumb',
    instructions(thumbRows),
  ]);
}

export const errorsPage = (): string =>
  page('Errors', '`src/errors/errors.ts`', [
    'Every error that a user can meet has a code that never changes its meaning.',
    table(
      ['code', 'meaning'],
      Object.entries(ERROR_CODES).map(([code, meaning]) => [`\`${code}\``, meaning]),
    ),
  ]);

const argumentsOf = (members: Members): string =>
  Object.entries(members)
    .map(([name, type]) => `\`${name}\`: ${type.name}${type.optional ? ' (optional)' : ''}`)
    .join(', ');

export const monitorPage = (): string =>
  page('Monitor and QMP', 'the command tables in `src/monitor` and `src/qmp`', [
    'Both control a machine while it runs, is recorded or is replayed; names, meaning and texts are those of QEMU 7.2. What a person does to the ' +
      'guest through them (keys, mouse, reset) is recorded; in a replay it is refused. But for loading a snapshot and moving about in a replay, no other command changes what the guest sees.',
    '## The human monitor',
    'On `-monitor stdio`, `-monitor tcp:…` or `-monitor unix:…`, or behind Ctrl-A c on a console. One command a line, one at a time; what is typed ' +
      'meanwhile waits. Lines are edited with the cursor keys and Ctrl-A, E, B, F, K, U, W, D; cursor up and down go through earlier lines; Tab ' +
      'completes commands, topics, keys and snapshots. Numbers can be expressions: `+ -` bind least, then `& | ^`, then `* / %`. `x` and `xp` ' +
      'show RAM only, because reading a device could change it.',
    table(
      ['command', 'what it does'],
      COMMANDS.map(({ names, parameters, help }) => [`\`${`${names.join('|')} ${parameters}`.trim()}\``, help]),
    ),
    table(
      ['topic', 'what it shows'],
      TOPICS.map(({ name, help }) => [`\`info ${name}\``, help]),
    ),
    '## QMP',
    'On `-qmp stdio`, `-qmp tcp:…` or `-qmp unix:…`, several times if need be. Without out-of-band execution; a message has at most 1 MiB. Keys have ' +
      'QKeyCode names (`qcode`). A snapshot is of the whole machine, whatever `devices` names; `vmstate` is the device of a disk, or `recording` on a ' +
      'machine without one. Events: `STOP`, `RESUME`, `RESET`, `SHUTDOWN`, `BLOCK_IO_ERROR`, `JOB_STATUS_CHANGE`.',
    table(
      ['command', 'arguments', 'what it does'],
      QMP_COMMANDS.map(({ name, members, help }) => [`\`${name}\``, argumentsOf(members), help]),
    ),
  ]);

const typeOf = (field: Field): string => (field.shape === 'vector' ? `${field.primitive}[${field.length}]` : field.primitive);
const resetOf = ({ primitive, reset }: Field): string =>
  typeof reset === 'number' && Math.abs(reset) > 9 && Number.isFinite(reset) && primitive !== 'f64' ? `0x${reset.toString(16)}` : `${reset}`;

export async function statePage(): Promise<string> {
  const found = await schemas();
  return page('State', 'the state schemas of all components', [
    'This, the RAM and the position in the disk images are the whole state of a machine: what a snapshot holds and a digest covers.',
    ...found.flatMap(({ path, value: { name, version, bytes, schema } }): Page => {
      const rows = Object.entries(schema).map(([field, f]) => [field, typeOf(f), resetOf(f), f.doc]);
      return [`## ${name}`, `Version ${version}, ${bytes} bytes; \`${path}\`.`, table(['field', 'type', 'reset', 'meaning'], rows)];
    }),
  ]);
}
