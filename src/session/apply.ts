/** The one place where an input touches the machine, in a recording and in its replay alike. */
import type { Machine } from '../boards/machine.ts';
import { RepriseError } from '../errors/errors.ts';
import type { Input } from '../replay/model.ts';

/** Applies an input between two instructions. Returns false when the machine cannot take it: then it is not the recorded one. */
export function applyInput(machine: Machine, input: Input): boolean {
  switch (input.kind) {
    case 'serial': {
      const port = machine.serial[input.port];
      if (port === undefined || port.receiveRoom() < input.bytes.length) return false;
      for (const byte of input.bytes) port.receive(byte);
      return true;
    }
    case 'key':
      machine.keyboard.key(input.code, input.down);
      return true;
    case 'mouse-move':
      machine.mouse.move(input.dx, input.dy, input.dz);
      return true;
    case 'mouse-buttons':
      machine.mouse.button(input.mask);
      return true;
    case 'frame': {
      const nic = machine.nics[input.nic];
      if (nic === undefined || !nic.receiveRoom()) return false;
      nic.receive(input.bytes);
      return true;
    }
    case 'patch':
      return applyPatch(machine, input);
    case 'reset':
      machine.requestReset();
      return true;
  }
}

/** What a debugger changed. A component takes only a state that it could have. */
function applyPatch(machine: Machine, { component, offset, bytes }: Extract<Input, { kind: 'patch' }>): boolean {
  if (component === 'ram') {
    if (offset + bytes.length > machine.memory.ramBytes) return false;
    machine.memory.load(offset, bytes);
  } else {
    const state = machine.components.find(({ name }) => name === component)?.state;
    if (state === undefined || offset + bytes.length > state.layout.bytes) return false;
    const changed = state.save();
    changed.set(bytes, offset);
    try {
      state.restore(changed);
    } catch (error) {
      if (error instanceof RepriseError) return false;
      throw error;
    }
  }
  machine.cpu.dropDerived();
  return true;
}
