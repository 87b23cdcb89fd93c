/** Numbers that the parts of the TCP service share. */
import { IPV4_HEADER, MTU } from '../packets/ipv4.ts';
import { TCP_HEADER } from '../packets/tcp.ts';

/** What a connection keeps at most, each way. */
export const BUFFER = 65536;
/** The widest window without scaling. */
export const MAX_WINDOW = 65535;
/** What an Ethernet frame carries. */
export const MSS = MTU - IPV4_HEADER - TCP_HEADER;
