// Compares many HTTP clients at once with as many callers of the bare AWS SDK. Every answer is checked: one error ends
// the benchmark.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { DescribeNatGatewaysCommand, EC2Client } from '@aws-sdk/client-ec2';
import { gatewayId, startEndpoint } from './child.mjs';
import { inTurn, row, timed } from './statistics.mjs';

const GATEWAYS = 100;
const CALLS = 2000;
const CLIENTS = 64;

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1.0.0' },
  'io.modelcontextprotocol/clientCapabilities': {},
};

export async function load({ subjects, samples }) {
  const endpoint = await startEndpoint(subjects.endpoint, { gateways: GATEWAYS });
  const server = await serve(subjects.main, endpoint.environment);
  const client = sdkClient(endpoint.environment);
  const { ours, sdk } = await inTurn(
    {
      ours: () => storm((id) => describeOverHttp(server.url, id)),
      sdk: () => storm((id) => describeBySdk(client, id)),
    },
    samples,
  );
  server.end();
  client.destroy();
  endpoint.end();
  const of = (which, unit) =>
    row({
      name: `HTTP, ${CALLS} describes by ${CLIENTS} clients: ${which}`,
      unit,
      values: ours.map((sample) => sample[which]),
      floorName: 'bare AWS SDK',
      floors: sdk.map((sample) => sample[which]),
    });
  return [of('all', 'ms'), of('p50', 'ms'), of('p99', 'ms')];
}

/** Makes all calls, shared among the clients, each with one call at a time. */
async function storm(describe) {
  const times = [];
  let next = 0;
  const client = async () => {
    while (next < CALLS) {
      const id = gatewayId(next++ % GATEWAYS);
      times.push(await timed(() => describe(id)));
    }
  };
  const all = await timed(() => Promise.all(Array.from({ length: CLIENTS }, client)));
  times.sort((a, b) => a - b);
  return { all, p50: times[Math.floor(CALLS * 0.5)], p99: times[Math.floor(CALLS * 0.99)] };
}

async function describeOverHttp(url, id) {
  const name = 'describe_nat_gateway_addresses';
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': name,
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name, arguments: { nat_gateway_ids: [id] }, _meta: META },
    }),
  });
  const [, data] = /^data: (\{.*\})$/m.exec(await response.text()) ?? [];
  const found = data && JSON.parse(data).result?.structuredContent?.nat_gateways?.[0]?.nat_gateway_id;
  if (found !== id) throw new Error(`HTTP ${response.status} did not describe ${id}: ${data}`);
}

async function describeBySdk(client, id) {
  const Filter = [{ Name: 'nat-gateway-id', Values: [id] }];
  const { NatGateways } = await client.send(new DescribeNatGatewaysCommand({ Filter }));
  if (NatGateways?.[0]?.NatGatewayId !== id) throw new Error(`the SDK did not describe ${id}`);
}

function sdkClient(environment) {
  return new EC2Client({
    region: environment.AWS_REGION,
    endpoint: environment.AWS_ENDPOINT_URL,
    credentials: {
      accessKeyId: environment.AWS_ACCESS_KEY_ID,
      secretAccessKey: environment.AWS_SECRET_ACCESS_KEY,
    },
  });
}

async function serve(file, environment) {
  const args = [file, '--http', '0', '--confirm', 'never', '--max-concurrent-calls', String(CLIENTS)];
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env.PATH, ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  for await (const line of createInterface({ input: child.stderr })) {
    const { url } = JSON.parse(line);
    if (url === undefined) continue;
    child.stderr.resume();
    return { url, end: () => child.kill() };
  }
  throw new Error('the server did not start');
}
