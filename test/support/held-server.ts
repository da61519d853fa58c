import { onTestFinished, vi } from 'vitest';
import { type Exchange, type Intercept, startSimulator } from '../../src/simulator/simulator.ts';
import { type Phase, phaseOf } from './faults.ts';
import { deferred } from './http.ts';
import { endpointEnvironment, startServer } from './server-process.ts';

/** Starts a server against an endpoint that holds all requests, from the first of `phase` on, until `release`. */
export async function startHeldServer(phase: Phase, args: readonly string[] = []) {
  const { promise: released, resolve: release } = deferred();
  const held: Exchange[] = [];
  let changes = 0;
  const intercept: Intercept = async (exchange) => {
    const arrived = phaseOf(exchange);
    if (arrived === phase || (arrived !== undefined && held.length > 0)) {
      held.push(exchange);
      await released;
    }
    return exchange.apply();
  };
  const simulator = await startSimulator({
    intercept,
    onCall: ({ changed }) => {
      if (changed) changes += 1;
    },
  });
  onTestFinished(() => simulator.close());
  const server = startServer(args, endpointEnvironment(simulator));
  /** The first request that was held, or the one after `before` others. */
  const arrival = (before = 0) => vi.waitUntil(() => held[before], { timeout: 20_000, interval: 5 });
  return { server, release, arrival, simulator, changes: () => changes };
}
