import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { EC2Client } from '@aws-sdk/client-ec2';
import { HttpRequest } from '@smithy/core/protocols';
import type { Evidence } from '../nat-gateway/evidence.ts';
import type { NatGateway } from '../nat-gateway/gateway.ts';
import { NOTHING_READ } from '../nat-gateway/judge-evidence.ts';
import type { Logger } from '../vocabulary/logger.ts';
import { TIMEOUTS, type Timeouts } from '../vocabulary/timeouts.ts';
import { Ec2Clients, type SendOptions } from './clients.ts';
import { everyGateway } from './describe.ts';
import type { Identity } from './identity.ts';
import { type DryRun, dryRun } from './permit.ts';
import { type Ec2Target, readSettings } from './settings.ts';
import { type UnassignRequest, unassignment } from './unassign.ts';

/** How the endpoint of a region was reached, without credentials. */
export interface Contact {
  /** Scheme, host and port. */
  endpoint: string;
  /** Host, port and variable of the proxy on the way. */
  proxy: string | undefined;
  /** Positive where the clock of the endpoint is ahead; absent where it sent no time. */
  clockOffsetSeconds: number | undefined;
}

/** What can be asked about a set-up, one question each. Methods throw `Failure`. */
export interface SetUp {
  /** The region of calls that name none, and the setting that names it. */
  region(): Promise<{ region: string; from: string | undefined }>;
  contact(region: string): Promise<Contact>;
  /** The key that signs requests. Tells why there is none, unlike `identity`. */
  accessKeyId(region: string): Promise<string>;
  identity(region: string): Promise<Identity | undefined>;
  gateways(region: string): Promise<NatGateway[]>;
  /** What can be looked up about the release of an address. */
  evidence(region: string, release: { natGatewayId: string; privateIp: string }): Promise<Evidence>;
  dryRun(change: UnassignRequest): Promise<DryRun>;
  close(): void;
}

/** The set-up of a server with this target. It has no way to send a real call. */
export function openSetUp(
  target: Ec2Target,
  version: string,
  logger: Logger,
  timeouts: Timeouts = TIMEOUTS,
): SetUp {
  const clients = new Ec2Clients(target, version, logger, timeouts);
  const { signal } = new AbortController();
  return {
    async region() {
      const region = await clients.region(undefined);
      return { region, from: (await readSettings(target)).regionFrom };
    },
    contact: (region) => clients.read(region, contact, { signal }),
    accessKeyId: (region) =>
      clients.read(region, async ({ config }) => (await config.credentials()).accessKeyId, { signal }),
    identity: (region) => clients.identity(region),
    async gateways(region) {
      const found: NatGateway[] = [];
      const options = { signal, deadline: clients.readDeadline() };
      for await (const gateway of everyGateway(clients, region, { filters: [] }, options))
        found.push(gateway);
      return found;
    },
    async evidence(region, { natGatewayId, privateIp }) {
      const questions = [{ natGatewayId, privateIps: [privateIp] }];
      const { readEvidence } = await import('./evidence.ts');
      const read = await readEvidence(clients, region, questions, { prefixListIds: [], vpcIds: [] }, signal);
      return read.get(natGatewayId) ?? NOTHING_READ;
    },
    dryRun: (change) => dryRun(clients, unassignment, change, signal, { id: randomUUID() }),
    close: () => clients.close(),
  };
}

/** Sends a request without a signature: every answer shows that the endpoint can be reached, and has its time. */
async function contact({ config }: EC2Client, options: SendOptions): Promise<Contact> {
  const { protocol, hostname, port, origin } = await endpointOf(config);
  let proxy: string | undefined;
  const request = new HttpRequest({
    method: 'GET',
    protocol,
    hostname,
    ...(port === '' ? {} : { port: Number(port) }),
    path: '/',
    headers: { host: port === '' ? hostname : `${hostname}:${port}` },
  });
  const onProxy = (name: string): void => {
    proxy = name;
    options.onProxy(name);
  };
  const before = Date.now();
  const { response } = await config.requestHandler.handle(request, { ...options, onProxy } as object);
  const between = (before + Date.now()) / 2;
  (response.body as Readable).resume();
  // The header has whole seconds, without the rest.
  const date = Date.parse(response.headers.date ?? '') + 500;
  return {
    endpoint: origin,
    proxy,
    clockOffsetSeconds: Number.isNaN(date) ? undefined : Math.round((date - between) / 1000),
  };
}

async function endpointOf(config: EC2Client['config']): Promise<URL> {
  const [Region, UseFIPS, UseDualStack, custom] = await Promise.all([
    config.region(),
    config.useFipsEndpoint(),
    config.useDualstackEndpoint(),
    config.endpoint?.(),
  ]);
  if (custom !== undefined) {
    const { protocol, hostname, port } = custom;
    return new URL(`${protocol}//${hostname}${port === undefined ? '' : `:${port}`}`);
  }
  return config.endpointProvider({ Region, UseFIPS, UseDualStack }).url;
}
