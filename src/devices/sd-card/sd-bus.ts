/** The two ends of an SD bus: commands and their responses, and bytes on the data lines, without their bits and CRCs. */
import { type Nanoseconds, NEVER } from '../../time/units.ts';

/** A response of 48 bits, or one of 136 of which only CID or CSD are kept. */
export type SdResponse =
  /** `index` is the command's, or 0x3f where the response has none (R3). */
  | { readonly kind: 'short'; readonly index: number; readonly value: number }
  /** The most significant word first. */
  | { readonly kind: 'long'; readonly words: readonly [number, number, number, number] };

/** A card as its host controller sees it. */
export interface SdCardPort {
  /** The host sends a command; undefined when the card does not respond. */
  command(index: number, argument: number): SdResponse | undefined;
  /**
   * The host clocks the data lines and wants to go on: a transfer of several blocks begins with its next one, unless
   * one is under way. A card that is not asked does not read ahead, nor past its end.
   */
  nextBlock(): void;
  /** How many bytes the card has to send now. */
  readable(): number;
  /** The next byte of a card that is `readable`. */
  take(): number;
  /** How many bytes the card can take now. */
  writable(): number;
  /** A byte for a card that is `writable`. */
  put(byte: number): void;
  /** The card holds the data line low: it is programming. */
  busy(): boolean;
  /** When the card will be done with what it does now; NEVER when it waits for the host. */
  nextWakeup(): Nanoseconds;
}

/** A host controller as the card sees it. */
export interface SdHost {
  /** A block was read or written: the card may have become readable or writable, or be busy no more. */
  cardChanged(): void;
}

/** Where there is no card, nobody answers. */
export const EMPTY_SLOT: SdCardPort = Object.freeze({
  command: () => undefined,
  nextBlock: () => {},
  readable: () => 0,
  take: () => 0xff,
  writable: () => 0,
  put: () => {},
  busy: () => false,
  nextWakeup: () => NEVER,
});
