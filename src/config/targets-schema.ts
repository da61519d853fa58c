import * as z from 'zod';
import { isCidr } from '../nat-gateway/cidr.ts';
import { EVIDENCE_MODES } from '../nat-gateway/evidence.ts';
import { NAT_GATEWAY_ID, REGION, TARGET_NAME } from '../vocabulary/ids.ts';
import { ALL_TARGETS } from '../vocabulary/names.ts';
import { boundedText } from '../vocabulary/text.ts';

/**
 * The format of the file of --targets. `docs/targets.schema.json` is generated from it, so `meta` says to JSON Schema
 * what zod cannot; `targets.ts` checks that and what no schema can say.
 */

export const MOST_TARGETS = 200;

const SHOWN_LENGTH = 64;

/** Completes the path of a value: "is missing", or "must be …, not …". */
function must(text: string, isShown = true) {
  return {
    error: ({ input }: { input?: unknown }) => {
      if (input === undefined) return 'is missing';
      const shown = JSON.stringify(input) ?? '';
      return isShown ? `must be ${text}, not ${boundedText(shown, SHOWN_LENGTH)}` : `must be ${text}`;
    },
  };
}

function text(pattern: RegExp, what: string, isShown = true) {
  const message = must(what, isShown);
  return z.string(message).regex(pattern, message);
}

function whole(minimum: number, maximum: number) {
  const message = must(`a whole number from ${minimum} to ${maximum}`);
  return z.int(message).min(minimum, message).max(maximum, message);
}

function listOf(item: z.ZodString, what: string) {
  const message = must(`a list of one or more ${what}`);
  return z.array(item, message).min(1, message).meta({ uniqueItems: true });
}

const OCTET = '(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const ADDRESS_OR_RANGE = new RegExp(`^${OCTET}(\\.${OCTET}){3}(/(3[0-2]|[12]?\\d))?$`);
const RANGE_TEXT = 'an IPv4 address, or a range that begins at its first address such as 10.0.1.16/28';
// JSON Schema cannot tell where a range begins.
const addressOrRange = text(ADDRESS_OR_RANGE, RANGE_TEXT).refine(
  (range) => !range.includes('/') || isCidr(range),
  must(RANGE_TEXT),
);
const TAG = text(/^[^=\s]([^\n\r]{0,383}\S)?$/, 'KEY or KEY=VALUE, without spaces around it');
const GATEWAY = text(NAT_GATEWAY_ID, 'a NAT gateway id');
const ROLE_ARN = /^arn:aws[a-z-]{0,16}:iam::\d{12}:role\/([\w+=,.@/-]{1,511}\/)?[\w+=,.@-]{1,64}$/;

export const ruleMembers = {
  'read-only': z.boolean(must('true or false')).describe('Refuse every real change.'),
  'allow-gateway': listOf(GATEWAY, 'NAT gateway ids').describe('Change only these gateways.'),
  'require-tag': listOf(TAG, 'tags').describe('Change only gateways that have all of these tags.'),
  'protect-tag': listOf(TAG, 'tags').describe('Never change gateways that have any of these tags.'),
  'protect-address': listOf(addressOrRange, 'IPv4 addresses and ranges').describe(
    'Never release these addresses.',
  ),
  'min-remaining': whole(0, 32).describe(
    'Minimum number of working addresses that must remain on a gateway.',
  ),
  'max-addresses': whole(1, 31).describe('Maximum number of addresses that one call may release.'),
  'max-changes-per-hour': whole(1, 100_000).describe(
    "Maximum number of real calls in this target in an hour for each caller; they count against the server's limit too.",
  ),
  evidence: z
    .enum(EVIDENCE_MODES, must(`one of ${EVIDENCE_MODES.join(', ')}`))
    .describe('How much evidence a release needs.'),
};

export const regionSchema = text(REGION, 'an AWS region such as us-east-1');

export const targetMembers = {
  name: text(TARGET_NAME, '1 to 64 lower-case letters, digits or any of . _ -, with a letter or digit first')
    .refine(
      (name) => name !== ALL_TARGETS,
      must(`another name, because "${ALL_TARGETS}" stands for every target`),
    )
    .meta({ not: { const: ALL_TARGETS }, description: 'The name by which callers mean this target.' }),
  account_id: text(/^\d{12}$/, 'a text of 12 digits').describe('The AWS account of the gateways.'),
  role_arn: text(ROLE_ARN, 'the ARN of an IAM role').describe(
    'The role to assume, in this account. Without it the credentials themselves must be of this account.',
  ),
  external_id: text(
    /^[\w+=,.@:/-]{2,1224}$/,
    '2 to 1224 letters, digits or any of _ + = , . @ : / -',
    false,
  ).describe("The external id that the role's trust policy demands."),
  profile: text(/^\S([^\n\r]{0,126}\S)?$/, 'the name of an AWS profile').describe(
    'The AWS profile with the credentials that assume the role. Without it, the credentials of the server.',
  ),
  regions: listOf(regionSchema, 'AWS regions').describe('The regions of the gateways.'),
  source_identity: z
    .boolean(must('true or false'))
    .describe('Whether sessions get a SourceIdentity. It stays with every role that such a session assumes.'),
  policy: z
    .strictObject(ruleMembers, must('an object of rules'))
    .partial()
    .describe("Rules that are stricter than the server's own."),
};

const targetSchema = z
  .strictObject(targetMembers, must('an object'))
  .partial({ role_arn: true, external_id: true, profile: true, source_identity: true, policy: true })
  .meta({ dependencies: { external_id: ['role_arn'], source_identity: ['role_arn'] } });

export const fileMembers = {
  $schema: z.string(must('a text')).optional(),
  targets: z
    .array(targetSchema, must(`a list of 1 to ${MOST_TARGETS} targets`))
    .min(1, must('a list of one or more targets'))
    .max(MOST_TARGETS, { error: `may have at most ${MOST_TARGETS} targets` }),
};

export const targetsFileSchema = z.strictObject(fileMembers, must('an object with the member "targets"'));

export type TargetEntry = z.infer<typeof targetSchema>;
export type RuleEntries = NonNullable<TargetEntry['policy']>;
