/** Which mouse buttons are down: QMP presses one at a time, the mouse is told of all. */
import type { Input } from '../replay/model.ts';

const BITS = { left: 1, right: 2, middle: 4 } as const;
export type PointerButton = keyof typeof BITS;

export class PointerButtons {
  private mask = 0;

  set(button: PointerButton, down: boolean): Extract<Input, { kind: 'mouse-buttons' }> {
    this.mask = down ? this.mask | BITS[button] : this.mask & ~BITS[button];
    return { kind: 'mouse-buttons', mask: this.mask };
  }
}
