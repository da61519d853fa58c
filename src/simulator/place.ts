import type { Action, NatGateways } from './action.ts';
import type { SimulatedNatGateway } from './nat-gateway.ts';
import { tokenBuckets } from './throttle.ts';

/** A region of an account, with its state. */
export interface Place {
  accountId: string;
  region: string;
  gateways: NatGateways;
  actions: ReadonlyMap<string, Action>;
  /** Takes a token from the action's bucket; buckets are per account and region. */
  takeToken: (action: string, now: number) => boolean;
  trouble: 'throttles' | 'hangs' | undefined;
}

export function createPlace(members: Omit<Place, 'takeToken'>): Place {
  return { ...members, takeToken: tokenBuckets() };
}

/** @throws Error if two gateways have the same id */
export function gatewaysById(inventory: readonly SimulatedNatGateway[]): NatGateways {
  const gateways: NatGateways = new Map();
  for (const gateway of inventory) {
    if (gateways.has(gateway.natGatewayId)) {
      throw new Error(`Two gateways of the inventory are ${gateway.natGatewayId}`);
    }
    gateways.set(gateway.natGatewayId, gateway);
  }
  return gateways;
}
