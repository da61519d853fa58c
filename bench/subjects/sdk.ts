/** The AWS SDK behind the same lines on stdin and stdout, with nothing in between: the floor under our calls. */
import { createInterface } from 'node:readline';

interface Line {
  id?: number;
  params?: { natGatewayId?: string; pageSize?: number };
}

for await (const line of createInterface({ input: process.stdin })) {
  const { id, params = {} } = JSON.parse(line) as Line;
  if (id === undefined) continue;
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, result: await answer(params) })}\n`);
}

async function answer({ natGatewayId, pageSize }: { natGatewayId?: string; pageSize?: number }) {
  if (natGatewayId !== undefined) return (await import('./sdk-client.ts')).describe(natGatewayId);
  if (pageSize !== undefined) return (await import('./sdk-client.ts')).count(pageSize);
  return {};
}
