/** Opens what a machine's network interface is connected to. */
import { NodeNetwork } from '../host/node/net-sockets.ts';
import type { NetBackend } from '../net/net.ts';
import { userNetConfig } from '../net/user/config.ts';
import { UserNet } from '../net/user/user-net.ts';
import type { NicSpec } from './options/network.ts';

/** An interface without a cable. */
const nowhere: NetBackend = Object.freeze({ send() {}, onFrame() {}, busy: false, close: async () => {} });

/** One backend for each interface. @throws RepriseError BAD_VALUE, ADDRESS_IN_USE, CONNECT_FAILED */
export async function openNetwork(nic: NicSpec | undefined, notice: (text: string) => void): Promise<readonly NetBackend[]> {
  if (nic === undefined) return [];
  if (nic.netdev === undefined) return [nowhere];
  const backend = new UserNet(userNetConfig(nic.netdev.user), new NodeNetwork());
  try {
    for (const { forward, hostPort } of await backend.openForwards()) {
      if (forward.hostPort === 0)
        notice(`${forward.protocol} port ${hostPort} of ${forward.hostAddress} leads to port ${forward.guestPort} of the guest`);
    }
  } catch (error) {
    await backend.close();
    throw error;
  }
  return [backend];
}
