/** What a debugger is told of a CPU's registers: gdb's target description (GDB manual, appendix G), and their values. */

export interface Register {
  readonly name: string;
  readonly bits: 32 | 64;
  /** A type that gdb knows without being told, such as `uint32`, `code_ptr`, `ieee_double`. */
  readonly type: string;
  /** Number in the protocol; they ascend. */
  readonly number: number;
  /** An unsigned value. */
  read(): bigint;
  /** Undefined where it cannot be written. The derived data of the CPU may be wrong afterwards. */
  readonly write?: (value: bigint) => void;
  /** What lldb calls it, where it needs to know. */
  readonly generic?: 'pc' | 'sp' | 'ra' | 'fp' | 'flags';
}

export interface Feature {
  /** Features that gdb knows (`org.gnu.gdb.…`) have registers that it requires; others are shown as they are. */
  readonly name: string;
  readonly registers: readonly Register[];
}

export interface CpuDescription {
  /** gdb's name of the architecture. */
  readonly architecture: string;
  /** lldb's, of architecture, vendor and system. */
  readonly triple: string;
  readonly features: readonly Feature[];
  /** Names of registers that are told with each stop. */
  readonly expedited: readonly string[];
  /**
   * gdb believes of some architectures that a watched access has not happened yet when it is told of it, and makes a step
   * before it looks at the value.
   */
  readonly gdbStepsOverWatchedAccess: boolean;
}

export const registersOf = ({ features }: CpuDescription): readonly Register[] => features.flatMap(({ registers }) => registers);

/** The document `target.xml`. */
export function targetXml({ architecture, features }: CpuDescription): string {
  const lines = features.flatMap(({ name, registers }) => [
    `<feature name="${name}">`,
    ...registers.map(({ name: register, bits, type, number, generic }) => {
      // gdb ignores what is lldb's.
      const role = generic === undefined ? '' : ` generic="${generic}"`;
      return `<reg name="${register}" bitsize="${bits}" type="${type}" regnum="${number}"${role}/>`;
    }),
    '</feature>',
  ]);
  return [
    '<?xml version="1.0"?>',
    '<!DOCTYPE target SYSTEM "gdb-target.dtd">',
    '<target version="1.0">',
    `<architecture>${architecture}</architecture>`,
    ...lines,
    '</target>',
    '',
  ].join('\n');
}

/**
 * The document that says where memory is: everywhere, since addresses are those of the running program, and which of
 * them are mapped changes all the time.
 */
export const MEMORY_MAP_XML = [
  '<?xml version="1.0"?>',
  '<!DOCTYPE memory-map PUBLIC "+//IDN gnu.org//DTD GDB Memory Map V1.0//EN" "http://sourceware.org/gdb/gdb-memory-map.dtd">',
  '<memory-map><memory type="ram" start="0x0" length="0x100000000"/></memory-map>',
  '',
].join('\n');
