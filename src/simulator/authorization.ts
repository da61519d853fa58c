import { QueryError } from './query.ts';

/** Access key id of the principal that is denied everything. */
export const DENIED_ACCESS_KEY_ID = 'AKIASIMULATEDDENIED0';

/** Access key id of the principal that may describe, and nothing else. */
export const READER_ACCESS_KEY_ID = 'AKIASIMULATEDREADER0';

/** The account that every principal belongs to. */
export const ACCOUNT_ID = '123456789012';

const SIGNATURE_V4 =
  /^AWS4-HMAC-SHA256 Credential=([^/,\s]+)\/\d{8}\/([^/,\s]+)\/(?:ec2|sts)\/aws4_request,\s*SignedHeaders=[^,\s]+,\s*Signature=[0-9a-f]{64}$/;

/**
 * The access key id a request is signed with. The signature is looked for, not checked.
 *
 * A scope of another region gets what real EC2 answers where a region is not enabled.
 *
 * @throws QueryError `AuthFailure`
 */
export function authenticate(authorization: string | undefined, region: string): string {
  const [, accessKeyId, scope] = SIGNATURE_V4.exec(authorization ?? '') ?? [];
  if (accessKeyId === undefined || scope !== region) {
    throw new QueryError('AuthFailure', 'AWS was not able to validate the provided access credentials', 401);
  }
  return accessKeyId;
}

/**
 * Refuses what the principal may not do. Any access key id but the two above may do everything.
 *
 * @throws QueryError `UnauthorizedOperation`
 */
export function authorize(accessKeyId: string, action: string): void {
  const allowed =
    accessKeyId === READER_ACCESS_KEY_ID
      ? action === 'DescribeNatGateways' || action === 'GetCallerIdentity'
      : accessKeyId !== DENIED_ACCESS_KEY_ID;
  if (allowed) return;
  const encoded = Buffer.from(`simulated denial of ${action}`).toString('base64url');
  throw new QueryError(
    'UnauthorizedOperation',
    `You are not authorized to perform this operation. User: arn:aws:iam::${ACCOUNT_ID}:user/${accessKeyId} is not authorized to perform: ec2:${action} because no identity-based policy allows the ec2:${action} action. Encoded authorization failure message: ${encoded}`,
    403,
  );
}
