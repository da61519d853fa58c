import type { SimulatedTag } from './nat-gateway.ts';

/** What surrounds the gateways of an account. No request changes it. */
export interface SimulatedNetwork {
  routeTables: SimulatedRouteTable[];
  subnets: SimulatedSubnet[];
  securityGroups: SimulatedSecurityGroup[];
  prefixLists: SimulatedPrefixList[];
}

export interface SimulatedRouteTable {
  routeTableId: string;
  vpcId: string;
  /** Whether it is the main table of its VPC: subnets without an association use it and are not listed. */
  isMain?: boolean;
  /** Subnets with an association. */
  subnetIds?: readonly string[];
  routes: readonly SimulatedRoute[];
  tags?: readonly SimulatedTag[];
}

/** A route has one destination and one target. */
export interface SimulatedRoute {
  destinationCidrBlock?: string;
  destinationPrefixListId?: string;
  /** `local` or an internet gateway. */
  gatewayId?: string;
  natGatewayId?: string;
  transitGatewayId?: string;
  /** `active` (default), `blackhole` or `filtered`. */
  state?: string;
}

export interface SimulatedSubnet {
  subnetId: string;
  vpcId: string;
  cidrBlock: string;
  availabilityZone: string;
  tags?: readonly SimulatedTag[];
}

export interface SimulatedSecurityGroup {
  groupId: string;
  groupName: string;
  description: string;
  vpcId: string;
  inbound: readonly SimulatedRule[];
  outbound: readonly SimulatedRule[];
  tags?: readonly SimulatedTag[];
}

/** Ranges and prefix lists of one protocol and port. */
export interface SimulatedRule {
  /** TCP port. Absent: every protocol and port. */
  port?: number;
  cidrs?: readonly string[];
  prefixListIds?: readonly string[];
  description?: string;
}

export interface SimulatedPrefixList {
  prefixListId: string;
  name: string;
  /** The account, another that shares the list, or `AWS`, whose lists have no version. Default: the account. */
  ownerId?: string;
  entries: readonly { cidr: string; description?: string }[];
  tags?: readonly SimulatedTag[];
}
