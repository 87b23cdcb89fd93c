import { RepriseError } from '../errors/errors.ts';
import type { MachineOptions } from '../replay/model.ts';
import type { QemuOptions } from './qemu.ts';
import { badValue } from './values.ts';

const MIB = 2 ** 20;
const DEFAULT_RAM = 128 * MIB;
const DEFAULT_SHIFT = 3;

/** What the host contributes where the command line is silent. */
export interface HostDefaults {
  /** Whole seconds since 1970. */
  readonly utcSeconds: number;
  /** How far local time is ahead of UTC. */
  readonly utcOffsetSeconds: number;
  /** 64 bits as 16 hex digits. */
  readonly seed: string;
}

/**
 * All that the guest can see of its options, with the defaults filled in.
 * @throws RepriseError UNKNOWN_MACHINE (none given), USAGE (nothing to run), BAD_VALUE (a date that the clock cannot show)
 */
export function toMachineOptions(options: QemuOptions, host: HostDefaults, disks: MachineOptions['disks'] = []): MachineOptions {
  if (options.machine === undefined) throw new RepriseError('UNKNOWN_MACHINE', 'no machine given; add -M integratorcp');
  if (options.kernel === undefined && options.bios === undefined) {
    throw new RepriseError('USAGE', 'there is nothing to run; add -kernel FILE or -bios FILE');
  }
  return {
    machine: options.machine,
    cpu: options.cpu ?? 'arm926',
    ramBytes: options.ramBytes ?? DEFAULT_RAM,
    append: options.append ?? '',
    icountShift: options.icountShift ?? DEFAULT_SHIFT,
    rtcBase: rtcSeconds(options, host),
    seed: options.seed ?? host.seed,
    noReboot: options.noReboot,
    nics: options.nic === undefined ? [] : [{ mac: options.nic.mac }],
    disks,
  };
}

function rtcSeconds({ rtcBase }: QemuOptions, host: HostDefaults): number {
  const seconds = typeof rtcBase === 'number' ? rtcBase : rtcBase === 'localtime' ? host.utcSeconds + host.utcOffsetSeconds : host.utcSeconds;
  if (seconds < 0 || seconds >= 2 ** 32) throw badValue('-rtc base', 'the clock of the machine shows dates from 1970 to 2106');
  return seconds;
}
