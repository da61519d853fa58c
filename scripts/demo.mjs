// Plays a release on the embedded EC2 endpoint with an MCP client over stdio: describe, a refusal, a dry run, the real
// call, the drain until the address is released. Exits with 0 only if every step ended as expected.
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

const DESCRIBE = 'describe_nat_gateway_addresses';
const UNASSIGN = 'unassign_private_nat_gateway_address';
const SPEED = 20;
const DRAIN_SECONDS = 60;

const client = new Client({ name: 'demo', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } });
const transport = new StdioClientTransport({
  command: process.execPath,
  args: [
    fileURLToPath(new URL('../dist/main.js', import.meta.url)),
    '--simulate',
    '--simulate-speed',
    String(SPEED),
    '--log-level',
    'error',
  ],
  stderr: 'pipe',
});
let log = '';
transport.stderr?.on('data', (chunk) => {
  log += chunk;
});
await client.connect(transport);

try {
  await play();
  print('\nEvery step ended as expected.\n');
} catch (error) {
  print(`\nThe demo failed: ${error instanceof Error ? error.message : error}\n`);
  print(`\nThe server's log:\n${log}`);
  process.exitCode = 1;
} finally {
  await client.close();
}

async function play() {
  print('The assistant was told: "Free 10.0.1.11 on egress and tell me when it is gone."\n');
  print('Its calls, on made-up gateways:\n');

  step(1, 'Which NAT gateways are there, and which addresses could be released?');
  const listing = await call(DESCRIBE, {});
  for (const gateway of listing.nat_gateways) summarize(gateway);
  const gateway = listing.nat_gateways.find(
    ({ addresses }) => addresses.filter((a) => a.can_unassign).length > 1,
  );
  expect(gateway !== undefined, 'a gateway with addresses that can be unassigned');
  const { nat_gateway_id } = gateway;
  print('\n');
  show(gateway);
  const primary = gateway.addresses.find((address) => address.is_primary);
  const secondary = gateway.addresses.find((address) => address.can_unassign);

  step(2, `The primary address, ${primary.private_ip}: refused`);
  const refused = await call(UNASSIGN, { nat_gateway_id, private_ip_addresses: [primary.private_ip] });
  print(`  ${refused.outcome}: ${refused.findings[0].message}\n  hint: ${refused.error.hint}\n`);
  expect(
    refused.outcome === 'refused' && refused.findings[0].code === 'primary',
    'the primary address refused',
  );

  const change = {
    nat_gateway_id,
    private_ip_addresses: [secondary.private_ip],
    max_drain_duration_seconds: DRAIN_SECONDS,
  };
  step(3, `A secondary address, ${secondary.private_ip}: dry run`);
  const checked = await call(UNASSIGN, { ...change, mode: 'dry_run' });
  print(`  ${checked.outcome}: EC2 answered ${checked.dry_run.aws_code}; nothing was changed\n`);
  expect(checked.outcome === 'dry_run_passed', 'the dry run passed');

  step(4, 'The real call');
  const result = await call(UNASSIGN, change);
  print(`  ${result.outcome}: ${secondary.private_ip} is ${result.addresses[0].status}\n`);
  print(
    `  released by ${result.drain.release_by} at the latest\n  undo, once released:\n    ${result.undo_command}\n`,
  );
  expect(result.outcome === 'unassigning', 'the address unassigning');

  step(5, `The drain of ${DRAIN_SECONDS} s, on a clock that runs ${SPEED} times as fast`);
  await follow(result.next);

  step(6, 'Afterwards');
  const after = await call(DESCRIBE, { nat_gateway_ids: [nat_gateway_id] });
  show(after.nat_gateways[0]);
  expect(
    after.nat_gateways[0].addresses.length === gateway.addresses.length - 1,
    'one address fewer on the gateway',
  );
}

/** Waits for the drain to end, and shows its progress. */
async function follow({ tool, arguments: args }) {
  const { structuredContent: result } = await client.callTool(
    { name: tool, arguments: args },
    { onprogress: ({ message = '' }) => print(`  ${message}\n`) },
  );
  const [address] = result.addresses;
  print(
    `  ${address.private_ip} is ${address.fate}; this wait took ${result.waited_seconds} s of real time\n`,
  );
  expect(result.outcome === 'settled' && address.fate === 'released', 'the address released');
}

async function call(name, args) {
  const { structuredContent, content } = await client.callTool({ name, arguments: args });
  if (structuredContent === undefined) throw new Error(JSON.stringify(content));
  return structuredContent;
}

/** One line: which gateway, and how many of its addresses could be released, or why none. */
function summarize({ nat_gateway_id, addresses, ...gateway }) {
  const free = addresses.filter(({ can_unassign }) => can_unassign).length;
  const reasons = [...new Set(addresses.map(({ reason }) => reason))].join(', ');
  const can = free > 0 ? `${free} of ${addresses.length} can be unassigned` : `none: ${reasons}`;
  print(`  ${nat_gateway_id}  ${nameOf(gateway).padEnd(12)}  ${kindOf(gateway).padEnd(19)}  ${can}\n`);
}

/** Every address of a gateway. */
function show({ nat_gateway_id, addresses, ...gateway }) {
  print(`  ${nat_gateway_id}  ${nameOf(gateway)}  (${kindOf(gateway)})\n`);
  for (const { private_ip = '-', status = '-', can_unassign, reason } of addresses) {
    const can = can_unassign ? 'can be unassigned' : `cannot be unassigned: ${reason}`;
    print(`    ${private_ip.padEnd(11)} ${status.padEnd(11)} ${can}\n`);
  }
}

function nameOf({ tags = [] }) {
  return tags.find(({ key }) => key === 'Name')?.value ?? '';
}

function kindOf({ connectivity_type, availability_mode, state }) {
  return [availability_mode === 'regional' ? availability_mode : connectivity_type, state]
    .filter(Boolean)
    .join(', ');
}

function step(number, title) {
  print(`\n${number}. ${title}\n`);
}

function expect(condition, what) {
  if (!condition) throw new Error(`expected ${what}`);
}

function print(text) {
  process.stdout.write(text);
}
