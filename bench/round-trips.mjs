// Counts the round trips of an unassign: how much longer it takes when each answer is delayed by a known time.
import { Child, gatewayId, startEndpoint } from './child.mjs';
import { inTurn, row, timed } from './statistics.mjs';

const DELAY = 200;

export async function roundTrips({ subjects, samples }) {
  const evidence = await trips(subjects, samples, {});
  const lists = await trips(subjects, samples, { prefixLists: true });
  const off = await trips(subjects, samples, { flags: ['--evidence', 'off'] });
  const of = (name, values, target) => row({ name, unit: 'round trips', values, target });
  return [
    row({ name: 'unassign, on a connection at hand', unit: 'ms', values: evidence.near }),
    of('unassign (--confirm never)', evidence.trips, 2.1),
    of('unassign, reading the entries of prefix lists too', lists.trips, 2.1),
    of('unassign (--evidence off)', off.trips, 2.1),
  ];
}

/** What an unassign takes near by, in milliseconds, and how many round trips. */
async function trips(subjects, samples, { flags = [], prefixLists = false }) {
  const take = async (delay) => {
    const endpoint = await startEndpoint(subjects.endpoint, { gateways: samples + 2, delay, prefixLists });
    const child = new Child(subjects.main, ['--confirm', 'never', ...flags], endpoint.environment);
    await child.listTools();
    await child.call('describe_nat_gateway_addresses', {
      nat_gateway_ids: [gatewayId(samples + 1)],
      evidence: true,
    });
    const unassign = (index) => {
      const private_ip_addresses = [`10.0.${index}.11`];
      return timed(() =>
        child.call('unassign_private_nat_gateway_address', {
          nat_gateway_id: gatewayId(index),
          private_ip_addresses,
        }),
      );
    };
    return { unassign, end: () => Promise.all([child.end(), endpoint.end()]) };
  };
  const [near, far] = await Promise.all([take(0), take(DELAY)]);
  const times = await inTurn({ near: near.unassign, far: far.unassign }, samples);
  await Promise.all([near.end(), far.end()]);
  return { near: times.near, trips: times.far.map((time, index) => (time - times.near[index]) / DELAY) };
}
