import { defineConfig } from 'vitest/config';

/** Suites that take too long for every commit: `npm run test:long`. */
export default defineConfig({ test: { include: ['tests/long/**/*.test.ts'], testTimeout: 600_000, maxWorkers: 2 } });
