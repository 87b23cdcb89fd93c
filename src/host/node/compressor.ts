/**
 * Compression on the threads that Node keeps for it. A worker of our own would have to be given the bytes: handing a
 * buffer over detaches it, which slows the interpreter down (see `replay/hasher.ts`), and so does a WebAssembly memory
 * that grows.
 */
import { promisify } from 'node:util';
import { constants, deflateRaw } from 'node:zlib';
import type { Compressor } from '../host.ts';

const deflate = promisify<Uint8Array, { readonly level: number; readonly strategy: number; readonly chunkSize: number }, Uint8Array>(deflateRaw);
/** Fast: most of what compresses at all is runs. Looking for more takes three times as long, for a fifth less of a recording's checkpoints. */
const LEVEL = 1;

export const compressor: Compressor = {
  deflate: (bytes) => deflate(bytes, { level: LEVEL, strategy: constants.Z_RLE, chunkSize: Math.max(1024, bytes.length) }),
};
