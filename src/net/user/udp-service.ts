/** UDP between the guest and the host's sockets: address translation as RFC 4787 describes it. */

import type { Ipv4 } from '../packets/addresses.ts';
import { type Ipv4Packet, PROTOCOL } from '../packets/ipv4.ts';
import { encodeUdp, MAX_UDP_PAYLOAD, type UdpDatagram } from '../packets/udp.ts';
import { Alarm } from './alarm.ts';
import type { HostForward } from './config.ts';
import type { Holds } from './holds.ts';
import type { Endpoint, HostDatagrams, HostListener, NetworkHost } from './host.ts';
import type { Outgoing } from './link.ts';
import type { Routes } from './routes.ts';

const MAX_FLOWS = 256;
/** Computers outside that one socket of the guest's may hear from. */
const MAX_PEERS = 64;
const MAX_CLIENTS = 256;
/** RFC 4787, requirement 5: no less than two minutes. */
const IDLE_MS = 120_000;
const SWEEP_MS = 30_000;
const ANSWER_HOLD_MS = 250;

/** One socket of the guest's, and the one of the host's that stands for it. */
interface Flow {
  readonly socket: HostDatagrams;
  /** Those that the guest has sent to: nobody else's datagrams get in. */
  readonly peers: Set<Ipv4>;
  usedAt: number;
}

/** Somebody outside who has sent to a forwarded port, where the answers go back through. */
interface Client {
  readonly socket: HostDatagrams;
  readonly endpoint: Endpoint;
  usedAt: number;
}

export interface UdpServiceLinks {
  readonly host: NetworkHost;
  readonly holds: Holds;
  readonly routes: Routes;
  readonly send: (packet: Outgoing) => void;
}

export class UdpService {
  private readonly links: UdpServiceLinks;
  private readonly flows = new Map<string, Flow>();
  private readonly clients = new Map<string, Client>();
  private readonly forwards: HostListener[] = [];
  private readonly sweep: Alarm;

  constructor(links: UdpServiceLinks) {
    this.links = links;
    this.sweep = new Alarm(links.host, () => this.forget());
  }

  /** @throws RepriseError ADDRESS_IN_USE, CONNECT_FAILED */
  async forward({ hostAddress, hostPort, guestAddress, guestPort }: HostForward): Promise<HostListener> {
    const socket = await this.links.host.bind({ address: hostAddress, port: hostPort }, (bytes, endpoint) => {
      const visible = this.links.routes.visible(endpoint.address);
      renew(this.clients, keyOf(guestAddress, guestPort, visible, endpoint.port), { socket, endpoint, usedAt: this.now }, MAX_CLIENTS);
      this.watch();
      this.deliver(bytes, visible, endpoint.port, guestAddress, guestPort);
    });
    this.forwards.push(socket);
    return socket;
  }

  /** @param address where the packet's destination leads to */
  send({ source, destination }: Ipv4Packet, { sourcePort, destinationPort, payload }: UdpDatagram, address: string): void {
    const flow = this.flowOf(source, sourcePort);
    if (flow.peers.size === MAX_PEERS && !flow.peers.has(destination)) flow.peers.delete(flow.peers.values().next().value!);
    flow.peers.add(destination);
    flow.usedAt = this.now;
    this.links.holds.extend(flow, ANSWER_HOLD_MS);
    flow.socket.send(payload, { address, port: destinationPort });
  }

  /** Sends back to somebody outside who came through a forwarded port. @returns false when there is no such */
  reply({ source, destination }: Ipv4Packet, { sourcePort, destinationPort, payload }: UdpDatagram): boolean {
    const client = this.clients.get(keyOf(source, sourcePort, destination, destinationPort));
    if (client === undefined) return false;
    client.usedAt = this.now;
    client.socket.send(payload, client.endpoint);
    return true;
  }

  close(): void {
    this.sweep.stop();
    for (const forward of this.forwards.splice(0)) forward.close();
    for (const [key, flow] of this.flows) this.drop(key, flow);
    this.clients.clear();
  }

  private get now(): number {
    return this.links.host.milliseconds();
  }

  private flowOf(guest: Ipv4, guestPort: number): Flow {
    const key = keyOf(guest, guestPort);
    const known = this.flows.get(key);
    if (known !== undefined) return known;
    if (this.flows.size === MAX_FLOWS) {
      const [oldest, idle] = [...this.flows].reduce((a, b) => (b[1].usedAt < a[1].usedAt ? b : a));
      this.drop(oldest, idle);
    }
    const socket = this.links.host.datagrams((bytes, { address, port }) => {
      const visible = this.links.routes.visible(address);
      if (!flow.peers.has(visible)) return;
      flow.usedAt = this.now;
      this.links.holds.release(flow);
      this.deliver(bytes, visible, port, guest, guestPort);
    });
    const flow: Flow = { socket, peers: new Set(), usedAt: this.now };
    this.flows.set(key, flow);
    this.watch();
    return flow;
  }

  private deliver(payload: Uint8Array, source: Ipv4, sourcePort: number, destination: Ipv4, destinationPort: number): void {
    if (payload.length > MAX_UDP_PAYLOAD) return;
    const datagram = encodeUdp({ sourcePort, destinationPort, payload }, source, destination);
    this.links.send({ source, destination, protocol: PROTOCOL.UDP, payload: datagram });
  }

  private drop(key: string, flow: Flow): void {
    flow.socket.close();
    this.flows.delete(key);
    this.links.holds.release(flow);
  }

  private watch(): void {
    if (!this.sweep.isSet) this.sweep.set(SWEEP_MS);
  }

  private forget(): void {
    const oldest = this.now - IDLE_MS;
    for (const [key, flow] of this.flows) if (flow.usedAt < oldest) this.drop(key, flow);
    for (const [key, { usedAt }] of this.clients) if (usedAt < oldest) this.clients.delete(key);
    if (this.flows.size + this.clients.size > 0) this.watch();
  }
}

const keyOf = (...parts: readonly number[]) => parts.join(' ');

/** Puts an entry last, and makes room by dropping the first. */
function renew<T>(map: Map<string, T>, key: string, value: T, limit: number): void {
  map.delete(key);
  if (map.size === limit) map.delete(map.keys().next().value!);
  map.set(key, value);
}
