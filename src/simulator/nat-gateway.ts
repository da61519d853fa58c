import type { AddressTimeline } from './timeline.ts';

/**
 * A gateway of the embedded endpoint. Members have EC2's names (`natGatewaySet` of `DescribeNatGateways`), and one
 * that is absent is absent from the answer. Actions change only `addresses`.
 */
export interface SimulatedNatGateway {
  natGatewayId: string;
  /** `pending` `failed` `available` `deleting` `deleted`; any other text is served as it is. Absent acts as available. */
  state?: string | undefined;
  /** `private` or `public`. Absent acts as private. */
  connectivityType?: string | undefined;
  /** `zonal` or `regional`. Absent acts as zonal. */
  availabilityMode?: string | undefined;
  vpcId?: string | undefined;
  subnetId?: string | undefined;
  /** Milliseconds since the epoch, as is `deleteTime`. */
  createTime?: number | undefined;
  deleteTime?: number | undefined;
  failureCode?: string | undefined;
  failureMessage?: string | undefined;
  tags?: SimulatedTag[] | undefined;
  addresses?: SimulatedAddress[] | undefined;
  autoScalingIps?: string | undefined;
  autoProvisionZones?: string | undefined;
  routeTableId?: string | undefined;
  /** Of the subnet, for addresses yet to be assigned. Default: the /24 around the gateway's first address. */
  cidrBlock?: string | undefined;
}

/** An address of a gateway: its members, and its timeline, which tells its `Status`. */
export interface SimulatedAddress extends AddressTimeline {
  privateIp?: string | undefined;
  isPrimary?: boolean | undefined;
  networkInterfaceId?: string | undefined;
  failureMessage?: string | undefined;
  publicIp?: string | undefined;
  allocationId?: string | undefined;
  associationId?: string | undefined;
  availabilityZone?: string | undefined;
  availabilityZoneId?: string | undefined;
}

export interface SimulatedTag {
  key: string;
  value: string;
}

/** A gateway that certainly has tags and addresses. */
export type PrivateNatGateway = SimulatedNatGateway & { tags: SimulatedTag[]; addresses: SimulatedAddress[] };

/**
 * A private gateway that is available and whose addresses have `succeeded`; the first of them is the primary.
 *
 * @param name its `Name` tag
 * @param createTime milliseconds since the epoch
 * @param members are added, or replace what this makes
 */
export function privateNatGateway(
  natGatewayId: string,
  name: string,
  privateIps: readonly string[],
  createTime: number,
  members: Partial<SimulatedNatGateway> = {},
): PrivateNatGateway {
  const suffix = natGatewayId.replace(/^nat-/, '');
  return {
    natGatewayId,
    state: 'available',
    connectivityType: 'private',
    availabilityMode: 'zonal',
    vpcId: 'vpc-0a00000000000000a',
    subnetId: 'subnet-0a00000000000000a',
    createTime,
    tags: [{ key: 'Name', value: name }],
    addresses: privateIps.map((privateIp, index) => ({
      privateIp,
      isPrimary: index === 0,
      networkInterfaceId: `eni-${suffix}`,
    })),
    ...(members as Partial<PrivateNatGateway>),
  };
}
