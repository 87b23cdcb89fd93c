/** General queries (GDB manual E.4) and those that lldb adds (LLDB, "GDB Remote Protocol Extensions"). */
import { bytesOf, hexOfText, numberOf } from './hex.ts';
import { PACKET_BYTES } from './packets.ts';
import { type CpuDescription, MEMORY_MAP_XML, targetXml } from './registers.ts';
import { THREAD } from './stop-reply.ts';
import type { DebugTarget } from './target.ts';

/** What a client has said of itself, and how it wants to be spoken to. */
export interface Manners {
  /** Packets are not acknowledged any more. */
  noAck: boolean;
  /** `m` and `M` mean physical addresses, as with QEMU. */
  physical: boolean;
  /** It understands reasons of breakpoint stops. */
  breakpointReasons: boolean;
  /** It is lldb, which has other beliefs than gdb about watchpoints and errors. */
  lldb: boolean;
}

export const newManners = (): Manners => ({ noAck: false, physical: false, breakpointReasons: false, lldb: false });

/** The answer to a packet that begins with `q` or `Q`; '' means that it is not known. */
export function answerQuery(payload: string, target: DebugTarget, manners: Manners): string {
  const [, name, rest] = /^([qQ][A-Za-z.]*)[:;,]?(.*)$/s.exec(payload) ?? [];
  switch (name) {
    case 'qSupported':
      manners.breakpointReasons = rest.split(';').includes('swbreak+');
      return supported(target.canReverse);
    case 'QStartNoAckMode':
      manners.noAck = true;
      return 'OK';
    case 'qXfer':
      return transfer(rest, target.cpu);
    case 'qAttached':
      return '1';
    case 'qC':
      return `QC${THREAD}`;
    case 'qfThreadInfo':
      return `m${THREAD}`;
    case 'qsThreadInfo':
      return 'l';
    case 'qThreadExtraInfo':
      return hexOfText('CPU');
    case 'qSymbol':
      return 'OK';
    case 'qqemu.PhyMemMode':
      return manners.physical ? '1' : '0';
    case 'Qqemu.PhyMemMode':
      if (rest !== '0' && rest !== '1') return 'E22';
      manners.physical = rest === '1';
      return 'OK';
    case 'qHostInfo':
      manners.lldb = true;
      return `triple:${hexOfText(target.cpu.triple)};ptrsize:4;endian:little;watchpoint_exceptions_received:after;`;
    case 'qProcessInfo':
      return `pid:1;triple:${hexOfText(target.cpu.triple)};ptrsize:4;endian:little;`;
    case 'qWatchpointSupportInfo':
      // There is no bound; lldb wants a number.
      return 'num:32;';
    default:
      return '';
  }
}

function supported(canReverse: boolean): string {
  const features = ['qXfer:features:read+', 'qXfer:memory-map:read+', 'QStartNoAckMode+', 'vContSupported+', 'swbreak+', 'hwbreak+'];
  if (canReverse) features.push('ReverseStep+', 'ReverseContinue+');
  return [`PacketSize=${PACKET_BYTES.toString(16)}`, ...features].join(';');
}

/** `object:read:annex:offset,length`: a piece of a document. */
function transfer(request: string, cpu: CpuDescription): string {
  const [object, verb, annex, place] = request.split(':');
  const [offset, length] = (place ?? '').split(',').map(numberOf);
  if (verb !== 'read') return '';
  let text: string;
  if (object === 'features') {
    if (annex !== 'target.xml') return 'E00';
    text = targetXml(cpu);
  } else if (object === 'memory-map') text = MEMORY_MAP_XML;
  else return '';
  if (offset === undefined || length === undefined || offset > text.length) return 'E01';
  // Half of a packet, since a byte may need an escape.
  const piece = text.slice(offset, offset + Math.min(length, PACKET_BYTES / 2));
  return (offset + piece.length < text.length ? 'm' : 'l') + piece;
}

/** The command of a `qRcmd` packet, undefined if it is something else or malformed. */
export function monitorCommand(payload: string): string | undefined {
  if (!payload.startsWith('qRcmd,')) return undefined;
  const bytes = bytesOf(payload.slice('qRcmd,'.length));
  return bytes && String.fromCharCode(...bytes);
}
