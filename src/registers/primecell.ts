/**
 * The eight identification registers at the end of every ARM PrimeCell's 4 KiB window: PeriphID0 to 3 (part number,
 * designer, revision, configuration) and PCellID0 to 3 (always 0d f0 05 b1), one byte each.
 */
import { type BitField, type Register, ro } from './bank.ts';

/** Where the identification registers begin. */
export const PRIMECELL_IDS = 0xfe0;

type IdRegister = Register<{ readonly ID: BitField }> & { readonly computed: true };
type Names<P extends string, C extends string> = `${P}${0 | 1 | 2 | 3}` | `${C}${0 | 1 | 2 | 3}`;

/**
 * The registers, for use in `defineBank`; a device answers a read of one with its reset value.
 * `periph` and `cell` are the datasheet's names without their number, `ids` the four bytes of the PeriphID.
 */
export function primeCellIds<const P extends string, const C extends string>(
  periph: P,
  cell: C,
  ids: readonly [number, number, number, number],
  section: { readonly periph: string; readonly cell: string },
): { readonly [K in Names<P, C>]: IdRegister } {
  const all = [...ids, 0x0d, 0xf0, 0x05, 0xb1];
  const entries = all.map((reset, i): [string, IdRegister] => [
    i < 4 ? `${periph}${i}` : `${cell}${i - 4}`,
    {
      offset: PRIMECELL_IDS + 4 * i,
      width: 8,
      reset,
      section: i < 4 ? section.periph : section.cell,
      computed: true,
      fields: { ID: ro(7, 0, 'identification') },
    },
  ]);
  return Object.fromEntries(entries) as { readonly [K in Names<P, C>]: IdRegister };
}
