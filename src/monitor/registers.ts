/** A CPU's state as text. */
import type { Schema } from '../state/fields.ts';
import type { State } from '../state/layout.ts';

const COLUMNS = 4;

/** Every field of the schema, vectors as numbered registers, in hexadecimal. */
export function registerDump({ layout, fields }: State<Schema>): string {
  const entries = Object.keys(layout.schema).flatMap((key) => {
    const value = (fields as Record<string, unknown>)[key];
    if (typeof value === 'number' || typeof value === 'boolean') return [`${key}=${hex(Number(value))}`];
    return [...(value as Int32Array)].map((element, n) => `${key}${n}=${hex(element)}`);
  });
  const lines: string[] = [];
  for (let n = 0; n < entries.length; n += COLUMNS)
    lines.push(
      entries
        .slice(n, n + COLUMNS)
        .map((e) => e.padEnd(24))
        .join('')
        .trimEnd(),
    );
  return lines.join('\n');
}

const hex = (value: number): string => (Math.abs(value) > 0xffffffff ? String(value) : (value >>> 0).toString(16).padStart(8, '0'));
