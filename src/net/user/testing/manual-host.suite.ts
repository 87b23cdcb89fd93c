/** A host whose time and sockets a test moves by hand, and a guest that is nothing but its frames. */
import { RepriseError } from '../../../errors/errors.ts';
import { type Ipv4, type Mac, parseIpv4 } from '../../packets/addresses.ts';
import { decodeEthernet, ETHERTYPE, encodeEthernet } from '../../packets/ethernet.ts';
import { decodeIcmp, type IcmpMessage } from '../../packets/icmp.ts';
import { decodeIpv4, encodeIpv4, PROTOCOL } from '../../packets/ipv4.ts';
import { ACK, decodeTcp, encodeTcp, SYN, type TcpSegment } from '../../packets/tcp.ts';
import { decodeUdp, encodeUdp, type UdpDatagram } from '../../packets/udp.ts';
import { type UserNetOptions, userNetConfig } from '../config.ts';
import type {
  Endpoint,
  HostAddresses,
  HostDatagrams,
  HostFile,
  HostListener,
  HostStream,
  NetworkHost,
  StreamFailure,
  StreamListener,
} from '../host.ts';
import { UserNet } from '../user-net.ts';

export class ManualStream implements HostStream {
  readonly to: Endpoint | undefined;
  listener!: StreamListener;
  written = '';
  unsent = 0;
  /** Written bytes stay unsent until `taken`. */
  stalled = false;
  endedByGuest = false;
  wasReset = false;
  failed = false;
  private incoming = '';
  private peerEnded = false;

  constructor(to?: Endpoint) {
    this.to = to;
  }

  get ended(): boolean {
    return this.peerEnded && this.incoming.length === 0;
  }

  get unread(): number {
    return this.incoming.length;
  }

  read(max: number): Uint8Array {
    const bytes = Buffer.from(this.incoming.slice(0, max), 'latin1');
    this.incoming = this.incoming.slice(max);
    return bytes;
  }

  write(bytes: Uint8Array): void {
    if (this.endedByGuest) throw new Error('written after the end');
    this.written += Buffer.from(bytes).toString('latin1');
    if (this.stalled) this.unsent += bytes.length;
  }

  end(): void {
    this.endedByGuest = true;
  }

  reset(): void {
    this.wasReset = true;
  }

  /** The peer sends. */
  send(text: string): void {
    this.incoming += text;
    this.listener.readable();
  }

  /** The peer ends. */
  finish(): void {
    this.peerEnded = true;
    this.listener.readable();
  }

  /** The connection breaks. */
  fail(reason: StreamFailure): void {
    this.failed = true;
    this.listener.failed(reason);
  }

  /** The operating system takes what was written. */
  taken(): void {
    this.unsent = 0;
    this.listener.writable();
  }
}

class ManualDatagrams implements HostDatagrams, HostListener {
  readonly port: number;
  readonly sent: { readonly text: string; readonly to: Endpoint }[] = [];
  readonly received: (bytes: Uint8Array, from: Endpoint) => void;
  closed = false;

  constructor(port: number, received: (bytes: Uint8Array, from: Endpoint) => void) {
    this.port = port;
    this.received = received;
  }

  send(bytes: Uint8Array, to: Endpoint): void {
    this.sent.push({ text: Buffer.from(bytes).toString('latin1'), to });
  }

  close(): void {
    this.closed = true;
  }
}

export class ManualHost implements NetworkHost {
  readonly streams: ManualStream[] = [];
  readonly sockets: ManualDatagrams[] = [];
  readonly names = new Map<string, HostAddresses | Promise<HostAddresses>>();
  readonly reverse = new Map<string, string>();
  readonly files = new Map<string, Uint8Array>();
  /** By port: somebody outside connects. */
  readonly knock = new Map<number, (from: Endpoint) => ManualStream>();
  openFiles = 0;
  private now = 1000;
  private timers: { readonly at: number; readonly expired: () => void }[] = [];

  milliseconds(): number {
    return this.now;
  }

  timer(ms: number, expired: () => void): () => void {
    const timer = { at: this.now + ms, expired };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }

  get runningTimers(): number {
    return this.timers.length;
  }

  /** Lets time pass, and what is due in it happen. */
  pass(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      const due = this.timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.timers = this.timers.filter((timer) => timer !== due);
      this.now = Math.max(this.now, due.at);
      due.expired();
    }
    this.now = end;
  }

  connect(to: Endpoint, listener: StreamListener): ManualStream {
    const stream = new ManualStream(to);
    stream.listener = listener;
    this.streams.push(stream);
    return stream;
  }

  async listen(at: Endpoint, accept: (stream: HostStream, peer: Endpoint) => StreamListener): Promise<HostListener> {
    if (this.knock.has(at.port)) throw new RepriseError('ADDRESS_IN_USE', `${at.port} is in use`);
    this.knock.set(at.port, (from) => {
      const stream = new ManualStream();
      stream.listener = accept(stream, from);
      this.streams.push(stream);
      return stream;
    });
    return { port: at.port, close: () => this.knock.delete(at.port) };
  }

  datagrams(received: (bytes: Uint8Array, from: Endpoint) => void): HostDatagrams {
    this.sockets.push(new ManualDatagrams(0, received));
    return this.sockets.at(-1)!;
  }

  async bind(at: Endpoint, received: (bytes: Uint8Array, from: Endpoint) => void): Promise<HostDatagrams & HostListener> {
    this.sockets.push(new ManualDatagrams(at.port, received));
    return this.sockets.at(-1)!;
  }

  async lookup(name: string): Promise<HostAddresses | undefined> {
    return this.names.get(name);
  }

  async lookupAddress(address: string): Promise<string | undefined> {
    return this.reverse.get(address);
  }

  openFile(folder: string, name: string): HostFile | undefined {
    const bytes = this.files.get(`${folder}:${name}`);
    if (bytes === undefined) return undefined;
    this.openFiles++;
    return { size: bytes.length, read: (offset, length) => bytes.subarray(offset, offset + length), close: () => this.openFiles-- };
  }
}

const GATEWAY_MAC: Mac = 0x5255_0a00_0202;
const GUEST_MAC: Mac = 0x5254_0012_3456;
const GATEWAY = parseIpv4('10.0.2.2')!;
export const PORT = 1234;
export const REMOTE_PORT = 80;

/** Frames by hand: everything that is sent is answered before `send` returns. */
export class Bench {
  readonly host = new ManualHost();
  readonly net: UserNet;
  guest: Ipv4 = parseIpv4('10.0.2.15')!;
  frames: Uint8Array[] = [];

  constructor(options: UserNetOptions = {}) {
    this.net = new UserNet(userNetConfig(options), this.host);
    this.net.onFrame((frame) => this.frames.push(frame));
  }

  sendIp(destination: Ipv4, protocol: number, payload: Uint8Array): void {
    const packet = { source: this.guest, destination, protocol, identification: 0, offset: 0, moreFragments: false, payload };
    this.net.send(encodeEthernet({ destination: GATEWAY_MAC, source: GUEST_MAC, type: ETHERTYPE.IPV4, payload: encodeIpv4(packet) }));
  }

  sendUdp(destination: Ipv4, destinationPort: number, payload: Uint8Array | string, sourcePort = PORT): void {
    const bytes = typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload;
    this.sendIp(destination, PROTOCOL.UDP, encodeUdp({ sourcePort, destinationPort, payload: bytes }, this.guest, destination));
  }

  sendTcp(flags: number, fields: Partial<TcpSegment> & { readonly text?: string; readonly to?: Ipv4 } = {}): void {
    const { text = '', to = GATEWAY, ...rest } = fields;
    const defaults = { sourcePort: PORT, destinationPort: REMOTE_PORT, sequence: 0, acknowledgment: 0, window: 65535, mss: undefined };
    const segment = { ...defaults, flags, payload: Buffer.from(text, 'latin1'), ...rest };
    this.sendIp(to, PROTOCOL.TCP, encodeTcp(segment, this.guest, to));
  }

  /** TCP segments that came since the last time, in short form too. */
  tcp(): (TcpSegment & { text: string; source: Ipv4 })[] {
    return this.packets(PROTOCOL.TCP).map(({ source, destination, payload }) => {
      const segment = decodeTcp(payload, source, destination)!;
      return { ...segment, text: Buffer.from(segment.payload).toString('latin1'), source };
    });
  }

  udp(): (UdpDatagram & { text: string; source: Ipv4 })[] {
    return this.packets(PROTOCOL.UDP).map(({ source, destination, payload }) => {
      const datagram = decodeUdp(payload, source, destination)!;
      return { ...datagram, text: Buffer.from(datagram.payload).toString('latin1'), source };
    });
  }

  icmp(): IcmpMessage[] {
    return this.packets(PROTOCOL.ICMP).map(({ payload }) => decodeIcmp(payload)!);
  }

  /** Opens a connection; sequence numbers of both sides then count from the ones that are returned. */
  open(mss: number | 'none' = 1460, window = 65535): { stream: ManualStream; theirs: number; ours: number } {
    this.sendTcp(SYN, { sequence: 999, mss: mss === 'none' ? undefined : mss, window });
    const stream = this.host.streams.at(-1)!;
    stream.listener.opened();
    const [answer] = this.tcp();
    const theirs = (answer.sequence + 1) >>> 0;
    this.sendTcp(ACK, { sequence: 1000, acknowledgment: theirs, window });
    return { stream, theirs, ours: 1000 };
  }

  private packets(protocol: number) {
    const packets = this.frames
      .map((frame) => decodeEthernet(frame)!)
      .filter(({ type }) => type === ETHERTYPE.IPV4)
      .map(({ payload }) => decodeIpv4(payload)!);
    this.frames = [];
    return packets.filter((packet) => packet.protocol === protocol);
  }
}
