/** A computer behind a user-mode network, as small as can be: frames in and out, and sockets of its own making. */

import type { NetBackend } from '../../net.ts';
import { BROADCAST_MAC, type Ipv4, type Mac, parseIpv4 } from '../../packets/addresses.ts';
import { ARP, type ArpPacket, decodeArp, encodeArp } from '../../packets/arp.ts';
import { decodeEthernet, ETHERTYPE, encodeEthernet } from '../../packets/ethernet.ts';
import { decodeIcmp, encodeIcmp, type IcmpMessage } from '../../packets/icmp.ts';
import { decodeIpv4, encodeIpv4, type Ipv4Packet, PROTOCOL } from '../../packets/ipv4.ts';
import { decodeTcp, encodeTcp, RST, SYN, type TcpSegment } from '../../packets/tcp.ts';
import { decodeUdp, encodeUdp, type UdpDatagram } from '../../packets/udp.ts';
import { Reassembly } from '../reassembly.ts';
import { GuestTcp } from './guest-tcp.suite.ts';
import { type Faults, Wire } from './wire.suite.ts';

export const ip = (text: string): Ipv4 => parseIpv4(text)!;
export const GATEWAY = ip('10.0.2.2');
export const DNS = ip('10.0.2.3');
export const GUEST = ip('10.0.2.15');
export const GATEWAY_MAC: Mac = 0x5255_0a00_0202;
export const GUEST_MAC: Mac = 0x5254_0012_3456;

export interface Received<T> {
  readonly packet: Ipv4Packet;
  readonly message: T;
}

/** Waits for something that comes with the event loop. */
export async function until<T>(look: () => T | undefined | false, what = String(look), ms = 10_000): Promise<T> {
  const end = performance.now() + ms;
  for (;;) {
    const found = look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > end) throw new Error(`never came: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

export class Guest {
  readonly address: Ipv4;
  readonly frames: Uint8Array[] = [];
  readonly arps: ArpPacket[] = [];
  readonly icmp: Received<IcmpMessage>[] = [];
  readonly udp: Received<UdpDatagram>[] = [];
  readonly tcp: Received<TcpSegment>[] = [];
  /** Does not keep what it receives, and so can receive any amount. */
  forgetful = false;
  readonly out: Wire;
  readonly in: Wire;
  private readonly sockets = new Map<string, GuestTcp>();
  private readonly listening = new Map<number, (socket: GuestTcp) => void>();
  private readonly reassembly = new Reassembly(() => performance.now());
  private nextPort = 40_000;

  constructor(net: NetBackend, { address = GUEST, faults = {}, seed = 1 }: { address?: Ipv4; faults?: Faults; seed?: number } = {}) {
    this.address = address;
    this.out = new Wire((frame) => net.send(frame), faults, seed);
    this.in = new Wire((frame) => this.receive(frame), faults, seed + 1);
    net.onFrame((frame) => this.in.put(frame));
  }

  sendFrame(type: number, payload: Uint8Array, destination: Mac): void {
    this.out.put(encodeEthernet({ destination, source: GUEST_MAC, type, payload }));
  }

  sendIp(packet: Partial<Ipv4Packet> & Pick<Ipv4Packet, 'destination' | 'protocol' | 'payload'>, mac: Mac = GATEWAY_MAC): void {
    const whole = { source: this.address, identification: 1, offset: 0, moreFragments: false, ...packet };
    this.sendFrame(ETHERTYPE.IPV4, encodeIpv4(whole), mac);
  }

  ask(targetIp: Ipv4, senderIp: Ipv4 = this.address): void {
    const request = { operation: ARP.REQUEST, senderMac: GUEST_MAC, senderIp, targetMac: 0, targetIp };
    this.sendFrame(ETHERTYPE.ARP, encodeArp(request), BROADCAST_MAC);
  }

  ping(destination: Ipv4, rest: number, payload: Uint8Array): void {
    this.sendIp({ destination, protocol: PROTOCOL.ICMP, payload: encodeIcmp({ type: 8, code: 0, rest, payload }) });
  }

  sendUdp(destination: Ipv4, destinationPort: number, payload: Uint8Array, sourcePort = 5000): void {
    this.sendIp({ destination, protocol: PROTOCOL.UDP, payload: encodeUdp({ sourcePort, destinationPort, payload }, this.address, destination) });
  }

  /** A segment made by hand. */
  sendTcp(destination: Ipv4, segment: Partial<TcpSegment> & Pick<TcpSegment, 'sourcePort' | 'destinationPort' | 'flags'>): void {
    const whole = { sequence: 0, acknowledgment: 0, window: 65535, mss: undefined, payload: new Uint8Array(0), ...segment };
    this.sendIp({ destination, protocol: PROTOCOL.TCP, payload: encodeTcp(whole, this.address, destination) });
  }

  connect(remote: Ipv4, remotePort: number): GuestTcp {
    const port = this.nextPort++;
    const socket = this.socket(remote, remotePort, port);
    socket.connect();
    return socket;
  }

  listen(port: number, accept: (socket: GuestTcp) => void): void {
    this.listening.set(port, accept);
  }

  private socket(remote: Ipv4, remotePort: number, port: number): GuestTcp {
    const socket = new GuestTcp((segment) => this.sendTcp(remote, { ...segment, sourcePort: port, destinationPort: remotePort }));
    this.sockets.set(`${remote} ${remotePort} ${port}`, socket);
    return socket;
  }

  private receive(frame: Uint8Array): void {
    if (!this.forgetful) this.frames.push(frame);
    const ethernet = decodeEthernet(frame)!;
    if (ethernet.destination !== GUEST_MAC && ethernet.destination !== BROADCAST_MAC) throw new Error('a frame for somebody else');
    if (ethernet.type === ETHERTYPE.ARP) this.receiveArp(decodeArp(ethernet.payload)!);
    else {
      const piece = decodeIpv4(ethernet.payload);
      if (piece === undefined) throw new Error('a damaged IPv4 packet');
      const packet = this.reassembly.add(piece);
      if (packet !== undefined) this.receiveIp(packet);
    }
  }

  private receiveArp(arp: ArpPacket): void {
    this.arps.push(arp);
    if (arp.operation !== ARP.REQUEST || arp.targetIp !== this.address) return;
    const reply = { operation: ARP.REPLY, senderMac: GUEST_MAC, senderIp: this.address, targetMac: arp.senderMac, targetIp: arp.senderIp };
    this.sendFrame(ETHERTYPE.ARP, encodeArp(reply), arp.senderMac);
  }

  private receiveIp(packet: Ipv4Packet): void {
    const { protocol, payload, source, destination } = packet;
    if (protocol === PROTOCOL.ICMP) this.icmp.push({ packet, message: sound(decodeIcmp(payload)) });
    else if (protocol === PROTOCOL.UDP) this.udp.push({ packet, message: sound(decodeUdp(payload, source, destination)) });
    else this.receiveTcp(packet, sound(decodeTcp(payload, source, destination)));
  }

  private receiveTcp(packet: Ipv4Packet, message: TcpSegment): void {
    if (!this.forgetful) this.tcp.push({ packet, message });
    const { sourcePort, destinationPort, flags } = message;
    const known = this.sockets.get(`${packet.source} ${sourcePort} ${destinationPort}`);
    const accept = this.listening.get(destinationPort);
    if (known !== undefined) known.receive(message);
    else if ((flags & SYN) !== 0 && accept !== undefined) {
      const socket = this.socket(packet.source, sourcePort, destinationPort);
      accept(socket);
      socket.receive(message);
    } else if ((flags & RST) === 0 && this.listening.size > 0) {
      const acknowledgment = (message.sequence + 1) >>> 0;
      this.sendTcp(packet.source, { sourcePort: destinationPort, destinationPort: sourcePort, flags: RST | 0x10, acknowledgment });
    }
  }
}

function sound<T>(message: T | undefined): T {
  if (message === undefined) throw new Error('a damaged message');
  return message;
}
