import { defineConfig } from 'vitest/config';
import config from './vitest.config.ts';

/** The tests that decide over a mutant: fast, and close to the modules that are mutated. */
export default defineConfig({
  ...config,
  test: {
    ...config.test,
    include: ['test/nat-gateway/*.test.ts', 'test/aws/*.test.ts'],
  },
});
