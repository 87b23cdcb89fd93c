/** The gateway's end of the wire: its two addresses, who answers where (ARP, RFC 826), IPv4 packets in and out. */
import { ARP, type ArpPacket, decodeArp, encodeArp } from '../packets/arp.ts';
import { BROADCAST_IP, BROADCAST_MAC, type Ipv4, type Mac } from '../packets/addresses.ts';
import { decodeEthernet, ETHERTYPE, encodeEthernet } from '../packets/ethernet.ts';
import { decodeIpv4, encodeIpv4, fragment, type Ipv4Packet } from '../packets/ipv4.ts';
import { isHostIn, type UserNetConfig } from './config.ts';

/** Neighbours that are remembered; a guest can invent as many as it likes. */
const MAX_NEIGHBOURS = 256;
/** Packets that wait for somebody to say where their receiver is. */
const MAX_WAITING = 16;

/** What goes to the guest. */
export type Outgoing = Pick<Ipv4Packet, 'source' | 'destination' | 'protocol' | 'payload'>;

export class Link {
  private readonly config: UserNetConfig;
  private readonly emit: (frame: Uint8Array) => void;
  private readonly neighbours = new Map<Ipv4, Mac>();
  private waiting: Outgoing[] = [];
  private identification = 0;

  constructor(config: UserNetConfig, emit: (frame: Uint8Array) => void) {
    this.config = config;
    this.emit = emit;
  }

  /** The IPv4 packet in a frame and who sent it, if it is for the gateway or for all. ARP is answered here. */
  receive(frame: Uint8Array): { packet: Ipv4Packet; from: Mac } | undefined {
    const ethernet = decodeEthernet(frame);
    if (ethernet === undefined) return undefined;
    const { destination, source, type, payload } = ethernet;
    const { host, dns } = this.config;
    if (destination !== BROADCAST_MAC && destination !== macOf(host) && destination !== macOf(dns)) return undefined;
    if (type === ETHERTYPE.ARP) {
      const arp = decodeArp(payload);
      if (arp !== undefined) this.resolve(arp);
      return undefined;
    }
    const packet = type === ETHERTYPE.IPV4 ? decodeIpv4(payload) : undefined;
    if (packet === undefined) return undefined;
    this.learn(packet.source, source);
    return { packet, from: source };
  }

  /** Sends a packet, in fragments if need be, to the receiver's Ethernet address or to the one that is given. */
  send(outgoing: Outgoing, to: Mac | undefined = this.addressOf(outgoing.destination)): void {
    if (to === undefined) return this.ask(outgoing);
    this.identification = (this.identification + 1) & 0xffff;
    const { source } = outgoing;
    const from = macOf(source === this.config.dns ? source : this.config.host);
    for (const packet of fragment({ ...outgoing, identification: this.identification, offset: 0, moreFragments: false })) {
      this.emit(encodeEthernet({ destination: to, source: from, type: ETHERTYPE.IPV4, payload: encodeIpv4(packet) }));
    }
  }

  private addressOf(ip: Ipv4): Mac | undefined {
    return ip === BROADCAST_IP ? BROADCAST_MAC : this.neighbours.get(ip);
  }

  private ask(outgoing: Outgoing): void {
    if (this.waiting.length === MAX_WAITING) this.waiting.shift();
    this.waiting.push(outgoing);
    const { host } = this.config;
    this.answer({ operation: ARP.REQUEST, senderMac: macOf(host), senderIp: host, targetMac: 0, targetIp: outgoing.destination }, BROADCAST_MAC);
  }

  private resolve({ operation, senderMac, senderIp, targetIp }: ArpPacket): void {
    this.learn(senderIp, senderMac);
    if (operation !== ARP.REQUEST || (targetIp !== this.config.host && targetIp !== this.config.dns)) return;
    this.answer({ operation: ARP.REPLY, senderMac: macOf(targetIp), senderIp: targetIp, targetMac: senderMac, targetIp: senderIp }, senderMac);
  }

  private answer(arp: ArpPacket, destination: Mac): void {
    this.emit(encodeEthernet({ destination, source: arp.senderMac, type: ETHERTYPE.ARP, payload: encodeArp(arp) }));
  }

  /** A sender without an address yet, or under one of the gateway's, teaches nothing. */
  private learn(ip: Ipv4, mac: Mac): void {
    if (!isGuest(this.config, ip) || isMulticast(mac)) return;
    const known = this.neighbours.get(ip);
    if (known === mac) return;
    if (known === undefined && this.neighbours.size === MAX_NEIGHBOURS) this.neighbours.delete(this.neighbours.keys().next().value!);
    this.neighbours.set(ip, mac);
    const ready = this.waiting.filter(({ destination }) => destination === ip);
    this.waiting = this.waiting.filter(({ destination }) => destination !== ip);
    for (const outgoing of ready) this.send(outgoing, mac);
  }
}

/** An address that a guest may have. */
export function isGuest(config: UserNetConfig, ip: Ipv4): boolean {
  return isHostIn(config, ip) && ip !== config.host && ip !== config.dns;
}

/** The gateway's Ethernet addresses are locally administered and end with the IPv4 address, as QEMU's do. */
export function macOf(ip: Ipv4): Mac {
  return 0x5255 * 2 ** 32 + ip;
}

/** The lowest bit of an Ethernet address' first byte. */
function isMulticast(mac: Mac): boolean {
  return Math.floor(mac / 2 ** 40) % 2 === 1;
}
