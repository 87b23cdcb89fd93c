/** The library: see docs/api.md. */
export { type Arrival, type Range, Replay, type ReplayOptions, type StopRequest } from './api/replay.ts';
export type { Access, DebugStop, Space, WatchKind, Watchpoint, WatchStop } from './bus/debug.ts';
export type { DiskAccess, Frame, SerialByte } from './debug/find.ts';
export type { FrameFilter } from './debug/frame-filter.ts';
export type { Write } from './debug/last-write.ts';
export { Names } from './debug/names.ts';
export type { Change, TraceEntry } from './debug/trace.ts';
export type { Moment } from './debug/witnessed.ts';
export { type ErrorCode, RepriseError } from './errors/errors.ts';
export type { Icount, Nanoseconds } from './time/units.ts';
