/**
 * The lock of the state schemas: the hash of every version of each. What is locked never changes, so that a recording
 * or snapshot that names a schema by name and version means exactly one layout.
 */
import type { Schema } from '../../src/state/fields.ts';
import type { Layout } from '../../src/state/layout.ts';
import type { Declared } from './sources.ts';

/** By name of the schema, by version: its hash. */
export type SchemaLock = Readonly<Record<string, Readonly<Record<string, string>>>>;

const REMEDY = 'run BLESS=1 npx vitest run tests/schemas.test.ts';
const hex = (hash: number): string => `0x${hash.toString(16).padStart(8, '0')}`;

/** What is wrong and cannot be locked. */
export function violations(lock: SchemaLock, declared: readonly Declared<Layout<Schema>>[]): string[] {
  const found: string[] = [];
  const owner = new Map<string, string>();
  for (const { path, value } of declared) {
    const { name, version, hash } = value;
    const other = owner.get(name);
    if (other !== undefined) found.push(`${path} and ${other} both declare a schema named ${name}: rename one`);
    owner.set(name, path);
    const versions = lock[name] ?? {};
    const latest = Math.max(0, ...Object.keys(versions).map(Number));
    const locked = versions[version];
    if (version < latest)
      found.push(`the schema of ${name} is version ${version}, and version ${latest} is locked: a version never goes back (${path})`);
    else if (locked !== undefined && locked !== hex(hash))
      found.push(`the schema of ${name} has changed, and is still version ${version}: make it version ${version + 1} in ${path}, then ${REMEDY}`);
  }
  return found;
}

/** What is not locked yet, or not there any more. */
export function changes(lock: SchemaLock, declared: readonly Declared<Layout<Schema>>[]): string[] {
  const names = declared.map(({ value }) => value.name);
  return [
    ...declared
      .filter(({ value }) => lock[value.name]?.[value.version] === undefined)
      .map(({ path, value }) => `version ${value.version} of the schema of ${value.name} (${path}) is not locked: ${REMEDY}`),
    ...Object.keys(lock)
      .filter((name) => !names.includes(name))
      .map((name) => `the schema of ${name} is locked, and no source declares it: if it was taken out on purpose, ${REMEDY}`),
  ];
}

/** The lock with what is new, without what is gone. */
export function relocked(lock: SchemaLock, declared: readonly Declared<Layout<Schema>>[]): SchemaLock {
  const sorted = [...declared].sort((a, b) => (a.value.name < b.value.name ? -1 : 1));
  return Object.fromEntries(sorted.map(({ value }) => [value.name, { ...lock[value.name], [value.version]: hex(value.hash) }]));
}
