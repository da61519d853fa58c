import { type Listing, tagSet } from './describe-list.ts';
import type { FilterField } from './filters.ts';
import type { SimulatedSubnet } from './network.ts';

/** `DescribeSubnets` in an account. */
export function describeSubnets(accountId: string): Listing<SimulatedSubnet> {
  return {
    set: 'subnetSet',
    idOf: ({ subnetId }) => subnetId,
    notFound: 'InvalidSubnetID.NotFound',
    pages: { kind: 'subnets', idParameter: 'SubnetId', smallest: 5, largest: 1000, byDefault: Infinity },
    fields: new Map<string, FilterField<SimulatedSubnet>>([
      ['availability-zone', ({ availabilityZone }) => [availabilityZone]],
      ['cidr-block', ({ cidrBlock }) => [cidrBlock]],
      ['owner-id', () => [accountId]],
      ['state', () => ['available']],
      ['subnet-id', ({ subnetId }) => [subnetId]],
      ['vpc-id', ({ vpcId }) => [vpcId]],
    ]),
    element: ({ subnetId, vpcId, cidrBlock, availabilityZone, tags }) => ({
      subnetId,
      state: 'available',
      vpcId,
      cidrBlock,
      availabilityZone,
      defaultForAz: false,
      mapPublicIpOnLaunch: false,
      ownerId: accountId,
      tagSet: tagSet(tags),
    }),
  };
}
