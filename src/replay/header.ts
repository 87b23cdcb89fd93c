/** The header of a recording: which machine, which inputs. Its CBOR, and what each field may be. */
import { RepriseError } from '../errors/errors.ts';
import { decodeCbor, encodeCbor } from './cbor.ts';
import type { Chunk } from './chunks.ts';
import { Damage } from './damage.ts';
import type { ComponentInfo, Header, InputFile, MachineOptions, Nic } from './model.ts';
import { boolean, type Check, integer, listOf, oneOf, record, ShapeError, text } from './shape.ts';

const MIB = 1024 * 1024;
const UINT32 = 0xffffffff;
/** Names are shown to people: what would move a terminal's cursor, or is no character at all, is refused. */
const name = (maxLength: number): Check<string> => text(maxLength, /^[^\p{Cc}\p{Cs}]+$/u, 'a name without control characters');
const hex = (digits: number): Check<string> => text(digits, new RegExp(`^[0-9a-f]{${digits}}$`), 'a hexadecimal number');

const nic = record<Nic>({ mac: hex(12) });

const options = record<MachineOptions>({
  machine: oneOf('integratorcp'),
  cpu: oneOf('arm926'),
  ramBytes: integer(MIB, 256 * MIB),
  append: text(4096, /^(?:[^\p{Cc}\p{Cs}]|[\t\n])*$/u, 'text without control characters'),
  icountShift: integer(0, 10),
  rtcBase: integer(0, UINT32),
  seed: hex(16),
  noReboot: boolean,
  nics: listOf(nic, 0, 1, (n) => n.mac),
});

const input = record<InputFile>({
  role: oneOf('kernel', 'initrd', 'dtb', 'bios'),
  name: name(4096),
  size: integer(0, UINT32),
  sha256: hex(64),
  embedded: boolean,
});

const component = record<ComponentInfo>({
  name: name(64),
  schema: name(64),
  version: integer(0, UINT32),
  hash: integer(0, UINT32),
});

const header = record<Header>({
  engineVersion: name(64),
  options,
  inputs: listOf(input, 0, 4, (i) => i.role),
  components: listOf(component, 1, 256, (c) => c.name),
  digestInterval: integer(1, UINT32),
});

/** @throws RepriseError BAD_VALUE when something in it cannot be recorded */
export function encodeHeader(value: Header): Uint8Array {
  try {
    return encodeCbor(header(value, 'header'));
  } catch (error) {
    if (error instanceof ShapeError) throw new RepriseError('BAD_VALUE', `cannot be recorded: ${error.message}`, error);
    throw error;
  }
}

/** @throws Damage */
export function decodeHeader(chunk: Chunk): Header {
  try {
    return header(decodeCbor(chunk.payload, chunk.payloadOffset), 'header');
  } catch (error) {
    if (error instanceof ShapeError) throw new Damage(chunk.payloadOffset, error.message);
    throw error;
  }
}
