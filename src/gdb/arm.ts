/**
 * The ARM926EJ-S for a debugger: names and order as gdb's `org.gnu.gdb.arm.core` and `org.gnu.gdb.arm.vfp` require them
 * (GDB manual G.5.3), CP15 by the names of DDI 0198E, to be read only: a write would have to do all that MCR does.
 */
import type { Arm926 } from '../cpu/arm/cpu.ts';
import { bankOf, hasSpsr, readCpsr, readSpsr, writeCpsr } from '../cpu/arm/psr.ts';
import { FPSCR } from '../cpu/arm/vfp/vfp.ts';
import type { CpuDescription, Register } from './registers.ts';

/** gdb's number of the CPSR, behind registers of a coprocessor that is long gone. */
const CPSR = 25;

const CP15 = [
  ['c1_control', 'control'],
  ['c2_ttbr', 'ttbr'],
  ['c3_dacr', 'dacr'],
  ['c5_dfsr', 'dfsr'],
  ['c5_ifsr', 'ifsr'],
  ['c6_far', 'far'],
  ['c10_tlb_lockdown', 'tlbLockdown'],
  ['c13_fcse_pid', 'fcsePid'],
  ['c13_context_id', 'contextId'],
] as const;

export function armDescription(cpu: Arm926): CpuDescription {
  const { s, r } = cpu;
  let next = 0;
  const number = (): number => next++;
  const word = (name: string, type: string, get: () => number, set?: (value: number) => void): Register => ({
    name,
    bits: 32,
    type,
    number: number(),
    read: () => BigInt(get() >>> 0),
    ...(set && { write: (value: bigint) => set(Number(value)) }),
  });
  const general = (n: number, name: string, type: string): Register =>
    word(
      name,
      type,
      () => r[n],
      (value) => void (r[n] = value),
    );

  const core = Array.from({ length: 13 }, (_, n) => general(n, `r${n}`, 'uint32'));
  core.push({ ...general(13, 'sp', 'data_ptr'), generic: 'sp' }, { ...general(14, 'lr', 'uint32'), generic: 'ra' });
  core.push({
    ...word(
      'pc',
      'code_ptr',
      () => r[15],
      (value) => void (r[15] = value & (s.t ? ~1 : ~3)),
    ),
    generic: 'pc',
  });
  next = CPSR;
  core.push({
    ...word(
      'cpsr',
      'uint32',
      () => readCpsr(cpu),
      (value) => writeCpsr(cpu, value),
    ),
    generic: 'flags',
  });

  const doubles = Array.from(
    { length: 16 },
    (_, n): Register => ({
      name: `d${n}`,
      bits: 64,
      type: 'ieee_double',
      number: number(),
      read: () => (BigInt(s.vfp[2 * n + 1]) << 32n) | BigInt(s.vfp[2 * n]),
      write: (value) => {
        s.vfp[2 * n] = Number(value & 0xffffffffn);
        s.vfp[2 * n + 1] = Number(value >> 32n);
      },
    }),
  );
  const vfp = [
    ...doubles,
    word(
      'fpscr',
      'uint32',
      () => s.fpscr,
      (value) => void (s.fpscr = (value & FPSCR.WRITABLE) >>> 0),
    ),
  ];

  const spsr = word(
    'spsr',
    'uint32',
    () => readSpsr(cpu),
    (value) => {
      if (hasSpsr(s.mode)) s.spsr[bankOf(s.mode)] = value;
    },
  );
  const system = [spsr, ...CP15.map(([name, field]) => word(name, 'uint32', () => s[field]))];
  const icount: Register = { name: 'icount', bits: 64, type: 'uint64', number: number(), read: () => BigInt(cpu.icount()) };

  return {
    architecture: 'armv5te',
    triple: 'armv5e-unknown-unknown',
    features: [
      { name: 'org.gnu.gdb.arm.core', registers: core },
      { name: 'org.gnu.gdb.arm.vfp', registers: vfp },
      { name: 'org.reprise.arm.system', registers: system },
      { name: 'org.reprise.machine', registers: [icount] },
    ],
    expedited: ['sp', 'lr', 'pc', 'cpsr'],
    gdbStepsOverWatchedAccess: true,
  };
}
