import { defineConfig } from 'vitest/config';

/** Tests of what instructions do, for the second tier: compiled one instruction at a time, and in whole regions. */
const compiled = (tier: string) => ({
  extends: true as const,
  test: {
    name: `compiled, ${tier}`,
    include: ['src/cpu/arm/exec/*.test.ts', 'src/cpu/arm/{coherence,cp15,cpu,exceptions,mmu}.test.ts'],
    env: { CPU_TIER: tier },
  },
});

export default defineConfig({
  test: {
    setupFiles: ['tests/support/seed.ts'],
    testTimeout: 30_000,
    hookTimeout: 120_000,
    // Two workers: the guests' tests are CPU-bound and the machines they run on are small.
    maxWorkers: 2,
    projects: [
      { extends: true, test: { name: 'all', include: ['src/**/*.test.ts', 'tests/**/*.test.ts'], exclude: ['tests/long/**', 'node_modules/**'] } },
      compiled('each'),
      compiled('eager'),
    ],
  },
});
