/** The header of a recording: which machine, which inputs. Its CBOR, and what each field may be. */
import { RepriseError } from '../errors/errors.ts';
import { icount, ns } from '../time/units.ts';
import { decodeCbor, encodeCbor } from './cbor.ts';
import type { Chunk } from './chunks.ts';
import { Damage } from './damage.ts';
import type { ComponentInfo, Disk, DiskInput, Header, InputFile, MachineOptions, Nic, RecordingStart } from './model.ts';
import { boolean, type Check, digits, integer, listOf, oneOf, record, ShapeError, text } from './shape.ts';

const MIB = 1024 * 1024;
const UINT32 = 0xffffffff;
/** Names are shown to people: what would move a terminal's cursor, or is no character at all, is refused. */
const name = (maxLength: number): Check<string> => text(maxLength, /^[^\p{Cc}\p{Cs}]+$/u, 'a name without control characters');
const hex = (digits: number): Check<string> => text(digits, new RegExp(`^[0-9a-f]{${digits}}$`), 'a hexadecimal number');

const nic = record<Nic>({ mac: hex(12) });

const disk = record<Disk>({ sectors: integer(1, UINT32), readOnly: boolean });

export const optionsShape = record<MachineOptions>({
  machine: oneOf('integratorcp'),
  cpu: oneOf('arm926'),
  ramBytes: integer(MIB, 256 * MIB),
  append: text(4096, /^(?:[^\p{Cc}\p{Cs}]|[\t\n])*$/u, 'text without control characters'),
  icountShift: integer(0, 10),
  rtcBase: integer(0, UINT32),
  seed: hex(16),
  noReboot: boolean,
  nics: listOf(nic, 0, 1, (n) => n.mac),
  disks: listOf(disk, 0, 1),
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

const diskInput = record<DiskInput>({
  device: name(64),
  name: name(4096),
  content: hex(64),
  embedded: boolean,
  overlay: text(4096, /^[^\p{Cc}\p{Cs}]*$/u, 'a name without control characters'),
});

type EncodedStart = { snapshot: string; kept: RecordingStart['kept']; icount: string; bias: string };
type EncodedHeader = Omit<Header, 'start'> & { readonly start: EncodedStart };

const start = record<EncodedStart>({ snapshot: name(256), kept: oneOf('power-on', 'recording'), icount: digits, bias: digits });

/** As it is encoded: the numbers of a position are digits. */
const encoded = record<EncodedHeader>({
  engineVersion: name(64),
  options: optionsShape,
  inputs: listOf(input, 0, 4, (i) => i.role),
  disks: listOf(diskInput, 0, 1, (d) => d.device),
  start,
  components: listOf(component, 1, 256, (c) => c.name),
  digestInterval: integer(1, UINT32),
});

/** @throws RepriseError BAD_VALUE when something in it cannot be recorded */
export function encodeHeader({ start: { snapshot, kept, position }, ...rest }: Header): Uint8Array {
  try {
    const at = { snapshot, kept, icount: String(position.icount), bias: String(position.bias) };
    const ordered = encoded({ ...rest, start: at }, 'header');
    fromEncoded(ordered);
    return encodeCbor(ordered);
  } catch (error) {
    if (error instanceof ShapeError) throw new RepriseError('BAD_VALUE', `cannot be recorded: ${error.message}`, error);
    throw error;
  }
}

function fromEncoded({ start: at, ...rest }: ReturnType<typeof encoded>): Header {
  const position = { icount: icount(Number(at.icount)), bias: ns(Number(at.bias)) };
  if (rest.disks.length !== rest.options.disks.length) throw new ShapeError('header.disks', 'does not describe the disks of the machine');
  if (at.kept === 'power-on' && (position.icount > 0 || position.bias > 0)) throw new ShapeError('header.start', 'is not at power-on');
  return { ...rest, start: { snapshot: at.snapshot, kept: at.kept, position } };
}

/** @throws Damage */
export function decodeHeader(chunk: Chunk): Header {
  try {
    return fromEncoded(encoded(decodeCbor(chunk.payload, chunk.payloadOffset), 'header'));
  } catch (error) {
    if (error instanceof ShapeError) throw new Damage(chunk.payloadOffset, error.message);
    throw error;
  }
}
