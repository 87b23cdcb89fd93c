/** TCP segment by segment, with time and sockets moved by hand. */
import { describe, expect, test } from 'vitest';
import { ACK, FIN, PSH, RST, SYN } from '../packets/tcp.ts';
import { ip } from './testing/guest.suite.ts';
import { Bench, PORT, REMOTE_PORT } from './testing/manual-host.suite.ts';

const MSS = 1460;
const text = (length: number, from = 0) => Array.from({ length }, (_, n) => String.fromCharCode(97 + ((n + from) % 26))).join('');

describe('opening', () => {
  test('waits for the host, then answers with a segment size and a full window', () => {
    const bench = new Bench();
    bench.sendTcp(SYN, { sequence: 999, mss: MSS });
    expect(bench.tcp()).toEqual([]);
    expect(bench.host.streams[0].to).toEqual({ address: '127.0.0.1', port: REMOTE_PORT });
    expect(bench.net.busy).toBe(true);
    bench.host.streams[0].listener.opened();
    expect(bench.tcp()).toMatchObject([
      { sourcePort: REMOTE_PORT, destinationPort: PORT, flags: SYN | ACK, acknowledgment: 1000, mss: MSS, window: 65535, source: ip('10.0.2.2') },
    ]);
  });

  test('of a port where nobody listens is refused', () => {
    const bench = new Bench();
    bench.sendTcp(SYN, { sequence: 999 });
    bench.host.streams[0].listener.failed('refused');
    expect(bench.tcp()).toMatchObject([{ flags: RST | ACK, acknowledgment: 1000 }]);
    expect(bench.net.busy).toBe(false);
    expect(bench.host.runningTimers).toBe(0);
  });

  test('to where there is no way is answered with ICMP, which quotes the SYN', () => {
    const bench = new Bench();
    bench.sendTcp(SYN, { sequence: 999, to: ip('192.0.2.7') });
    expect(bench.host.streams[0].to).toEqual({ address: '192.0.2.7', port: REMOTE_PORT });
    bench.host.streams[0].listener.failed('unreachable');
    const [icmp] = bench.icmp();
    expect(icmp).toMatchObject({ type: 3, code: 1 });
    expect([...icmp.payload.subarray(12, 24)]).toEqual([10, 0, 2, 15, 192, 0, 2, 7, PORT >> 8, PORT & 255, 0, REMOTE_PORT]);
  });

  test('twice, as an impatient guest does, makes one connection', () => {
    const bench = new Bench();
    for (let n = 0; n < 3; n++) bench.sendTcp(SYN, { sequence: 999 });
    bench.host.streams[0].listener.opened();
    expect(bench.host.streams.length).toBe(1);
    expect(bench.tcp().length).toBe(1);
    bench.sendTcp(SYN, { sequence: 999 });
    expect(bench.tcp()).toMatchObject([{ flags: SYN | ACK, acknowledgment: 1000 }]);
  });

  test('repeats its SYN with growing waits, then gives up', () => {
    const bench = new Bench();
    bench.sendTcp(SYN, { sequence: 999 });
    bench.host.streams[0].listener.opened();
    const times: number[] = [];
    for (let second = 0; second <= 120; second++) {
      for (const { flags } of bench.tcp()) {
        expect(flags).toBe(SYN | ACK);
        times.push(second);
      }
      bench.host.pass(1000);
    }
    expect(times).toEqual([0, 1, 3, 7, 15, 25]);
    expect(bench.host.streams[0].wasReset).toBe(true);
  });

  test.each([
    ['an acknowledgment', ACK, { flags: RST, sequence: 77 }],
    ['an end', FIN, { flags: RST | ACK, acknowledgment: 6 }],
    ['a SYN with an acknowledgment', SYN | ACK, { flags: RST, sequence: 77 }],
  ])('%s that belongs to no connection is reset', (_, flags, answer) => {
    const bench = new Bench();
    bench.sendTcp(flags, { sequence: 5, acknowledgment: 77 });
    expect(bench.tcp()).toMatchObject([answer]);
    bench.sendTcp(RST, { sequence: 5 });
    expect(bench.tcp()).toEqual([]);
  });

  test('with restrict=on is refused, outside and to the host', () => {
    const bench = new Bench({ restrict: true });
    for (const to of ['10.0.2.2', '192.0.2.7']) {
      bench.sendTcp(SYN, { sequence: 999, to: ip(to) });
      expect(bench.tcp()).toMatchObject([{ flags: RST | ACK, acknowledgment: 1000, source: ip(to) }]);
    }
    expect(bench.host.streams).toEqual([]);
  });
});

describe('data for the guest', () => {
  test('comes in segments of the size that the guest asked for', () => {
    const bench = new Bench();
    const { stream, theirs } = bench.open(100);
    stream.send(text(250));
    expect(bench.tcp()).toMatchObject([
      { sequence: theirs, text: text(100), flags: ACK },
      { sequence: theirs + 100, text: text(100, 100), flags: ACK },
      { sequence: theirs + 200, text: text(50, 200), flags: ACK | PSH },
    ]);
  });

  test.each([
    ['none', 536],
    [0, 64],
    [9000, MSS],
  ] as const)('with a segment size of %s comes in pieces of %i', (mss, size) => {
    const bench = new Bench();
    const { stream } = bench.open(mss);
    stream.send(text(2000));
    expect(bench.tcp()[0].payload.length).toBe(size);
  });

  test('never exceeds the window, and goes on when it opens', () => {
    const bench = new Bench();
    const { stream, theirs, ours } = bench.open(1000, 1500);
    stream.send(text(4000));
    expect(bench.tcp().map(({ payload }) => payload.length)).toEqual([1000]);
    bench.sendTcp(ACK, { sequence: ours, acknowledgment: theirs + 1000, window: 3000 });
    expect(bench.tcp()).toMatchObject([{ text: text(1000, 1000) }, { text: text(1000, 2000) }, { text: text(1000, 3000) }]);
  });

  test('asks a closed window with single bytes, ever more rarely, for as long as it takes', () => {
    const bench = new Bench();
    const { stream, theirs, ours } = bench.open(1000, 0);
    stream.send(text(500));
    expect(bench.tcp()).toEqual([]);
    let probes = 0;
    for (let minute = 0; minute < 60; minute++) {
      bench.host.pass(60_000);
      for (const probe of bench.tcp()) {
        probes++;
        expect(probe).toMatchObject({ sequence: theirs, text: text(1) });
        bench.sendTcp(ACK, { sequence: ours, acknowledgment: theirs, window: 0 });
      }
    }
    expect(probes).toBeGreaterThan(60);
    expect(probes).toBeLessThan(500);
    bench.sendTcp(ACK, { sequence: ours, acknowledgment: theirs + 1, window: 1000 });
    expect(bench.tcp()).toMatchObject([{ sequence: theirs + 1, text: text(499, 1) }]);
  });

  test('is repeated with growing waits until it is acknowledged, however long the guest is silent', () => {
    const bench = new Bench();
    const { stream, theirs, ours } = bench.open();
    stream.send('hello');
    const times: number[] = [];
    for (let tick = 0; tick < 400; tick++) {
      for (const segment of bench.tcp()) {
        expect(segment).toMatchObject({ sequence: theirs, text: 'hello' });
        times.push(tick);
      }
      bench.host.pass(100);
    }
    const gaps = times.slice(1).map((time, n) => time - times[n]);
    expect(gaps.length).toBeGreaterThan(4);
    expect(gaps.every((gap, n) => gap >= Math.min((gaps[n - 1] ?? 0) * 2 - 1, 99))).toBe(true);
    // The guest was stopped for a day.
    bench.host.pass(86_400_000);
    bench.frames = [];
    bench.sendTcp(ACK, { sequence: ours, acknowledgment: theirs + 5 });
    bench.host.pass(60_000);
    expect(bench.tcp()).toEqual([]);
    stream.send('again');
    expect(bench.tcp()).toMatchObject([{ sequence: theirs + 5, text: 'again' }]);
  });

  test('is repeated at once after three acknowledgments for the same place', () => {
    const bench = new Bench();
    const { stream, theirs, ours } = bench.open(1000);
    stream.send(text(4000));
    expect(bench.tcp().length).toBe(4);
    for (let n = 0; n < 2; n++) bench.sendTcp(ACK, { sequence: ours, acknowledgment: theirs + 1000 });
    expect(bench.tcp()).toEqual([]);
    for (let n = 0; n < 2; n++) bench.sendTcp(ACK, { sequence: ours, acknowledgment: theirs + 1000 });
    expect(bench.tcp()).toMatchObject([{ sequence: theirs + 1000, text: text(1000, 1000) }]);
  });

  test('is left with the host while the guest does not take it', () => {
    const bench = new Bench();
    const { stream, theirs, ours } = bench.open(MSS, 0);
    stream.send(text(300_000));
    expect(stream.unread).toBe(300_000 - 65_536);
    bench.sendTcp(ACK, { sequence: ours, acknowledgment: theirs, window: 65535 });
    const sent = bench.tcp().reduce((sum, { payload }) => sum + payload.length, 0);
    bench.sendTcp(ACK, { sequence: ours, acknowledgment: theirs + sent, window: 65535 });
    expect(stream.unread).toBe(300_000 - 65_536 - sent);
  });
});

describe('data from the guest', () => {
  test('is put in order, whatever comes early, twice or overlapping', () => {
    const bench = new Bench();
    const { stream, theirs, ours } = bench.open();
    const send = (from: number, length: number) => bench.sendTcp(ACK, { sequence: ours + from, acknowledgment: theirs, text: text(length, from) });
    send(20, 10);
    send(40, 10);
    send(15, 40);
    send(10, 2);
    expect(stream.written).toBe('');
    expect(bench.tcp().map(({ acknowledgment }) => acknowledgment)).toEqual([1000, 1000, 1000, 1000]);
    send(0, 11);
    expect(stream.written).toBe(text(12));
    send(5, 10);
    expect(stream.written).toBe(text(55));
    expect(bench.tcp().at(-1)!.acknowledgment).toBe(1055);
    send(0, 55);
    expect(stream.written).toBe(text(55));
    expect(bench.tcp()).toMatchObject([{ acknowledgment: 1055 }]);
  });

  test('fills a window that closes while the host does not take it, and that says when it opens', () => {
    const bench = new Bench();
    const { stream, theirs, ours } = bench.open();
    stream.stalled = true;
    let sent = 0;
    for (let window = 65535; window > 0; ) {
      const length = Math.min(window, MSS);
      bench.sendTcp(ACK, { sequence: ours + sent, acknowledgment: theirs, text: text(length, sent) });
      sent += length;
      window = bench.tcp().at(-1)!.window;
    }
    expect(sent).toBe(65535);
    // Nothing fits: it is not taken, and the answer says so again.
    bench.sendTcp(ACK, { sequence: ours + sent, acknowledgment: theirs, text: 'x' });
    expect(bench.tcp()).toMatchObject([{ acknowledgment: ours + sent, window: 0 }]);
    stream.taken();
    const [opened] = bench.tcp();
    expect(opened).toMatchObject({ acknowledgment: ours + sent, flags: ACK });
    expect(opened.window).toBeGreaterThanOrEqual(MSS);
    stream.taken();
    expect(stream.written).toBe(text(65535));
    expect(bench.tcp().at(-1)!.window).toBe(65535);
  });

  test('beyond the window is cut off', () => {
    const bench = new Bench();
    const { stream, theirs, ours } = bench.open();
    bench.sendTcp(ACK, { sequence: ours + 65534, acknowledgment: theirs, text: 'ab' });
    bench.sendTcp(ACK, { sequence: ours + 65536, acknowledgment: theirs, text: 'zz' });
    for (let at = 0; at < 65534; at += MSS) {
      bench.sendTcp(ACK, { sequence: ours + at, acknowledgment: theirs, text: text(Math.min(MSS, 65534 - at), at) });
    }
    expect(stream.written).toBe(`${text(65534)}a`);
  });
});

describe('ending', () => {
  test('by the guest leaves the host able to answer', () => {
    const bench = new Bench();
    const { stream, theirs, ours } = bench.open();
    bench.sendTcp(FIN | ACK, { sequence: ours, acknowledgment: theirs, text: 'last' });
    expect(stream).toMatchObject({ written: 'last', endedByGuest: true });
    expect(bench.tcp()).toMatchObject([{ flags: ACK, acknowledgment: ours + 5 }]);
    bench.host.pass(3_600_000);
    stream.send('late answer');
    expect(bench.tcp()).toMatchObject([{ text: 'late answer' }]);
    bench.sendTcp(ACK, { sequence: ours + 5, acknowledgment: theirs + 11 });
    stream.finish();
    expect(bench.tcp()).toMatchObject([{ flags: FIN | ACK, sequence: theirs + 11 }]);
    bench.sendTcp(ACK, { sequence: ours + 5, acknowledgment: theirs + 12 });
    expect(bench.host.runningTimers).toBe(0);
    expect(stream.wasReset).toBe(false);
    // Nothing is left of it.
    bench.sendTcp(ACK, { sequence: ours + 5, acknowledgment: theirs + 12 });
    expect(bench.tcp()).toMatchObject([{ flags: RST }]);
  });

  test('by the host leaves the guest able to send', () => {
    const bench = new Bench();
    const { stream, theirs, ours } = bench.open();
    stream.send('bye');
    stream.finish();
    expect(bench.tcp()).toMatchObject([
      { flags: ACK | PSH, text: 'bye' },
      { flags: ACK | FIN, text: '' },
    ]);
    bench.sendTcp(ACK, { sequence: ours, acknowledgment: theirs + 4 });
    bench.host.pass(3_600_000);
    bench.sendTcp(ACK, { sequence: ours, acknowledgment: theirs + 4, text: 'one more thing' });
    expect(stream.written).toBe('one more thing');
    expect(stream.endedByGuest).toBe(false);
    bench.tcp();
    bench.sendTcp(FIN | ACK, { sequence: ours + 14, acknowledgment: theirs + 4 });
    expect(stream.endedByGuest).toBe(true);
    expect(bench.tcp()).toMatchObject([{ flags: ACK, acknowledgment: ours + 15 }]);
    // The last acknowledgment may have been lost.
    bench.sendTcp(FIN | ACK, { sequence: ours + 14, acknowledgment: theirs + 4 });
    expect(bench.tcp()).toMatchObject([{ flags: ACK, acknowledgment: ours + 15 }]);
    bench.host.pass(10_000);
    expect(bench.host.runningTimers).toBe(0);
    expect(stream.wasReset).toBe(false);
  });

  test('by both at the same moment', () => {
    const bench = new Bench();
    const { stream, theirs, ours } = bench.open();
    stream.finish();
    bench.sendTcp(FIN | ACK, { sequence: ours, acknowledgment: theirs });
    expect(bench.tcp()).toMatchObject([{ flags: FIN | ACK }, { flags: ACK, acknowledgment: ours + 1 }]);
    bench.sendTcp(ACK, { sequence: ours + 1, acknowledgment: theirs + 1 });
    bench.host.pass(10_000);
    expect(bench.host.runningTimers).toBe(0);
    expect(stream).toMatchObject({ endedByGuest: true, wasReset: false });
  });

  test('waits for a gap before it', () => {
    const bench = new Bench();
    const { stream, theirs, ours } = bench.open();
    bench.sendTcp(FIN | ACK, { sequence: ours + 3, acknowledgment: theirs });
    expect(stream.endedByGuest).toBe(false);
    bench.sendTcp(ACK, { sequence: ours, acknowledgment: theirs, text: 'abc' });
    expect(stream).toMatchObject({ written: 'abc', endedByGuest: true });
    expect(bench.tcp().at(-1)!.acknowledgment).toBe(ours + 4);
  });

  test('is repeated when it is lost', () => {
    const bench = new Bench();
    const { stream, theirs, ours } = bench.open();
    stream.finish();
    expect(bench.tcp()).toMatchObject([{ flags: FIN | ACK, sequence: theirs }]);
    bench.host.pass(1500);
    expect(bench.tcp()).toMatchObject([{ flags: FIN | ACK, sequence: theirs }]);
    bench.sendTcp(ACK, { sequence: ours, acknowledgment: theirs + 1 });
    bench.host.pass(60_000);
    expect(bench.tcp()).toEqual([]);
  });

  test('lets the same ports be used again at once', () => {
    const bench = new Bench();
    const { stream, theirs, ours } = bench.open();
    stream.finish();
    bench.sendTcp(FIN | ACK, { sequence: ours, acknowledgment: theirs + 1 });
    bench.tcp();
    bench.sendTcp(SYN, { sequence: ours - 500 });
    expect(bench.tcp()).toMatchObject([{ flags: ACK, acknowledgment: ours + 1 }]);
    bench.sendTcp(SYN, { sequence: ours + 500 });
    expect(bench.host.streams.length).toBe(2);
    bench.host.streams[1].listener.opened();
    expect(bench.tcp()).toMatchObject([{ flags: SYN | ACK, acknowledgment: ours + 501 }]);
  });
});

describe('a reset', () => {
  test('by the guest reaches the host at once, and only from the right place', () => {
    const bench = new Bench();
    const { stream, ours } = bench.open();
    bench.sendTcp(RST, { sequence: ours + 70_000 });
    bench.sendTcp(RST, { sequence: ours - 1 });
    expect(bench.tcp()).toEqual([]);
    bench.sendTcp(RST, { sequence: ours + 10 });
    expect(bench.tcp()).toMatchObject([{ flags: ACK, acknowledgment: ours }]);
    expect(stream.wasReset).toBe(false);
    bench.sendTcp(RST, { sequence: ours });
    expect(stream.wasReset).toBe(true);
    expect(bench.tcp()).toEqual([]);
    expect(bench.net.busy).toBe(false);
    expect(bench.host.runningTimers).toBe(0);
  });

  test('by the host reaches the guest', () => {
    const bench = new Bench();
    const { stream, theirs, ours } = bench.open();
    stream.send('x');
    bench.tcp();
    stream.listener.failed('reset');
    expect(bench.tcp()).toMatchObject([{ flags: RST | ACK, sequence: theirs + 1, acknowledgment: ours }]);
    expect(bench.host.runningTimers).toBe(0);
  });

  test('ends the wait for the host', () => {
    const bench = new Bench();
    bench.sendTcp(SYN, { sequence: 999 });
    bench.sendTcp(RST, { sequence: 1000 });
    expect(bench.host.streams[0].wasReset).toBe(true);
    expect(bench.net.busy).toBe(false);
  });

  test('is not made of a SYN in the middle, or of an acknowledgment of what was never sent', () => {
    const bench = new Bench();
    const { stream, theirs, ours } = bench.open();
    bench.sendTcp(SYN, { sequence: ours + 5 });
    expect(bench.tcp()).toMatchObject([{ flags: ACK, acknowledgment: ours }]);
    bench.host.pass(1000);
    bench.sendTcp(ACK, { sequence: ours, acknowledgment: theirs + 100, text: 'no' });
    expect(bench.tcp()).toMatchObject([{ flags: ACK, sequence: theirs, acknowledgment: ours }]);
    // Not at once again: two confused ends must not chase each other.
    for (let n = 0; n < 10; n++) bench.sendTcp(ACK, { sequence: ours, acknowledgment: theirs + 100 });
    expect(bench.tcp()).toEqual([]);
    expect(stream).toMatchObject({ written: '', wasReset: false });
  });
});

describe('many connections', () => {
  const LIMIT = 512;

  test('are served side by side up to a limit; beyond it they are refused', () => {
    const bench = new Bench();
    for (let n = 0; n < LIMIT; n++) bench.sendTcp(SYN, { sourcePort: 2000 + n, sequence: n });
    expect(bench.host.streams.length).toBe(LIMIT);
    bench.sendTcp(SYN, { sourcePort: 5000 });
    expect(bench.tcp()).toMatchObject([{ flags: RST | ACK, destinationPort: 5000 }]);
    bench.host.streams[17].listener.failed('refused');
    bench.sendTcp(SYN, { sourcePort: 5001 });
    expect(bench.host.streams.length).toBe(LIMIT + 1);
  });

  test('make room by dropping one whose guest has long been silent', () => {
    const bench = new Bench();
    const { stream } = bench.open();
    stream.send('is anybody there?');
    bench.host.pass(60_000);
    for (let n = 1; n < LIMIT; n++) bench.sendTcp(SYN, { sourcePort: 2000 + n });
    bench.sendTcp(SYN, { sourcePort: 5000 });
    expect(stream.wasReset).toBe(true);
    expect(bench.host.streams.length).toBe(LIMIT + 1);
  });
});

describe('a forwarded port', () => {
  const options = { hostfwd: ['tcp::2222-:22'] };
  const client = { address: '127.0.0.1', port: 45_000 };

  test('asks for the guest, opens a connection to it, and passes on both ways', async () => {
    const bench = new Bench(options);
    await bench.net.openForwards();
    const stream = bench.host.knock.get(2222)!(client);
    // Nobody has heard of the guest yet: an ARP request, not a TCP segment.
    expect(bench.frames.length).toBe(1);
    expect(bench.tcp()).toEqual([]);
    bench.sendUdp(ip('10.0.2.3'), 9, 'here I am');
    const [syn] = bench.tcp();
    expect(syn).toMatchObject({ flags: SYN, sourcePort: 45_000, destinationPort: 22, source: ip('10.0.2.2') });
    const theirs = (syn.sequence + 1) >>> 0;
    const path = { sourcePort: 22, destinationPort: 45_000 };
    bench.sendTcp(SYN | ACK, { ...path, sequence: 7, acknowledgment: theirs, mss: MSS });
    expect(bench.tcp()).toMatchObject([{ flags: ACK, sequence: theirs, acknowledgment: 8 }]);
    stream.send('hello guest');
    expect(bench.tcp()).toMatchObject([{ text: 'hello guest', sequence: theirs }]);
    bench.sendTcp(ACK, { ...path, sequence: 8, acknowledgment: theirs + 11, text: 'hello host' });
    expect(stream.written).toBe('hello host');
  });

  test('hangs up on its client when the guest refuses', async () => {
    const bench = new Bench(options);
    await bench.net.openForwards();
    bench.sendUdp(ip('10.0.2.3'), 9, 'here I am');
    const stream = bench.host.knock.get(2222)!(client);
    const [syn] = bench.tcp();
    bench.sendTcp(RST | ACK, { sourcePort: 22, destinationPort: 45_000, acknowledgment: syn.sequence });
    expect(stream.wasReset).toBe(false);
    bench.sendTcp(RST | ACK, { sourcePort: 22, destinationPort: 45_000, acknowledgment: (syn.sequence + 1) >>> 0 });
    expect(stream.wasReset).toBe(true);
  });

  test('shows a client from elsewhere under its own address, and tells apart those that look alike', async () => {
    const bench = new Bench(options);
    await bench.net.openForwards();
    bench.sendUdp(ip('10.0.2.3'), 9, 'here I am');
    bench.frames = [];
    for (const address of ['::ffff:192.0.2.1', '127.0.0.1', '127.0.0.2', '::1']) bench.host.knock.get(2222)!({ address, port: 65_535 });
    expect(bench.tcp()).toMatchObject([
      { source: ip('192.0.2.1'), sourcePort: 65_535 },
      { source: ip('10.0.2.2'), sourcePort: 65_535 },
      { source: ip('10.0.2.2'), sourcePort: 1024 },
      { source: ip('10.0.2.2'), sourcePort: 1025 },
    ]);
  });

  test('opens the connection too when the guest opens it at the same moment', async () => {
    const bench = new Bench(options);
    await bench.net.openForwards();
    bench.sendUdp(ip('10.0.2.3'), 9, 'here I am');
    const stream = bench.host.knock.get(2222)!(client);
    const [syn] = bench.tcp();
    const path = { sourcePort: 22, destinationPort: 45_000 };
    bench.sendTcp(SYN, { ...path, sequence: 7 });
    expect(bench.tcp()).toMatchObject([{ flags: SYN | ACK, sequence: syn.sequence, acknowledgment: 8 }]);
    bench.sendTcp(ACK, { ...path, sequence: 8, acknowledgment: (syn.sequence + 1) >>> 0, text: 'both' });
    expect(stream.written).toBe('both');
  });

  test('answers again when its acknowledgment of the opening was lost', async () => {
    const bench = new Bench(options);
    await bench.net.openForwards();
    bench.sendUdp(ip('10.0.2.3'), 9, 'here I am');
    bench.host.knock.get(2222)!(client);
    const theirs = (bench.tcp()[0].sequence + 1) >>> 0;
    const answer = { sourcePort: 22, destinationPort: 45_000, sequence: 7, acknowledgment: theirs };
    bench.sendTcp(SYN | ACK, answer);
    bench.tcp();
    bench.sendTcp(SYN | ACK, answer);
    expect(bench.tcp()).toMatchObject([{ flags: ACK, acknowledgment: 8 }]);
  });
});

describe('idle time', () => {
  test('waits while data moves, and a quarter of a second after', () => {
    const bench = new Bench();
    const { stream, theirs, ours } = bench.open();
    bench.host.pass(1000);
    expect(bench.net.busy).toBe(false);
    bench.sendTcp(ACK, { sequence: ours, acknowledgment: theirs, text: 'question' });
    expect(bench.net.busy).toBe(true);
    bench.host.pass(200);
    expect(bench.net.busy).toBe(true);
    stream.send('answer');
    bench.sendTcp(ACK, { sequence: ours + 8, acknowledgment: theirs + 6 });
    bench.host.pass(200);
    expect(bench.net.busy).toBe(true);
    bench.host.pass(100);
    expect(bench.net.busy).toBe(false);
  });

  test('does not wait for ever for a connection, or for a guest that is silent', () => {
    const bench = new Bench();
    bench.sendTcp(SYN, { sequence: 999 });
    bench.host.pass(10_000);
    expect(bench.net.busy).toBe(false);
    bench.host.streams[0].listener.failed('refused');
    const { stream } = bench.open();
    stream.send('x');
    bench.host.pass(1000);
    expect(bench.net.busy).toBe(true);
    bench.host.pass(60_000);
    expect(bench.net.busy).toBe(false);
  });
});
