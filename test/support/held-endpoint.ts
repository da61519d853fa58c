import { type Phase, phaseOf } from './faults.ts';
import { deferred } from './http.ts';
import { sharedEndpoint } from './http-process.ts';

/** An endpoint that holds the requests of one phase until `release`, and the environment in which it is AWS. */
export async function heldEndpoint(phase: Phase) {
  const [arrived, released] = [deferred(), deferred()];
  let changes = 0;
  const { environment } = await sharedEndpoint({
    intercept: async (exchange) => {
      if (phaseOf(exchange) === phase) {
        arrived.resolve();
        await released.promise;
      }
      return exchange.apply();
    },
    onCall: ({ changed }) => {
      if (changed) changes += 1;
    },
  });
  return {
    environment,
    /** Settles when the first request of the phase has come. */
    arrived: arrived.promise,
    release: () => released.resolve(),
    /** How many changes the endpoint has made. */
    changes: () => changes,
  };
}
