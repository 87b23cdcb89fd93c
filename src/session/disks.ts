/** The host's side of a machine's disks: does requests at the moment they come due. See `bus/disk.ts`. */

import type { BlockNode } from '../block/node.ts';
import type { Machine } from '../boards/machine.ts';
import type { DiskRequest } from '../bus/disk.ts';
import { assert, RepriseError } from '../errors/errors.ts';

/** A request that the host could not do. It is still under way: trying again may succeed. */
export class DiskFault extends Error {
  readonly device: string;
  readonly operation: 'read' | 'write';
  constructor(device: string, operation: 'read' | 'write', cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.device = device;
    this.operation = operation;
  }
}

export class DiskService {
  private readonly machine: Machine;
  private readonly nodes: readonly BlockNode[];

  /** @param nodes one for each disk of the machine, as large as the machine's disk */
  constructor(machine: Machine, nodes: readonly BlockNode[]) {
    assert(nodes.length === machine.disks.length, 'each disk of the machine has a node behind it');
    this.machine = machine;
    this.nodes = nodes;
  }

  /** Whether a request is due now. */
  due(): boolean {
    const { disks } = this.machine;
    if (disks.length === 0) return false;
    const now = this.machine.now();
    return disks.some(({ user }) => user.due() <= now);
  }

  /** Does every request that is due now. @throws DiskFault */
  async serve(): Promise<void> {
    const now = this.machine.now();
    for (const [n, { name, user }] of this.machine.disks.entries()) {
      if (user.due() > now) continue;
      const request = user.request();
      assert(request !== undefined, 'a request that is due is there');
      checkRequest(name, request, this.nodes[n]);
      let data: Uint8Array | undefined;
      try {
        data = await perform(this.nodes[n], request);
      } catch (cause) {
        throw new DiskFault(name, request.kind === 'read' ? 'read' : 'write', cause);
      }
      user.complete(data);
    }
  }

  /** What the guest has written survives the death of the host. @throws RepriseError */
  async flush(): Promise<void> {
    for (const node of this.nodes) await node.flush();
  }
}

/** Devices check what the guest asks for, but a snapshot that was made by hand may hold any request. */
function checkRequest(device: string, request: DiskRequest, { size, readOnly }: BlockNode): void {
  if (request.kind === 'flush') return;
  const length = request.kind === 'write' ? request.bytes.length : request.length;
  if (request.offset + length > size || (readOnly && request.kind !== 'read'))
    throw new RepriseError('STATE_VALUE', `${device}: its state holds a request that its disk cannot have`);
}

async function perform(node: BlockNode, request: DiskRequest): Promise<Uint8Array | undefined> {
  switch (request.kind) {
    case 'read':
      return node.read(request.offset, request.length);
    case 'write':
      await node.write(request.offset, request.bytes);
      return undefined;
    case 'discard':
      await node.discard(request.offset, request.length);
      return undefined;
    case 'flush':
      await node.flush();
      return undefined;
  }
}
