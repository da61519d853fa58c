/** Account of every principal. */
export const ACCOUNT_ID = '123456789012';

/** Principal that is denied everything. */
export const DENIED_ACCESS_KEY_ID = 'AKIASIMULATEDDENIED0';

/** Principal that may only `DescribeNatGateways`. */
export const READER_ACCESS_KEY_ID = 'AKIASIMULATEDREADER0';

/** Principal that may describe gateways and change addresses, and is denied traffic, routes and security groups. */
export const CHANGER_ACCESS_KEY_ID = 'AKIASIMULATEDCHANGER';

/** Restricted principals by access key id; any other key may do everything. */
const PRINCIPALS: ReadonlyMap<string, { arn: string; allowed: readonly string[] }> = new Map([
  [DENIED_ACCESS_KEY_ID, { arn: `arn:aws:iam::${ACCOUNT_ID}:user/denied`, allowed: [] }],
  [READER_ACCESS_KEY_ID, { arn: `arn:aws:iam::${ACCOUNT_ID}:user/reader`, allowed: ['DescribeNatGateways'] }],
  [
    CHANGER_ACCESS_KEY_ID,
    {
      arn: `arn:aws:iam::${ACCOUNT_ID}:user/changer`,
      allowed: ['DescribeNatGateways', 'AssignPrivateNatGatewayAddress', 'UnassignPrivateNatGatewayAddress'],
    },
  ],
]);

const SIGNATURE_V4 =
  /^AWS4-HMAC-SHA256\s+Credential=(?<accessKeyId>[^/,\s]+)\/\d{8}\/(?<region>[^/,\s]+)\/(?<service>ec2|sts|monitoring)\/aws4_request\s*,\s*SignedHeaders=[^,\s]+\s*,\s*Signature=[0-9a-f]{64}$/;

/** What a Signature Version 4 header names. */
export interface Signature {
  accessKeyId: string;
  region: string;
  service: string;
}

/**
 * Reads the `Authorization` header; `undefined` if it is not a well-formed Signature Version 4 for one of the services.
 * The signature is not verified.
 */
export function signatureOf(authorization: string | undefined): Signature | undefined {
  const { accessKeyId, region, service } = SIGNATURE_V4.exec(authorization ?? '')?.groups ?? {};
  if (accessKeyId === undefined || region === undefined || service === undefined) return undefined;
  return { accessKeyId, region, service };
}

/** Returns the names of the actions that a restricted static key may call; `undefined` if it may call all. */
export function allowedActions(accessKeyId: string): readonly string[] | undefined {
  return PRINCIPALS.get(accessKeyId)?.allowed;
}

/** Returns the ARN of the access key id's user. */
export function arnOf(accessKeyId: string): string {
  return PRINCIPALS.get(accessKeyId)?.arn ?? `arn:aws:iam::${ACCOUNT_ID}:user/${accessKeyId}`;
}
