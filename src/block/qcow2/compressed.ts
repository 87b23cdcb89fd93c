/** Compressed clusters: raw deflate streams, or zstd frames, with bytes of other clusters behind them. */
import { inflateSync } from 'fflate';
import { decompress as unzstd } from 'fzstd';

/** "\x28\xb5\x2f\xfd", RFC 8878 section 3.1.1. */
const ZSTD_MAGIC = 0x28b5_2ffd;

/** All bytes of the cluster, or undefined when the data is damaged. */
export function decompressCluster(data: Uint8Array, clusterSize: number, compression: 'zlib' | 'zstd'): Uint8Array | undefined {
  try {
    const out = compression === 'zlib' ? inflateSync(data, { out: new Uint8Array(clusterSize) }) : unzstdFrame(data, clusterSize);
    return out?.length === clusterSize ? out : undefined;
  } catch {
    // Both libraries throw for what is no valid stream; which way it is broken helps nobody.
    return undefined;
  }
}

function unzstdFrame(data: Uint8Array, clusterSize: number): Uint8Array | undefined {
  const frame = zstdFrame(data);
  if (frame === undefined || (frame.contentSize !== undefined && frame.contentSize !== clusterSize)) return undefined;
  // Given its output, the library allocates nothing by what the frame claims.
  return unzstd(data.subarray(0, frame.length), new Uint8Array(clusterSize));
}

/** Where a frame ends, which only the chain of its blocks tells, and how much it says to hold. RFC 8878, section 3.1.1. */
function zstdFrame(data: Uint8Array): { readonly length: number; readonly contentSize: number | undefined } | undefined {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  if (view.getUint32(0) !== ZSTD_MAGIC) return undefined;
  const descriptor = data[4];
  const singleSegment = (descriptor & 0x20) !== 0;
  const sizeFlag = descriptor >> 6;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3];
  const sizeAt = 5 + (singleSegment ? 0 : 1) + dictionaryBytes;
  const sizeBytes = sizeFlag === 0 ? (singleSegment ? 1 : 0) : 2 ** sizeFlag;
  const contentSize = [
    () => undefined,
    () => view.getUint8(sizeAt),
    () => view.getUint16(sizeAt, true) + 256,
    () => undefined,
    () => view.getUint32(sizeAt, true),
    () => undefined,
    () => undefined,
    () => undefined,
    () => view.getUint32(sizeAt, true) + view.getUint32(sizeAt + 4, true) * 2 ** 32,
  ][sizeBytes]();
  for (let at = sizeAt + sizeBytes; at + 3 <= data.length; ) {
    const header = data[at] | (data[at + 1] << 8) | (data[at + 2] << 16);
    const runLength = ((header >> 1) & 3) === 1;
    at += 3 + (runLength ? 1 : header >> 3);
    if ((header & 1) !== 0) return { length: at + ((descriptor & 4) !== 0 ? 4 : 0), contentSize };
  }
  return undefined;
}
