import type { Row } from '../op.ts';

export const vfpRows: readonly Row[] = [];
