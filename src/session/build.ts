/** From options and files to a machine; the same for a live run, a recording and a replay. */

import type { BootFiles, NamedFile } from '../boards/boot/arm-boot.ts';
import type { GuestMessageListener } from '../boards/guest-log.ts';
import { buildIntegratorCp } from '../boards/integratorcp.ts';
import type { Engine, Machine } from '../boards/machine.ts';
import { SECTOR_BYTES } from '../bus/disk.ts';
import type { Digestible } from '../replay/digest-chain.ts';
import type { InputFile, MachineOptions } from '../replay/model.ts';

export type MachineFiles = Partial<Record<InputFile['role'], NamedFile>>;

/** @throws RepriseError of the boot plan */
export function buildMachine(options: MachineOptions, files: MachineFiles, onGuestMessage: GuestMessageListener, engine?: Engine): Machine {
  const boot: BootFiles = { kernel: files.kernel, initrd: files.initrd, dtb: files.dtb, bios: files.bios, append: options.append };
  return buildIntegratorCp({
    ramBytes: options.ramBytes,
    icountShift: options.icountShift,
    rtcBase: options.rtcBase,
    nics: options.nics.map(({ mac }) => ({ mac: macBytes(mac) })),
    disks: options.disks.map(({ sectors, readOnly }) => ({ bytes: sectors * SECTOR_BYTES, readOnly })),
    files: boot,
    onGuestMessage,
    ...(engine && { engine }),
  });
}

const macBytes = (mac: string): number[] => Array.from({ length: 6 }, (_, n) => Number.parseInt(mac.slice(2 * n, 2 * n + 2), 16));

/** What of a machine goes into digests: streams of serial bytes, then of frames, each with its length in front. */
export const digestible = (machine: Machine): Digestible => ({
  memory: machine.memory,
  components: machine.components,
  outputs: [...machine.serial.map((_, n) => `serial${n}.output`), ...machine.nics.map((_, n) => `nic${n}.output`)],
  dropStores: () => machine.cpu.dropStores(),
});
