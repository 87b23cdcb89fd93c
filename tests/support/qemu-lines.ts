/** The lines of QEMU's record/replay, as its users write them, with this board's devices. */

/** The board's NIC on a user-mode network, behind a filter. */
export const NETWORK = [...['-netdev', 'user,id=net1', '-net', 'nic,netdev=net1'], ...['-object', 'filter-replay,id=replay,netdev=net1']];

/** The memory card, which is only read; what the guest writes goes to the overlay. */
export const card = (image: string, overlay?: string): string[] => [
  ...['-drive', `file=${image},format=${image.endsWith('.qcow2') ? 'qcow2' : 'raw'},if=none,id=img-direct`],
  ...['-drive', `driver=blkreplay,if=sd,image=img-direct,${overlay === undefined ? '' : `overlay=${overlay},`}id=img-blkreplay`],
];

/** Without `sleep=off`, time would pass as on a clock. */
export const icount = (mode: 'record' | 'replay', file: string, more = ''): string[] => [
  '-icount',
  `shift=3,sleep=off,rr=${mode},rrfile=${file}${more}`,
];
