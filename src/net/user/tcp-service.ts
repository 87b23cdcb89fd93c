/** All TCP connections of the guest: who a segment belongs to, who may open one, ports of the host that lead inside. */

import { UNREACHABLE } from '../packets/icmp.ts';
import { type Ipv4Packet, PROTOCOL } from '../packets/ipv4.ts';
import { ACK, advance, decodeTcp, encodeTcp, FIN, RST, SYN, type TcpSegment } from '../packets/tcp.ts';
import type { HostForward } from './config.ts';
import type { Holds } from './holds.ts';
import type { Endpoint, HostListener, HostStream, NetworkHost, StreamListener } from './host.ts';
import type { Outgoing } from './link.ts';
import type { Routes } from './routes.ts';
import { type ConnectionLinks, TcpConnection, type TcpPath } from './tcp-connection.ts';

const MAX_CONNECTIONS = 512;
/** A connection whose guest has not answered as often in a row may have to make room. */
const GIVEN_UP = 5;
/** First sequence numbers grow with time and with each connection (RFC 9293 section 3.4.1). */
const SEQUENCE_PER_MS = 250;
const SEQUENCE_STEP = 64_000;

export interface TcpServiceLinks {
  readonly host: NetworkHost;
  readonly holds: Holds;
  readonly routes: Routes;
  readonly send: (packet: Outgoing) => void;
  /** Tells the sender of a packet that it cannot get where it wants to. */
  readonly unreachable: (packet: Ipv4Packet, code: number) => void;
}

export class TcpService {
  private readonly links: TcpServiceLinks;
  private readonly connectionLinks: ConnectionLinks;
  private readonly connections = new Map<string, TcpConnection>();
  private readonly listeners: HostListener[] = [];
  private opened = 0;

  constructor(links: TcpServiceLinks) {
    this.links = links;
    const { host, holds } = links;
    this.connectionLinks = {
      host,
      holds,
      send: (path, segment) => this.send(path, { ...segment, sourcePort: path.remotePort, destinationPort: path.guestPort }),
      unreachable: (path, syn) => this.links.unreachable(packetOf(path, syn), UNREACHABLE.HOST),
      closed: (connection) => this.connections.delete(keyOf(connection.path)),
    };
  }

  /** @throws RepriseError ADDRESS_IN_USE, CONNECT_FAILED */
  async forward(forward: HostForward): Promise<HostListener> {
    const at = { address: forward.hostAddress, port: forward.hostPort };
    const listener = await this.links.host.listen(at, (stream, peer) => this.accept(stream, peer, forward));
    this.listeners.push(listener);
    return listener;
  }

  receive(packet: Ipv4Packet): void {
    const segment = decodeTcp(packet.payload, packet.source, packet.destination);
    if (segment === undefined || segment.sourcePort === 0 || segment.destinationPort === 0) return;
    const path = {
      guest: packet.source,
      guestPort: segment.sourcePort,
      remote: packet.destination,
      remotePort: segment.destinationPort,
    };
    const connection = this.connections.get(keyOf(path));
    if (connection !== undefined && !connection.isReopenedBy(segment)) {
      connection.receive(segment);
      return;
    }
    connection?.drop();
    if ((segment.flags & (SYN | ACK | RST)) === SYN) this.open(path, segment, packet);
    else this.refuse(path, segment);
  }

  close(): void {
    for (const listener of this.listeners.splice(0)) listener.close();
    for (const connection of [...this.connections.values()]) connection.drop();
  }

  /** The guest opens a connection. */
  private open(path: TcpPath, syn: TcpSegment, packet: Ipv4Packet): void {
    const route = this.links.routes.to(path.remote);
    if (route.kind === 'nowhere') {
      this.links.unreachable(packet, UNREACHABLE.HOST);
    } else if (route.kind === 'host' && this.makeRoom()) {
      const to = { address: route.address, port: path.remotePort };
      this.add(path, (listener) => this.links.host.connect(to, listener), syn);
    } else {
      this.refuse(path, syn);
    }
  }

  /** Somebody outside opens one. */
  private accept(stream: HostStream, peer: Endpoint, { guestAddress, guestPort }: HostForward): StreamListener {
    const remote = this.links.routes.visible(peer.address);
    const path = this.freePath({ guest: guestAddress, guestPort, remote, remotePort: peer.port });
    if (path === undefined || !this.makeRoom()) {
      stream.reset();
      return deaf;
    }
    return this.add(path, () => stream, undefined);
  }

  private add(path: TcpPath, connect: (listener: StreamListener) => HostStream, syn: TcpSegment | undefined): TcpConnection {
    this.opened = (this.opened + 1) % 2 ** 32;
    const first = advance(0, this.links.host.milliseconds() * SEQUENCE_PER_MS + this.opened * SEQUENCE_STEP);
    const connection = new TcpConnection(path, this.connectionLinks, connect, first, syn);
    this.connections.set(keyOf(path), connection);
    return connection;
  }

  /** Several computers outside may appear under one address: then the port tells them apart. */
  private freePath(path: TcpPath): TcpPath | undefined {
    for (let tries = 0; tries <= MAX_CONNECTIONS; tries++) {
      const remotePort = path.remotePort + tries < 65536 ? path.remotePort + tries : path.remotePort + tries - 64512;
      const free = { ...path, remotePort };
      if (!this.connections.has(keyOf(free))) return free;
    }
    return undefined;
  }

  /** Connections that are over go first, then the one whose guest has been silent longest. @returns false when all are alive */
  private makeRoom(): boolean {
    if (this.connections.size < MAX_CONNECTIONS) return true;
    const all = [...this.connections.values()];
    const over = all.find(({ state }) => state === 'TIME_WAIT');
    const victim = over ?? all.reduce((silent, connection) => (connection.unanswered > silent.unanswered ? connection : silent));
    if (victim !== over && victim.unanswered < GIVEN_UP) return false;
    victim.drop();
    return true;
  }

  /** A segment that belongs to no connection is answered as RFC 9293 section 3.10.7.1 says. */
  private refuse(path: TcpPath, { flags, sequence, acknowledgment, payload }: TcpSegment): void {
    if ((flags & RST) !== 0) return;
    const length = payload.length + (flags & SYN ? 1 : 0) + (flags & FIN ? 1 : 0);
    const answer = flags & ACK ? { sequence: acknowledgment, acknowledgment: 0, flags: RST } : undefined;
    this.send(path, {
      ...(answer ?? { sequence: 0, acknowledgment: advance(sequence, length), flags: RST | ACK }),
      sourcePort: path.remotePort,
      destinationPort: path.guestPort,
      window: 0,
      mss: undefined,
      payload: new Uint8Array(0),
    });
  }

  private send({ guest, remote }: TcpPath, segment: TcpSegment): void {
    this.links.send({ source: remote, destination: guest, protocol: PROTOCOL.TCP, payload: encodeTcp(segment, remote, guest) });
  }
}

/** What the guest sent, for quoting. */
function packetOf({ guest, remote }: TcpPath, segment: TcpSegment): Ipv4Packet {
  const payload = encodeTcp(segment, guest, remote);
  return { source: guest, destination: remote, protocol: PROTOCOL.TCP, identification: 0, offset: 0, moreFragments: false, payload };
}

const keyOf = ({ guest, guestPort, remote, remotePort }: TcpPath) => `${guest} ${guestPort} ${remote} ${remotePort}`;

/** For a stream that was reset already. */
const deaf: StreamListener = { opened() {}, readable() {}, writable() {}, failed() {} };
