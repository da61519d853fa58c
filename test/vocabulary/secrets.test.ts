import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { withoutSecrets } from '../../src/vocabulary/secrets.ts';

/** A session token of STS has this form; this one is random. */
const TOKEN = `IQoJb3JpZ2luX2VjE${randomBytes(400).toString('base64')}`;
const SECRET_KEY = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
const SIGNATURE = randomBytes(32).toString('hex');
const JWT = `eyJhbGciOiJSUzI1NiJ9.${randomBytes(90).toString('base64url')}.${randomBytes(90).toString('base64url')}`;

describe('a secret in a text of an endpoint', () => {
  it.each<[string, string, string]>([
    ['an encoded message under no label', TOKEN, `You may not. ${TOKEN}`],
    [
      'an encoded message under another label',
      TOKEN,
      `You may not. Encoded denial details: ${TOKEN} (decode it)`,
    ],
    ['an encoded message in quotation marks', TOKEN, `You may not ("${TOKEN}").`],
    ['an encoded message in Base64 for URLs', TOKEN, `Denied: ${Buffer.from(TOKEN).toString('base64url')}`],
    ['an encoded message with percent signs', TOKEN, `Denied: ${encodeURIComponent(TOKEN)}`],
    ['a hexadecimal digest', SIGNATURE, `The string to sign should have been ${SIGNATURE}.`],
    ['a hexadecimal digest in upper case', SIGNATURE, `No ${SIGNATURE.toUpperCase()}`],
    ['a secret access key under no label', SECRET_KEY, `The key ${SECRET_KEY} is wrong.`],
    ['a JSON Web Token', JWT, `The token ${JWT} has expired`],
    [
      'a session token in a canonical request',
      TOKEN,
      `The Canonical String for this request should have been 'POST\n/\n\nhost:ec2.us-east-1.amazonaws.com\nx-amz-date:20260102T030405Z\nx-amz-security-token:${TOKEN}\n\nhost;x-amz-date\n${SIGNATURE}'`,
    ],
    ['a short session token in a header', 'short-token', 'x-amz-security-token:short-token host:example.com'],
    ['a short session token in a variable', 'short-token', 'AWS_SESSION_TOKEN=short-token'],
    ['a short secret in JSON', 'short-secret', '{"SecretAccessKey": "short-secret", "Expiration": "…"}'],
    ['a short secret in XML', 'short-secret', '<SessionToken>short-secret</SessionToken>'],
    ['a short bearer token', 'short-token', 'Authorization: Bearer short-token'],
    ['a short signature', 'abc123', 'Authorization=AWS4-HMAC-SHA256 Credential=AKIA/x, Signature=abc123'],
    [
      'a presigned URL',
      'abc123',
      'See https://bucket.s3.amazonaws.com/key?X-Amz-Credential=AKIA&X-Amz-Signature=abc123',
    ],
  ])('is masked: %s', (_, secret, text) => {
    const masked = withoutSecrets(text);
    expect(masked).toContain('[masked]');
    expect(masked.toLowerCase()).not.toContain(secret.toLowerCase());
    // Nor is a part of it left that is worth anything.
    expect(masked.toLowerCase()).not.toContain(secret.slice(0, 24).toLowerCase());
  });

  it('is masked whatever stands around it', () => {
    const around = fc.string({ unit: fc.constantFrom(...' .,:;()"\n\t'), minLength: 1, maxLength: 5 });
    const bytes = fc.uint8Array({ minLength: 60, maxLength: 300 });
    fc.assert(
      fc.property(around, bytes, around, (before, secret, after) => {
        const token = Buffer.from(secret).toString('hex');
        expect(withoutSecrets(`Denied${before}${token}${after}end`)).not.toContain(token.slice(0, 40));
      }),
    );
  });
});

describe('a text without secrets', () => {
  it.each([
    'You are not authorized to perform this operation. User: arn:aws:sts::123456789012:assumed-role/Nat-Gateway-Stack-TaskRole-1A2B3C4D5E6F7/i-0123456789abcdef0 is not authorized to perform: ec2:UnassignPrivateNatGatewayAddress on resource: arn:aws:ec2:us-east-1:123456789012:natgateway/nat-0a11a11a11a11a11a',
    "The networkInterface ID 'eni-0123456789abcdef0' does not exist",
    'Request id 59dbff89-35bd-4eac-99ed-be587EXAMPLE, 1f1b0d1e-2c3d-4e5f-8a9b-0c1d2e3f4a5b',
    'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.',
    'The security token included in the request is invalid',
    'No OpenIDConnect provider found in your account for https://oidc.eks.us-east-1.amazonaws.com/id/ABCDEF0123456789ABCDEF0123456789',
    'vpce-0123456789abcdef0-abcdefgh.ec2.us-east-1.vpce.amazonaws.com is unreachable',
    "ENOENT: no such file or directory, open '/home/Alice1/.aws/sso/cache/da39a3ee5e6b4b0d3255bfef95601890afd80709.json'",
    'The role my-company-production-eu-west-1-nat-gateway-role cannot be assumed',
    'Value (10.0.1.11) for parameter PrivateIpAddress.1 is invalid',
    'x'.repeat(500),
  ])('stays as it is: %s', (text) => {
    expect(withoutSecrets(text)).toBe(text);
  });
});
