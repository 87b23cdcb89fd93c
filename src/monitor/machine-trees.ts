/** The parts of a machine as text, in the form of QEMU's `info mtree` and `info qtree`. */
import type { Machine } from '../boards/machine.ts';
import type { AddressSpace } from '../bus/address-space.ts';
import type { Schema } from '../state/fields.ts';
import type { State } from '../state/layout.ts';

/** Elements of a vector that are shown; FIFOs and packet memories have thousands. */
const MAX_ELEMENTS = 16;

const address = (value: number): string => value.toString(16).padStart(16, '0');
const range = (base: number, bytes: number): string => `${address(base)}-${address(base + bytes - 1)}`;

export function memoryTree({ ramWindows, devices }: AddressSpace): string {
  const ram = ramWindows.map(({ base, bytes }, n) => ({
    base,
    text: `${range(base, bytes)} (prio 0, ram): ${n === 0 ? 'ram' : `alias ram${n} @ram ${range(0, bytes)}`}`,
  }));
  const windows = devices.map(({ base, bytes, device }) => ({ base, text: `${range(base, bytes)} (prio 0, i/o): ${device.name}` }));
  const lines = [...ram, ...windows].sort((a, b) => a.base - b.base).map(({ text }) => `    ${text}`);
  return ['address-space: memory', `  ${range(0, 2 ** 32)} (prio 0, i/o): system`, ...lines].join('\n');
}

export function deviceTree(machine: Machine): string {
  const lines = ['bus: main-system-bus', '  type System'];
  for (const { name, state } of machine.devices) {
    lines.push(`  dev: ${state.layout.name}, id "${name}"`);
    for (const window of machine.addressSpace.devices)
      if (window.device.name === name) lines.push(`    mmio ${address(window.base)}/${address(window.bytes)}`);
    for (const [field, value] of fieldValues(state as State<Schema>)) lines.push(`    ${field} = ${value}`);
  }
  return lines.join('\n');
}

function fieldValues({ layout, fields }: State<Schema>): [string, string][] {
  return Object.keys(layout.schema).map((key) => {
    const value = (fields as Record<string, unknown>)[key];
    if (typeof value === 'number' || typeof value === 'boolean') return [key, shown(value)];
    const elements = [...(value as ArrayLike<number> & Iterable<number>)];
    const rest = elements.length > MAX_ELEMENTS ? ` … (${elements.length})` : '';
    return [key, `[${elements.slice(0, MAX_ELEMENTS).map(shown).join(' ')}${rest}]`];
  });
}

const shown = (value: number | boolean): string =>
  typeof value === 'boolean' || !Number.isInteger(value) || Math.abs(value) < 10 || Math.abs(value) > 0xffffffff
    ? String(value)
    : `0x${(value >>> 0).toString(16)}`;
