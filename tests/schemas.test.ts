/** Nothing that a recording or snapshot holds may change its layout without a new version: see `schemas.lock.json`. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildIntegratorCp } from '../src/boards/integratorcp.ts';
import type { Schema } from '../src/state/fields.ts';
import { u8, u16 } from '../src/state/fields.ts';
import { defineState, type Layout } from '../src/state/layout.ts';
import { blessing, expectCommitted } from './support/bless.ts';
import { changes, relocked, type SchemaLock, violations } from './support/schema-lock.ts';
import { type Declared, ROOT, schemas } from './support/sources.ts';

const PATH = 'schemas.lock.json';
const declared = await schemas();
const file = join(ROOT, PATH);
const lock: SchemaLock = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};

describe('state schemas', () => {
  it('are all found: CPU, clock, machine, and each component of the board', () => {
    const bios = { name: 'bios', bytes: Uint8Array.of(0xfe, 0xff, 0xff, 0xea) };
    const config = {
      ramBytes: 0x100000,
      icountShift: 3,
      rtcBase: 0,
      nics: [{ mac: [0x52, 0x54, 0, 0x12, 0x34, 0x56] }],
      disks: [{ bytes: 0x100000, readOnly: false }],
      onGuestMessage: () => {},
    };
    const machine = buildIntegratorCp({ ...config, files: { bios, append: '' } });
    const layouts = new Set<unknown>(declared.map(({ value }) => value));
    expect(machine.components.length).toBeGreaterThan(10);
    expect(machine.components.filter(({ state }) => !layouts.has(state.layout)).map(({ name }) => name)).toEqual([]);
    expect(declared.map(({ value }) => value.name)).toEqual(expect.arrayContaining(['arm926', 'virtual-clock', 'machine', 'pl011']));
  });

  it('have not changed without a new version', () => {
    expect(violations(lock, declared)).toEqual([]);
  });

  it('are all locked', () => {
    if (!blessing) expect(changes(lock, declared)).toEqual([]);
    // A changed schema must not get in by blessing: it stays as it was locked until its version is raised.
    if (violations(lock, declared).length === 0)
      expectCommitted(PATH, `${JSON.stringify(relocked(lock, declared), null, 2)}\n`, 'tests/schemas.test.ts');
  });
});

describe('lock of the schemas', () => {
  const of = (...layouts: readonly unknown[]): Declared<Layout<Schema>>[] =>
    layouts.map((value) => ({ path: 'src/x.ts', value: value as Layout<Schema> }));
  const first = defineState('x', 1, { a: u8(0, '') });
  const second = defineState('x', 2, { a: u16(0, '') });
  const locked = relocked({}, of(first));

  it('accepts what is locked, a new schema, and a new version, which it adds', () => {
    expect([...violations(locked, of(first)), ...changes(locked, of(first))]).toEqual([]);
    expect(violations({}, of(first))).toEqual([]);
    expect(changes({}, of(first))[0]).toMatch(/^version 1 of the schema of x .*src\/x\.ts.* BLESS=1/);
    expect(violations(locked, of(second))).toEqual([]);
    expect(changes(locked, of(second))[0]).toMatch(/^version 2 of the schema of x .* BLESS=1/);
    expect(Object.keys(relocked(locked, of(second)).x)).toEqual(['1', '2']);
  });

  it('refuses a change that has no new version, and says what to do', () => {
    const changed = defineState('x', 1, { a: u8(1, '') });
    expect(violations(locked, of(changed))).toEqual([
      'the schema of x has changed, and is still version 1: make it version 2 in src/x.ts, then run BLESS=1 npx vitest run tests/schemas.test.ts',
    ]);
  });

  it('refuses an older version, and one name for two schemas', () => {
    expect(violations(relocked(locked, of(second)), of(first))[0]).toContain('never goes back');
    expect(violations({}, of(first, first))[0]).toContain('both declare a schema named x');
  });

  it('notices a schema that is gone', () => {
    expect(changes(locked, [])[0]).toMatch(/^the schema of x is locked, and no source declares it/);
    expect(relocked(locked, [])).toEqual({});
  });
});
