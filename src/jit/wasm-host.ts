/** The part of the WebAssembly API that is used here; it is the same on every host. */
import type { GuestMemory } from '../bus/memory.ts';

/** An exported function of a module. */
export type WasmFunction = (place: number) => number;

interface Instance {
  readonly exports: Readonly<Record<string, WasmFunction>>;
}

declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>) => Instance;
};

/** Compiles a module that imports the guest's memory and `functions`. */
export function instantiate(memory: GuestMemory, bytes: Uint8Array, functions: Readonly<Record<string, unknown>>): Instance {
  return new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory: memory.wasm, ...functions } });
}
