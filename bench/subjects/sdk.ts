/** The AWS SDK behind JSON-RPC lines, with nothing in between: the floor of a call. */
import { createInterface } from 'node:readline';

interface Line {
  id?: number;
  params?: Params;
}

interface Params {
  /** Describes one gateway. */
  natGatewayId?: string;
  /** Counts the gateways in pages of this size. */
  pageSize?: number;
  /** Reads one page. */
  maxResults?: number;
  nextToken?: string;
}

for await (const line of createInterface({ input: process.stdin })) {
  const { id, params = {} } = JSON.parse(line) as Line;
  if (id === undefined) continue;
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, result: await answer(params) })}\n`);
}

async function answer({ natGatewayId, pageSize, maxResults, nextToken }: Params): Promise<object> {
  if (natGatewayId !== undefined) return (await import('./sdk-client.ts')).describe(natGatewayId);
  if (pageSize !== undefined) return (await import('./sdk-client.ts')).count(pageSize);
  if (maxResults !== undefined) return (await import('./sdk-client.ts')).page(maxResults, nextToken);
  return {};
}
