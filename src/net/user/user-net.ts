/**
 * The user-mode network (`-netdev user`): a gateway that speaks ARP, DHCP, DNS, ICMP, UDP, TCP and TFTP with the guest
 * and lets it use the host's sockets, without any rights of the host's. IPv4 only.
 *
 * Not modelled: ICMP to computers outside, and their ICMP errors for UDP; DNS over TCP and records other than A, AAAA
 * and PTR; window scaling, selective acknowledgments, timestamps and urgent data of TCP (it is passed on in line).
 */
import { assert } from '../../errors/errors.ts';
import { MAX_FRAME, type NetBackend } from '../net.ts';
import { BROADCAST_IP, BROADCAST_MAC, type Mac } from '../packets/addresses.ts';
import { decodeIcmp, encodeIcmp, ICMP, UNREACHABLE } from '../packets/icmp.ts';
import { type Ipv4Packet, PROTOCOL, quote } from '../packets/ipv4.ts';
import { decodeUdp, encodeUdp, type UdpDatagram } from '../packets/udp.ts';
import type { HostForward, UserNetConfig } from './config.ts';
import { DhcpServer } from './dhcp.ts';
import { CLIENT_PORT, SERVER_PORT } from './dhcp-packets.ts';
import { DnsServer } from './dns.ts';
import { Holds } from './holds.ts';
import type { NetworkHost } from './host.ts';
import { isGuest, Link } from './link.ts';
import { Reassembly } from './reassembly.ts';
import { Routes } from './routes.ts';
import { TcpService } from './tcp-service.ts';
import { TFTP_PORT, TftpServer } from './tftp.ts';
import { UdpService } from './udp-service.ts';

const DNS_PORT = 53;
/** RFC 1812 section 4.3.2.3: as much of the packet as fits into 576 bytes. */
const QUOTED = 576 - 20 - 8 - 20;

/** A forward, and the port of the host where it really listens. */
export interface OpenForward {
  readonly forward: HostForward;
  readonly hostPort: number;
}

export class UserNet implements NetBackend {
  private readonly config: UserNetConfig;
  private readonly link: Link;
  private readonly holds: Holds;
  private readonly reassembly: Reassembly;
  private readonly routes: Routes;
  private readonly dhcp: DhcpServer;
  private readonly dns: DnsServer;
  private readonly tftp: TftpServer | undefined;
  private readonly udp: UdpService;
  private readonly tcp: TcpService;
  private listener: (frame: Uint8Array) => void = () => {};
  private delivering = false;
  private closed = false;

  /** Frames may be sent at once; forwards are opened by `openForwards`. */
  constructor(config: UserNetConfig, host: NetworkHost) {
    this.config = config;
    const now = () => host.milliseconds();
    this.link = new Link(config, (frame) => this.emit(frame));
    this.holds = new Holds(now);
    this.reassembly = new Reassembly(now);
    this.routes = new Routes(config);
    this.dhcp = new DhcpServer(config);
    this.dns = new DnsServer(host, this.holds, config.restrict);
    this.tftp = config.tftp === undefined ? undefined : new TftpServer(host, config.tftp);
    const { holds, routes, link } = this;
    const send: Link['send'] = (packet) => link.send(packet);
    this.udp = new UdpService({ host, holds, routes, send });
    this.tcp = new TcpService({ host, holds, routes, send, unreachable: (packet, code) => this.unreachable(packet, code) });
  }

  /** Opens all ports of the host that lead into the guest. @throws RepriseError ADDRESS_IN_USE, CONNECT_FAILED */
  async openForwards(): Promise<OpenForward[]> {
    const open: OpenForward[] = [];
    for (const forward of this.config.forwards) {
      const { port } = await (forward.protocol === 'tcp' ? this.tcp : this.udp).forward(forward);
      open.push({ forward, hostPort: port });
    }
    return open;
  }

  /** Answers that need nothing of the host are delivered before it returns. Not to be called by the listener. */
  send(frame: Uint8Array): void {
    assert(!this.delivering, 'a frame from the guest is not sent while one is delivered to it');
    if (this.closed || frame.length > MAX_FRAME) return;
    const received = this.link.receive(frame);
    if (received === undefined) return;
    const packet = this.reassembly.add(received.packet);
    if (packet === undefined) return;
    if (isGuest(this.config, packet.source)) this.receive(packet);
    else if (packet.source === 0 && packet.protocol === PROTOCOL.UDP) this.receiveNameless(packet, received.from);
  }

  onFrame(listener: (frame: Uint8Array) => void): void {
    this.listener = listener;
  }

  get busy(): boolean {
    return this.holds.any;
  }

  /** Connections are reset, and ports closed. */
  async close(): Promise<void> {
    this.closed = true;
    this.tcp.close();
    this.udp.close();
    this.tftp?.close();
  }

  private emit(frame: Uint8Array): void {
    if (this.closed) return;
    this.delivering = true;
    try {
      this.listener(frame);
    } finally {
      this.delivering = false;
    }
  }

  private receive(packet: Ipv4Packet): void {
    switch (packet.protocol) {
      case PROTOCOL.ICMP:
        this.receiveIcmp(packet);
        break;
      case PROTOCOL.UDP: {
        const datagram = decodeUdp(packet.payload, packet.source, packet.destination);
        if (datagram !== undefined) this.receiveUdp(packet, datagram);
        break;
      }
      case PROTOCOL.TCP:
        if (this.routes.to(packet.destination).kind !== 'silent') this.tcp.receive(packet);
        break;
      default:
        this.unreachable(packet, UNREACHABLE.PROTOCOL);
    }
  }

  /** A guest without an address can only ask for one. */
  private receiveNameless(packet: Ipv4Packet, from: Mac): void {
    const datagram = decodeUdp(packet.payload, packet.source, packet.destination);
    if (datagram?.destinationPort === SERVER_PORT && packet.destination === BROADCAST_IP && from !== BROADCAST_MAC) this.answerDhcp(datagram.payload);
  }

  private receiveIcmp(packet: Ipv4Packet): void {
    const { source, destination, payload } = packet;
    const message = decodeIcmp(payload);
    if (message?.type !== ICMP.ECHO_REQUEST) return;
    if (destination === this.config.host || destination === this.config.dns) {
      const reply = encodeIcmp({ ...message, type: ICMP.ECHO_REPLY, code: 0 });
      this.link.send({ source: destination, destination: source, protocol: PROTOCOL.ICMP, payload: reply });
    } else {
      this.unreachable(packet, UNREACHABLE.HOST);
    }
  }

  private receiveUdp(packet: Ipv4Packet, datagram: UdpDatagram): void {
    const { source, destination } = packet;
    const { sourcePort, destinationPort, payload } = datagram;
    const { host, dns } = this.config;
    const answer = (bytes: Uint8Array) => {
      const reply = encodeUdp({ sourcePort: destinationPort, destinationPort: sourcePort, payload: bytes }, destination, source);
      this.link.send({ source: destination, destination: source, protocol: PROTOCOL.UDP, payload: reply });
    };
    if (destinationPort === SERVER_PORT && (destination === host || destination === BROADCAST_IP)) this.answerDhcp(payload);
    else if (destination === dns && destinationPort === DNS_PORT) this.dns.receive(payload, answer);
    else if (this.tftp !== undefined && destination === host && destinationPort === TFTP_PORT) {
      this.tftp.receive(`${source} ${sourcePort}`, payload, answer);
    } else if (sourcePort !== 0 && destinationPort !== 0 && !this.udp.reply(packet, datagram)) this.translate(packet, datagram);
  }

  /** For somebody outside. */
  private translate(packet: Ipv4Packet, datagram: UdpDatagram): void {
    const { destination } = packet;
    const route = this.routes.to(destination);
    if (route.kind === 'host') this.udp.send(packet, datagram, route.address);
    else if (route.kind === 'nowhere') this.unreachable(packet, UNREACHABLE.HOST);
    else if (route.kind === 'closed') this.unreachable(packet, destination === this.config.dns ? UNREACHABLE.PORT : UNREACHABLE.PROHIBITED);
  }

  private answerDhcp(request: Uint8Array): void {
    const answer = this.dhcp.answer(request);
    if (answer === undefined) return;
    const { host } = this.config;
    const { payload, destination, mac } = answer;
    const datagram = encodeUdp({ sourcePort: SERVER_PORT, destinationPort: CLIENT_PORT, payload }, host, destination);
    this.link.send({ source: host, destination, protocol: PROTOCOL.UDP, payload: datagram }, mac);
  }

  /** Says so to the sender, unless the packet was for many (RFC 1122 section 3.2.2). */
  private unreachable(packet: Ipv4Packet, code: number): void {
    if (this.routes.to(packet.destination).kind === 'silent') return;
    const payload = encodeIcmp({ type: ICMP.UNREACHABLE, code, rest: 0, payload: quote(packet, QUOTED) });
    this.link.send({ source: this.config.host, destination: packet.source, protocol: PROTOCOL.ICMP, payload });
  }
}
