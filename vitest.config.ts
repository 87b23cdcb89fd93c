import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'tests/**/*.test.ts'],
    exclude: ['tests/long/**', 'node_modules/**'],
    setupFiles: ['tests/support/seed.ts'],
    testTimeout: 30_000,
    hookTimeout: 120_000,
    // Two workers: the guests' tests are CPU-bound and the machines they run on are small.
    maxWorkers: 2,
  },
});
