// Describes one gateway by the tool, by the bare AWS SDK, and by a server with one tool on the SDKs of AWS and MCP, each as
// a process spoken to in JSON-RPC lines.
import { Child, gatewayId, startEndpoint } from './child.mjs';
import { inTurn, median, row, timed } from './statistics.mjs';

const GATEWAYS = 100;
const CALLS = 100;

export async function calls({ subjects, samples }) {
  const endpoint = await startEndpoint(subjects.endpoint, { gateways: GATEWAYS });
  const take = (file, describe) => async () => {
    const child = new Child(file, [], endpoint.environment);
    await child.listTools();
    const milliseconds = [];
    for (let index = 0; index < CALLS; index++) {
      milliseconds.push(await timed(() => describe(child, gatewayId(index % GATEWAYS))));
    }
    await child.end();
    return { first: milliseconds[0], hundredth: median(milliseconds.slice(-20)) };
  };
  const describeWith = (args) => (child, id) =>
    child.call('describe_nat_gateway_addresses', { nat_gateway_ids: [id], ...args });
  const { ours, sdk, oneTool, evidence } = await inTurn(
    {
      ours: take(subjects.main, describeWith({})),
      sdk: take(subjects.sdk, (child, natGatewayId) => child.request('describe', { natGatewayId })),
      oneTool: take(subjects.oneToolCalls, (child, natGatewayId) => child.call('describe', { natGatewayId })),
      evidence: take(subjects.main, describeWith({ evidence: true })),
    },
    samples,
  );
  endpoint.end();
  const of = (which, name, taken, target) =>
    row({
      name,
      unit: 'ms',
      values: taken.map((sample) => sample[which]),
      floorName: 'bare AWS SDK',
      floors: sdk.map((sample) => sample[which]),
      target,
    });
  return [
    of('first', 'first describe, loading the AWS part', ours, 1.3),
    of('first', 'one tool on both SDKs, for scale', oneTool),
    of('hundredth', 'hundredth describe (median of the last 20)', ours, 1.3),
    of('hundredth', 'one tool on both SDKs, for scale', oneTool),
    row({
      name: 'hundredth describe, with evidence',
      unit: 'ms',
      values: evidence.map(({ hundredth }) => hundredth),
    }),
  ];
}
