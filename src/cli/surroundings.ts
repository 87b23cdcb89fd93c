/** What a command line connects a machine to, as monitors show it (`info chardev`, `info network`). */
import type { CharSpec, ConsoleSpec } from '../host/node/char-spec.ts';
import type { NicSpec } from '../options/network.ts';
import type { DiskSummary, Surroundings } from '../session/control.ts';

export function surroundingsOf(consoles: ConsoleSpec, nic: NicSpec | undefined, disks: readonly DiskSummary[]): Surroundings {
  const serial = consoles.serial.map(({ backend, monitor }, n) => `serial${n}: filename=${monitor ? 'mux' : describe(backend)}`);
  const monitors = [...(consoles.monitor === undefined ? [] : [consoles.monitor]), ...consoles.qmp];
  const characterDevices = [...serial, ...monitors.map((backend, n) => `compat_monitor${n}: filename=${describe(backend)}`)];
  return { disks, network: nic === undefined ? [] : networkLines(nic), characterDevices };
}

function describe(spec: CharSpec): string {
  switch (spec.kind) {
    case 'tcp':
      return `tcp:${spec.host}:${spec.port}${spec.role === 'client' ? '' : ',server=on'}`;
    case 'unix':
      return `unix:${spec.path}${spec.role === 'client' ? '' : ',server=on'}`;
    default:
      return spec.kind;
  }
}

function networkLines({ mac, netdev }: NicSpec): string[] {
  const address = mac.match(/../g)?.join(':');
  const card = `nic0: index=0,type=nic,model=smc91c111,macaddr=${address}`;
  if (netdev === undefined) return [card];
  const { id, backend: leads } = netdev;
  const peer =
    leads.kind === 'user'
      ? `type=user,net=${leads.user.net ?? '10.0.2.0'},restrict=${leads.user.restrict ? 'on' : 'off'}`
      : `type=socket,${leads.role === 'server' ? 'listen' : 'connect'}=${leads.host}:${leads.port}`;
  return [card, ` \\ ${id}: index=0,${peer}`];
}
