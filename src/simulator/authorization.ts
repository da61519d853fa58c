import { randomBytes } from 'node:crypto';
import { authFailure, Ec2Error } from './errors.ts';

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

/**
 * Returns the access key id of a request. Requires a well-formed Signature Version 4 header for this region and for one
 * of the services, but does not verify the signature. EC2 answers for a region that is not enabled in the same way.
 *
 * @throws Ec2Error `AuthFailure`
 */
export function authenticate(
  authorization: string | undefined,
  region: string,
  services: readonly string[] = ['ec2', 'sts'],
): string {
  const signed = SIGNATURE_V4.exec(authorization ?? '')?.groups;
  const { accessKeyId, service = '' } = signed ?? {};
  if (accessKeyId === undefined || signed?.region !== region || !services.includes(service)) {
    throw authFailure();
  }
  return accessKeyId;
}

/**
 * Checks that the principal may call the action. The message has the form seen in terraform-provider-aws #34234 with
 * the encoded message of #29710, which here cannot be decoded.
 *
 * @throws Ec2Error `UnauthorizedOperation`
 */
export function authorize(accessKeyId: string, action: string): void {
  const denial = denialOf(accessKeyId, 'ec2', action);
  if (denial === undefined) return;
  const encoded = randomBytes(300).toString('base64url');
  throw new Ec2Error(
    'UnauthorizedOperation',
    `You are not authorized to perform this operation. ${denial}. Encoded authorization failure message: ${encoded}`,
    403,
  );
}

/**
 * Checks that the principal may call the action of CloudWatch, which sends no encoded message.
 *
 * @throws Ec2Error `AccessDeniedException`
 */
export function authorizeMetrics(accessKeyId: string, action: string): void {
  const denial = denialOf(accessKeyId, 'cloudwatch', action);
  if (denial !== undefined) throw new Ec2Error('AccessDeniedException', denial);
}

/** Returns the reason in IAM's words, or `undefined` for a principal that may call the action. */
function denialOf(accessKeyId: string, service: string, action: string): string | undefined {
  const principal = PRINCIPALS.get(accessKeyId);
  if (principal === undefined || principal.allowed.includes(action)) return undefined;
  return (
    `User: ${principal.arn} is not authorized to perform: ${service}:${action} ` +
    `because no identity-based policy allows the ${service}:${action} action`
  );
}

/** Returns the ARN of the access key id's user. */
export function arnOf(accessKeyId: string): string {
  return PRINCIPALS.get(accessKeyId)?.arn ?? `arn:aws:iam::${ACCOUNT_ID}:user/${accessKeyId}`;
}
