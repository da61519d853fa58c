import { defineConfig } from 'vitest/config';
import config from './vitest.config.ts';

/** Tests that take too long for every run: more sequences, many calls, fuzzed lines. */
export default defineConfig({
  ...config,
  test: {
    ...config.test,
    include: ['test/soak/*.soak.ts', 'test/tools/unassign/random-sequences.test.ts'],
    env: { ...config.test?.env, SEQUENCES: '20000' },
  },
});
