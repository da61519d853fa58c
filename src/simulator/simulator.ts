import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { defaultAccounts, type SimulatedAccount } from './accounts.ts';
import { type ActionOptions, createActions } from './actions.ts';
import { ACCOUNT_ID } from './authorization.ts';
import { type Clock, scaledClock } from './clock.ts';
import { createEndpoint, internalError, type SimulatorCall } from './endpoint.ts';
import { type Answer, failure } from './envelope.ts';
import { readCall, send } from './http.ts';
import { defaultInventory } from './inventory.ts';
import type { JsonBody } from './json-protocol.ts';
import type { SimulatedNatGateway } from './nat-gateway.ts';
import type { SimulatedNetwork } from './network.ts';
import { defaultNetwork } from './network-inventory.ts';
import { createPlace, gatewaysById, type Place } from './place.ts';
import type { QueryParameters } from './query.ts';
import type { ReadOptions } from './reads.ts';
import { World } from './world.ts';

export {
  defaultAccounts,
  EXTERNAL_ID,
  PLACES,
  REGIONS,
  type SimulatedAccount,
} from './accounts.ts';
export {
  ACCOUNT_ID,
  CHANGER_ACCESS_KEY_ID,
  DENIED_ACCESS_KEY_ID,
  READER_ACCESS_KEY_ID,
} from './authorization.ts';
export { type Clock, scaledClock } from './clock.ts';
export type { SimulatorCall } from './endpoint.ts';
export type { Answer } from './envelope.ts';
export { ASSUMPTIONS } from './errors.ts';
export { defaultInventory } from './inventory.ts';
export * from './nat-gateway.ts';
export type * from './network.ts';
export { defaultNetwork } from './network-inventory.ts';
export type { Read, ReadDeviation } from './reads.ts';

export interface SimulatorOptions extends ReadOptions {
  /** Port on 127.0.0.1. Default: any free port. */
  port?: number;
  /** Default: `us-east-1`. */
  region?: string;
  /** Simulated time. Default: `scaledClock(1)`. */
  clock?: Clock;
  /** Whether EC2's published token buckets apply, in real time. Default: true. */
  throttling?: boolean;
  /** Whether a dry run is carried out like a real call, as some emulators do; for tests. Default: false. */
  ignoresDryRun?: boolean;
  /** Default: `defaultInventory()`. It is not copied: tests change it to play another user of the account. */
  inventory?: SimulatedNatGateway[];
  /** Route tables, security groups and the like. Default: `defaultNetwork()`. It is not copied. */
  network?: SimulatedNetwork;
  /** Accounts with roles, which static keys assume. Default: `defaultAccounts()`. */
  accounts?: readonly SimulatedAccount[];
  /** Hook for tests to inject faults. Default: applies each exchange and sends its answer. */
  intercept?: Intercept;
  /** Receives a record of every request that was applied or refused. */
  onCall?: (call: SimulatorCall) => void;
}

/** A running endpoint. */
export interface Simulator {
  readonly url: string;
  readonly region: string;
  /** Stops at once and closes every connection. */
  close(): Promise<void>;
}

/**
 * Decides the answer to an exchange, and when it is sent. Returns `undefined` if it handled the response or the socket
 * itself: left it hanging, reset it, cut it short.
 */
export type Intercept = (exchange: Exchange) => Promise<Answer | undefined>;

/** One request, completely read and not yet applied. */
export interface Exchange {
  /** Empty if the request has none. */
  readonly action: string;
  /** Decoded, `Action` and `Version` included. */
  readonly parameters: QueryParameters;
  /** The decoded body of a call to CloudWatch, which has no `parameters`; `undefined` for other calls. */
  readonly json: JsonBody | undefined;
  readonly dryRun: boolean;
  /** Runs the action now, at every call, and reports it to `onCall`. */
  apply(): Answer;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly socket: Socket;
}

/**
 * Starts the embedded EC2 endpoint on the loopback interface.
 *
 * @throws Error if the port is in use, or two gateways of the inventory have the same id
 */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { port = 0, region = 'us-east-1', clock = scaledClock(1), intercept = applied } = options;
  const world = createWorld(options, region, clock);
  const endpoint = createEndpoint({
    world,
    clock,
    throttling: options.throttling ?? true,
    ignoresDryRun: options.ignoresDryRun ?? false,
    onCall: options.onCall ?? (() => {}),
  });

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const call = await readCall(request);
    if (world.hangs(call)) return;
    const { action, parameters, json, dryRun } = call;
    const { socket } = request;
    const apply = () => endpoint(call);
    const answer = await intercept({ action, parameters, json, dryRun, apply, request, response, socket });
    if (answer !== undefined) send(response, answer);
  };

  const server = createServer((request, response) => {
    // A client that disconnects must not end the process.
    request.on('error', () => {});
    response.on('error', () => {});
    handle(request, response).catch((error: unknown) => {
      if (request.destroyed && !request.complete) return;
      send(response, failure(internalError(error), randomUUID()));
    });
  });

  server.listen({ host: '127.0.0.1', port });
  await once(server, 'listening');
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${bound}`,
    region,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const applied: Intercept = async (exchange) => exchange.apply();

function createWorld(options: SimulatorOptions, region: string, clock: Clock): World {
  const start = clock.now();
  const { accounts = defaultAccounts(ACCOUNT_ID), inventory = defaultInventory(start, region) } = options;
  const actionsOf = (place: Omit<ActionOptions, keyof ReadOptions>) =>
    createActions({ ...options, ...place });
  const home = createPlace({
    accountId: ACCOUNT_ID,
    region,
    gateways: gatewaysById(inventory),
    actions: actionsOf({ accountId: ACCOUNT_ID, region, network: options.network ?? defaultNetwork(region) }),
    trouble: undefined,
  });
  const open = ({ accountId, regions }: SimulatedAccount, name: string): Place => {
    const { inventory: make, network = NO_NETWORK, trouble } = regions[name] ?? {};
    return createPlace({
      accountId,
      region: name,
      gateways: gatewaysById(make?.(start) ?? []),
      actions: actionsOf({ accountId, region: name, network, enabledRegions: Object.keys(regions) }),
      trouble,
    });
  };
  return new World({ home, accounts, open });
}

const NO_NETWORK: SimulatedNetwork = { routeTables: [], subnets: [], securityGroups: [], prefixLists: [] };
