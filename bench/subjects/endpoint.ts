/**
 * Runs the embedded endpoint with `GATEWAYS` gateways of five addresses, each with traffic and a route; each answer takes
 * `DELAY` ms. Only with `PREFIX_LISTS` has the account prefix lists of its own.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { defaultNetwork, privateNatGateway, startSimulator } from '../../src/simulator/simulator.ts';

const delay = Number(process.env.DELAY);
const inventory = Array.from({ length: Number(process.env.GATEWAYS) }, (_, index) => {
  const network = `10.${index >> 8}.${index & 255}`;
  const addresses = [10, 11, 12, 13, 14].map((host) => `${network}.${host}`);
  return privateNatGateway(
    `nat-${index.toString(16).padStart(17, '0')}`,
    `gateway ${index}`,
    addresses,
    Date.now() - 7 * 86_400_000,
    { traffic: { peakConnections: 61_000 } },
  );
});
const { prefixLists, subnets, securityGroups } = defaultNetwork();
const network = {
  subnets,
  securityGroups,
  prefixLists: prefixLists.filter(({ ownerId }) => ownerId === 'AWS' || process.env.PREFIX_LISTS === 'yes'),
  routeTables: inventory.map(({ natGatewayId, vpcId = '' }, index) => ({
    routeTableId: `rtb-${index.toString(16).padStart(17, '0')}`,
    vpcId,
    subnetIds: subnets.slice(0, 2).map(({ subnetId }) => subnetId),
    routes: [{ destinationCidrBlock: '172.16.0.0/12', natGatewayId }],
  })),
};
const simulator = await startSimulator({
  inventory,
  network,
  throttling: false,
  intercept: async ({ apply }) => {
    const answer = apply();
    if (delay > 0) await sleep(delay);
    return answer;
  },
});
process.stdout.write(`${simulator.url}\n`);
