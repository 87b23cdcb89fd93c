/**
 * The TFTP server, for reading only: RFC 1350, with the options of RFC 2347 to 2349. As QEMU's it answers from its own
 * port instead of choosing one for each transfer.
 */
import { bytesOf, textOf, viewOf } from '../packets/addresses.ts';
import { Alarm } from './alarm.ts';
import type { HostFile, NetworkHost } from './host.ts';

export const TFTP_PORT = 69;

const OPCODE = { READ: 1, WRITE: 2, DATA: 3, ACK: 4, ERROR: 5, OPTION_ACK: 6 } as const;
const ERROR = { NOT_FOUND: 1, ACCESS: 2, ILLEGAL: 4, UNKNOWN_TRANSFER: 5 } as const;
const BLOCK = 512;
/** What one frame carries. */
const MAX_BLOCK = 1468;
const MAX_TRANSFERS = 8;
const WAIT_MS = 1000;
const TRIES = 6;

interface Transfer {
  readonly file: HostFile;
  readonly blockSize: number;
  readonly alarm: Alarm;
  readonly send: (bytes: Uint8Array) => void;
  /** The block under way; 0 while the options are. Counts on where the 16 bits of a message begin anew. */
  block: number;
  message: Uint8Array;
  tries: number;
}

export class TftpServer {
  private readonly host: NetworkHost;
  private readonly folder: string;
  private readonly transfers = new Map<string, Transfer>();

  constructor(host: NetworkHost, folder: string) {
    this.host = host;
    this.folder = folder;
  }

  /**
   * @param client whose transfer this is
   * @param send sends a message to that client
   */
  receive(client: string, bytes: Uint8Array, send: (bytes: Uint8Array) => void): void {
    if (bytes.length < 4) return;
    const opcode = viewOf(bytes).getUint16(0);
    const transfer = this.transfers.get(client);
    switch (opcode) {
      case OPCODE.READ:
        if (transfer !== undefined) this.end(client, transfer);
        this.open(client, bytes.subarray(2), send);
        break;
      case OPCODE.WRITE:
        send(failure(ERROR.ACCESS, 'files can only be read'));
        break;
      case OPCODE.ACK:
        if (transfer === undefined) send(failure(ERROR.UNKNOWN_TRANSFER, 'no such transfer'));
        // An acknowledgment that comes twice must not make the data go out twice, for the rest of the file.
        else if (viewOf(bytes).getUint16(2) === (transfer.block & 0xffff)) this.acknowledged(client, transfer);
        break;
      case OPCODE.ERROR:
        if (transfer !== undefined) this.end(client, transfer);
        break;
      default:
        send(failure(ERROR.ILLEGAL, 'illegal operation'));
    }
  }

  close(): void {
    for (const [client, transfer] of this.transfers) this.end(client, transfer);
  }

  private open(client: string, request: Uint8Array, send: (bytes: Uint8Array) => void): void {
    const [name, mode, ...options] = stringsOf(request);
    const isOctet = mode?.toLowerCase() === 'octet';
    const file = isOctet && name ? this.host.openFile(this.folder, name) : undefined;
    if (file === undefined) {
      send(isOctet ? failure(ERROR.NOT_FOUND, 'file not found') : failure(ERROR.ILLEGAL, 'only octet mode is known'));
      return;
    }
    if (this.transfers.size === MAX_TRANSFERS) this.end(...this.transfers.entries().next().value!);
    const { blockSize, accepted } = negotiate(options, file.size);
    const alarm = new Alarm(this.host, () => this.expired(client, transfer));
    const transfer: Transfer = { file, blockSize, alarm, send, block: 0, message: accepted, tries: 0 };
    this.transfers.set(client, transfer);
    if (accepted.length > 2) this.transmit(transfer);
    else this.acknowledged(client, transfer);
  }

  private acknowledged(client: string, transfer: Transfer): void {
    const { file, blockSize } = transfer;
    const start = transfer.block * blockSize;
    // The block that is not full was the last one.
    const data = start > file.size ? undefined : readBlock(file, start, Math.min(blockSize, file.size - start));
    if (data === undefined) {
      if (start <= file.size) transfer.send(failure(ERROR.ACCESS, 'the file cannot be read'));
      this.end(client, transfer);
      return;
    }
    transfer.block++;
    transfer.tries = 0;
    const message = new Uint8Array(4 + data.length);
    viewOf(message).setUint16(0, OPCODE.DATA);
    viewOf(message).setUint16(2, transfer.block & 0xffff);
    message.set(data, 4);
    transfer.message = message;
    this.transmit(transfer);
  }

  private transmit(transfer: Transfer): void {
    transfer.tries++;
    transfer.alarm.set(WAIT_MS);
    transfer.send(transfer.message);
  }

  private expired(client: string, transfer: Transfer): void {
    if (transfer.tries === TRIES) this.end(client, transfer);
    else this.transmit(transfer);
  }

  private end(client: string, transfer: Transfer): void {
    transfer.alarm.stop();
    transfer.file.close();
    this.transfers.delete(client);
  }
}

/** Undefined when the host's file fails or was cut short. */
function readBlock(file: HostFile, start: number, length: number): Uint8Array | undefined {
  try {
    return file.read(start, length);
  } catch {
    return undefined;
  }
}

/** Strings that each end with a zero byte; what is not printable has no meaning here. */
function stringsOf(bytes: Uint8Array): string[] {
  const strings: string[] = [];
  let start = 0;
  for (const [at, byte] of bytes.entries()) {
    if (byte !== 0) continue;
    strings.push(textOf(bytes.subarray(start, at)) ?? '');
    start = at + 1;
  }
  return strings;
}

/** The message says what was accepted, in the client's order; without anything it is its opcode only. */
function negotiate(options: readonly string[], size: number): { blockSize: number; accepted: Uint8Array } {
  let blockSize = BLOCK;
  const accepted: string[] = [];
  for (let n = 0; n + 1 < options.length; n += 2) {
    const name = options[n].toLowerCase();
    const value = /^\d{1,5}$/.test(options[n + 1]) ? Number(options[n + 1]) : Number.NaN;
    if (name === 'blksize' && value >= 8) {
      blockSize = Math.min(value, MAX_BLOCK);
      accepted.push(name, String(blockSize));
    } else if (name === 'tsize' && value >= 0) accepted.push(name, String(size));
  }
  return { blockSize, accepted: Uint8Array.of(0, OPCODE.OPTION_ACK, ...accepted.flatMap((text) => [...bytesOf(text), 0])) };
}

function failure(code: number, message: string): Uint8Array {
  return Uint8Array.of(0, OPCODE.ERROR, 0, code, ...bytesOf(message), 0);
}
