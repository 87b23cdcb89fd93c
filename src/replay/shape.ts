/** Checks that a decoded value, which may be anything, has the shape it should have. */

/** Says what is wrong with which part of a value, such as `inputs[0].name is not text`. */
export class ShapeError extends Error {
  constructor(path: string, why: string) {
    super(`${path} ${why}`);
    this.name = 'ShapeError';
  }
}

/** Gives the value back, typed, or throws a `ShapeError`. */
export type Check<T> = (value: unknown, path: string) => T;

export const integer =
  (min: number, max: number): Check<number> =>
  (value, path) => {
    if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max)
      throw new ShapeError(path, `is not an integer from ${min} to ${max}`);
    return value;
  };

export const boolean: Check<boolean> = (value, path) => {
  if (typeof value !== 'boolean') throw new ShapeError(path, 'is neither true nor false');
  return value;
};

export const text =
  (maxLength: number, pattern: RegExp, what: string): Check<string> =>
  (value, path) => {
    if (typeof value !== 'string' || value.length > maxLength || !pattern.test(value))
      throw new ShapeError(path, `is not ${what} of at most ${maxLength} characters`);
    return value;
  };

export const oneOf =
  <const T extends string>(...values: readonly T[]): Check<T> =>
  (value, path) => {
    const found = values.find((v) => v === value);
    if (found === undefined) throw new ShapeError(path, `is not one of ${values.join(', ')}`);
    return found;
  };

/** A list whose items differ in `key`, if that is given. */
export const listOf =
  <T>(item: Check<T>, minLength: number, maxLength: number, key?: (item: T) => string): Check<readonly T[]> =>
  (value, path) => {
    if (!Array.isArray(value) || value.length < minLength || value.length > maxLength)
      throw new ShapeError(path, `is not a list of ${minLength} to ${maxLength} items`);
    const items = value.map((v, i) => item(v, `${path}[${i}]`));
    if (key !== undefined && new Set(items.map(key)).size !== items.length) throw new ShapeError(path, 'has an item twice');
    return items;
  };

/** Exactly these members. The result has them in this order, whatever the order in the value. */
export const record =
  <T extends object>(members: { readonly [K in keyof T]: Check<T[K]> }): Check<T> =>
  (value, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new ShapeError(path, 'is not a map');
    // Its name may be anything, and is not for a message.
    if (Object.keys(value).some((name) => !Object.hasOwn(members, name))) throw new ShapeError(path, 'has a member that does not belong there');
    const result: Partial<T> = {};
    for (const name of Object.keys(members) as (keyof T & string)[]) {
      if (!Object.hasOwn(value, name)) throw new ShapeError(`${path}.${name}`, 'is missing');
      result[name] = members[name]((value as T)[name], `${path}.${name}`);
    }
    return result as T;
  };

/** A whole number below 2^53 as decimal digits, in its shortest form: CBOR's integers here have 32 bits. */
export const digits: Check<string> = (value, path) => {
  const written = text(16, /^\d+$/, 'a number in digits')(value, path);
  if (!Number.isSafeInteger(Number(written)) || String(Number(written)) !== written) throw new ShapeError(path, 'is not a whole number below 2^53');
  return written;
};
