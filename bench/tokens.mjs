// Counts what a model reads and writes, in tokens of o200k; the counts of other tokenizers differ by some tenths.
import { setTimeout as sleep } from 'node:timers/promises';
import { encode } from 'gpt-tokenizer/encoding/o200k_base';
import { Child, gatewayId, startEndpoint, textOf } from './child.mjs';
import { row } from './statistics.mjs';

const DESCRIBE = 'describe_nat_gateway_addresses';
const UNASSIGN = 'unassign_private_nat_gateway_address';
const WAIT = 'wait_for_nat_gateway_addresses';

/** The gateway "egress" of the embedded endpoint has five addresses; its clock runs this many times as fast. */
const EGRESS = 'nat-0a11a11a11a11a11a';
const SPEED = 100;

export async function tokens({ subjects }) {
  return [...(await texts(subjects)), ...(await wholeTask(subjects))];
}

async function texts(subjects) {
  const endpoint = await startEndpoint(subjects.endpoint, { gateways: 50 });
  const child = new Child(subjects.main, ['--confirm', 'never'], endpoint.environment);
  const off = new Child(subjects.main, ['--confirm', 'never', '--evidence', 'off'], endpoint.environment);
  const { tools } = await child.listTools();
  await off.listTools();
  const ask = async (tool, args, of = child) => {
    return textOf(await of.request('tools/call', { name: tool, arguments: args }));
  };
  const nat_gateway_id = gatewayId(0);
  const change = (...private_ip_addresses) => ({ nat_gateway_id, private_ip_addresses });
  const inputs = tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema }));
  const texts = [
    ['tools/list: names, descriptions and inputs', JSON.stringify(inputs), 1400],
    ['tools/list', JSON.stringify(tools), 3000],
    ['describe, one gateway of 5 addresses', await ask(DESCRIBE, { nat_gateway_ids: [nat_gateway_id] }), 300],
    [
      'describe, one gateway, with evidence',
      await ask(DESCRIBE, { nat_gateway_ids: [nat_gateway_id], evidence: true }),
    ],
    ['describe, 50 gateways of 5 addresses', await ask(DESCRIBE, {})],
    ['unassign refused: the primary', await ask(UNASSIGN, change('10.0.0.10'))],
    ['unassign, dry run', await ask(UNASSIGN, { ...change('10.0.0.11'), mode: 'dry_run' })],
    ['unassign, with evidence', await ask(UNASSIGN, change('10.0.0.11'))],
    [
      'unassign (--evidence off)',
      await ask(UNASSIGN, { nat_gateway_id: gatewayId(1), private_ip_addresses: ['10.0.1.11'] }, off),
    ],
    ['wait, time ran out', await ask(WAIT, { nat_gateway_id, timeout_seconds: 1 })],
    ['arguments that do not fit', await ask(UNASSIGN, { nat_gateway_id: 'nat', private_ip_addresses: 'x' })],
  ];
  await Promise.all([child.end(), off.end()]);
  endpoint.end();
  return texts.map(([name, text, target]) =>
    row({ name, unit: 'tokens', values: [encode(text).length], target }),
  );
}

/**
 * "Free 10.0.1.11 on egress and tell me when it is gone", by a caller that follows `next` and keeps to `not_before`: the
 * calls of a drain of 350 s, and the tokens of their arguments and results.
 */
async function wholeTask(subjects) {
  const child = new Child(subjects.main, [
    '--simulate',
    '--simulate-speed',
    String(SPEED),
    '--confirm',
    'never',
  ]);
  await child.listTools();
  let calls = 0;
  let count = 0;
  const ask = async (name, args) => {
    const result = await child.call(name, args);
    calls += 1;
    count += encode(JSON.stringify(args)).length + encode(textOf(result)).length;
    return result.structuredContent;
  };
  const { nat_gateways } = await ask(DESCRIBE, { tags: ['Name=egress'] });
  const [{ nat_gateway_id }] = nat_gateways;
  if (nat_gateway_id !== EGRESS) throw new Error(`another gateway: ${nat_gateway_id}`);
  let result = await ask(UNASSIGN, { nat_gateway_id, private_ip_addresses: ['10.0.1.11'] });
  while (result.outcome !== 'settled') {
    const { tool, arguments: args, not_before } = result.next;
    if (not_before !== undefined) {
      const seconds = result.drain?.max_drain_duration_seconds ?? 0;
      await sleep((seconds / SPEED) * 1000);
    }
    result = await ask(tool, args);
  }
  await child.end();
  const name = 'free an address and tell when it is gone';
  return [
    row({ name, unit: 'calls', values: [calls], target: 3 }),
    row({ name, unit: 'tokens', values: [count], target: 1300 }),
  ];
}
