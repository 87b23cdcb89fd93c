/** ARP, DHCP, DNS, ICMP, UDP and TFTP, with time and sockets moved by hand. */
import { describe, expect, test } from 'vitest';
import { BROADCAST_IP, BROADCAST_MAC, type Mac, readMac, viewOf } from '../packets/addresses.ts';
import { ARP, decodeArp, encodeArp } from '../packets/arp.ts';
import { decodeEthernet, ETHERTYPE, encodeEthernet } from '../packets/ethernet.ts';
import { encodeIcmp } from '../packets/icmp.ts';
import { decodeIpv4, encodeIpv4, fragment, PROTOCOL } from '../packets/ipv4.ts';
import { encodeUdp } from '../packets/udp.ts';
import { DNS, GATEWAY, GATEWAY_MAC, GUEST, GUEST_MAC, ip } from './testing/guest.suite.ts';
import { Bench } from './testing/manual-host.suite.ts';

const NOTHING = new Uint8Array(0);
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('ARP', () => {
  const ask = (bench: Bench, targetIp: number, destination: Mac = BROADCAST_MAC) => {
    const arp = { operation: ARP.REQUEST, senderMac: GUEST_MAC, senderIp: GUEST, targetMac: 0, targetIp };
    bench.net.send(encodeEthernet({ destination, source: GUEST_MAC, type: ETHERTYPE.ARP, payload: encodeArp(arp) }));
    const frames = bench.frames.map((frame) => decodeEthernet(frame)!);
    bench.frames = [];
    return frames.map(({ destination, source, payload }) => ({ destination, source, arp: decodeArp(payload) }));
  };

  test.each([
    ['the gateway', '10.0.2.2', GATEWAY_MAC],
    ['the name server', '10.0.2.3', 0x5255_0a00_0203],
  ])('tells where %s is', (_, address, mac) => {
    const arp = { operation: ARP.REPLY, senderMac: mac, senderIp: ip(address), targetMac: GUEST_MAC, targetIp: GUEST };
    expect(ask(new Bench(), ip(address))).toEqual([{ destination: GUEST_MAC, source: mac, arp }]);
  });

  test.each(['10.0.2.15', '10.0.2.4', '10.0.3.2', '192.0.2.1'])('knows nothing of %s', (address) => {
    expect(ask(new Bench(), ip(address))).toEqual([]);
  });

  test('follows the network that was configured, and ignores frames for others', () => {
    const bench = new Bench({ net: '192.168.7.0/24', host: '192.168.7.1' });
    expect(ask(bench, ip('192.168.7.1')).length).toBe(1);
    expect(ask(bench, GATEWAY)).toEqual([]);
    expect(ask(bench, ip('192.168.7.1'), GUEST_MAC)).toEqual([]);
  });
});

describe('DHCP', () => {
  const MAC = GUEST_MAC;
  interface Reply {
    readonly your: number;
    readonly next: number;
    readonly file: string;
    readonly options: Map<number, number[]>;
    readonly transaction: number;
    readonly toMac: Mac;
    readonly toIp: number;
  }

  /** Sends a message as a client without an address does. */
  function ask(
    bench: Bench,
    type: number | undefined,
    {
      mac = MAC,
      options = [],
      flags = 0,
      client = 0,
      from = 0,
    }: { mac?: Mac; options?: number[]; flags?: number; client?: number; from?: number } = {},
  ): Reply | undefined {
    const message = new Uint8Array(300);
    const view = viewOf(message);
    message.set([1, 1, 6, 0]);
    view.setUint32(4, 0xdecafbad);
    view.setUint16(10, flags);
    view.setUint32(12, client);
    view.setUint16(28, Math.floor(mac / 2 ** 32));
    view.setUint32(30, mac % 2 ** 32);
    view.setUint32(236, 0x63825363);
    message.set([0, ...(type === undefined ? [] : [53, 1, type]), ...options, 255], 240);
    bench.frames = [];
    const payload = encodeUdp({ sourcePort: 68, destinationPort: 67, payload: message }, from, BROADCAST_IP);
    const packet = { source: from, destination: BROADCAST_IP, protocol: PROTOCOL.UDP, identification: 0, offset: 0, moreFragments: false, payload };
    bench.net.send(encodeEthernet({ destination: BROADCAST_MAC, source: mac, type: ETHERTYPE.IPV4, payload: encodeIpv4(packet) }));
    if (bench.frames.length === 0) return undefined;
    const frame = decodeEthernet(bench.frames[0])!;
    const answer = decodeIpv4(frame.payload)!;
    const [datagram] = bench.udp();
    expect(datagram).toMatchObject({ sourcePort: 67, destinationPort: 68, source: answer.source });
    const bytes = datagram.payload;
    expect(bytes[0]).toBe(2);
    expect(readMac(bytes, 28)).toBe(mac);
    const found = new Map<number, number[]>();
    for (let at = 240; bytes[at] !== 255; at += 2 + bytes[at + 1]) found.set(bytes[at], [...bytes.subarray(at + 2, at + 2 + bytes[at + 1])]);
    const reply = viewOf(bytes);
    return {
      your: reply.getUint32(16),
      next: reply.getUint32(20),
      file: Buffer.from(bytes.subarray(108, 236)).toString('latin1').replace(/\0+$/, ''),
      options: found,
      transaction: reply.getUint32(4),
      toMac: frame.destination,
      toIp: answer.destination,
    };
  }

  const wish = (address: string) => [50, 4, ...address.split('.').map(Number)];

  test('offers an address with all that belongs to it, and grants it', () => {
    const bench = new Bench({ hostname: 'calypso', bootfile: 'boot/kernel' });
    const offer = ask(bench, 1)!;
    expect(offer).toMatchObject({ your: GUEST, next: GATEWAY, file: 'boot/kernel', transaction: 0xdecafbad, toMac: MAC, toIp: GUEST });
    const expected = {
      1: [255, 255, 255, 0],
      3: [10, 0, 2, 2],
      6: [10, 0, 2, 3],
      12: [...Buffer.from('calypso')],
      51: [0, 1, 0x51, 0x80],
      53: [2],
      54: [10, 0, 2, 2],
    };
    expect(Object.fromEntries(offer.options)).toEqual(expected);
    const granted = ask(bench, 3, { options: [...wish('10.0.2.15'), 54, 4, 10, 0, 2, 2] })!;
    expect(granted.your).toBe(GUEST);
    expect(Object.fromEntries(granted.options)).toEqual({ ...expected, 53: [5] });
    expect(bench.net.busy).toBe(false);
  });

  test('gives each computer its own address, the same one again, and the one that it wishes for', () => {
    const bench = new Bench();
    expect(ask(bench, 1)!.your).toBe(GUEST);
    expect(ask(bench, 1, { mac: 0x5254_0000_0001 })!.your).toBe(ip('10.0.2.16'));
    expect(ask(bench, 1, { mac: 0x5254_0000_0002, options: wish('10.0.2.20') })!.your).toBe(ip('10.0.2.20'));
    expect(ask(bench, 1, { mac: 0x5254_0000_0003, options: wish('10.0.2.20') })!.your).toBe(ip('10.0.2.17'));
    expect(ask(bench, 1)!.your).toBe(GUEST);
  });

  test('renews what a computer brings along, and refuses what it cannot have', () => {
    const bench = new Bench();
    expect(ask(bench, 3, { options: wish('10.0.2.19') })).toMatchObject({ your: ip('10.0.2.19') });
    const renewed = ask(bench, 3, { client: ip('10.0.2.19'), from: ip('10.0.2.19') })!;
    expect(renewed).toMatchObject({ your: ip('10.0.2.19'), toIp: ip('10.0.2.19') });
    const refused = ask(bench, 3, { options: wish('192.168.0.5') })!;
    expect(refused).toMatchObject({ your: 0, toMac: BROADCAST_MAC, toIp: BROADCAST_IP });
    expect(refused.options.get(53)).toEqual([6]);
    expect(ask(bench, 3, { options: [...wish('10.0.2.19'), 54, 4, 10, 0, 2, 99] })).toBeUndefined();
  });

  test('takes an address back, and leaves alone one that is in use', () => {
    const bench = new Bench();
    ask(bench, 1);
    expect(ask(bench, 7, { client: GUEST, from: GUEST })).toBeUndefined();
    expect(ask(bench, 1, { mac: 0x5254_0000_0001 })!.your).toBe(GUEST);
    ask(bench, 4, { mac: 0x5254_0000_0001, options: wish('10.0.2.15') });
    expect(ask(bench, 1, { mac: 0x5254_0000_0001 })!.your).toBe(ip('10.0.2.16'));
  });

  test('goes on when all addresses are given away', () => {
    const bench = new Bench();
    for (let n = 0; n < 40; n++) expect(ask(bench, 1, { mac: 0x5254_0000_0100 + n })!.your - GUEST).toBe(n % 16);
  });

  test('answers to all when it is asked to, BOOTP without types, and INFORM without an address', () => {
    const bench = new Bench();
    expect(ask(bench, 1, { flags: 0x8000 })).toMatchObject({ toMac: BROADCAST_MAC, toIp: BROADCAST_IP });
    const bootp = ask(bench, undefined)!;
    expect(bootp.your).toBe(GUEST);
    expect([...bootp.options.keys()]).toEqual([1, 3, 6]);
    const inform = ask(bench, 8, { client: ip('10.0.2.77'), from: ip('10.0.2.77') })!;
    expect(inform).toMatchObject({ your: 0, toIp: ip('10.0.2.77') });
    expect(inform.options.has(51)).toBe(false);
  });

  test('with restrict=on tells of no way out', () => {
    const offer = ask(new Bench({ restrict: true }), 1)!;
    expect([...offer.options.keys()]).toEqual([53, 54, 51, 1]);
  });
});

describe('DNS', () => {
  const TYPE = { A: 1, PTR: 12, MX: 15, AAAA: 28 };

  function query(name: string, type: number, id = 0x1234): Uint8Array {
    const labels = name === '' ? [] : name.split('.').flatMap((label) => [label.length, ...Buffer.from(label)]);
    return Uint8Array.of(id >> 8, id & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, type, 0, 1);
  }

  async function ask(bench: Bench, bytes: Uint8Array) {
    bench.sendUdp(DNS, 53, bytes);
    await settled();
    const [answer] = bench.udp();
    if (answer === undefined) return undefined;
    expect(answer).toMatchObject({ source: DNS, sourcePort: 53, destinationPort: 1234 });
    const message = answer.payload;
    const view = viewOf(message);
    const records: string[] = [];
    let at = 12;
    while (at < message.length && message[at] !== 0) at += message[at] + 1;
    at += 5;
    for (let n = 0; n < view.getUint16(6); n++) {
      expect(view.getUint16(at)).toBe(0xc00c);
      const length = view.getUint16(at + 10);
      records.push(`${view.getUint16(at + 2)} ${view.getUint32(at + 6)} ${[...message.subarray(at + 12, at + 12 + length)].join(' ')}`);
      at += 12 + length;
    }
    return { id: view.getUint16(0), flags: view.getUint16(2), rcode: message[3] & 15, records, length: message.length };
  }

  function bench(): Bench {
    const made = new Bench();
    made.host.names.set('example.org', { ipv4: ['192.0.2.1', '192.0.2.2'], ipv6: ['2001:db8::5'] });
    made.host.reverse.set('192.0.2.1', 'www.example.org');
    return made;
  }

  test('finds the addresses of a name, however it is written', async () => {
    const answer = (await ask(bench(), query('eXample.ORG', TYPE.A)))!;
    expect(answer).toMatchObject({ id: 0x1234, flags: 0x8180, records: ['1 60 192 0 2 1', '1 60 192 0 2 2'] });
  });

  test('finds IPv6 addresses and the name of an address', async () => {
    expect((await ask(bench(), query('example.org', TYPE.AAAA)))!.records).toEqual(['28 60 32 1 13 184 0 0 0 0 0 0 0 0 0 0 0 5']);
    const name = [3, ...Buffer.from('www'), 7, ...Buffer.from('example'), 3, ...Buffer.from('org'), 0].join(' ');
    expect((await ask(bench(), query('1.2.0.192.in-addr.arpa', TYPE.PTR)))!.records).toEqual([`12 60 ${name}`]);
  });

  test.each([
    ['of a name that does not exist', query('nowhere.example', TYPE.A), 3],
    ['of an address without a name', query('9.2.0.192.in-addr.arpa', TYPE.PTR), 3],
    ['of another type', query('example.org', TYPE.MX), 2],
    ['of nonsense for an address', query('x.in-addr.arpa', TYPE.PTR), 2],
    ['of a name with unprintable letters', query('exa\x01mple.org', TYPE.A), 2],
    ['of the root', query('', TYPE.A), 2],
    ['of another class', query('example.org', TYPE.A).with(-1, 3), 4],
    ['that is no query', query('example.org', TYPE.A).with(2, 0x28), 4],
    ['that ends in the middle', query('example.org', TYPE.A).subarray(0, 20), 1],
    ['with a pointer in the name', query('example.org', TYPE.A).with(12, 0xc0), 1],
    ['with two questions', query('example.org', TYPE.A).with(5, 2), 1],
  ])('answers a question %s with its code', async (_, bytes, rcode) => {
    expect(await ask(bench(), bytes)).toMatchObject({ rcode, records: [] });
  });

  test('tells a name without addresses of a kind from one that does not exist', async () => {
    const made = bench();
    made.host.names.set('only6.example', { ipv4: [], ipv6: ['::1'] });
    expect(await ask(made, query('only6.example', TYPE.A))).toMatchObject({ rcode: 0, records: [] });
  });

  test('gives as many addresses as fit into a datagram', async () => {
    const made = bench();
    made.host.names.set('many.example', { ipv4: Array.from({ length: 200 }, (_, n) => `192.0.2.${n}`), ipv6: [] });
    const answer = (await ask(made, query('many.example', TYPE.A)))!;
    expect(answer.length).toBeLessThanOrEqual(512);
    expect(answer.records.length).toBe(30);
  });

  test('is waited for while the host looks, and fails when the host cannot tell', async () => {
    const made = bench();
    let fail: (error: Error) => void = () => {};
    made.host.names.set(
      'slow.example',
      new Promise((_, reject) => {
        fail = reject;
      }),
    );
    expect(await ask(made, query('slow.example', TYPE.A))).toBeUndefined();
    expect(made.net.busy).toBe(true);
    fail(new Error('EAI_AGAIN'));
    await settled();
    expect(made.udp()[0].payload[3] & 15).toBe(2);
    expect(made.net.busy).toBe(false);
  });

  test('with restrict=on refuses', async () => {
    const made = new Bench({ restrict: true });
    made.host.names.set('example.org', { ipv4: ['192.0.2.1'], ipv6: [] });
    expect(await ask(made, query('example.org', TYPE.A))).toMatchObject({ rcode: 5, records: [] });
  });

  test('is not answered to an answer', async () => {
    expect(await ask(bench(), query('example.org', TYPE.A).with(2, 0x81))).toBeUndefined();
  });
});

describe('ICMP', () => {
  const echo = (payload: Uint8Array) => encodeIcmp({ type: 8, code: 0, rest: 0xabcd0001, payload });

  test.each([GATEWAY, DNS])('an echo to the gateway or the name server comes back', (address) => {
    const bench = new Bench();
    bench.sendIp(address, PROTOCOL.ICMP, echo(Uint8Array.of(1, 2, 3)));
    expect(bench.icmp()).toEqual([{ type: 0, code: 0, rest: 0xabcd0001, payload: Uint8Array.of(1, 2, 3) }]);
  });

  test.each(['192.0.2.1', '10.0.2.99'])('an echo to %s is unreachable', (address) => {
    const bench = new Bench();
    bench.sendIp(ip(address), PROTOCOL.ICMP, echo(NOTHING));
    expect(bench.icmp()).toMatchObject([{ type: 3, code: 1 }]);
  });

  test('an echo too large for a frame goes both ways in fragments', () => {
    const bench = new Bench();
    const payload = Uint8Array.from({ length: 5000 }, (_, n) => n);
    const whole = { source: GUEST, destination: GATEWAY, protocol: PROTOCOL.ICMP, identification: 7, offset: 0, moreFragments: false };
    const pieces = fragment({ ...whole, payload: echo(payload) });
    for (const piece of pieces.reverse()) {
      bench.net.send(encodeEthernet({ destination: GATEWAY_MAC, source: GUEST_MAC, type: ETHERTYPE.IPV4, payload: encodeIpv4(piece) }));
    }
    expect(bench.frames.length).toBe(4);
    expect(bench.frames.every((frame) => frame.length <= 1514)).toBe(true);
    const answers = bench.frames.map((frame) => decodeIpv4(decodeEthernet(frame)!.payload)!);
    expect(answers.map(({ offset, moreFragments }) => [offset, moreFragments])).toEqual([
      [0, true],
      [1480, true],
      [2960, true],
      [4440, false],
    ]);
    expect(Buffer.concat(answers.map(({ payload }) => payload)).subarray(8)).toEqual(Buffer.from(payload));
  });

  test('fragments that overlap, or whose rest never comes, are forgotten', () => {
    const bench = new Bench();
    const message = echo(new Uint8Array(40));
    const send = (identification: number, offset: number, end: number, moreFragments: boolean) => {
      const payload = message.subarray(offset, end);
      const packet = { source: GUEST, destination: GATEWAY, protocol: PROTOCOL.ICMP, identification, offset, moreFragments, payload };
      bench.net.send(encodeEthernet({ destination: GATEWAY_MAC, source: GUEST_MAC, type: ETHERTYPE.IPV4, payload: encodeIpv4(packet) }));
    };
    send(1, 0, 24, true);
    send(1, 16, 48, false);
    send(2, 0, 24, true);
    bench.host.pass(31_000);
    send(2, 24, 48, false);
    expect(bench.icmp()).toEqual([]);
    send(3, 24, 48, false);
    send(3, 24, 48, false);
    send(3, 0, 24, true);
    expect(bench.icmp().length).toBe(1);
  });

  test('packets of unknown protocols are refused, but never what was for many', () => {
    const bench = new Bench();
    bench.sendIp(GATEWAY, 132, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
    expect(bench.icmp()).toMatchObject([{ type: 3, code: 2 }]);
    for (const address of ['255.255.255.255', '10.0.2.255', '224.0.0.1', '127.0.0.1', '0.1.2.3']) bench.sendIp(ip(address), 132, NOTHING);
    expect(bench.frames).toEqual([]);
  });
});

describe('UDP', () => {
  test('reaches the host under the name of the gateway, and the answer comes back', () => {
    const bench = new Bench();
    bench.sendUdp(GATEWAY, 7, 'ping');
    const [socket] = bench.host.sockets;
    expect(socket.sent).toEqual([{ text: 'ping', to: { address: '127.0.0.1', port: 7 } }]);
    expect(bench.net.busy).toBe(true);
    socket.received(Buffer.from('pong'), { address: '127.0.0.1', port: 7 });
    expect(bench.net.busy).toBe(false);
    expect(bench.udp()).toMatchObject([{ source: GATEWAY, sourcePort: 7, destinationPort: 1234, text: 'pong' }]);
  });

  test('uses one socket of the host for one of the guest, and lets nobody in who was not asked', () => {
    const bench = new Bench();
    bench.sendUdp(GATEWAY, 7, 'a');
    bench.sendUdp(ip('192.0.2.1'), 9, 'b');
    bench.sendUdp(GATEWAY, 7, 'c', 77);
    expect(bench.host.sockets.map(({ sent }) => sent.length)).toEqual([2, 1]);
    expect(bench.host.sockets[0].sent[1].to).toEqual({ address: '192.0.2.1', port: 9 });
    bench.host.sockets[0].received(Buffer.from('from another port'), { address: '192.0.2.1', port: 5000 });
    bench.host.sockets[0].received(Buffer.from('stranger'), { address: '192.0.2.9', port: 9 });
    expect(bench.udp()).toMatchObject([{ source: ip('192.0.2.1'), sourcePort: 5000, text: 'from another port' }]);
  });

  test('closes sockets that are idle for two minutes, and stops waiting for an answer much earlier', () => {
    const bench = new Bench();
    bench.sendUdp(GATEWAY, 7, 'a');
    bench.host.pass(300);
    expect(bench.net.busy).toBe(false);
    bench.host.pass(100_000);
    bench.host.sockets[0].received(Buffer.from('still there'), { address: '127.0.0.1', port: 7 });
    bench.host.pass(100_000);
    expect(bench.host.sockets[0].closed).toBe(false);
    bench.host.pass(60_000);
    expect(bench.host.sockets[0].closed).toBe(true);
    expect(bench.host.runningTimers).toBe(0);
    bench.sendUdp(GATEWAY, 7, 'b');
    expect(bench.host.sockets.length).toBe(2);
  });

  test('keeps a bounded number of sockets', () => {
    const bench = new Bench();
    for (let port = 1; port <= 1000; port++) bench.sendUdp(GATEWAY, 7, 'a', port);
    expect(bench.host.sockets.filter(({ closed }) => !closed).length).toBe(256);
  });

  test('carries as much as a datagram can, in fragments', () => {
    const bench = new Bench();
    bench.sendUdp(GATEWAY, 7, 'a');
    bench.host.sockets[0].received(new Uint8Array(65_507), { address: '127.0.0.1', port: 7 });
    expect(bench.frames.length).toBe(45);
  });

  test.each([
    ['in the guest network that nobody has', {}, '10.0.2.99', 1],
    ['of the name server', {}, '10.0.2.3', 3],
    ['of the host, with restrict=on', { restrict: true }, '10.0.2.2', 13],
    ['outside, with restrict=on', { restrict: true }, '192.0.2.1', 13],
  ])('to an address %s is unreachable', (_, options, address, code) => {
    const bench = new Bench(options);
    bench.sendUdp(ip(address), 7, 'hello');
    expect(bench.icmp()).toMatchObject([{ type: 3, code }]);
    expect(bench.host.sockets).toEqual([]);
  });

  test('through a forwarded port finds the way back to each client', async () => {
    const bench = new Bench({ hostfwd: ['udp::5353-10.0.2.15:53'], restrict: true });
    await bench.net.openForwards();
    bench.sendUdp(DNS, 9, 'here I am');
    bench.frames = [];
    const [socket] = bench.host.sockets;
    socket.received(Buffer.from('one'), { address: '127.0.0.1', port: 40_001 });
    socket.received(Buffer.from('two'), { address: '192.0.2.1', port: 40_002 });
    expect(bench.udp()).toMatchObject([
      { source: GATEWAY, sourcePort: 40_001, destinationPort: 53, text: 'one' },
      { source: ip('192.0.2.1'), sourcePort: 40_002, destinationPort: 53, text: 'two' },
    ]);
    bench.sendUdp(ip('192.0.2.1'), 40_002, 'answer two', 53);
    bench.sendUdp(GATEWAY, 40_001, 'answer one', 53);
    bench.sendUdp(GATEWAY, 40_003, 'nobody', 53);
    expect(socket.sent).toEqual([
      { text: 'answer two', to: { address: '192.0.2.1', port: 40_002 } },
      { text: 'answer one', to: { address: '127.0.0.1', port: 40_001 } },
    ]);
  });

  test('from an address that no guest can have is dropped', () => {
    const bench = new Bench();
    for (const address of ['10.0.2.2', '10.0.2.3', '10.0.2.255', '192.0.2.1', '127.0.0.1', '0.0.0.0']) {
      bench.guest = ip(address);
      bench.sendUdp(GATEWAY, 7, 'hello');
    }
    expect(bench.host.sockets).toEqual([]);
    expect(bench.frames).toEqual([]);
  });
});

describe('TFTP', () => {
  const request = (...strings: string[]) => Uint8Array.of(0, 1, ...strings.flatMap((text) => [...Buffer.from(text), 0]));
  const ack = (block: number) => Uint8Array.of(0, 4, block >> 8, block & 255);
  const content = (length: number) => Uint8Array.from({ length }, (_, n) => n * 7);

  function bench(size: number): Bench {
    const made = new Bench({ tftp: 'folder' });
    made.host.files.set('folder:kernel', content(size));
    return made;
  }

  /** Downloads, and gives the blocks. */
  function download(made: Bench, ...options: string[]): Uint8Array {
    made.sendUdp(GATEWAY, 69, request('kernel', 'OCTET', ...options));
    const blocks: Uint8Array[] = [];
    for (let n = 0; n < 200_000; n++) {
      const [message] = made.udp();
      if (message === undefined) break;
      const [, opcode] = message.payload;
      if (opcode === 3) blocks.push(message.payload.subarray(4));
      made.sendUdp(GATEWAY, 69, opcode === 6 ? ack(0) : ack(viewOf(message.payload).getUint16(2)));
    }
    return Buffer.concat(blocks);
  }

  test.each([0, 1, 511, 512, 513, 5000])('gives a file of %i bytes, and closes it', (size) => {
    const made = bench(size);
    expect(download(made)).toEqual(Buffer.from(content(size)));
    expect(made.host.openFiles).toBe(0);
    expect(made.host.runningTimers).toBe(0);
  });

  test('gives more blocks than a message can count', () => {
    const size = 70_000 * 8;
    expect(download(bench(size), 'blksize', '8')).toEqual(Buffer.from(content(size)));
  });

  test('agrees on a block size and tells the size of the file', () => {
    const made = bench(3000);
    made.sendUdp(GATEWAY, 69, request('kernel', 'octet', 'tsize', '0', 'blksize', '65464', 'windowsize', '8'));
    expect(made.udp()[0].text).toBe('\0\x06tsize\x003000\0blksize\x001468\0');
    made.sendUdp(GATEWAY, 69, ack(0));
    expect(made.udp()[0].payload.length).toBe(4 + 1468);
  });

  test('repeats a block that is not acknowledged, a few times', () => {
    const made = bench(3000);
    made.sendUdp(GATEWAY, 69, request('kernel', 'octet'));
    made.host.pass(60_000);
    const blocks = made.udp();
    expect(blocks.length).toBe(6);
    expect(new Set(blocks.map(({ text }) => text)).size).toBe(1);
    expect(made.host.openFiles).toBe(0);
  });

  test('goes on once only when an acknowledgment comes twice', () => {
    const made = bench(3000);
    made.sendUdp(GATEWAY, 69, request('kernel', 'octet'));
    made.sendUdp(GATEWAY, 69, ack(1));
    made.sendUdp(GATEWAY, 69, ack(1));
    expect(made.udp().map(({ payload }) => payload[3])).toEqual([1, 2]);
  });

  test.each([
    ['a file that is not there', request('other', 'octet'), 1],
    ['another mode', request('kernel', 'netascii'), 4],
    ['half a request', Uint8Array.of(0, 1, 65, 66), 4],
    ['writing', Uint8Array.of(0, 2, 65, 0), 2],
    ['an acknowledgment of nothing', ack(3), 5],
    ['an unknown operation', Uint8Array.of(0, 9, 0, 0), 4],
  ])('answers %s with an error', (_, bytes, code) => {
    const made = bench(10);
    made.sendUdp(GATEWAY, 69, bytes);
    expect([...made.udp()[0].payload.subarray(0, 4)]).toEqual([0, 5, 0, code]);
  });

  test('opens a bounded number of files, and all are closed with the network', async () => {
    const made = bench(3000);
    for (let port = 1; port < 50; port++) made.sendUdp(GATEWAY, 69, request('kernel', 'octet'), port);
    expect(made.host.openFiles).toBe(8);
    await made.net.close();
    expect(made.host.openFiles).toBe(0);
    expect(made.host.runningTimers).toBe(0);
  });

  test('is not there without tftp=', () => {
    const made = new Bench();
    made.sendUdp(GATEWAY, 69, request('kernel', 'octet'));
    expect(made.host.sockets[0].sent[0].to).toEqual({ address: '127.0.0.1', port: 69 });
  });
});
