import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { BARE_ENVIRONMENT, MAIN } from '../support/server-process.ts';

describe('the program', () => {
  /** Runs `--version` in a Node that claims to be another version. */
  async function versionOn(node: string) {
    const versions = `Object.defineProperty(process,'versions',{value:{...process.versions,node:'${node}'}})`;
    const args = ['--import', `data:text/javascript,${encodeURIComponent(versions)}`, MAIN, '--version'];
    return promisify(execFile)(process.execPath, args, { env: BARE_ENVIRONMENT }).catch((error) => error);
  }

  it.each(['18.20.8', '20.0.0', '20.18.3'])('stops with one line on Node %s', async (node) => {
    expect(await versionOn(node)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: `nat-gateway-mcp: needs Node 20.19 or later, and this is Node ${node}.\n`,
    });
  });

  it.each(['20.19.0', '22.0.0', '24.0.0'])('starts on Node %s', async (node) => {
    expect(await versionOn(node)).toEqual({
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\S*\n$/),
      stderr: '',
    });
  });
});

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
      AWS_ENDPOINT_URL_CLOUDWATCH: url,
      AWS_REGION: 'eu-west-1',
      AWS_DEFAULT_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: 'AKIASIMULATEDACCESS0',
      AWS_SECRET_ACCESS_KEY: 'simulated',
    });
  });
});
