/** Moves between the VFP's registers, core registers and memory (ARM DDI 0100I, part C). No arithmetic, no exceptions. */
import { dOf, mOf, nOf } from './data-processing.ts';
import { accepts, toCore, type VfpHost, type VfpOp } from './vfp.ts';

const coreRd = (insn: number): number => (insn >>> 12) & 15;
const coreRn = (insn: number): number => (insn >>> 16) & 15;

/** FMSR, FMDLR (`half` 0), FMDHR (`half` 1): a core register to one word of a VFP register. */
export const moveFromCore =
  (half: 0 | 1): VfpOp =>
  (host, insn) => {
    if (!accepts(host)) return false;
    host.vfp[nOf(insn) + half] = host.r[coreRd(insn)];
    return true;
  };

/** FMRS, FMRDL, FMRDH: the other way. */
export const moveToCore =
  (half: 0 | 1): VfpOp =>
  (host, insn) => {
    if (!accepts(host)) return false;
    toCore(host, coreRd(insn), host.vfp[nOf(insn) + half]);
    return true;
  };

/** Whether a transfer of Rd and Rn with two words of VFP registers is defined: R15 and a pair past S31 are not. */
const isPair = (insn: number): boolean => coreRd(insn) !== 15 && coreRn(insn) !== 15 && mOf(insn) !== 31;

/** FMSRR, FMDRR: two core registers to a pair of singles or to a double. */
export const movePairFromCore: VfpOp = (host, insn) => {
  if (!accepts(host) || !isPair(insn)) return false;
  host.vfp[mOf(insn)] = host.r[coreRd(insn)];
  host.vfp[mOf(insn) + 1] = host.r[coreRn(insn)];
  return true;
};

/** FMRRS, FMRRD: the other way. */
export const movePairToCore: VfpOp = (host, insn) => {
  if (!accepts(host) || !isPair(insn)) return false;
  host.r[coreRd(insn)] = host.vfp[mOf(insn)];
  host.r[coreRn(insn)] = host.vfp[mOf(insn) + 1];
  return true;
};

const UP = 1 << 23;
const WRITE_BACK = 1 << 21;
const bytesOf = (insn: number): number => (insn & 0xff) * 4;

/** What a multiple load has read so far: registers change only when no access can abort any more. */
const scratchWords = new Uint32Array(32);

function loadWords(host: VfpHost, start: number, first: number, words: number): void {
  const address = host.wordAddress(start);
  for (let i = 0; i < words; i++) scratchWords[i] = host.load32((address + 4 * i) | 0);
  for (let i = 0; i < words; i++) host.vfp[first + i] = scratchWords[i];
}

function storeWords(host: VfpHost, start: number, first: number, words: number): void {
  const address = host.wordAddress(start);
  for (let i = 0; i < words; i++) host.store32((address + 4 * i) | 0, host.vfp[first + i] | 0);
}

type Move = typeof loadWords;

/** FLDS, FSTS (one word), FLDD, FSTD (two): Rn plus or minus an offset. */
const single =
  (move: Move, words: 1 | 2): VfpOp =>
  (host, insn) => {
    if (!accepts(host)) return false;
    const offset = bytesOf(insn);
    const base = host.r[coreRn(insn)];
    move(host, (insn & UP ? base + offset : base - offset) | 0, dOf(insn), words);
    return true;
  };

/**
 * FLDM, FSTM: consecutive registers, upwards from Rn or downwards to it. The base is written back last, so that an
 * abort leaves it as it was. The X forms have an odd word count: the word behind the last double is skipped.
 */
const multiple =
  (move: Move): VfpOp =>
  (host, insn) => {
    if (!accepts(host)) return false;
    const rn = coreRn(insn);
    const first = dOf(insn);
    const isDouble = (insn & 0x100) !== 0;
    const words = isDouble ? insn & 0xfe : insn & 0xff;
    if (words === 0 || first + words > 32 || (insn & WRITE_BACK && rn === 15)) return false;
    const base = host.r[rn];
    const bytes = bytesOf(insn);
    move(host, insn & UP ? base : (base - bytes) | 0, first, words);
    if (insn & WRITE_BACK) host.r[rn] = insn & UP ? base + bytes : base - bytes;
    return true;
  };

export const loadSingle = single(loadWords, 1);
export const storeSingle = single(storeWords, 1);
export const loadDouble = single(loadWords, 2);
export const storeDouble = single(storeWords, 2);
export const loadMultiple = multiple(loadWords);
export const storeMultiple = multiple(storeWords);
