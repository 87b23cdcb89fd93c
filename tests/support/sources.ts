/** The product's own sources, and what their modules declare. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Bank, Registers } from '../../src/registers/bank.ts';
import type { Schema } from '../../src/state/fields.ts';
import type { Layout } from '../../src/state/layout.ts';

export const ROOT = resolve(import.meta.dirname, '../..');

export interface Source {
  /** From the root of the project, with slashes. */
  readonly path: string;
  readonly text: string;
}

/** Every TypeScript file of the product, tests and suites left out, in the order of their paths. */
export function sources(): Source[] {
  return readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .map((path) => `src/${path.replaceAll('\\', '/')}`)
    .filter((path) => path.endsWith('.ts') && !/\.(test|suite|fixture)\.ts$/.test(path))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
}

export interface Declared<T> {
  readonly path: string;
  readonly value: T;
}

/** What the product's modules export as results of `call`. @throws Error when one of the results is not exported. */
async function declared<T>(call: string, is: (value: object) => boolean): Promise<Declared<T>[]> {
  const found: Declared<T>[] = [];
  for (const { path, text } of sources()) {
    const calls = text.match(new RegExp(`(?<!function )\\b${call}\\(`, 'g'))?.length ?? 0;
    if (calls === 0) continue;
    const module: Record<string, unknown> = await import(pathToFileURL(join(ROOT, path)).href);
    const own = Object.values(module).filter((value): value is object => typeof value === 'object' && value !== null && is(value));
    if (own.length !== calls) throw new Error(`${path}: ${calls} calls of ${call}, ${own.length} of their results exported; all must be`);
    found.push(...own.map((value) => ({ path, value: value as T })));
  }
  return found;
}

const has =
  (...keys: readonly string[]) =>
  (value: object) =>
    keys.every((key) => key in value);

/** Every state schema. */
export const schemas = (): Promise<Declared<Layout<Schema>>[]> => declared('defineState', has('schema', 'hash', 'create'));

/** Every register bank. */
export const banks = (): Promise<Declared<Bank<Registers>>[]> => declared('defineBank', has('registers', 'merge', 'stored'));
