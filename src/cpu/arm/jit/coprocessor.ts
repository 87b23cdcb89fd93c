/** Transfers to and from CP15 that kernels make often (DDI 0198E chapter 2); all others are left to the interpreter. */
import { OP } from '../../../jit/wasm-code.ts';
import { MODE } from '../psr.ts';
import { LOCKED_ENTRIES } from '../state.ts';
import { type Context, NZCV, type Plan, STATE } from './context.ts';
import { interpreted } from './interpreted.ts';

/** What an MCR or MRC names: CRn, opcode 1, coprocessor, opcode 2, CRm. */
const NAME = 0x00ef0fef;
/** The name of an MCR without opcodes and CRm. */
const CRN = 0x00ef0f00;

/** Registers that read as they are in memory. */
const READABLE: ReadonlyMap<number, number> = new Map([
  [0x00010f00, STATE.control],
  [0x00030f00, STATE.dacr],
  [0x00050f00, STATE.dfsr],
  [0x00050f20, STATE.ifsr],
  [0x00060f00, STATE.far],
]);

const privilegedOnly = { sets: 0, reads: NZCV, seen: true, ends: 'no' } as const;

function pushIsUser({ code }: Context): void {
  code.loadAt(STATE.mode);
  code.i32(MODE.usr);
  code.op(OP.i32Eq);
}

/** MCR: maintenance of caches, and of a TLB in which nothing is locked, has no effect in a privileged mode. */
export function planMoveToCoprocessor(insn: number): Plan {
  const crm = insn & 15;
  const isCacheOperation = (insn & CRN) === 0x00070f00 && crm !== 0;
  const isTlbOperation = (insn & CRN) === 0x00080f00 && crm >= 5 && crm <= 7 && (insn & 0xe0) <= 0x20;
  if (!isCacheOperation && !isTlbOperation) return interpreted('comesBack');
  return {
    ...privilegedOnly,
    writes: 0,
    emit: (context) => {
      const { code } = context;
      pushIsUser(context);
      for (let n = 0; isTlbOperation && n < LOCKED_ENTRIES; n++) {
        code.loadAt(STATE.lockedTag + 4 * n);
        code.op(OP.i32Or);
      }
      code.conditional(() => context.interpret(0));
    },
  };
}

/** MRC of a register that is nothing but a word. */
export function planMoveFromCoprocessor(insn: number): Plan {
  const rd = (insn >>> 12) & 15;
  const at = READABLE.get(insn & NAME);
  if (at === undefined || rd === 15) return interpreted('no');
  return {
    ...privilegedOnly,
    writes: 1 << rd,
    emit: (context) => {
      pushIsUser(context);
      context.code.either(
        () => context.interpretAndReload(1 << rd),
        () => context.write(rd, () => context.code.loadAt(at)),
        0,
      );
    },
  };
}
