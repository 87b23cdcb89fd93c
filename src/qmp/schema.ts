/** Types of commands' arguments: what they accept, and in QEMU's words what is wrong with the rest. */
import { QmpError } from './errors.ts';
import { isObject, type JsonObject, type JsonValue } from './json.ts';

export interface ArgumentType<T> {
  /** For the list of commands. */
  readonly name: string;
  readonly optional: boolean;
  /** @param path where the value stands, such as `keys[0].type` @throws QmpError */
  read(value: JsonValue, path: string): T;
}

/** The members that an object must or may have. */
export type Members = Readonly<Record<string, ArgumentType<unknown>>>;
export type MembersOf<M extends Members> = { readonly [K in keyof M]: M[K] extends ArgumentType<infer T> ? T : never };

const wrongType = (path: string, expected: string): never => {
  throw new QmpError(`Invalid parameter type for '${path}', expected: ${expected}`);
};

function simple<T extends JsonValue>(name: string, accepts: (value: JsonValue) => value is T): ArgumentType<T> {
  return { name, optional: false, read: (value, path) => (accepts(value) ? value : wrongType(path, name)) };
}

export const string = simple('string', (value): value is string => typeof value === 'string');
export const boolean = simple('boolean', (value): value is boolean => typeof value === 'boolean');
export const integer = simple('integer', (value): value is number => Number.isInteger(value));

/** An instruction count. */
export const count: ArgumentType<number> = {
  ...integer,
  read: (value, path) => {
    const number = integer.read(value, path);
    if (!Number.isSafeInteger(number) || number < 0) throw new QmpError(`Parameter '${path}' expects a count from 0 to 2^53 - 1`);
    return number;
  },
};

export const optional = <T>(type: ArgumentType<T>): ArgumentType<T | undefined> => ({ ...type, optional: true });

export const array = <T>(of: ArgumentType<T>): ArgumentType<readonly T[]> => ({
  name: `array of ${of.name}`,
  optional: false,
  read: (value, path) => (Array.isArray(value) ? value.map((element, n) => of.read(element, `${path}[${n}]`)) : wrongType(path, 'array')),
});

export const oneOf = <const T extends string>(...values: readonly T[]): ArgumentType<T> => ({
  name: values.join('|'),
  optional: false,
  read: (value, path) => {
    const text = string.read(value, path);
    const found = values.find((candidate) => candidate === text);
    if (found === undefined) throw notAccepted(path, text);
    return found;
  },
});

/** A value that none of the accepted ones is. Only the last name of the path is said, as in QEMU. */
export const notAccepted = (path: string, value: string): QmpError =>
  new QmpError(`Parameter '${path.slice(path.lastIndexOf('.') + 1)}' does not accept value '${value}'`);

export const object = <const M extends Members>(members: M): ArgumentType<MembersOf<M>> => ({
  name: 'object',
  optional: false,
  read: (value, path) => readMembers(members, isObject(value) ? value : wrongType(path, 'object'), `${path}.`),
});

/** `{"type": …, "data": …}`, where the type says what the data are. */
export function union<const M extends Members>(
  variants: M,
): ArgumentType<{ readonly [K in keyof M]: { readonly type: K; readonly data: MembersOf<M>[K] } }[keyof M]> {
  type Result = { readonly [K in keyof M]: { readonly type: K; readonly data: MembersOf<M>[K] } }[keyof M];
  const tag = oneOf(...Object.keys(variants));
  return {
    name: 'object',
    optional: false,
    read: (value, path) => {
      const members = isObject(value) ? value : wrongType(path, 'object');
      if (!Object.hasOwn(members, 'type')) throw missing(`${path}.type`);
      const type = tag.read(members.type, `${path}.type`);
      return readMembers({ type: tag, data: variants[type] }, members, `${path}.`) as Result;
    },
  };
}

const missing = (path: string): QmpError => new QmpError(`Parameter '${path}' is missing`);

/** @param prefix path of the object, with its dot @throws QmpError */
export function readMembers<M extends Members>(members: M, given: JsonObject, prefix: string): MembersOf<M> {
  const result: Record<string, unknown> = {};
  for (const [name, type] of Object.entries(members)) {
    const path = prefix + name;
    if (Object.hasOwn(given, name)) result[name] = type.read(given[name], path);
    else if (!type.optional) throw missing(path);
  }
  const unexpected = Object.keys(given).find((name) => !Object.hasOwn(members, name));
  if (unexpected !== undefined) throw new QmpError(`Parameter '${prefix}${unexpected}' is unexpected`);
  return result as MembersOf<M>;
}
