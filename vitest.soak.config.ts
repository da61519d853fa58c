import { defineConfig } from 'vitest/config';
import config from './vitest.config.ts';

/** What takes too long for every run: many more sequences, many calls, much rubbish. */
export default defineConfig({
  ...config,
  test: {
    ...config.test,
    include: ['test/soak/*.soak.ts', 'test/tools/unassign/random-sequences.test.ts'],
    env: { ...config.test?.env, SEQUENCES: '20000' },
  },
});
