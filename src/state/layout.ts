/**
 * State, declared once and saved whole. `defineState` turns a schema into a memory layout; a layout creates
 * states: a live object whose accessors read and write one block of memory, and reset, save, restore and diff
 * of that block. Nothing that is declared can be forgotten by a snapshot, and nothing else can be added to it.
 */
import { RepriseError } from '../errors/errors.ts';
import { type Field, PRIMITIVE_BYTES, type Primitive, type Schema, type StateOf, VIEW } from './fields.ts';

export interface Layout<S extends Schema> {
  readonly name: string;
  /** Raised by hand whenever the schema changes; `schemas.lock.json` holds the hash of every version. */
  readonly version: number;
  /** FNV-1a (32 bits) over name, version and every field's name, type, length and reset value. */
  readonly hash: number;
  /** Size of a saved state. */
  readonly bytes: number;
  /** Byte offset of each field in the block. */
  readonly offsets: { readonly [K in keyof S]: number };
  readonly schema: S;
  /** @throws RepriseError STATE_SIZE, STATE_VALUE: `saved` cannot be restored */
  check(saved: Uint8Array): void;
  /** A fresh state, reset; in `buffer` at `base` (a multiple of 8) when given, else in memory of its own. */
  create(buffer?: ArrayBufferLike, base?: number): State<S>;
}

export interface State<S extends Schema> {
  readonly layout: Layout<S>;
  /** The live fields. */
  readonly fields: StateOf<S>;
  /** The block itself, for hashing without a copy. */
  readonly bytes: Uint8Array;
  reset(): void;
  save(): Uint8Array;
  /** @throws RepriseError STATE_SIZE when `saved` has another length, STATE_VALUE when a bool or double is malformed. */
  restore(saved: Uint8Array): void;
  /** Names of the fields that differ from `saved`, in declaration order. */
  diff(saved: Uint8Array): string[];
}

type Views = { readonly [P in Primitive as `view_${P}`]: (typeof VIEW)[P]['prototype'] };

/** One accessor pair per primitive, each with its own literal view name so that every load stays monomorphic. */
function accessor(primitive: Primitive, index: number): PropertyDescriptor & ThisType<Views> {
  switch (primitive) {
    case 'u8':
      return {
        get() {
          return this.view_u8[index];
        },
        set(x: number) {
          this.view_u8[index] = x;
        },
      };
    case 'i8':
      return {
        get() {
          return this.view_i8[index];
        },
        set(x: number) {
          this.view_i8[index] = x;
        },
      };
    case 'u16':
      return {
        get() {
          return this.view_u16[index];
        },
        set(x: number) {
          this.view_u16[index] = x;
        },
      };
    case 'i16':
      return {
        get() {
          return this.view_i16[index];
        },
        set(x: number) {
          this.view_i16[index] = x;
        },
      };
    case 'u32':
      return {
        get() {
          return this.view_u32[index];
        },
        set(x: number) {
          this.view_u32[index] = x;
        },
      };
    case 'i32':
      return {
        get() {
          return this.view_i32[index];
        },
        set(x: number) {
          this.view_i32[index] = x;
        },
      };
    case 'f64':
      return {
        get() {
          return this.view_f64[index];
        },
        set(x: number) {
          this.view_f64[index] = x;
        },
      };
    case 'bool':
      return {
        get() {
          return this.view_bool[index] !== 0;
        },
        set(x: boolean) {
          this.view_bool[index] = x ? 1 : 0;
        },
      };
  }
}

const sizeOf = (field: Field): number => PRIMITIVE_BYTES[field.primitive] * (field.shape === 'vector' ? field.length : 1);

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** Declares the state of one kind of device or CPU. Fields are laid out widest first, so each is aligned. */
export function defineState<const S extends Schema>(name: string, version: number, schema: S): Layout<S> {
  const declared: readonly (readonly [string, Field])[] = Object.entries(schema);
  const placed = [...declared].sort(([a, x], [b, y]) => PRIMITIVE_BYTES[y.primitive] - PRIMITIVE_BYTES[x.primitive] || (a < b ? -1 : 1));
  const offsets: Record<string, number> = {};
  let end = 0;
  for (const [key, field] of placed) {
    offsets[key] = end;
    end += sizeOf(field);
  }
  const bytes = (end + 7) & ~7;
  const signature = placed.map(([k, f]) => `${k}:${f.primitive}${f.shape === 'vector' ? `[${f.length}]` : ''}=${f.reset}`).join(',');
  const primitives = [...new Set(placed.map(([, f]) => f.primitive))];

  // One class per layout with the accessors on its prototype: all states of a layout share a hidden class.
  // Accessors made per instance cost some fifty times as much once there are several instances.
  class Fields {
    constructor(buffer: ArrayBufferLike, base: number) {
      for (const p of primitives) {
        Object.defineProperty(this, `view_${p}`, { value: new VIEW[p](buffer as ArrayBuffer, base, bytes / PRIMITIVE_BYTES[p]) });
      }
      for (const [key, f] of placed) {
        if (f.shape !== 'vector') continue;
        Object.defineProperty(this, key, { enumerable: true, value: new VIEW[f.primitive](buffer as ArrayBuffer, base + offsets[key], f.length) });
      }
      Object.freeze(this);
    }
  }
  for (const [key, f] of placed) {
    if (f.shape === 'scalar') {
      Object.defineProperty(Fields.prototype, key, { enumerable: true, ...accessor(f.primitive, offsets[key] / PRIMITIVE_BYTES[f.primitive]) });
    }
  }

  /** A saved block comes from a file: a bool other than 0 or 1, or a NaN, would make two equal states differ. */
  const check = (saved: Uint8Array): void => {
    if (saved.length !== bytes)
      throw new RepriseError('STATE_SIZE', `${name}: the saved state has ${saved.length} bytes, this version needs ${bytes}`);
    if (saved.subarray(end).some((byte) => byte !== 0))
      throw new RepriseError('STATE_VALUE', `${name}: the padding behind the last field is not zero`);
    const view = new DataView(saved.buffer, saved.byteOffset, saved.length);
    for (const [key, f] of placed) {
      const count = f.shape === 'vector' ? f.length : 1;
      for (let i = 0; i < count; i++) {
        if (f.primitive === 'bool' && saved[offsets[key] + i] > 1)
          throw new RepriseError('STATE_VALUE', `${name}.${key}: ${saved[offsets[key] + i]} is not a boolean`);
        if (f.primitive === 'f64' && Number.isNaN(view.getFloat64(offsets[key] + i * 8, true)))
          throw new RepriseError('STATE_VALUE', `${name}.${key}: not a number`);
      }
    }
  };

  const layout: Layout<S> = {
    name,
    version,
    hash: fnv1a(`${name}@${version}:${signature}`),
    bytes,
    offsets: offsets as Layout<S>['offsets'],
    schema,
    check,
    create(buffer = new ArrayBuffer(bytes), base = 0) {
      const block = new Uint8Array(buffer as ArrayBuffer, base, bytes);
      const fields = new Fields(buffer, base) as unknown as StateOf<S>;
      const live = fields as Record<string, unknown>;
      const state: State<S> = {
        layout,
        fields,
        bytes: block,
        reset() {
          block.fill(0);
          for (const [key, f] of placed) {
            if (f.shape === 'scalar') live[key] = f.reset;
            else if (f.reset !== 0) (live[key] as Uint8Array).fill(f.reset);
          }
        },
        save: () => block.slice(),
        restore(saved) {
          check(saved);
          block.set(saved);
        },
        diff(saved) {
          if (saved.length !== bytes) throw new RepriseError('STATE_SIZE', `${name}: ${saved.length} bytes cannot be compared with ${bytes}`);
          return declared
            .filter(([key, f]) => {
              const from = offsets[key];
              for (let i = from; i < from + sizeOf(f); i++) if (block[i] !== saved[i]) return true;
              return false;
            })
            .map(([key]) => key);
        },
      };
      state.reset();
      return Object.freeze(state);
    },
  };
  return Object.freeze(layout);
}
