/** The pages that list what there is are made from the tables that make it so. */
import { describe, expect, it } from 'vitest';
import { expectCommitted } from './support/bless.ts';
import { banks, schemas } from './support/sources.ts';
import { errorsPage, instructionsPage, monitorPage, registersPage, statePage } from './support/tables.ts';

describe('generated documentation is what the tables say', () => {
  it.each<[string, () => string | Promise<string>]>([
    ['docs/registers.md', registersPage],
    ['docs/instructions.md', instructionsPage],
    ['docs/errors.md', errorsPage],
    ['docs/state.md', statePage],
    ['docs/monitor.md', monitorPage],
  ])('%s', async (path, make) => {
    expectCommitted(path, await make(), 'tests/docs.test.ts');
  });

  it('leaves no bank and no field out', async () => {
    const registers = await registersPage();
    for (const { value } of await banks()) expect(registers).toContain(`## ${value.name}\n`);
    const state = await statePage();
    for (const { value } of await schemas()) {
      for (const field of Object.keys(value.schema)) expect(state.slice(state.indexOf(`## ${value.name}\n`))).toContain(`\n| ${field} | `);
    }
  });
});

describe('what the tables are asked to say', () => {
  it('every field of a state has its line of documentation', async () => {
    const silent = (await schemas()).flatMap(({ value: { name, schema } }) =>
      Object.entries(schema)
        .filter(([, { doc }]) => doc.trim() === '')
        .map(([field]) => `${name}.${field}`),
    );
    expect(silent).toEqual([]);
  });
});
