/** What clients of any kind get: conversations packet by packet, and broken clients that must not break the next one. */
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { ByteStream } from '../host/host.ts';
import { COUNT, type Served, type ServeOptions, serveBench } from './gdb.suite.ts';
import { encodePacket, latin1, PACKET_BYTES, PacketDecoder } from './packets.ts';

let served: Served;
afterEach(() => served.close());

/** The client's end of a connection that is made without a socket. */
class Client {
  /** All that was received, in pieces. */
  raw = '';
  closed = false;
  private readonly decoder = new PacketDecoder();
  private readonly packets: string[] = [];
  private server: Parameters<ByteStream['listen']>[0] | undefined;
  private wake: () => void = () => {};

  constructor({ server }: Served) {
    server.admit({
      write: (bytes) => this.receive(bytes),
      drained: async () => {},
      listen: (listener) => {
        this.server = listener;
      },
      end: () => {
        this.closed = true;
        this.wake();
      },
    });
  }

  private receive(bytes: Uint8Array): void {
    this.raw += String.fromCharCode(...bytes);
    for (const received of this.decoder.push(bytes)) if (received.kind === 'packet') this.packets.push(received.payload);
    this.wake();
  }

  sendRaw(text: string): void {
    this.server?.data(latin1(text));
  }

  /** The next packet from the server; undefined when it has hung up. */
  async next(): Promise<string | undefined> {
    while (this.packets.length === 0 && !this.closed) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    return this.packets.shift();
  }

  ask(payload: string): Promise<string | undefined> {
    this.server?.data(encodePacket(payload));
    return this.next();
  }

  vanish(): void {
    this.closed = true;
    this.server?.close();
  }
}

async function connect(options: Partial<ServeOptions> = {}): Promise<Client> {
  served = await serveBench({ replay: true, ...options });
  return new Client(served);
}

/** Asks in turn, and gives the conversation. */
async function converse(client: Client, ...payloads: string[]): Promise<[string, string | undefined][]> {
  const conversation: [string, string | undefined][] = [];
  for (const payload of payloads) conversation.push([payload, await client.ask(payload)]);
  return conversation;
}
const stop = (pc: string, lr: string, cpsr: string, reason = ''): string => `T05thread:1;0d:00f00000;0e:${lr};0f:${pc};19:${cpsr};${reason}`;

describe('a conversation', () => {
  it('about what there is', async () => {
    const client = await connect();
    const said: [string, string][] = [
      [
        'qSupported:swbreak+;hwbreak+',
        'PacketSize=4000;qXfer:features:read+;qXfer:memory-map:read+;QStartNoAckMode+;vContSupported+;swbreak+;hwbreak+;ReverseStep+;ReverseContinue+',
      ],
      ['vMustReplyEmpty', ''],
      ['?', stop('00800000', '00000000', '13000000')],
      ['qC', 'QC1'],
      ['qfThreadInfo', 'm1'],
      ['qsThreadInfo', 'l'],
      ['qAttached', '1'],
      ['Hg0', 'OK'],
      ['T1', 'OK'],
      ['T2', 'E16'],
      ['vCont?', 'vCont;c;C;s;S;t'],
      ['qXfer:features:read:target.xml:0,16', 'm<?xml version="1.0"?>\n'],
      ['qXfer:features:read:other.xml:0,16', 'E00'],
      ['qXfer:features:read:target.xml:ffffff,16', 'E01'],
      ['qXfer:nothing:read::0,16', ''],
      ['qNothing', ''],
      ['', ''],
    ];
    expect(await converse(client, ...said.map(([payload]) => payload))).toEqual(said);
  });

  it('about registers and memory', async () => {
    const client = await connect();
    const said: [string, string][] = [
      ['p3', '00900000'],
      ['p19', '13000000'],
      ['p2a', '00000000'],
      ['p10', 'E16'],
      ['pzz', 'E16'],
      [`m${COUNT.toString(16)},2`, '0000'],
      ['m8000,8', '0880a0e13d0000eb'],
      ['mffffe,8', '0000'],
      ['m10000000,4', 'E0e'],
      ['m8000', 'E16'],
      ['m8000,ffffffffffffff', 'E16'],
      ['m-1,4', 'E16'],
      ['X9000,0:', 'OK'],
      ['M9000,2:0102', 'E.a replay is read-only; monitor fork FILE makes a recording that can be changed'],
      ['P1=00000000', 'E.a replay is read-only; monitor fork FILE makes a recording that can be changed'],
      ['qqemu.PhyMemMode', '0'],
      ['Qqemu.PhyMemMode:1', 'OK'],
      ['qqemu.PhyMemMode', '1'],
      ['m80008000,4', '0880a0e1'],
      ['Qqemu.PhyMemMode:2', 'E22'],
    ];
    expect(await converse(client, ...said.map(([payload]) => payload))).toEqual(said);
    expect((await client.ask('m0,fffff'))?.length).toBe(PACKET_BYTES);
    const all = await client.ask('g');
    expect(all?.slice(3 * 8, 4 * 8)).toBe('00900000');
    expect(all?.length).toBe(2 * (17 * 4 + 16 * 8 + 11 * 4 + 8));
  });

  it('that changes the guest, where that is allowed', async () => {
    const client = await connect({ replay: false });
    const said: [string, string][] = [
      ['M9100,2:0102', 'OK'],
      ['X9102,3:\x03#}', 'OK'],
      ['m9100,6', '010203237d00'],
      ['M9100,3:0102', 'E16'],
      ['M9100,2:01zz', 'E16'],
      ['Mfffff,2:0102', 'E0e'],
      ['P1=78563412', 'OK'],
      ['p1', '78563412'],
      ['P1=7856', 'E16'],
      ['P19=d0000000', 'OK'],
      ['p19', 'd0000000'],
      ['P1a=0102030405060708', 'OK'],
      ['p1a', '0102030405060708'],
      ['P34=00000000', 'E.register c13_context_id cannot be written'],
      ['G00', 'E16'],
      ['bs', ''],
    ];
    expect(await converse(client, ...said.map(([payload]) => payload))).toEqual(said);
    const all = (await client.ask('g'))!;
    expect(await client.ask(`G${all.replace('78563412', '44332211')}`)).toBe('OK');
    expect(await client.ask('p1')).toBe('44332211');
  });

  it('that runs the machine, both ways', async () => {
    const client = await connect();
    const CPSR = '13000000';
    const LR = '08800000';
    const said: [string, string][] = [
      ['qSupported:swbreak+', expect.any(String)],
      ['bs', stop('00800000', '00000000', CPSR, 'replaylog:begin;')],
      ['s', stop('04800000', '00000000', CPSR)],
      ['Z0,8108,4', 'OK'],
      ['vCont;c', stop('08810000', LR, CPSR, 'swbreak:;')],
      ['z0,8108,4', 'OK'],
      ['Z1,8100,4', 'OK'],
      ['vCont;c:1', stop('00810000', LR, CPSR, 'hwbreak:;')],
      ['Z2,9000,4', 'OK'],
      ['vCont;C05:1', stop('0c810000', LR, CPSR, 'watch:9000;')],
      // gdb believes that the access has not happened yet, and makes a step that must not go further.
      ['vCont;s:1', stop('0c810000', LR, CPSR)],
      ['vCont;s:1', stop('10810000', LR, CPSR)],
      ['bs', stop('0c810000', LR, CPSR)],
      ['bs', stop('08810000', LR, CPSR, 'watch:9000;')],
      ['bs', stop('08810000', LR, CPSR)],
      ['bc', stop('00810000', LR, CPSR, 'hwbreak:;')],
      ['bc', stop('08810000', LR, CPSR, 'watch:9000;')],
      ['z2,9000,4', 'OK'],
      ['z1,8100,4', 'OK'],
      ['c', stop('00810000', LR, '13000040', 'replaylog:end;')],
      ['bc', stop('00800000', '00000000', CPSR, 'replaylog:begin;')],
      ['vCont;x', 'E16'],
      ['vCont;t', expect.stringMatching(/^T02thread:1;/)],
      ['Z5,0,4', ''],
      ['Z2,9000,0', 'E16'],
      ['Z0,100000000,4', 'E16'],
      ['Z0', 'E16'],
    ];
    expect(await converse(client, ...said.map(([payload]) => payload))).toEqual(said);
  });

  it('with the monitor, in pieces if it has much to say', async () => {
    const client = await connect();
    const hex = (text: string): string => Buffer.from(text).toString('hex');
    expect([await client.ask(`qRcmd,${hex('info x')}`), await client.next()]).toEqual([`O${hex('you said: info x\n')}`, 'OK']);
    expect([await client.ask(`qRcmd,${hex('fail')}`), await client.next()]).toEqual([`O${hex('Error: no such thing\n')}`, 'OK']);
    expect(await client.ask('qRcmd,abc')).toBe('E16');
    let text = await client.ask(`qRcmd,${hex('long')}`);
    for (let more = await client.next(); more !== 'OK'; more = await client.next()) {
      expect(more!.length).toBeLessThanOrEqual(PACKET_BYTES);
      text += more!.slice(1);
    }
    expect(text!.length).toBe(1 + 2 * ('you said: long\n'.length + 20_001));
  });

  it('is acknowledged until the client wants it otherwise', async () => {
    const client = await connect();
    client.sendRaw('$qC#b4');
    await client.next();
    expect(client.raw).toBe('+$QC1#c5');
    client.sendRaw('-');
    await client.next();
    expect(client.raw).toBe('+$QC1#c5$QC1#c5');
    client.sendRaw('+$qC#00');
    expect(client.raw).toBe('+$QC1#c5$QC1#c5-');
    await client.ask('QStartNoAckMode');
    client.raw = '';
    client.sendRaw('+$qC#00$qC#b4');
    await client.next();
    expect(client.raw).toBe('$QC1#c5');
  });

  it('with lldb: no step is believed to be due, and errors are numbers', async () => {
    const client = await connect();
    expect(await client.ask('qHostInfo')).toContain('watchpoint_exceptions_received:after;');
    await converse(client, 'Z2,9000,4', 'c');
    const [[, stepped], [, refused]] = await converse(client, 's', 'M9000,1:00');
    expect(stepped).toContain('0f:10810000;');
    expect(refused).toBe('E01');
  });
});

describe('a machine that runs', () => {
  const LONG = 3_000_000;

  it('is stopped by Ctrl-C, and by nothing else', async () => {
    const client = await connect({ replay: false, end: LONG });
    client.sendRaw('\x03');
    client.sendRaw('$c#63');
    await new Promise((resolve) => setTimeout(resolve, 20));
    client.sendRaw('garbage$x#00\x03');
    expect(await client.next()).toMatch(/^T02thread:1;/);
    expect(served.time.now()).toBeGreaterThan(0);
    expect(served.time.now()).toBeLessThan(LONG);
  });

  it('is gone when it has come to its end', async () => {
    const client = await connect({ replay: false, end: 100 });
    expect(await client.ask('c')).toBe('W00');
  });
});

describe('clients come and go', () => {
  it('detach leaves no breakpoint behind', async () => {
    const client = await connect();
    await client.ask('Z0,8108,4');
    expect(await client.ask('D')).toBe('OK');
    expect(client.closed).toBe(true);
    const next = new Client(served);
    expect(await next.ask('c')).toContain('replaylog:end');
    expect(served.asked).toEqual(['attach', 'detach', 'attach']);
  });

  it('kill ends the session', async () => {
    const client = await connect();
    client.sendRaw('$k#6b');
    expect(await client.next()).toBeUndefined();
    await served.server.close();
    expect(served.asked).toEqual(['attach', 'kill']);
  });

  it('kill by process is acknowledged', async () => {
    const client = await connect();
    expect(await client.ask('vKill;1')).toBe('OK');
    await served.server.close();
    expect(served.asked).toEqual(['attach', 'kill']);
  });

  it('a second one is refused, and the first one does not notice', async () => {
    const client = await connect();
    const second = new Client(served);
    expect([second.closed, await second.next()]).toEqual([true, undefined]);
    expect(await client.ask('qC')).toBe('QC1');
  });

  it.each([
    ['while the machine runs', '$c#63'],
    ['while it runs backwards', '$bc#c5'],
    ['in the middle of a packet', '$m8000,'],
    ['in the middle of a checksum', '$g#6'],
    ['with an interrupt on its way', '$c#63\x03'],
    ['behind a lot of noise', `${'$'.repeat(1000)}}${'\xff'.repeat(1000)}`],
    ['while it sends a packet without an end', `$M0,ffffffff:${'00'.repeat(100_000)}`],
  ])('one vanishes %s: the next one is well', async (_, last) => {
    const client = await connect({ end: 200_000 });
    await served.time.seek(served.time.end);
    await converse(client, 'Z2,f000,4', 'Z0,8104,4');
    client.sendRaw(last);
    client.vanish();
    const next = new Client(served);
    expect(await next.ask('qC')).toBe('QC1');
    expect(await next.ask('s')).toMatch(/^T05/);
    expect(await next.ask('bs')).toMatch(/^T05/);
    expect(served.time.cpu.watching()).toBe(false);
    expect(served.asked).toEqual(['attach', 'detach', 'attach']);
  });

  it('one that sends packets at random always gets an answer', async () => {
    const client = await connect({ replay: false, end: 2000 });
    const part = fc.oneof(
      fc.constantFrom(
        'm',
        'M',
        'X',
        'p',
        'P',
        'g',
        'G',
        'Z',
        'z',
        'c',
        's',
        'C',
        'S',
        'bs',
        'bc',
        'vCont;',
        'v',
        'q',
        'Q',
        'H',
        'T',
        '?',
        'qXfer:features:read:',
        'qRcmd,',
      ),
      fc.constantFrom(
        ',',
        ':',
        ';',
        '=',
        '0',
        '1',
        '2',
        '4',
        '8000',
        '9000',
        'ffffffff',
        'ffffffffffffffffff',
        '-1',
        'deadbeef',
        'target.xml',
        '\xff',
        '}',
        '*',
        '#',
      ),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 7 }), async (parts) => {
        const payload = parts.join('');
        // Console output comes before the answer.
        let reply = await client.ask(payload);
        while (reply?.startsWith('O') && reply !== 'OK') reply = await client.next();
        expect(reply, payload).toBeDefined();
      }),
      { numRuns: 400 },
    );
    expect(await client.ask('qC')).toBe('QC1');
  });

  it('one that asks for too much is told, or cut off', async () => {
    const client = await connect();
    client.sendRaw(`$${'x'.repeat(PACKET_BYTES + 10)}#00`);
    expect([await client.next(), client.raw]).toEqual(['', '+$#00']);
    expect(await client.ask('Z2,9000,ffffffffff')).toBe('E16');
    for (let n = 0; n < 4096; n++) await client.ask(`Z0,${(4 * n).toString(16)},4`);
    expect(await client.ask('Z0,ffff0000,4')).toBe('E16');
    for (let n = 0; n < 100; n++) client.sendRaw('$qC#b4');
    expect(client.closed).toBe(true);
    expect(await new Client(served).ask('qC')).toBe('QC1');
  });
});
