// Counts what a model reads, in tokens of o200k; the counts of other tokenizers differ by some tenths.
import { encode } from 'gpt-tokenizer/encoding/o200k_base';
import { Child, gatewayId, startEndpoint } from './child.mjs';
import { row } from './statistics.mjs';

const DESCRIBE = 'describe_nat_gateway_addresses';
const UNASSIGN = 'unassign_private_nat_gateway_address';
const WAIT = 'wait_for_nat_gateway_addresses';

export async function tokens({ subjects }) {
  const endpoint = await startEndpoint(subjects.endpoint, { gateways: 50 });
  const child = new Child(subjects.main, ['--confirm', 'never'], endpoint.environment);
  const { tools } = await child.listTools();
  const ask = async (tool, args) => {
    const { content } = await child.request('tools/call', { name: tool, arguments: args });
    return content.map(({ text }) => text).join('\n');
  };
  const nat_gateway_id = gatewayId(0);
  const change = (...private_ip_addresses) => ({ nat_gateway_id, private_ip_addresses });
  const texts = [
    ['tools/list', JSON.stringify(tools), 2500],
    ['describe, one gateway of 4 addresses', await ask(DESCRIBE, { nat_gateway_ids: [nat_gateway_id] }), 450],
    ['describe, 50 gateways of 4 addresses', await ask(DESCRIBE, {})],
    ['unassign refused: the primary', await ask(UNASSIGN, change('10.0.0.10'))],
    ['unassign, dry run', await ask(UNASSIGN, { ...change('10.0.0.11'), mode: 'dry_run' })],
    ['unassign', await ask(UNASSIGN, change('10.0.0.11'))],
    ['wait, time ran out', await ask(WAIT, { nat_gateway_id, timeout_seconds: 1 })],
    ['arguments that do not fit', await ask(UNASSIGN, { nat_gateway_id: 'nat', private_ip_addresses: 'x' })],
  ];
  await child.end();
  endpoint.end();
  return texts.map(([name, text, target]) =>
    row({ name, unit: 'tokens', values: [encode(text).length], target }),
  );
}
