/** Opens what a machine's network interface is connected to. */
import { NodeSockets } from '../host/node/net-sockets.ts';
import type { NetBackend } from '../net/net.ts';
import { userNetConfig } from '../net/user/config.ts';
import { UserNet } from '../net/user/user-net.ts';
import type { NicSpec } from './options/network.ts';

/** An interface without a cable. */
const nowhere: NetBackend = Object.freeze({ send() {}, onFrame() {}, busy: false, close: async () => {} });

/** One backend for each interface. @throws RepriseError BAD_VALUE, ADDRESS_IN_USE */
export function openNetwork(nic: NicSpec | undefined): readonly NetBackend[] {
  if (nic === undefined) return [];
  if (nic.netdev === undefined) return [nowhere];
  return [new UserNet(userNetConfig(nic.netdev.user), new NodeSockets())];
}
