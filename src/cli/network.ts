/** Opens what a machine's network interface is connected to. */
import { openSocketBackend, type SocketOptions } from '../host/node/char-socket.ts';
import { NodeNetwork } from '../host/node/net-sockets.ts';
import type { NetBackend } from '../net/net.ts';
import { SocketNet } from '../net/socket/socket-net.ts';
import { userNetConfig } from '../net/user/config.ts';
import { UserNet } from '../net/user/user-net.ts';
import type { NetdevSpec } from '../options/netdev.ts';
import type { NicSpec } from '../options/network.ts';

/** An interface without a cable. */
const nowhere: NetBackend = Object.freeze({ send() {}, onFrame() {}, busy: false, close: async () => {} });

/** One backend for each interface. @throws RepriseError BAD_VALUE, ADDRESS_IN_USE, CONNECT_FAILED; the signal's reason when it is aborted */
export async function openNetwork(nic: NicSpec | undefined, options: SocketOptions): Promise<readonly NetBackend[]> {
  if (nic === undefined) return [];
  if (nic.netdev === undefined) return [nowhere];
  const { backend, id } = nic.netdev;
  return [await (backend.kind === 'user' ? openUser(backend, options) : openSocket(id, backend, options))];
}

async function openUser({ user }: Extract<NetdevSpec, { kind: 'user' }>, { notice }: SocketOptions): Promise<NetBackend> {
  const backend = new UserNet(userNetConfig(user), new NodeNetwork());
  try {
    for (const { forward, hostPort } of await backend.openForwards()) {
      if (forward.hostPort === 0)
        notice(`${forward.protocol} port ${hostPort} of ${forward.hostAddress} leads to port ${forward.guestPort} of the guest`);
    }
  } catch (error) {
    await backend.close();
    throw error;
  }
  return backend;
}

/** As in QEMU, a listener's next peer may come when the last has gone; whoever connects does so once, at the start. */
async function openSocket(id: string, { role, host, port }: Extract<NetdevSpec, { kind: 'socket' }>, options: SocketOptions): Promise<NetBackend> {
  const notice = (text: string): void => options.notice(`network '${id}': ${text}`);
  const stream = await openSocketBackend({ kind: 'tcp', role, host, port }, { ...options, notice });
  return new SocketNet(stream, { notice, now: () => performance.now() });
}
