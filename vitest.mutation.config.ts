import { existsSync } from 'node:fs';
import { defineConfig } from 'vitest/config';
import config from './vitest.config.ts';

/** Fast tests of the mutated modules. Named one by one, so that a new test file does not slow down every mutant. */
const include = [
  'test/aws/account-id.test.ts',
  'test/aws/assign.test.ts',
  'test/aws/aws-codes.test.ts',
  'test/aws/bad-response.test.ts',
  'test/aws/clock-skew.test.ts',
  'test/aws/credentials.test.ts',
  'test/aws/destination.test.ts',
  'test/aws/dry-run.test.ts',
  'test/aws/failure-from.test.ts',
  'test/aws/nothing-sent.test.ts',
  'test/aws/permit.test.ts',
  'test/aws/reads.test.ts',
  'test/aws/real-call.test.ts',
  'test/aws/region.test.ts',
  'test/aws/throttling.test.ts',
  'test/aws/unreachable.test.ts',
  'test/nat-gateway/cidr.test.ts',
  'test/nat-gateway/evidence-text.test.ts',
  'test/nat-gateway/judge-evidence.test.ts',
  'test/nat-gateway/policy.test.ts',
  'test/nat-gateway/preflight.test.ts',
  'test/nat-gateway/observations.test.ts',
  'test/vocabulary/failure.test.ts',
];

// Vitest ignores a name without a file; the mutants of a renamed test would survive unnoticed.
const missing = include.filter((file) => !existsSync(new URL(file, import.meta.url)));
if (missing.length > 0) throw new Error(`No such test: ${missing.join(', ')}`);

export default defineConfig({ ...config, test: { ...config.test, include } });
