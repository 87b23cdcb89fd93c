/**
 * The end of a PS/2 cable that keyboard and mouse have in common: what they want to say waits until the controller
 * takes it, byte by byte, and answers to commands go before what the person at the device does.
 *
 * Source: IBM Personal System/2 technical reference, keyboard and mouse. A byte crosses the cable in no time, in
 * both directions; power-on leaves nothing to be read, as if the firmware had taken the self-test's report.
 */
import { type AccessSize, Device, type GuestLog } from '../../bus/device.ts';
import { type Schema, type StateOf, u8, u8s } from '../../state/fields.ts';

/** A PS/2 device as its controller sees it. */
export interface Ps2Port {
  /** Whether the device has a byte to send. */
  ready(): boolean;
  /** The next byte of a device that is `ready`. The device does not call `offered` meanwhile: ask `ready` again. */
  take(): number;
  /** The controller sends a byte. */
  put(byte: number): void;
}

/** A controller as the PS/2 device sees it. */
export interface Ps2Host {
  /** The device has something to send: it may be taken now or at any time later. */
  offered(): void;
}

export interface Ps2Wiring {
  readonly host: Ps2Host;
  readonly log: GuestLog;
}

export const ACK = 0xfa;
export const RESEND = 0xfe;
/** Report of a self-test that found no fault. */
export const BAT_OK = 0xaa;
/** Bytes that a device keeps for a controller that does not take them. */
const QUEUE = 16;

export const ps2Output = {
  queue: u8s(QUEUE + 1, 'what the person did, oldest byte first; the last place is for an overrun code'),
  queued: u8(0, 'bytes in queue'),
  answer: u8s(8, 'the answer to the last command'),
  answered: u8(0, 'bytes of answer that were taken'),
  answerLength: u8(0, 'bytes in answer'),
} as const satisfies Schema;

export abstract class Ps2Device<S extends Schema> extends Device<S, object, Ps2Wiring> implements Ps2Port {
  /** The fields that both kinds of device have. */
  private get output(): StateOf<typeof ps2Output> {
    return this.s as unknown as StateOf<typeof ps2Output>;
  }

  /** It sits behind a controller, on no bus. */
  override read(_offset: number, _size: AccessSize): number {
    return 0;
  }

  override write(_offset: number, _size: AccessSize, _value: number): void {}

  ready(): boolean {
    return this.output.answered < this.output.answerLength || this.output.queued > 0;
  }

  take(): number {
    const { output } = this;
    const fromAnswer = output.answered < output.answerLength;
    const byte = fromAnswer ? output.answer[output.answered++] : output.queue[0];
    if (!fromAnswer) {
      output.queue.copyWithin(0, 1, output.queued);
      output.queued--;
    }
    this.taken(byte, fromAnswer);
    return byte;
  }

  abstract put(byte: number): void;

  /** A byte went out, of an answer or of the queue. */
  protected abstract taken(byte: number, fromAnswer: boolean): void;

  /** Answers a command; what was left of an earlier answer is dropped, as a device does that is interrupted. */
  protected answer(...bytes: readonly number[]): void {
    this.output.answer.set(bytes);
    this.output.answerLength = bytes.length;
    this.output.answered = 0;
    this.wiring.host.offered();
  }

  /** Gives the last answer again. */
  protected repeatAnswer(): void {
    this.output.answered = 0;
    this.wiring.host.offered();
  }

  protected hasRoom(bytes: number): boolean {
    return this.output.queued + bytes <= QUEUE;
  }

  /** Queues bytes for which there is room, without a word to the controller. */
  protected enqueue(bytes: readonly number[]): void {
    const { output } = this;
    output.queue.set(bytes, output.queued);
    output.queued += bytes.length;
  }

  /** Puts a mark behind what is queued, unless it is there already: something was lost here. */
  protected markOverrun(mark: number): void {
    const { output } = this;
    if (output.queued <= QUEUE && output.queue[output.queued - 1] !== mark) output.queue[output.queued++] = mark;
  }

  protected discardQueue(): void {
    this.output.queued = 0;
  }

  protected refuse(byte: number): void {
    this.wiring.log.guestError(this.name, `command 0x${byte.toString(16)}, which it does not know`);
    this.answer(RESEND);
  }
}
