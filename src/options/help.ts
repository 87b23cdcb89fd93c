import type { OptionRow } from './table.ts';

const INDENT = 16;

/**
 * The help text of a table: its groups in the order of their first rows, each option with its spellings, its argument
 * and its text, wrapped to `width` columns.
 */
export function renderHelp(rows: readonly Pick<OptionRow<never>, 'names' | 'argument' | 'group' | 'help'>[], width = 80): string {
  const groups = [...new Set(rows.map((row) => row.group))];
  return groups
    .map(
      (group) =>
        `${group}:\n${rows
          .filter((row) => row.group === group)
          .map((row) => renderRow(row, width))
          .join('')}`,
    )
    .join('\n');
}

function renderRow(row: Pick<OptionRow<never>, 'names' | 'argument' | 'help'>, width: number): string {
  const spellings = row.names.map((name) => `-${name}`).join(' or ');
  const head = row.argument === undefined ? spellings : `${spellings} ${row.argument}`;
  const lines = wrap(row.help, width - INDENT).map((line) => `${' '.repeat(INDENT)}${line}\n`);
  // A head that fits into the margin shares the first line of the text.
  if (head.length < INDENT) return `${head.padEnd(INDENT)}${lines.join('').slice(INDENT)}`;
  return `${head}\n${lines.join('')}`;
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
