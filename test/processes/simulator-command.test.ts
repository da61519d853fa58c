import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { DescribeNatGatewaysCommand, EC2Client } from '@aws-sdk/client-ec2';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DESCRIBE, UNASSIGN } from '../../src/vocabulary/names.ts';
import { BARE_ENVIRONMENT, endpointEnvironment, MAIN } from '../support/server-process.ts';
import { EGRESS } from '../support/session.ts';
import { connectModern } from '../support/stdio-clients.ts';

/** Starts `nat-gateway-mcp simulator` on a free port. */
async function startCommand() {
  const child = spawn(process.execPath, [MAIN, 'simulator', '--port', '0'], { env: BARE_ENVIRONMENT });
  onTestFinished(() => void child.kill());
  const [banner] = await once(child.stdout, 'data');
  const [url = '', port = ''] = /http:\/\/127\.0\.0\.1:(\d+)/.exec(String(banner)) ?? [];
  return { child, url, port };
}

describe('nat-gateway-mcp simulator', () => {
  it('shows the AWS SDK the same state as the tools, and exits with 0 on SIGTERM', async () => {
    const { child, url } = await startCommand();
    const credentials = { accessKeyId: 'AKIATEST', secretAccessKey: 'secret' };
    const ec2 = new EC2Client({ region: 'us-east-1', endpoint: url, credentials });
    onTestFinished(() => ec2.destroy());
    const client = await connectModern({ environment: endpointEnvironment({ url }) });
    const bySdk = async () => {
      const { NatGateways = [] } = await ec2.send(new DescribeNatGatewaysCommand({}));
      return NatGateways.map(({ NatGatewayId, State, NatGatewayAddresses = [] }) => [
        NatGatewayId,
        State,
        NatGatewayAddresses.map(({ PrivateIp, Status, IsPrimary }) => [PrivateIp, Status, IsPrimary]),
      ]);
    };
    const byTool = async () => {
      // Gateways that have ended are listed only when they are asked for.
      const states = ['pending', 'available', 'deleting', 'deleted', 'failed'];
      const { structuredContent } = await client.call(DESCRIBE, { states });
      // biome-ignore lint/suspicious/noExplicitAny: members as the schema has them
      return structuredContent.nat_gateways.map(({ nat_gateway_id, state, addresses }: any) => [
        nat_gateway_id,
        state,
        // biome-ignore lint/suspicious/noExplicitAny: members as the schema has them
        addresses.map(({ private_ip, status, is_primary }: any) => [private_ip, status, is_primary]),
      ]);
    };
    expect(await byTool()).toEqual(await bySdk());
    await client.call(UNASSIGN, { nat_gateway_id: EGRESS, private_ip_addresses: ['10.0.1.11'] });
    const after = await bySdk();
    expect(after[0]?.[2]).toContainEqual(['10.0.1.11', 'unassigning', false]);
    expect(await byTool()).toEqual(after);
    child.kill('SIGTERM');
    const [code] = await once(child, 'exit');
    expect(code).toBe(0);
  });

  it('exits with 1 and one line on stderr when its port is taken', async () => {
    const { port } = await startCommand();
    const failed = await promisify(execFile)(process.execPath, [MAIN, 'simulator', '--port', port], {
      env: BARE_ENVIRONMENT,
    }).catch((error) => error);
    expect(failed).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^nat-gateway-mcp: .*EADDRINUSE.*\n$/),
    });
  });
});
