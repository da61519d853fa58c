/** Refusal of a request: code, HTTP status and message of EC2's error envelope. */
export class Ec2Error extends Error {
  readonly code: string;
  readonly status: number;

  constructor(code: string, message: string, status = 400) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

export const dryRunOperation = () =>
  new Ec2Error('DryRunOperation', 'Request would have succeeded, but DryRun flag is set.', 412);

export const authFailure = () =>
  new Ec2Error('AuthFailure', 'AWS was not able to validate the provided access credentials', 401);

/** EC2 refuses expired temporary credentials like an old request (aws-sdk-java #1443). */
export const requestExpired = () => new Ec2Error('RequestExpired', 'Request has expired.');

export const requestLimitExceeded = () =>
  new Ec2Error('RequestLimitExceeded', 'Request limit exceeded.', 503);

export const missingParameter = (name: string) =>
  new Ec2Error('MissingParameter', `The request must contain the parameter ${name}`);

export const invalidParameterValue = (message: string) => new Ec2Error('InvalidParameterValue', message);

/** Returns the message for an invalid value, worded as by EC2 (aws-sdk-ruby #2575). */
export const invalidValueMessage = (value: string | undefined, name: string, reason: string) =>
  `Value ( ${value} ) for parameter ${name} is invalid. ${reason}`;

export const natGatewayMalformed = (id: string) => new Ec2Error('NatGatewayMalformed', `Invalid id: "${id}"`);

export const natGatewayNotFound = (id: string) =>
  new Ec2Error('NatGatewayNotFound', `NAT gateway ${id} was not found`);

/**
 * Answers assumed where AWS publishes none. The codes exist, but that these requests get them is assumed, so nothing may
 * depend on it. All codes come with status 400. `docs/simulator.md` lists the assumptions.
 */
export const ASSUMPTIONS = {
  primary: { when: 'unassign: the primary address', code: 'InvalidParameterValue' },
  notHeld: { when: 'unassign: an address that is not on the gateway', code: 'InvalidParameterValue' },
  duplicate: { when: 'an address given twice', code: 'InvalidParameterValue' },
  notAnAddress: { when: 'an address that is not an IPv4 address', code: 'InvalidParameterValue' },
  drain: {
    when: '`MaxDrainDurationSeconds` that is not a whole number from 1 to 4000',
    code: 'InvalidParameterValue',
  },
  inProgress: {
    when: 'assign or unassign while an address of the gateway is being changed',
    code: 'OperationInProgress',
  },
  publicGateway: { when: 'assign or unassign on a public or regional gateway', code: 'UnsupportedOperation' },
  notAvailable: {
    when: 'assign or unassign on a gateway that is neither `available` nor `deleted`',
    code: 'IncorrectState',
  },
  deleted: { when: 'assign or unassign on a gateway that is `deleted`', code: 'NatGatewayNotFound' },
  quota: { when: 'assign: more than 8 addresses on the gateway', code: 'PrivateIpAddressLimitExceeded' },
  bothGiven: {
    when: 'assign: addresses and `PrivateIpAddressCount` together',
    code: 'InvalidParameterCombination',
  },
  count: {
    when: 'assign: `PrivateIpAddressCount` that is not a whole number from 1 to 31',
    code: 'InvalidParameterValue',
  },
  neitherGiven: { when: 'assign: neither addresses nor `PrivateIpAddressCount`', code: 'MissingParameter' },
  outsideSubnet: {
    when: "assign: an address outside the gateway's subnet, or reserved in it",
    code: 'InvalidParameterValue',
  },
  inUse: { when: 'assign: an address that a gateway already has', code: 'InvalidIPAddress.InUse' },
  subnetFull: {
    when: 'assign: fewer free addresses in the subnet than `PrivateIpAddressCount`',
    code: 'InsufficientFreeAddressesInSubnet',
  },
  filterWithoutValues: { when: 'describe: a filter without values', code: 'MissingParameter' },
  token: { when: 'describe: a `NextToken` that no answer had', code: 'InvalidPaginationToken' },
  largePage: {
    when: 'describe: `MaxResults` above 1000',
    answer: "the first 1000, as AWS's older service model said (botocore 1.5.0)",
  },
  prefixListVersion: {
    when: 'GetManagedPrefixListEntries: a `TargetVersion` that the list has not had',
    code: 'InvalidPrefixListVersion',
  },
  metricRequest: {
    when: 'GetMetricData: a query, a time or a number of data points that it does not take',
    code: 'ValidationError',
  },
  metricToken: { when: 'GetMetricData: a `NextToken` that no answer had', code: 'InvalidNextToken' },
} as const;

/** Returns the refusal assumed for a case. */
export function assumed(
  assumption: Exclude<keyof typeof ASSUMPTIONS, 'largePage'>,
  message: string,
): Ec2Error {
  return new Ec2Error(ASSUMPTIONS[assumption].code, message);
}
