import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    // One more than the cores of the smallest machine: much of the time is spent waiting for processes and time-outs.
    maxWorkers: 3,
    // Files share modules: loading the SDKs anew for each took a quarter of the time.
    isolate: false,
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
