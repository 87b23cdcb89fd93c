/** Settings of Node's JavaScript engine that suit compiled guest code. */
import { setFlagsFromString } from 'node:v8';

/**
 * V8 optimises a WebAssembly function after this much work, roughly the bytes of it that were executed. Its own choice
 * (1.8 million) is for programs that stay. Guest code comes and goes: the optimising compiler then takes more time than it
 * saves (measured on a Linux boot: as much as a third of all). At this value a loop that runs for a tenth of a second is
 * optimised.
 */
const TIERING_BUDGET = 200_000_000;

/** To be called before guest code is compiled. */
export function tuneEngine(): void {
  setFlagsFromString(`--wasm-tiering-budget=${TIERING_BUDGET}`);
}
