/**
 * Runs the embedded endpoint with `GATEWAYS` gateways of five addresses, each with traffic and a route; each answer takes
 * `DELAY` ms. Only with `PREFIX_LISTS` has the account prefix lists of its own. The first account that has a role has these
 * gateways in the region of the endpoint too.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  ACCOUNT_ID,
  defaultAccounts,
  defaultNetwork,
  privateNatGateway,
  type SimulatedAccount,
  startSimulator,
} from '../../src/simulator/simulator.ts';

const REGION = 'us-east-1';

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
  region: REGION,
  inventory,
  network,
  accounts: defaultAccounts(ACCOUNT_ID).map(answering).map(withInventory),
  throttling: false,
  intercept: async ({ apply }) => {
    const answer = apply();
    if (delay > 0) await sleep(delay);
    return answer;
  },
});
process.stdout.write(`${simulator.url}\n`);

/** Without places that hang or throttle: a call that reads them takes as long as its time limits. */
function answering(account: SimulatedAccount): SimulatedAccount {
  const regions = Object.entries(account.regions).map(([name, { trouble: _, ...region }]) => [name, region]);
  return { ...account, regions: Object.fromEntries(regions) };
}

function withInventory(account: SimulatedAccount, index: number): SimulatedAccount {
  if (index > 0) return account;
  const own = account.regions[REGION]?.inventory ?? (() => []);
  const region = { inventory: (start: number) => [...own(start), ...inventory], network };
  return { ...account, regions: { ...account.regions, [REGION]: region } };
}
