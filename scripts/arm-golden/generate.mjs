/**
 * Makes src/cpu/arm/testing/golden.txt: what the instructions of the tables do on QEMU's ARM926. Needs qemu-system-arm and
 * a build (`npm run build`), from which it takes the tables.
 *
 *   node scripts/arm-golden/generate.mjs [cases per row] [seed] [output]
 *
 * The file is a list of groups. `= A name` or `= T name` begins one: the row of the ARM or Thumb table. Each line after it
 * is a case: instruction words, the state before, `>`, and what is different afterwards. Registers are written as
 * `name=value` (R8 to R14 with their mode, `pc`, `psr`), memory words as `@address=value`. What is not mentioned before
 * has its default: registers those of `DEFAULTS` in cases.mjs, memory that of `contents`. What is not mentioned after is
 * as before, the PC behind the instruction.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { contents, DEFAULTS, FILLED, isBanked, isOnlyBanked, makeBankedCase, makeCase, nameOf, undefinedRow } from './cases.mjs';
import { MODES, Qemu } from './qemu.mjs';
import { random } from './random.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const [count = '40', seed = '926', output = join(here, '../../src/cpu/arm/testing/golden.txt'), build = join(here, '../../dist')] =
  process.argv.slice(2);
const { armRows } = await import(join(build, 'cpu/arm/isa/arm.rows.js'));
const { thumbRows } = await import(join(build, 'cpu/arm/isa/thumb.rows.js'));
const { armRow, thumbRow } = await import(join(build, 'cpu/arm/isa/decode.js'));
const { VFP_ROWS } = await import(join(build, 'cpu/arm/vfp/vfp.rows.js'));

/** The VFP has tests of its own; coprocessor 15 is tested by hand, as QEMU models less of it. */
const vfp = new Set(VFP_ROWS.map(({ name }) => name));
const rows = [
  ...armRows.filter(({ name }) => !vfp.has(name) && !/^M[CR][CR]$/.test(name)).map((row) => ({ isa: 'A', row })),
  { isa: 'A', row: undefinedRow },
  ...thumbRows.map((row) => ({ isa: 'T', row })),
];

const work = mkdtempSync(join(tmpdir(), 'arm-golden-'));
const image = Buffer.alloc(FILLED.to);
for (let address = FILLED.from; address < FILLED.to; address += 4) image.writeUInt32LE(contents(address), address);
writeFileSync(join(work, 'image.bin'), image);
const qemu = await Qemu.start(work, join(work, 'image.bin'));

const bytesOf = (isa, words) => {
  const size = isa === 'A' ? 4 : 2;
  const bytes = Buffer.alloc(size * words.length);
  for (const [n, word] of words.entries()) bytes.writeUIntLE(word, n * size, size);
  return bytes;
};
const memoryBytes = (from, to) => image.subarray(from, to);

/** Executes a case; returns the registers and memory words that are different afterwards. */
async function execute({ isa, words, registers, memory, window, banked }) {
  const before = { ...DEFAULTS, ...registers };
  const mode = before.psr & 0x1f;
  const code = bytesOf(isa, words);
  await qemu.becomePrivileged('svc');
  const others = banked ? Object.keys(DEFAULTS).filter((name) => /_(usr|fiq|irq|svc|abt|und)$/.test(name)) : [];
  await qemu.setBanks(Object.fromEntries(others.map((name) => [name, before[name]])));
  if (mode === MODES.fiq) {
    await qemu.enter(0x1f);
    for (let n = 8; n < 13; n++) await qemu.setRegister(n, before[`r${n}`]);
  }
  await qemu.setPsr(before.psr);
  await qemu.setRegisters(Array.from({ length: 16 }, (_, n) => before[nameOf(n, mode)]));
  for (const [address, value] of Object.entries(memory)) await qemu.write(Number(address), bytesOf('A', [value]));
  await qemu.write(before.pc, code);
  await qemu.step();

  const after = { ...before, psr: await qemu.psr() };
  const newMode = after.psr & 0x1f;
  (await qemu.registers()).forEach((value, n) => {
    after[nameOf(n, newMode)] = value;
  });
  const changes = [];
  if (banked) {
    // From user mode only an exception leads to the others, and it changes two registers: those of a mode that the case
    // has nothing to do with.
    const by = mode === MODES.svc ? 'und' : 'svc';
    await qemu.becomePrivileged(by);
    const seen = Array.from({ length: 7 }, (_, n) => nameOf(n + 8, newMode));
    const hidden = others.filter((name) => !seen.includes(name) && !(newMode === MODES.usr && [`r14_${by}`, `spsr_${by}`].includes(name)));
    Object.assign(after, await qemu.banks(hidden));
    // R8 to R12 of the other modes, while FIQ mode has its own.
    if (newMode === MODES.fiq) {
      await qemu.enter(0x1f);
      for (let n = 8; n < 13; n++) after[`r${n}`] = await qemu.register(n);
    }
  }
  for (const name of Object.keys(DEFAULTS)) {
    const unchanged = name === 'pc' ? before.pc + code.length : before[name];
    if (after[name] >>> 0 !== unchanged >>> 0) changes.push(`${name}=${(after[name] >>> 0).toString(16)}`);
  }
  if (window !== undefined) {
    const now = await qemu.read(window.from, window.to - window.from);
    for (let address = window.from; address < window.to; address += 4) {
      const value = now.readUInt32LE(address - window.from);
      const inCode = address + 4 > before.pc && address < before.pc + code.length;
      if (!inCode && value !== (memory[address] ?? contents(address))) changes.push(`@${address.toString(16)}=${value.toString(16)}`);
    }
    await qemu.write(window.from, memoryBytes(window.from, window.to));
  }
  await qemu.write(before.pc & ~3, memoryBytes(before.pc & ~3, (before.pc & ~3) + 8));
  return changes;
}

const text = ({ isa, words, registers, memory }, changes) =>
  [
    ...words.map((word) => word.toString(16).padStart(isa === 'A' ? 8 : 4, '0')),
    ...Object.entries(registers)
      .filter(([name, value]) => DEFAULTS[name] !== value)
      .map(([name, value]) => `${name}=${value.toString(16)}`),
    ...Object.entries(memory).map(([address, value]) => `@${Number(address).toString(16)}=${value.toString(16)}`),
    '>',
    ...changes,
  ].join(' ');

try {
  const lines = [];
  for (const [index, { isa, row }] of rows.entries()) {
    const rng = random(Number(seed) + index);
    const decode = isa === 'A' ? armRow : thumbRow;
    const makers = isOnlyBanked(row) ? [makeBankedCase] : isBanked(row) ? [makeCase, makeCase, makeCase, makeBankedCase] : [makeCase];
    const wanted = row === undefinedRow ? 2 * Number(count) : Number(count);
    lines.push(`= ${isa} ${row.name}`);
    for (let made = 0, tries = 0; made < wanted; tries++) {
      if (tries > 10000 * wanted) throw new Error(`${row.name}: no case`);
      const found = makers[made % makers.length](row, isa, rng);
      if (found === undefined || (row !== undefinedRow && decode(found.words[0]) !== row)) continue;
      lines.push(text({ isa, ...found }, await execute({ isa, ...found })));
      made++;
    }
  }
  writeFileSync(output, `${lines.join('\n')}\n`);
  console.log(`${output}: ${lines.length - rows.length} cases of ${rows.length} rows`);
} finally {
  qemu.stop();
  rmSync(work, { recursive: true });
}
