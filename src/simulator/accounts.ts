import { privateNatGateway, type SimulatedNatGateway } from './nat-gateway.ts';
import type { SimulatedNetwork } from './network.ts';

/** An account that requests reach by assuming one of its roles. */
export interface SimulatedAccount {
  accountId: string;
  roles: readonly SimulatedRole[];
  /** Enabled regions by name. A request for any other is `AuthFailure`. */
  regions: Readonly<Record<string, SimulatedRegion>>;
}

export interface SimulatedRole {
  name: string;
  /** IAM policy document: what its sessions may do. */
  policy: object;
  /** Trust policy document: who may assume it, and how. */
  trust: object;
  /** IAM's default and least setting: 3600. */
  maxSessionSeconds?: number;
}

/** A region of an account. */
export interface SimulatedRegion {
  /** Gateways, made when the first request comes. Default: none. */
  inventory?: (start: number) => SimulatedNatGateway[];
  /** Route tables, security groups and the like. Default: none. */
  network?: SimulatedNetwork;
  /** `throttles`: every call is `RequestLimitExceeded`. `hangs`: no call is answered. */
  trouble?: 'throttles' | 'hangs';
}

/** Name of the role in each of the accounts. */
const ROLE_NAME = 'nat-gateway-mcp';

/** Default regions of each account. Milan has to be opted in to; the others every account has. */
export const REGIONS = ['us-east-1', 'us-west-2', 'eu-west-1', 'eu-south-1'] as const;

/** Places that are not like the others; `docs/simulator.md` lists them. */
export const PLACES = {
  denied: { accountId: accountIdOf(3), region: 'us-west-2' },
  throttled: { accountId: accountIdOf(5), region: 'eu-west-1' },
  hanging: { accountId: accountIdOf(7), region: 'eu-south-1' },
  notEnabled: { accountId: accountIdOf(9), region: 'eu-south-1' },
  /** Its 10.0.1.10, 10.0.1.11 and 10.0.1.12 are in two VPCs. */
  overlapping: { accountId: accountIdOf(1), region: 'us-east-1' },
  /** The only one with 10.0.1.7. */
  sought: { accountId: accountIdOf(4), region: 'eu-west-1' },
} as const;

/** The role of this account requires an external id. */
export const EXTERNAL_ID = { accountId: accountIdOf(2), externalId: 'nat-gateway-mcp-team-02' } as const;

const READS = [
  ...['ec2:DescribeNatGateways', 'ec2:DescribeRouteTables', 'ec2:DescribeSubnets', 'ec2:DescribeRegions'],
  ...['ec2:DescribeSecurityGroups', 'ec2:DescribeManagedPrefixLists', 'ec2:GetManagedPrefixListEntries'],
];

/** Returns the ten accounts. All share the addresses 10.0.1.10 to 10.0.1.12, as made from one template. */
export function defaultAccounts(homeAccountId: string): SimulatedAccount[] {
  return Array.from({ length: 10 }, (_, index) => {
    const accountId = accountIdOf(index + 1);
    return {
      accountId,
      roles: [roleOf(accountId, homeAccountId)],
      regions: Object.fromEntries(
        REGIONS.filter((region) => !isPlace('notEnabled', accountId, region)).map((region) => [
          region,
          regionOf(index + 1, accountId, region),
        ]),
      ),
    };
  });
}

function accountIdOf(team: number): string {
  return `1${String(team).padStart(11, '0')}`;
}

function isPlace(name: keyof typeof PLACES, accountId: string, region: string): boolean {
  return PLACES[name].accountId === accountId && PLACES[name].region === region;
}

function roleOf(accountId: string, homeAccountId: string): SimulatedRole {
  const readable = REGIONS.filter((region) => !isPlace('denied', accountId, region));
  const isExternal = EXTERNAL_ID.accountId === accountId;
  return {
    name: ROLE_NAME,
    policy: {
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Action: READS,
          Resource: '*',
          Condition: { StringEquals: { 'ec2:Region': readable } },
        },
        { Effect: 'Allow', Action: 'cloudwatch:GetMetricData', Resource: '*' },
        {
          Effect: 'Allow',
          Action: ['ec2:UnassignPrivateNatGatewayAddress', 'ec2:AssignPrivateNatGatewayAddress'],
          Resource: `arn:aws:ec2:*:${accountId}:natgateway/*`,
        },
      ],
    },
    trust: {
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { AWS: `arn:aws:iam::${homeAccountId}:root` },
          Action: ['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity'],
          ...(isExternal && { Condition: { StringEquals: { 'sts:ExternalId': EXTERNAL_ID.externalId } } }),
        },
      ],
    },
  };
}

function regionOf(team: number, accountId: string, region: (typeof REGIONS)[number]): SimulatedRegion {
  const trouble = isPlace('throttled', accountId, region)
    ? 'throttles'
    : isPlace('hanging', accountId, region)
      ? 'hangs'
      : undefined;
  return {
    inventory: (start) => inventoryOf(team, accountId, region, start),
    ...(trouble !== undefined && { trouble }),
  };
}

/** Two or three private gateways, with ids that tell account and region: `nat-0TTR000000000000N`. */
function inventoryOf(
  team: number,
  accountId: string,
  region: (typeof REGIONS)[number],
  start: number,
): SimulatedNatGateway[] {
  const number = REGIONS.indexOf(region) + 1;
  const place = `0${String(team).padStart(2, '0')}${number}`;
  const created = start - 48 * 3_600_000;
  const gateway = (each: number, name: string, addresses: readonly string[]) =>
    privateNatGateway(`nat-${place}${String(each).padStart(13, '0')}`, name, addresses, created, {
      vpcId: `vpc-${place}${String(each).padStart(13, '0')}`,
      subnetId: `subnet-${place}${String(each).padStart(13, '0')}`,
    });
  const shared = ['10.0.1.10', '10.0.1.11', '10.0.1.12'];
  const own = `10.${100 + team}.${number}`;
  return [
    gateway(1, 'egress', isPlace('sought', accountId, region) ? [...shared, '10.0.1.7'] : shared),
    gateway(2, 'partner', [`${own}.10`, `${own}.11`, `${own}.12`]),
    ...(isPlace('overlapping', accountId, region) ? [gateway(3, 'egress-copy', shared)] : []),
  ];
}
