/**
 * The `key=value,key=value` lists that QEMU's options take. A comma in a value is doubled; the first item may be a value
 * alone, for an implied key; a later item without a value is a switch, on as `key` and off as `nokey`.
 */
import { RepriseError } from '../errors/errors.ts';
import { suggestion } from './nearest.ts';

/** What to do with the value of each key. `where` is the option and key, for messages. */
export type Suboptions = Readonly<Record<string, (value: string, where: string) => void>>;

/**
 * Reads a list and hands each value to its key's function, in the order of the list.
 * @param option the option as it was written, for messages
 * @param implied the key of a first item without `=`
 * @throws RepriseError UNKNOWN_OPTION for a key that is not in `known`, and what its functions throw
 */
export function readSuboptions(option: string, text: string, implied: string | undefined, known: Suboptions): void {
  splitItems(text).forEach((item, index) => {
    const equals = item.indexOf('=');
    const [key, value] =
      equals >= 0
        ? [item.slice(0, equals), item.slice(equals + 1)]
        : index === 0 && implied !== undefined
          ? [implied, item]
          : Object.hasOwn(known, item)
            ? [item, 'on']
            : [item.replace(/^no/, ''), 'off'];
    if (!Object.hasOwn(known, key)) {
      const accepted = Object.keys(known);
      const written = equals >= 0 ? key : item;
      throw new RepriseError(
        'UNKNOWN_OPTION',
        `${option}: unknown suboption '${written}'${suggestion(written, accepted)} (accepted: ${accepted.join(', ')})`,
      );
    }
    known[key](value, `${option} ${key}=${value}`);
  });
}

/** Splits at single commas and undoes the doubling of the others. */
function splitItems(text: string): string[] {
  const items = [''];
  for (let at = 0; at < text.length; at++) {
    if (text[at] !== ',') items[items.length - 1] += text[at];
    else if (text[at + 1] === ',') {
      items[items.length - 1] += ',';
      at++;
    } else items.push('');
  }
  // As QEMU has it, a comma at the very end adds no item.
  if (items.length > 1 && items.at(-1) === '') items.pop();
  return items;
}
