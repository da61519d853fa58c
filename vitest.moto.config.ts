import { defineConfig } from 'vitest/config';
import config from './vitest.config.ts';

/** A comparison with another implementation, by hand: it needs Python, boto3 and an endpoint that is running. */
export default defineConfig({ ...config, test: { ...config.test, include: ['test/moto/*.moto.ts'] } });
