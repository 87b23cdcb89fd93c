/**
 * The vocabulary of a state schema: typed fields with their reset values and one line of documentation.
 * A schema is an object of these; see `layout.ts` for what is made of it.
 */

/** How a value lies in memory. `bool` is a byte that holds 0 or 1. */
export type Primitive = 'u8' | 'i8' | 'u16' | 'i16' | 'u32' | 'i32' | 'f64' | 'bool';

export const PRIMITIVE_BYTES: Readonly<Record<Primitive, number>> = {
  u8: 1,
  i8: 1,
  bool: 1,
  u16: 2,
  i16: 2,
  u32: 4,
  i32: 4,
  f64: 8,
};

export const VIEW = {
  u8: Uint8Array,
  i8: Int8Array,
  bool: Uint8Array,
  u16: Uint16Array,
  i16: Int16Array,
  u32: Uint32Array,
  i32: Int32Array,
  f64: Float64Array,
} as const;

export interface ScalarField<V> {
  readonly shape: 'scalar';
  readonly primitive: Primitive;
  readonly reset: V;
  readonly doc: string;
}

export interface VectorField<V> {
  readonly shape: 'vector';
  readonly primitive: Primitive;
  readonly length: number;
  /** Every element's reset value. */
  readonly reset: number;
  readonly doc: string;
  /** Carries the view's type; never set. */
  readonly view?: V;
}

export type Field = ScalarField<number | boolean> | VectorField<unknown>;
export type Schema = Readonly<Record<string, Field>>;

/** The live state that a schema describes: scalars are assigned, vectors are views that stay. */
export type StateOf<S extends Schema> = {
  -readonly [K in keyof S as S[K] extends ScalarField<number | boolean> ? K : never]: S[K] extends ScalarField<infer V> ? V : never;
} & {
  readonly [K in keyof S as S[K] extends VectorField<unknown> ? K : never]: S[K] extends VectorField<infer V> ? V : never;
};

const scalar =
  (primitive: Primitive) =>
  (reset: number, doc: string): ScalarField<number> => ({ shape: 'scalar', primitive, reset, doc });

const vector =
  <V>(primitive: Primitive) =>
  (length: number, doc: string, reset = 0): VectorField<V> => ({ shape: 'vector', primitive, length, reset, doc });

export const u8 = scalar('u8');
export const i8 = scalar('i8');
export const u16 = scalar('u16');
export const i16 = scalar('i16');
export const u32 = scalar('u32');
export const i32 = scalar('i32');
/** A double: for integers up to 2^53 (`Nanoseconds`, `Icount`). NaN must not be stored: its bits differ between hosts. */
export const f64 = <V extends number = number>(reset: V, doc: string): ScalarField<V> => ({ shape: 'scalar', primitive: 'f64', reset, doc });
export const bool = (reset: boolean, doc: string): ScalarField<boolean> => ({ shape: 'scalar', primitive: 'bool', reset, doc });
export const u8s = vector<Uint8Array>('u8');
export const u16s = vector<Uint16Array>('u16');
export const u32s = vector<Uint32Array>('u32');
export const i32s = vector<Int32Array>('i32');
export const f64s = vector<Float64Array>('f64');
