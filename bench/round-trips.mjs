// Counts the round trips of an unassign: how much longer it takes when each answer is delayed by a known time. The code is
// loaded and connections are open: a describe with evidence and an unassign that is not counted come first. With a role,
// the session for reads is there too; the session of each change is not.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child, gatewayId, startEndpoint } from './child.mjs';
import { inTurn, row, timed } from './statistics.mjs';
import { startTable } from './table.mjs';

const DELAY = 200;

/** The first account of the embedded endpoint, which has the gateways to change. */
const TARGET = {
  name: 'team-01',
  account_id: '100000000001',
  role_arn: 'arn:aws:iam::100000000001:role/nat-gateway-mcp',
  regions: ['us-east-1'],
};

export async function roundTrips({ subjects, samples }) {
  const evidence = await trips(subjects, samples, {});
  const lists = await trips(subjects, samples, { prefixLists: true });
  const off = await trips(subjects, samples, { flags: ['--evidence', 'off'] });
  const role = await inRole(subjects, samples);
  const table = await trips(subjects, samples, { table: true });
  const of = (name, values, target) => row({ name, unit: 'round trips', values, target });
  return [
    row({ name: 'unassign, on a connection at hand', unit: 'ms', values: evidence.near }),
    of('unassign (--confirm never)', evidence.trips, 2.1),
    of('unassign, reading the entries of prefix lists too', lists.trips, 2.1),
    of('unassign (--evidence off)', off.trips, 2.1),
    of('unassign, in a role', role.trips, 3.1),
    of('unassign, with a state table (dynalite)', table.trips, 4.1),
  ];
}

async function inRole(subjects, samples) {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  try {
    const file = join(folder, 'targets.json');
    writeFileSync(file, JSON.stringify({ targets: [TARGET] }), { mode: 0o600 });
    return await trips(subjects, samples, { flags: ['--targets', file], place: { target: TARGET.name } });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What an unassign takes near by, in milliseconds, and how many round trips. */
async function trips(subjects, samples, options) {
  const [near, far] = await Promise.all(
    [0, DELAY].map((delay) => serve(subjects, samples + 2, { ...options, delay })),
  );
  const times = await inTurn({ near: near.unassign, far: far.unassign }, samples);
  await Promise.all([near.end(), far.end()]);
  return { near: times.near, trips: times.far.map((time, index) => (time - times.near[index]) / DELAY) };
}

/** Starts a server beside an endpoint with as many gateways, and describes the last of them. */
async function serve(subjects, gateways, { delay, flags = [], prefixLists = false, place, table = false }) {
  const endpoint = await startEndpoint(subjects.endpoint, { gateways, delay, prefixLists });
  const state = table ? await startTable(subjects.main, delay) : { flags: [], end: () => {} };
  const args = ['--confirm', 'never', ...flags, ...state.flags];
  const child = new Child(subjects.main, args, endpoint.environment);
  await child.listTools();
  await child.call('describe_nat_gateway_addresses', {
    nat_gateway_ids: [gatewayId(gateways - 1)],
    evidence: true,
  });
  const unassign = (index) =>
    timed(() =>
      child.call('unassign_private_nat_gateway_address', {
        ...place,
        nat_gateway_id: gatewayId(index),
        private_ip_addresses: [`10.0.${index}.11`],
      }),
    );
  return { unassign, end: () => Promise.all([child.end(), endpoint.end(), state.end()]) };
}
