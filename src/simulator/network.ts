import type { Data } from './envelope.ts';
import type { SimulatedNatGateway } from './inventory.ts';
import { missing, type Parameters, QueryError } from './query.ts';
import { type AddressTimeline, DEFAULT_DRAIN_SECONDS, isChanging, statusAt } from './timeline.ts';

/** Private NAT gateways hold eight addresses at most. Source: VPC quotas. */
const ADDRESS_QUOTA = 8;

/** What an action does to the network, and what it answers. */
export interface Effect {
  data: Data;
  changed: boolean;
}

/**
 * What real EC2 answers in these cases nobody has published; these are best readings, and nothing in this project's
 * server depends on them. `docs/simulator.md` has the same table.
 */
const BEST_READING = {
  notHeld: (ip: string) =>
    new QueryError('InvalidParameterValue', `The address ${ip} is not assigned to the NAT gateway`),
  primary: (ip: string) =>
    new QueryError('InvalidParameterValue', `The primary address ${ip} cannot be unassigned`),
  duplicate: (ip: string) =>
    new QueryError('InvalidParameterValue', `The address ${ip} is given more than once`),
  notPrivate: (id: string) =>
    new QueryError('UnsupportedOperation', `The operation is not supported for the public NAT gateway ${id}`),
  notAvailable: (id: string, state: string) =>
    new QueryError('IncorrectState', `The NAT gateway ${id} is in the state ${state}`),
  inProgress: (status: string, ips: string[]) =>
    new QueryError(
      'OperationInProgress',
      `Service is currently ${status.toUpperCase()} the following IPs: [${ips.join(', ')}].`,
    ),
  taken: (ip: string) =>
    new QueryError('InvalidParameterValue', `The address ${ip} is in use or not in the subnet`),
};

/** The simulated account's gateways in one region, and the three actions on them. */
export class Network {
  readonly #gateways: Map<string, SimulatedNatGateway>;
  readonly #now: () => number;
  readonly #readLag: number;

  /** `readLagSeconds`: how much later than they happen describes see changes. */
  constructor(gateways: readonly SimulatedNatGateway[], now: () => number, readLagSeconds: number) {
    this.#gateways = new Map(gateways.map((gateway) => [gateway.natGatewayId, gateway]));
    this.#now = now;
    this.#readLag = readLagSeconds * 1000;
  }

  describeNatGateways(parameters: Parameters): Effect {
    const ids = parameters.list('NatGatewayId');
    const filters = parameters.filters();
    const maxResults = parameters.integer('MaxResults', 5, 1000);
    const token = parameters.text('NextToken');
    parameters.refuseUnknown();
    if (ids.length > 0 && maxResults !== undefined) {
      throw new QueryError(
        'InvalidParameterCombination',
        'The parameter NatGatewayIds cannot be used with the parameter MaxResults',
      );
    }
    const named = ids.length === 0 ? [...this.#gateways.values()] : ids.map((id) => this.#gateway(id));
    const matching = named.filter((gateway) =>
      filters.every(({ name, values }) => fits(gateway, name, values)),
    );
    const start = token === undefined ? 0 : positionOf(token, matching.length);
    const end = start + (maxResults ?? 1000);
    const time = this.#now() - this.#readLag;
    return {
      changed: false,
      data: {
        natGatewaySet: matching.slice(start, end).map((gateway) => describe(gateway, time)),
        nextToken: end < matching.length ? tokenFor(end) : undefined,
      },
    };
  }

  /** All or nothing: real EC2's way with a request for several addresses is not published. */
  unassignPrivateNatGatewayAddress(parameters: Parameters): Effect {
    const natGatewayId = parameters.required('NatGatewayId');
    const privateIps = parameters.list('PrivateIpAddress');
    const drainSeconds = parameters.integer('MaxDrainDurationSeconds', 1, 4000);
    parameters.refuseUnknown();
    if (privateIps.length === 0) throw missing('PrivateIpAddress');
    dryRunEndsHere(parameters, natGatewayId);

    const now = this.#now();
    const gateway = this.#changeable(natGatewayId, privateIps, now);
    const addresses = privateIps.map((privateIp) => {
      const address = heldAt(gateway, now).find((held) => held.privateIp === privateIp);
      if (address === undefined) throw BEST_READING.notHeld(privateIp);
      if (address.isPrimary) throw BEST_READING.primary(privateIp);
      return address;
    });
    for (const address of addresses) {
      address.unassignedAt = now;
      address.drainSeconds = drainSeconds ?? DEFAULT_DRAIN_SECONDS;
    }
    const natGatewayAddressSet = addresses.map((address) => describeAddress(address, now));
    return { changed: true, data: { natGatewayId, natGatewayAddressSet } };
  }

  assignPrivateNatGatewayAddress(parameters: Parameters): Effect {
    const natGatewayId = parameters.required('NatGatewayId');
    const privateIps = parameters.list('PrivateIpAddress');
    const count = parameters.integer('PrivateIpAddressCount', 1, 31);
    parameters.refuseUnknown();
    if (privateIps.length > 0 && count !== undefined) {
      throw new QueryError(
        'InvalidParameterCombination',
        'The parameter PrivateIpAddressCount cannot be used with the parameter PrivateIpAddresses',
      );
    }
    if (privateIps.length === 0 && count === undefined) throw missing('PrivateIpAddressCount');
    dryRunEndsHere(parameters, natGatewayId);

    const now = this.#now();
    const gateway = this.#changeable(natGatewayId, privateIps, now);
    const held = heldAt(gateway, now);
    const wanted = count === undefined ? privateIps : this.#free(gateway, count, now);
    if (held.length + wanted.length > ADDRESS_QUOTA) {
      throw new QueryError(
        'PrivateIpAddressLimitExceeded',
        `A private NAT gateway can have ${ADDRESS_QUOTA} private addresses`,
      );
    }
    const taken = wanted.find((privateIp) => !this.#isFree(privateIp, now));
    if (taken !== undefined) throw BEST_READING.taken(taken);
    const networkInterfaceId = held[0]?.networkInterfaceId ?? '';
    const added = wanted.map(
      (privateIp): AddressTimeline => ({ privateIp, isPrimary: false, networkInterfaceId, assignedAt: now }),
    );
    gateway.addresses = [...held, ...added];
    // As in the AWS CLI's example, the answer does not tell yet which address it will be.
    const natGatewayAddressSet = added.map(() => ({
      networkInterfaceId,
      isPrimary: false,
      status: 'assigning',
    }));
    return { changed: true, data: { natGatewayId, natGatewayAddressSet } };
  }

  #gateway(id: string): SimulatedNatGateway {
    checkId(id);
    const gateway = this.#gateways.get(id);
    if (gateway === undefined) throw new QueryError('NatGatewayNotFound', `NAT gateway ${id} was not found`);
    return gateway;
  }

  /** The gateway, if its addresses may be changed now. */
  #changeable(id: string, privateIps: readonly string[], now: number): SimulatedNatGateway {
    const gateway = this.#gateway(id);
    if (gateway.state === 'deleted')
      throw new QueryError('NatGatewayNotFound', `NAT gateway ${id} was not found`);
    if (gateway.connectivityType !== 'private') throw BEST_READING.notPrivate(id);
    if (gateway.state !== 'available') throw BEST_READING.notAvailable(id, gateway.state);
    for (const privateIp of privateIps) {
      if (!isIPv4(privateIp)) {
        throw new QueryError(
          'InvalidParameterValue',
          `Value (${privateIp}) for parameter PrivateIpAddress is invalid.`,
        );
      }
    }
    const twice = privateIps.find((privateIp, index) => privateIps.indexOf(privateIp) !== index);
    if (twice !== undefined) throw BEST_READING.duplicate(twice);
    const changing = gateway.addresses.filter((address) => isChanging(statusAt(address, now)));
    const [first] = changing;
    if (first !== undefined) {
      const status = statusAt(first, now) ?? '';
      throw BEST_READING.inProgress(
        status,
        changing.map(({ privateIp = '' }) => privateIp),
      );
    }
    return gateway;
  }

  #isFree(privateIp: string, now: number): boolean {
    return [...this.#gateways.values()].every((gateway) =>
      heldAt(gateway, now).every((address) => address.privateIp !== privateIp),
    );
  }

  /** The lowest free addresses of the /24 that the gateway's primary lies in, without those AWS reserves. */
  #free(gateway: SimulatedNatGateway, count: number, now: number): string[] {
    const network = gateway.addresses[0]?.privateIp?.replace(/\d+$/, '') ?? '10.0.0.';
    const hosts = Array.from({ length: 250 }, (_, index) => `${network}${index + 4}`);
    return hosts.filter((privateIp) => this.#isFree(privateIp, now)).slice(0, count);
  }
}

/** A dry run checks permissions, that nothing is missing and the form of the id, and never the state. */
function dryRunEndsHere(parameters: Parameters, natGatewayId: string): void {
  checkId(natGatewayId);
  if (!parameters.dryRun) return;
  throw new QueryError('DryRunOperation', 'Request would have succeeded, but DryRun flag is set.', 412);
}

function checkId(id: string): void {
  if (!/^nat-([0-9a-f]{8}|[0-9a-f]{17})$/.test(id)) {
    throw new QueryError('NatGatewayMalformed', `Invalid id: "${id}" (expecting "nat-...")`);
  }
}

function heldAt(gateway: SimulatedNatGateway, time: number): AddressTimeline[] {
  return gateway.addresses.filter((address) => statusAt(address, time) !== undefined);
}

function describe(gateway: SimulatedNatGateway, time: number): Data {
  const { createTime, deleteTime, tags, addresses: _, ...members } = gateway;
  return {
    ...members,
    createTime: new Date(createTime).toISOString(),
    deleteTime: deleteTime === undefined ? undefined : new Date(deleteTime).toISOString(),
    natGatewayAddressSet: heldAt(gateway, time).map((address) => describeAddress(address, time)),
    tagSet: tags.map(({ key, value }) => ({ key, value })),
  };
}

function describeAddress(address: AddressTimeline, time: number): Data {
  const { assignedAt, unassignedAt, drainSeconds, fixedStatus, ...members } = address;
  return { ...members, status: statusAt(address, time) };
}

/** EC2's filters: values are alternatives, with `*` and `?` as wildcards unless a backslash precedes them. */
function fits(gateway: SimulatedNatGateway, name: string, values: readonly string[]): boolean {
  if (values.length > 200) {
    throw new QueryError(
      'FilterLimitExceeded',
      'The maximum number of filter values specified on a single call is 200',
    );
  }
  const candidates = candidatesFor(gateway, name);
  const patterns = values.map(pattern);
  return candidates.some((candidate) => patterns.some((each) => each.test(candidate)));
}

function candidatesFor(gateway: SimulatedNatGateway, name: string): string[] {
  if (name === 'nat-gateway-id') return [gateway.natGatewayId];
  if (name === 'state') return [gateway.state];
  if (name === 'vpc-id') return [gateway.vpcId];
  if (name === 'subnet-id') return gateway.subnetId === undefined ? [] : [gateway.subnetId];
  if (name === 'tag-key') return gateway.tags.map(({ key }) => key);
  if (name.startsWith('tag:')) {
    return gateway.tags.flatMap(({ key, value }) => (key === name.slice(4) ? [value] : []));
  }
  throw new QueryError('InvalidParameterValue', `The filter '${name}' is invalid`);
}

function pattern(value: string): RegExp {
  const source = value.replace(/\\[\\*?]|[\\^$.|?*+()[\]{}]/g, (part) => {
    if (part === '*') return '.*';
    if (part === '?') return '.';
    return `\\${part.at(-1)}`;
  });
  return new RegExp(`^${source}$`, 's');
}

function tokenFor(position: number): string {
  return Buffer.from(`position ${position}`).toString('base64');
}

function positionOf(token: string, length: number): number {
  const [, digits] = /^position (\d+)$/.exec(Buffer.from(token, 'base64').toString('latin1')) ?? [];
  if (digits === undefined || Number(digits) > length) {
    throw new QueryError('InvalidPaginationToken', 'The specified pagination token is not valid');
  }
  return Number(digits);
}

function isIPv4(value: string): boolean {
  const parts = value.split('.');
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256);
}
