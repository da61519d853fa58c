/** Runs the embedded endpoint with `GATEWAYS` gateways of five addresses; each answer takes `DELAY` ms. */
import { setTimeout as sleep } from 'node:timers/promises';
import { privateNatGateway, startSimulator } from '../../src/simulator/simulator.ts';

const delay = Number(process.env.DELAY);
const inventory = Array.from({ length: Number(process.env.GATEWAYS) }, (_, index) => {
  const network = `10.${index >> 8}.${index & 255}`;
  const addresses = [10, 11, 12, 13, 14].map((host) => `${network}.${host}`);
  return privateNatGateway(
    `nat-${index.toString(16).padStart(17, '0')}`,
    `gateway ${index}`,
    addresses,
    Date.now(),
  );
});
const simulator = await startSimulator({
  inventory,
  throttling: false,
  intercept: async ({ apply }) => {
    const answer = apply();
    if (delay > 0) await sleep(delay);
    return answer;
  },
});
process.stdout.write(`${simulator.url}\n`);
