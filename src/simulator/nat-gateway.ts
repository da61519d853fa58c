import type { AddressTimeline } from './timeline.ts';
import type { Traffic } from './traffic.ts';

/**
 * A gateway of the embedded endpoint. Members are named as in `natGatewaySet` of `DescribeNatGateways`; absent members
 * are absent from answers. Actions change only `addresses`.
 */
export interface SimulatedNatGateway {
  natGatewayId: string;
  /** `pending` `failed` `available` `deleting` `deleted`; other texts are served as they are. Absent acts as available. */
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
  /** CIDR block of the subnet, for assigning addresses. Default: the /24 around the gateway's first address. */
  cidrBlock?: string | undefined;
  /** What CloudWatch has of it. Absent: no data, which is not the same as no connections. */
  traffic?: Traffic | undefined;
}

/** An address of a gateway. Its timeline determines its `Status`. */
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

/** A gateway whose tags and addresses are present. */
export type PrivateNatGateway = SimulatedNatGateway & { tags: SimulatedTag[]; addresses: SimulatedAddress[] };

/**
 * Returns an available private gateway. All addresses have `succeeded`; the first is the primary.
 *
 * @param name value of its `Name` tag
 * @param createTime milliseconds since the epoch
 * @param members members to add or replace
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
