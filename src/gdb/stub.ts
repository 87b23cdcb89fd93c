/**
 * The remote serial protocol's packets (GDB manual E.2), one client's conversation: what a packet asks is done on the
 * target, and answered. Numbers of errors are those of Unix.
 */
import type { WatchKind } from '../bus/debug.ts';
import { RepriseError } from '../errors/errors.ts';
import { bytesOf, fromLittleEndian, hexOf, hexOfText, littleEndian, numberOf } from './hex.ts';
import { latin1, PACKET_BYTES } from './packets.ts';
import { answerQuery, type Manners, monitorCommand, newManners } from './queries.ts';
import { type Register, registersOf } from './registers.ts';
import { stopReply, THREAD } from './stop-reply.ts';
import type { DebugTarget, Direction, StopReason } from './target.ts';

const EPERM = 'E01';
const EFAULT = 'E0e';
const EINVAL = 'E16';
const UNKNOWN = '';

/** How much a reply in hexadecimal can carry. */
const MAX_BYTES = PACKET_BYTES / 2;
/** Breakpoints and watchpoints that a client may have: it is not trusted with more memory. */
const MAX_POINTS = 4096;

const WATCH_KINDS: Readonly<Record<string, WatchKind>> = { 2: 'write', 3: 'read', 4: 'access' };

/** What happens to the conversation after a packet. */
export type Outcome = { readonly reply: string } | 'detached' | 'killed';

export class GdbStub {
  readonly manners: Manners = newManners();
  private readonly target: DebugTarget;
  /** Sends a packet that comes before a reply or instead of one, such as console output. */
  private readonly output: (packet: string) => void;
  private last: StopReason = { kind: 'step' };
  /** Set after a watched access: the direction of the step that gdb believes it still has to make. */
  private believed: Direction | undefined;
  /** Breakpoints by address, and whether the client calls them hardware breakpoints. */
  private readonly breakpoints = new Map<number, Set<'0' | '1'>>();
  private readonly watchpoints = new Set<string>();
  private running = false;

  constructor(target: DebugTarget, output: (packet: string) => void) {
    this.target = target;
    this.output = output;
  }

  /** Ctrl-C: counts only while the machine runs. */
  interrupt(): void {
    if (this.running) this.target.interrupt();
  }

  /** Never throws, whatever the packet; a target's refusal is the answer. */
  async handle(payload: string): Promise<Outcome> {
    try {
      if (payload === 'k' || payload.startsWith('vKill')) {
        if (payload !== 'k') this.output('OK');
        this.target.kill();
        return 'killed';
      }
      if (/^D($|;)/.test(payload)) return 'detached';
      return { reply: await this.answer(payload) };
    } catch (error) {
      if (!(error instanceof RepriseError)) throw error;
      return { reply: this.refusal(error) };
    }
  }

  /** gdb shows the text where it has a place for it; lldb knows numbers only. */
  private refusal({ message }: RepriseError): string {
    return this.manners.lldb ? EPERM : `E.${message.replace(/[^\x20-\x7e]/g, '?')}`;
  }

  private async answer(payload: string): Promise<string> {
    const rest = payload.slice(1);
    switch (payload[0]) {
      case '?':
        return this.stopReply(this.last);
      case 'g':
        return this.registers().map(valueInHex).join('');
      case 'G':
        return this.writeAll(rest);
      case 'p':
        return this.readRegister(numberOf(rest));
      case 'P':
        return this.writeOne(rest);
      case 'm':
        return this.readMemory(rest);
      case 'M':
        return this.writeMemory(rest, bytesOf);
      case 'X':
        return this.writeMemory(rest, latin1);
      case 'Z':
      case 'z':
        return this.point(payload[0] === 'Z', rest);
      case 'c':
      case 's':
        return this.legacyResume(payload[0], rest);
      case 'C':
      case 'S':
        return this.legacyResume(payload[0].toLowerCase(), rest.split(';')[1] ?? '');
      case 'b':
        return this.reverse(rest);
      case 'v':
        return this.verbose(payload);
      case 'H':
        return 'OK';
      case 'T':
        return numberOf(rest) === numberOf(THREAD) ? 'OK' : EINVAL;
      case 'q':
      case 'Q':
        return payload.startsWith('qRcmd') ? this.monitor(payload) : answerQuery(payload, this.target, this.manners);
      default:
        return UNKNOWN;
    }
  }

  private registers(): readonly Register[] {
    return registersOf(this.target.cpu);
  }

  private readRegister(number: number | undefined): string {
    const register = this.registers().find((r) => r.number === number);
    return register === undefined ? EINVAL : valueInHex(register);
  }

  private writeOne(rest: string): string {
    const [number, value] = rest.split(';')[0].split('=');
    const register = this.registers().find((r) => r.number === numberOf(number));
    const bytes = bytesOf(value ?? '');
    if (register === undefined || bytes?.length !== register.bits / 8) return EINVAL;
    if (register.write === undefined) return this.refusal(new RepriseError('REPLAY_READ_ONLY', `register ${register.name} cannot be written`));
    this.target.writeRegister(register, fromLittleEndian(bytes));
    return 'OK';
  }

  private writeAll(rest: string): string {
    const bytes = bytesOf(rest);
    const registers = this.registers();
    if (bytes?.length !== registers.reduce((sum, { bits }) => sum + bits / 8, 0)) return EINVAL;
    let from = 0;
    for (const register of registers) {
      const value = bytes.subarray(from, from + register.bits / 8);
      from += value.length;
      if (register.write !== undefined) this.target.writeRegister(register, fromLittleEndian(value));
    }
    return 'OK';
  }

  private space(): 'physical' | 'virtual' {
    return this.manners.physical ? 'physical' : 'virtual';
  }

  private readMemory(rest: string): string {
    const [address, length] = rest.split(',').map(numberOf);
    if (address === undefined || length === undefined) return EINVAL;
    const bytes = this.target.read(this.space(), address, Math.min(length, MAX_BYTES));
    return bytes.length === 0 && length > 0 ? EFAULT : hexOf(bytes);
  }

  private writeMemory(rest: string, read: (data: string) => Uint8Array | undefined): string {
    const colon = rest.indexOf(':');
    const [address, length] = rest.slice(0, Math.max(colon, 0)).split(',').map(numberOf);
    const bytes = read(rest.slice(colon + 1));
    if (address === undefined || length === undefined || bytes?.length !== length) return EINVAL;
    // gdb asks with no bytes whether it can write binary data.
    if (length === 0) return 'OK';
    return this.target.write(this.space(), address, bytes) === length ? 'OK' : EFAULT;
  }

  /** Inserts or removes `type,address,kind`; conditions are left to the client. */
  private point(insert: boolean, rest: string): string {
    const [type, where, size] = rest.split(';')[0].split(',');
    const address = numberOf(where);
    const length = numberOf(size);
    if (address === undefined || address > 0xffffffff || length === undefined) return EINVAL;
    if (type === '0' || type === '1') return this.breakpoint(insert, type, address);
    const kind = WATCH_KINDS[type];
    if (kind === undefined) return UNKNOWN;
    if (length < 1 || length > 2 ** 32) return EINVAL;
    const key = [kind, address, length].join();
    if (insert && this.watchpoints.size >= MAX_POINTS) return EINVAL;
    if (insert) this.watchpoints.add(key);
    else this.watchpoints.delete(key);
    const watchpoint = { space: 'virtual', address, length, kind } as const;
    if (insert) this.target.addWatchpoint(watchpoint);
    else this.target.removeWatchpoint(watchpoint);
    return 'OK';
  }

  private breakpoint(insert: boolean, type: '0' | '1', address: number): string {
    const types = this.breakpoints.get(address) ?? new Set();
    if (insert) {
      if (this.breakpoints.size >= MAX_POINTS) return EINVAL;
      this.breakpoints.set(address, types.add(type));
      this.target.addBreakpoint(address);
    } else {
      types.delete(type);
      if (types.size > 0) return 'OK';
      this.breakpoints.delete(address);
      this.target.removeBreakpoint(address);
    }
    return 'OK';
  }

  /** `c` or `s`, with an address to go on at. */
  private legacyResume(action: string, at: string): Promise<string> | string {
    if (at !== '') {
      const address = numberOf(at);
      const pc = this.registers().find(({ generic }) => generic === 'pc');
      if (address === undefined || pc === undefined) return EINVAL;
      this.target.writeRegister(pc, BigInt(address));
    }
    return this.resume('forward', action === 's' ? 'step' : 'continue');
  }

  private reverse(action: string): Promise<string> | string {
    if (!this.target.canReverse || (action !== 's' && action !== 'c')) return UNKNOWN;
    return this.resume('backward', action === 's' ? 'step' : 'continue');
  }

  private verbose(payload: string): Promise<string> | string {
    if (payload === 'vCont?') return 'vCont;c;C;s;S;t';
    if (!payload.startsWith('vCont;')) return UNKNOWN;
    // There is one thread, so that the first action is the one that counts.
    const action = payload.slice('vCont;'.length).split(';')[0].split(':')[0];
    if (action === 't') return this.stopReply({ kind: 'interrupted' });
    if (!/^([cs]|[CS][0-9a-fA-F]{2})$/.test(action)) return EINVAL;
    return this.resume('forward', action[0].toLowerCase() === 's' ? 'step' : 'continue');
  }

  private async resume(direction: Direction, how: 'step' | 'continue'): Promise<string> {
    const believed = this.believed;
    this.believed = undefined;
    if (believed === direction && how === 'step') return this.stopReply({ kind: 'step' });
    this.running = true;
    try {
      this.last = await this.target.resume(direction, how);
    } finally {
      this.running = false;
    }
    if (this.last.kind === 'watchpoint' && this.target.cpu.gdbStepsOverWatchedAccess && !this.manners.lldb) this.believed = direction;
    return this.stopReply(this.last);
  }

  private stopReply(stop: StopReason): string {
    const pc = this.registers().find(({ generic }) => generic === 'pc');
    const hardware = pc !== undefined && !this.breakpoints.get(Number(pc.read()))?.has('0');
    return stopReply(stop, this.target.cpu, { breakpointReasons: this.manners.breakpointReasons, hardware });
  }

  private async monitor(payload: string): Promise<string> {
    const command = monitorCommand(payload);
    if (command === undefined) return EINVAL;
    let text: string;
    try {
      text = await this.target.monitor(command);
    } catch (error) {
      if (!(error instanceof RepriseError)) throw error;
      text = `Error: ${error.message}`;
    }
    if (text !== '' && !text.endsWith('\n')) text += '\n';
    const hex = hexOfText(text);
    for (let n = 0; n < hex.length; n += MAX_BYTES) this.output(`O${hex.slice(n, n + MAX_BYTES)}`);
    return 'OK';
  }
}

const valueInHex = ({ read, bits }: Register): string => hexOf(littleEndian(read(), bits / 8));
