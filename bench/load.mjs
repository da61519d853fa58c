// Compares many HTTP clients at once with as many of a server with one tool on the same SDKs, and with callers of the bare
// AWS SDK. Every answer is checked: one error ends the benchmark.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
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

/** How each server is asked about a gateway, and what its answer names it by. */
const OURS = {
  name: 'describe_nat_gateway_addresses',
  arguments: (id) => ({ nat_gateway_ids: [id] }),
  found: ({ nat_gateways }) => nat_gateways[0].nat_gateway_id,
};
const ONE_TOOL = {
  name: 'describe',
  arguments: (natGatewayId) => ({ natGatewayId }),
  found: ({ natGateways }) => natGateways[0].NatGatewayId,
};

export async function load({ subjects, samples }) {
  const endpoint = await startEndpoint(subjects.endpoint, { gateways: GATEWAYS });
  const server = await serve(subjects.main, endpoint.environment);
  const oneTool = await serveOneTool(subjects.oneToolHttp, endpoint.environment);
  const client = sdkClient(endpoint.environment);
  const taken = await inTurn(
    {
      ours: () => storm((id) => describeOverHttp(server.url, OURS, id)),
      floor: () => storm((id) => describeOverHttp(oneTool.url, ONE_TOOL, id)),
      sdk: () => storm((id) => describeBySdk(client, id)),
    },
    samples,
  );
  for (const each of [server, oneTool, endpoint]) each.end();
  client.destroy();
  const of = (which, floorName, floors, target) =>
    row({
      name: `HTTP, ${CALLS} describes by ${CLIENTS} clients: ${which}`,
      unit: 'ms',
      values: taken.ours.map((sample) => sample[which]),
      floorName,
      floors: floors.map((sample) => sample[which]),
      target,
    });
  const name = 'one tool on both SDKs';
  return [
    of('all', name, taken.floor, 1.1),
    of('p50', name, taken.floor),
    of('p99', name, taken.floor, 1.2),
    of('all', 'bare AWS SDK', taken.sdk),
  ];
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

async function describeOverHttp(url, { name, found, ...tool }, id) {
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
      params: { name, arguments: tool.arguments(id), _meta: META },
    }),
  });
  const text = await response.text();
  const isStream = response.headers.get('content-type').startsWith('text/event-stream');
  const message = isStream ? /^data: (\{.*\})$/m.exec(text)?.[1] : text;
  const content = JSON.parse(message ?? '{}').result?.structuredContent;
  if (content === undefined || found(content) !== id) {
    throw new Error(`HTTP ${response.status} did not describe ${id}: ${text}`);
  }
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

async function serveOneTool(file, environment) {
  const child = spawn(process.execPath, [file], {
    env: { PATH: process.env.PATH, ...environment },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [url] = await once(child.stdout, 'data');
  return { url: String(url).trim(), end: () => child.kill() };
}
