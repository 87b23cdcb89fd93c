import { describe, expect, it } from 'vitest';
import { NEVER, nsForTicks } from '../../time/units.ts';
import { Bench, Driver, deviceContract } from '../contract.suite.ts';
import { Pl011 } from './pl011.ts';

const CLOCK = 14_745_600;
const DR = 0x00;
const RSR = 0x04;
const FR = 0x18;
const IBRD = 0x24;
const FBRD = 0x28;
const LCR_H = 0x2c;
const CR = 0x30;
const IFLS = 0x34;
const IMSC = 0x38;
const RIS = 0x3c;
const MIS = 0x40;
const ICR = 0x44;
const ENABLE = 0x301;
const LOOPBACK = 0x381;
const FEN = 0x10;
const [RX, TX, RT, BE, OE] = [0x10, 0x20, 0x40, 0x200, 0x400];

function setUp(enabledByFirmware = false) {
  const bench = new Bench();
  let sent = '';
  const tx = { put: (byte: number) => void (sent += String.fromCharCode(byte)) };
  const uart = new Pl011('uart', { clockHz: CLOCK, enabledByFirmware }, { irq: bench.line('irq'), tx, clock: bench, log: bench.log });
  const driver = new Driver(bench, uart);
  const receive = (text: string): void => {
    for (const c of text) uart.receive(c.charCodeAt(0));
  };
  const irq = (): boolean => bench.lines.get('irq') === true;
  return {
    bench,
    uart,
    driver,
    receive,
    irq,
    sent: () => sent,
    read: (o: number) => driver.read(o),
    write: (o: number, v: number) => driver.write(o, v),
  };
}

for (const enabledByFirmware of [false, true]) {
  deviceContract(
    `PL011 ${enabledByFirmware ? 'enabled by firmware' : 'out of reset'}`,
    (bench) =>
      new Pl011('uart', { clockHz: CLOCK, enabledByFirmware }, { irq: bench.line('irq'), tx: { put: () => {} }, clock: bench, log: bench.log }),
    {
      window: 0x50,
      stimulate: (device, choice) => (choice % 7 === 0 ? (device as Pl011).receiveBreak() : (device as Pl011).receive(choice & 0xff)),
    },
  );
}

describe('PL011 registers', () => {
  it('has the reset values and identification of the datasheet', () => {
    const { driver, read } = setUp();
    expect([FR, CR, IFLS, IMSC, RIS].map(read)).toEqual([0x90, 0x300, 0x12, 0, 0]);
    const ids = Array.from({ length: 8 }, (_, i) => driver.read(0xfe0 + 4 * i));
    expect(ids).toEqual([0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1]);
  });

  it('keeps writable bits and drops reserved ones', () => {
    const { write, read } = setUp();
    for (const offset of [IBRD, FBRD, LCR_H, CR, IFLS, IMSC]) write(offset, 0xffffffff);
    expect([IBRD, FBRD, LCR_H, CR, IFLS, IMSC].map(read)).toEqual([0xffff, 0x3f, 0xff, 0xff81, 0x3f, 0x7ff]);
  });

  it('tells of what it lacks: IrDA and the test registers', () => {
    const { write, bench } = setUp();
    write(CR, 0x303);
    write(0x80, 1);
    expect(bench.messages).toEqual(['uart: UARTCR.SIREN (not modelled)', 'uart: UARTTCR (not modelled)']);
  });
});

describe('PL011 transmitter', () => {
  it('sends at once and raises the transmit interrupt for every character', () => {
    const { write, read, sent, irq } = setUp();
    write(CR, ENABLE);
    write(IMSC, TX);
    expect(irq()).toBe(false);
    write(DR, 0x41);
    expect([sent(), read(FR), read(MIS), irq()]).toEqual(['A', 0x90, TX, true]);
    write(ICR, TX);
    expect(irq()).toBe(false);
    write(DR, 0x42);
    expect([sent(), irq()]).toEqual(['AB', true]);
  });

  it('holds characters while it is disabled and sends them in order when it is enabled', () => {
    const { write, read, sent, bench } = setUp();
    write(LCR_H, FEN);
    for (const c of '0123456789abcdef') write(DR, c.charCodeAt(0));
    expect([sent(), read(FR)]).toEqual(['', 0x38]);
    write(DR, 0x58);
    expect(bench.messages).toEqual(['uart: write to UARTDR while the transmit FIFO is full']);
    write(CR, 0x201);
    expect(sent()).toBe('');
    write(CR, 0x101);
    expect([sent(), read(FR), read(RIS)]).toEqual(['0123456789abcdef', 0x90, TX]);
  });

  it('drops TXRIS once the FIFO stands above its trigger level', () => {
    const { write, read } = setUp();
    write(CR, ENABLE);
    write(LCR_H, FEN);
    write(IFLS, 0); // 2 characters
    write(DR, 0);
    write(CR, 0);
    write(DR, 0);
    write(DR, 0);
    expect(read(RIS)).toBe(TX);
    write(DR, 0);
    expect(read(RIS)).toBe(0);
  });

  it('has one place without FIFOs, and switching FIFOs empties them', () => {
    const { write, read, sent } = setUp();
    write(DR, 0x41);
    expect(read(FR)).toBe(0x38);
    write(LCR_H, FEN);
    expect(read(FR)).toBe(0x90);
    write(CR, ENABLE);
    expect(sent()).toBe('');
  });

  it('works without any set-up when firmware has enabled it, after a reset too', () => {
    const { write, read, uart, bench, sent } = setUp(true);
    write(DR, 0x41);
    uart.reset(bench.now());
    write(DR, 0x42);
    expect(sent()).toBe('AB');
    // Linux divides by the divisor that it finds in an enabled UART.
    expect([CR, LCR_H, IBRD, FBRD].map(read)).toEqual([0x301, 0x60, 24, 0]);
  });
});

describe('PL011 receiver', () => {
  it('interrupts at the first character without FIFOs', () => {
    const { write, read, receive, irq } = setUp();
    write(CR, ENABLE);
    write(IMSC, RX);
    receive('x');
    expect([irq(), read(FR)]).toEqual([true, 0xc0]);
    expect([read(DR), irq(), read(FR)]).toEqual([0x78, false, 0x90]);
  });

  it.each([
    [0, 2],
    [1, 4],
    [2, 8],
    [3, 12],
    [4, 14],
  ])('interrupts at its trigger level: RXIFLSEL %i is %i characters', (select, level) => {
    const { write, receive, irq } = setUp();
    write(CR, ENABLE);
    write(LCR_H, FEN);
    write(IFLS, select << 3);
    write(IMSC, RX);
    receive('.'.repeat(level - 1));
    expect(irq()).toBe(false);
    receive('.');
    expect(irq()).toBe(true);
  });

  it('sets RXRIS again only after the FIFO was below its level', () => {
    const { write, read, receive } = setUp();
    write(CR, ENABLE);
    write(LCR_H, FEN);
    write(IFLS, 0);
    receive('abc');
    write(ICR, RX);
    receive('d');
    expect(read(RIS) & RX).toBe(0);
    for (let i = 0; i < 3; i++) read(DR);
    receive('e');
    expect(read(RIS) & RX).toBe(RX);
    read(DR);
    expect(read(RIS) & RX).toBe(0);
  });

  it('times out 32 bit periods after the last character, to the nanosecond', () => {
    const { write, read, receive, irq, driver, uart } = setUp();
    write(IBRD, 24); // 38400 baud
    write(FBRD, 0);
    write(LCR_H, FEN | 0x60);
    write(CR, ENABLE);
    write(IMSC, RX | RT);
    const period = nsForTicks(32 * 16 * 24, CLOCK);
    expect(period).toBe(833_334);
    receive('a');
    driver.advance(500_000);
    receive('b');
    driver.advance(period - 1);
    expect(irq()).toBe(false);
    driver.advance(1);
    expect([irq(), read(MIS)]).toEqual([true, RT]);
    read(DR);
    expect(irq()).toBe(true);
    read(DR);
    expect([irq(), uart.nextWakeup()]).toEqual([false, NEVER]);
  });

  it('wakes nobody for a masked timeout, yet shows it', () => {
    const { write, read, receive, driver, uart } = setUp();
    write(IBRD, 1);
    write(LCR_H, FEN);
    write(CR, ENABLE);
    receive('a');
    expect(uart.nextWakeup()).toBe(NEVER);
    driver.advance(1_000_000);
    expect(read(RIS)).toBe(RT);
  });

  it('times out at once while no bit rate is set, and takes over a new one with UARTLCR_H only', () => {
    const { write, read, receive } = setUp();
    write(LCR_H, FEN);
    write(CR, ENABLE);
    write(IBRD, 24);
    receive('a');
    expect(read(RIS)).toBe(RT);
    read(DR);
    write(LCR_H, FEN);
    receive('b');
    expect(read(RIS)).toBe(0);
  });

  it('times out again when a guest clears the interrupt and leaves characters behind', () => {
    const { write, receive, irq, driver } = setUp();
    write(IBRD, 1);
    write(LCR_H, FEN);
    write(CR, ENABLE);
    write(IMSC, RT);
    receive('ab');
    driver.advance(100_000);
    write(ICR, RT);
    expect(irq()).toBe(false);
    driver.advance(100_000);
    expect(irq()).toBe(true);
  });

  it('reports an overrun at once in UARTRSR, and in UARTDR with the next character', () => {
    const { write, read, receive } = setUp();
    write(CR, ENABLE);
    receive('ab');
    expect([read(RIS) & OE, read(RSR)]).toEqual([OE, 8]);
    expect(read(DR)).toBe(0x61);
    receive('c');
    expect(read(DR)).toBe(0x863);
    write(RSR, 0);
    receive('d');
    expect([read(DR), read(RSR)]).toEqual([0x64, 0]);
  });

  it('receives a break as a character with BE', () => {
    const { write, read, uart } = setUp();
    write(CR, ENABLE);
    uart.receiveBreak();
    expect([read(RIS) & BE, read(DR), read(RSR)]).toEqual([BE, 0x400, 4]);
    uart.receive(0x41);
    expect([read(DR), read(RSR)]).toEqual([0x41, 0]);
  });

  it('has room for what its FIFO holds, and none while it is disabled or in loopback', () => {
    const { write, receive, uart, read } = setUp();
    expect(uart.receiveRoom()).toBe(0);
    write(CR, ENABLE);
    expect(uart.receiveRoom()).toBe(1);
    write(LCR_H, FEN);
    expect(uart.receiveRoom()).toBe(16);
    receive('abc');
    expect(uart.receiveRoom()).toBe(13);
    write(CR, LOOPBACK);
    expect(uart.receiveRoom()).toBe(0);
    write(CR, 0x101);
    expect(uart.receiveRoom()).toBe(0);
    receive('x');
    write(CR, ENABLE);
    expect([read(DR), uart.receiveRoom()]).toEqual([0x61, 14]);
  });
});

describe('PL011 loopback', () => {
  it('feeds the transmitter into the receiver and nothing outside', () => {
    const { write, read, sent, receive } = setUp();
    write(CR, LOOPBACK);
    write(DR, 0x41);
    receive('x');
    expect([sent(), read(DR), read(FR)]).toEqual(['', 0x41, 0x90]);
  });

  it('feeds the modem outputs into the inputs, with their interrupts', () => {
    const { write, read } = setUp();
    write(CR, LOOPBACK);
    expect([read(FR), read(RIS)]).toEqual([0x90, 0]);
    write(CR, LOOPBACK | 0x0c00); // RTS, DTR
    expect([read(FR), read(RIS)]).toEqual([0x93, 0x0a]);
    write(ICR, 0xffff);
    write(CR, LOOPBACK | 0x3400); // DTR, Out1, Out2
    expect([read(FR), read(RIS)]).toEqual([0x196, 0x07]);
  });

  it('feeds a break into the receiver', () => {
    const { write, read } = setUp();
    write(CR, LOOPBACK);
    write(LCR_H, 1);
    expect(read(DR)).toBe(0x400);
  });
});
