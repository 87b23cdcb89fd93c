/**
 * Register banks, declared as their datasheet prints them. Every bit of every register has a name and an access
 * kind; the declaration yields masks, reset values, the state fields of the stored registers, merge rules, names for
 * logs, and the published table of what is modelled. A wrong table throws when its module is loaded.
 */
import { type ScalarField, u8, u16, u32 } from '../state/fields.ts';

/**
 * What a guest can do with a field. `rw` stored; `ro` set by the device; `wo` acts, reads as 0; `w1c` writing 1
 * clears; `rsvd` reserved in the datasheet; `absent` exists on the chip but is not modelled: it reads as reset and
 * a guest that writes it is told of in the log.
 */
export type Access = 'rw' | 'ro' | 'wo' | 'w1c' | 'rsvd' | 'absent';

export interface BitField {
  readonly access: Access;
  readonly high: number;
  readonly low: number;
  readonly doc: string;
}

const field =
  (access: Access) =>
  (high: number, low: number = high, doc = ''): BitField => ({ access, high, low, doc });
export const rw = field('rw');
export const ro = field('ro');
export const wo = field('wo');
export const w1c = field('w1c');
export const rsvd = field('rsvd');
export const absent = field('absent');

export interface Register<F extends Readonly<Record<string, BitField>> = Readonly<Record<string, BitField>>> {
  readonly offset: number;
  readonly width: 8 | 16 | 32;
  readonly reset: number;
  /** Section of the datasheet that describes it. */
  readonly section: string;
  readonly fields: F;
  /** `true`: the value is computed or lives in another register; it gets no state field of its own. */
  readonly computed?: boolean;
}
export type Registers = Readonly<Record<string, Register>>;

export interface Bank<R extends Registers> {
  readonly name: string;
  readonly datasheet: string;
  readonly registers: R;
  /** `mask.UARTCR.TXE` is a number; a misspelt register or field is a compile error. */
  readonly mask: { readonly [K in keyof R]: { readonly [F in keyof R[K]['fields']]: number } };
  /** One state field for each register that is not `computed`, for use in `defineState`. */
  readonly stored: { readonly [K in keyof R as R[K] extends { readonly computed: true } ? never : K]: ScalarField<number> };
  /** The register at a byte offset, or undefined. */
  at(offset: number): (keyof R & string) | undefined;
  /** The stored value after a guest's write: `rw` bits taken, `w1c` bits cleared, the rest kept. */
  merge(register: keyof R, old: number, written: number): number;
  /** Names of `absent` fields that this write tries to change, for the log. */
  absentIn(register: keyof R, old: number, written: number): string[];
}

const bits = ({ high, low }: BitField): number => (high - low === 31 ? 0xffffffff : (((1 << (high - low + 1)) - 1) << low) >>> 0);
const STORED = { 8: u8, 16: u16, 32: u32 } as const;

export function defineBank<const R extends Registers>(name: string, datasheet: string, registers: R): Bank<R> {
  const mask: Record<string, Record<string, number>> = {};
  const rules: Record<string, { readonly rw: number; readonly w1c: number }> = {};
  const stored: Record<string, ScalarField<number>> = {};
  const byOffset = new Map<number, string>();
  const fail = (what: string): never => {
    throw new Error(`register table of ${name}: ${what}`);
  };
  for (const [key, register] of Object.entries<Register>(registers)) {
    if (!register.section) fail(`${key} names no section of the datasheet`);
    const taken = byOffset.get(register.offset);
    if (taken !== undefined) fail(`${key} and ${taken} share offset 0x${register.offset.toString(16)}`);
    byOffset.set(register.offset, key);
    const full = register.width === 32 ? 0xffffffff : 2 ** register.width - 1;
    let described = 0;
    const rule = { rw: 0, w1c: 0 };
    const masks: Record<string, number> = {};
    for (const [bit, f] of Object.entries(register.fields)) {
      const own = bits(f);
      if (f.high < f.low || f.high >= register.width) fail(`${key}.${bit} [${f.high}:${f.low}] lies outside ${register.width} bits`);
      if (described & own) fail(`${key}.${bit} overlaps another field`);
      described = (described | own) >>> 0;
      masks[bit] = own;
      if (f.access === 'rw' || f.access === 'w1c') rule[f.access] = (rule[f.access] | own) >>> 0;
    }
    if (described !== full) fail(`${key}: bits 0x${((full & ~described) >>> 0).toString(16)} are not described (use rsvd or absent)`);
    if (register.reset < 0 || register.reset > full) fail(`${key}: the reset value does not fit`);
    mask[key] = masks;
    rules[key] = rule;
    if (!register.computed) stored[key] = STORED[register.width](register.reset, `${key}, ${register.section}`);
  }
  return Object.freeze({
    name,
    datasheet,
    registers,
    mask: mask as Bank<R>['mask'],
    stored: stored as Bank<R>['stored'],
    at: (offset: number) => byOffset.get(offset) as (keyof R & string) | undefined,
    merge(register: keyof R, old: number, written: number) {
      const rule = rules[register as string];
      return (((old & ~rule.rw) | (written & rule.rw)) & ~(written & rule.w1c)) >>> 0;
    },
    absentIn(register: keyof R, old: number, written: number) {
      const fields: readonly (readonly [string, BitField])[] = Object.entries(registers[register].fields);
      return fields.filter(([, f]) => f.access === 'absent' && ((old ^ written) & bits(f)) !== 0).map(([bit]) => `${String(register)}.${bit}`);
    },
  });
}

const cell = (text: string): string => text.replaceAll('|', '\\|');

/** The table of what is modelled, as Markdown; docs/registers.md is made of these. */
export function bankTable(bank: Bank<Registers>): string {
  const rows = Object.entries(bank.registers).flatMap(([key, r]) => [
    `| 0x${r.offset.toString(16).padStart(3, '0')} | **${key}** | | reset 0x${r.reset.toString(16)} | ${cell(r.section)} |`,
    ...Object.entries(r.fields).map(
      ([bit, f]) => `| | ${bit} | ${f.high === f.low ? f.high : `${f.high}:${f.low}`} | ${f.access} | ${cell(f.doc)} |`,
    ),
  ]);
  return [`## ${bank.name}`, '', bank.datasheet, '', '| offset | name | bits | access | meaning |', '| --- | --- | --- | --- | --- |', ...rows].join(
    '\n',
  );
}
