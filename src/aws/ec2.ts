import type { Logger } from 'pino';
import type { NatGateway } from '../nat-gateway/gateway.ts';
import { TIMEOUTS, type Timeouts } from '../vocabulary/timeouts.ts';
import { Ec2Clients } from './clients.ts';
import type { Ec2Target } from './credentials.ts';
import {
  type NatGatewayPage,
  type NatGatewayQuery,
  readGateway,
  readGateways,
  readPage,
} from './describe.ts';
import { type Reconciled, reconcile } from './reconcile.ts';
import {
  type DryRun,
  dryRun,
  type Permit,
  type UnassignAnswer,
  type UnassignRequest,
  unassign,
} from './unassign.ts';
import { type Observation, type Pace, RegionWatch } from './watch.ts';

/** EC2 as the tools see it. Methods throw `Failure`, except `dryRun` and `unassign`, which return it in their answer. */
export interface Ec2 {
  /** The region of a call that names `requested` or none. */
  region(requested: string | undefined): Promise<string>;
  readPage(region: string, query: NatGatewayQuery, signal: AbortSignal): Promise<NatGatewayPage>;
  /** Every gateway with one of these ids. */
  readGateways(region: string, ids: readonly string[], signal: AbortSignal): Promise<NatGateway[]>;
  readGateway(region: string, natGatewayId: string, signal: AbortSignal): Promise<NatGateway | undefined>;
  dryRun(request: UnassignRequest, signal: AbortSignal): Promise<DryRun>;
  unassign(permit: Permit): Promise<UnassignAnswer>;
  /** Reads what became of a real call that went to `origin`. */
  reconcile(request: UnassignRequest, origin: string): Promise<Reconciled>;
  /**
   * Yields every read of a gateway until `signal` is aborted or the loop is left. One read serves all waiters of the
   * region.
   */
  watch(region: string, natGatewayId: string, signal: AbortSignal, pace: Pace): AsyncGenerator<Observation>;
  /** The account of the credentials in use now; `undefined` where AWS does not tell it. */
  accountId(region: string): Promise<string | undefined>;
  close(): void;
}

/**
 * Contacts nobody until a method is called. `version` goes into the user agent, by which CloudTrail shows the calls of
 * this server.
 */
export function connectEc2(
  target: Ec2Target,
  version: string,
  logger: Logger,
  timeouts: Timeouts = TIMEOUTS,
): Ec2 {
  const clients = new Ec2Clients(target, version, logger, timeouts);
  const watches = new Map<string, RegionWatch>();
  const watchOf = (region: string): RegionWatch => {
    const watch = watches.get(region) ?? new RegionWatch(clients, region);
    watches.set(region, watch);
    return watch;
  };
  return {
    region: (requested) => clients.region(requested),
    readPage: (region, query, signal) => readPage(clients, region, query, { signal }),
    readGateways: (region, ids, signal) => readGateways(clients, region, ids, { signal }),
    readGateway: (region, natGatewayId, signal) => readGateway(clients, region, natGatewayId, { signal }),
    dryRun: (request, signal) => dryRun(clients, request, signal),
    unassign: (permit) => unassign(clients, permit),
    reconcile: (request, origin) => reconcile(clients, request, origin),
    watch: (region, natGatewayId, signal, pace) => watchOf(region).watch(natGatewayId, signal, pace),
    accountId: (region) => clients.accountId(region),
    close: () => clients.close(),
  };
}
