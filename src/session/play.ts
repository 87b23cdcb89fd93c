/** From an opened recording to a machine that replays it. */
import type { Engine, Machine } from '../boards/machine.ts';
import { RepriseError } from '../errors/errors.ts';
import { DigestChain } from '../replay/digest-chain.ts';
import type { Hasher } from '../replay/hasher.ts';
import type { ComponentInfo } from '../replay/model.ts';
import type { Recording } from '../replay/reader.ts';
import { buildMachine, digestible, type MachineFiles } from './build.ts';
import { type ReplayOptions, ReplayRun, type Script } from './replay-run.ts';

type Surroundings = Pick<ReplayOptions, 'clock' | 'output' | 'frame' | 'onProgress'> & { readonly engine?: Engine };

/** @throws RepriseError RECORDING_VERSION when the machine has changed since, and those of the boot plan */
export function prepareReplay(recording: Recording, files: MachineFiles, hasher: Hasher, { engine, ...surroundings }: Surroundings): ReplayRun {
  const { header, end, reached } = recording;
  const machine: Machine = buildMachine(header.options, files, () => {}, engine);
  const chain = new DigestChain(digestible(machine), hasher);
  checkComponents(header.components, chain.components(), header.engineVersion);
  const script: Script = {
    componentNames: header.components.map(({ name }) => name),
    noReboot: header.options.noReboot,
    records: moments(recording),
    end,
    reached,
  };
  return new ReplayRun({ machine, chain, script, ...surroundings });
}

function* moments({ log }: Recording): Generator<Script['records'] extends Iterator<infer R> ? R : never> {
  for (const record of log) if (record.kind !== 'progress') yield record;
}

/** A state that is laid out in another way cannot have the recorded digests. */
function checkComponents(recorded: readonly ComponentInfo[], present: readonly ComponentInfo[], version: string): void {
  const key = ({ name, schema, version: v, hash }: ComponentInfo): string => `${name} (${schema} version ${v}, ${hash.toString(16)})`;
  const here = new Set(present.map(key));
  const missing = recorded.filter((component) => !here.has(key(component)));
  if (missing.length === 0 && recorded.length === present.length) return;
  const there = new Set(recorded.map(key));
  const extra = present.filter((component) => !there.has(key(component)));
  const names = [...new Set([...missing, ...extra].map(({ name }) => name))];
  throw new RepriseError(
    'RECORDING_VERSION',
    `the recording was made by Reprise ${version}, whose machine differs from this one's in: ${names.join(', ')}; replay it with that version`,
  );
}
