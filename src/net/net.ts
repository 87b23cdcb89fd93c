/**
 * The network's contract: Ethernet frames in, frames out, without preamble and frame check sequence. NIC, filter and
 * backend are nodes of a chain.
 */

/** Longest frame that is passed on: 1500 bytes of payload, header, one VLAN tag. */
export const MAX_FRAME = 1518;

/** Where frames go. */
export interface FrameSink {
  /** The frame is the receiver's to keep. */
  put(frame: Uint8Array): void;
}

/** The live end of a network: what the guest sends goes in, what it is sent comes out of the listener. */
export interface NetBackend {
  send(frame: Uint8Array): void;
  /** Set once, before anything is delivered. */
  onFrame(listener: (frame: Uint8Array) => void): void;
  /** Work is under way whose answer the guest may be waiting for: idle virtual time should not race ahead of it. */
  readonly busy: boolean;
  close(): Promise<void>;
}
