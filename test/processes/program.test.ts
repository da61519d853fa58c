import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { BARE_ENVIRONMENT, MAIN } from '../support/server-process.ts';

describe('nat-gateway-mcp simulator', () => {
  it('prints the variables that the AWS SDKs, boto3 and the aws CLI read', async () => {
    const child = spawn(process.execPath, [MAIN, 'simulator', '--port', '0', '--region', 'eu-west-1'], {
      env: BARE_ENVIRONMENT,
    });
    onTestFinished(() => {
      child.kill();
    });
    const [banner] = await once(child.stdout, 'data');
    const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(String(banner)) ?? [];
    const variables = String(banner).matchAll(/(AWS_\w+)=(\S+)/g);
    expect(Object.fromEntries([...variables].map(([, name, value]) => [name, value]))).toEqual({
      AWS_ENDPOINT_URL_EC2: url,
      AWS_ENDPOINT_URL_STS: url,
      AWS_REGION: 'eu-west-1',
      AWS_DEFAULT_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: 'AKIASIMULATEDACCESS0',
      AWS_SECRET_ACCESS_KEY: 'simulated',
    });
  });
});
