import { StsError, validationError } from './errors-sts.ts';
import type { PolicyDocument } from './policy.ts';
import { MalformedPolicy, parsePolicy } from './policy-document.ts';
import { integerParameter, listNumbers, listParameter, type QueryParameters } from './query.ts';

/** An `AssumeRole` whose parameters are valid. */
export interface AssumeRoleRequest {
  accountId: string;
  roleName: string;
  roleArn: string;
  sessionName: string;
  policyText: string | undefined;
  policy: PolicyDocument | undefined;
  tags: ReadonlyMap<string, string>;
  transitiveTagKeys: readonly string[];
  externalId: string | undefined;
  sourceIdentity: string | undefined;
  seconds: number;
}

const TAG_TEXT = '[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*';

/** A text parameter's limits, of STS's service model (botocore 1.44.8). */
interface TextRule {
  name: string;
  least: number;
  most: number;
  pattern: string;
  required?: boolean;
}

const TEXTS: Readonly<Record<string, TextRule>> = {
  RoleArn: {
    name: 'roleArn',
    least: 20,
    most: 2048,
    pattern:
      '[\\u0009\\u000A\\u000D\\u0020-\\u007E\\u0085\\u00A0-\\uD7FF\\uE000-\\uFFFD\\u{10000}-\\u{10FFFF}]+',
    required: true,
  },
  RoleSessionName: { name: 'roleSessionName', least: 2, most: 64, pattern: '[\\w+=,.@-]*', required: true },
  Policy: { name: 'policy', least: 1, most: 2048, pattern: '[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+' },
  ExternalId: { name: 'externalId', least: 2, most: 1224, pattern: '[\\w+=,.@:\\/-]*' },
  SourceIdentity: { name: 'sourceIdentity', least: 2, most: 256, pattern: '[\\w+=,.@-]*' },
};

const TAGS = 50;
const DURATION = { least: 900, most: 43_200, byDefault: 3600 };

/**
 * Checks the parameters as STS's service model says.
 *
 * @throws StsError `ValidationError` or `MalformedPolicyDocument`
 */
export function assumeRoleRequest(parameters: QueryParameters): AssumeRoleRequest {
  const tags = tagsOf(parameters);
  const faults = [
    ...Object.entries(TEXTS).flatMap(([name, rule]) => textFaults(parameters[name], rule)),
    ...durationFaults(parameters),
    ...tagFaults(tags),
  ];
  if (faults.length > 0) {
    const count = faults.length === 1 ? '1 validation error' : `${faults.length} validation errors`;
    throw validationError(`${count} detected: ${faults.join('; ')}`);
  }
  checkReserved(parameters, tags);
  const { RoleArn = '', RoleSessionName = '', Policy, ExternalId, SourceIdentity } = parameters;
  const role = /^arn:aws:iam::(?<accountId>\d{12}):role\/(?:.*\/)?(?<roleName>[\w+=,.@-]{1,64})$/.exec(
    RoleArn,
  );
  if (role?.groups === undefined) throw validationError('Request ARN is invalid');
  const { accountId = '', roleName = '' } = role.groups;
  return {
    accountId,
    roleName,
    roleArn: RoleArn,
    sessionName: RoleSessionName,
    policyText: Policy,
    policy: Policy === undefined ? undefined : policyOf(Policy),
    tags: new Map(tags),
    transitiveTagKeys: listParameter(parameters, 'TransitiveTagKeys.member'),
    externalId: ExternalId,
    sourceIdentity: SourceIdentity,
    seconds: integerParameter(parameters, 'DurationSeconds') ?? DURATION.byDefault,
  };
}

function tagsOf(parameters: QueryParameters): [key: string, value: string][] {
  return listNumbers(parameters, 'Tags.member').map((number) => [
    parameters[`Tags.member.${number}.Key`] ?? '',
    parameters[`Tags.member.${number}.Value`] ?? '',
  ]);
}

function textFaults(text: string | undefined, { name, least, most, pattern, required }: TextRule): string[] {
  if (text === undefined) return required ? [fault('null', name, 'Member must not be null')] : [];
  const faults = [];
  if (text.length < least) {
    faults.push(`Member must have length greater than or equal to ${least}`);
  }
  if (text.length > most) faults.push(`Member must have length less than or equal to ${most}`);
  if (!new RegExp(`^${pattern}$`, 'u').test(text)) {
    faults.push(`Member must satisfy regular expression pattern: ${pattern}`);
  }
  return faults.map((reason) => fault(`'${text}'`, name, reason));
}

function durationFaults(parameters: QueryParameters): string[] {
  const seconds = integerParameter(parameters, 'DurationSeconds') ?? DURATION.byDefault;
  const value = `'${parameters.DurationSeconds}'`;
  if (seconds > DURATION.most) {
    return [fault(value, 'durationSeconds', `Member must have value less than or equal to ${DURATION.most}`)];
  }
  if (seconds >= DURATION.least) return [];
  return [
    fault(value, 'durationSeconds', `Member must have value greater than or equal to ${DURATION.least}`),
  ];
}

function tagFaults(tags: readonly [key: string, value: string][]): string[] {
  const count =
    tags.length > TAGS
      ? [fault('tags', 'tags', `Member must have length less than or equal to ${TAGS}`)]
      : [];
  return [
    ...count,
    ...tags.flatMap(([key, value], index) => [
      ...textFaults(key, { name: `tags.${index + 1}.member.key`, least: 1, most: 128, pattern: TAG_TEXT }),
      ...textFaults(value, {
        name: `tags.${index + 1}.member.value`,
        least: 0,
        most: 256,
        pattern: TAG_TEXT,
      }),
    ]),
  ];
}

function fault(value: string, name: string, reason: string): string {
  return `Value ${value} at '${name}' failed to satisfy constraint: ${reason}`;
}

/** Checks what the patterns do not say. The messages are assumed. */
function checkReserved(parameters: QueryParameters, tags: readonly [key: string, value: string][]): void {
  const keys = tags.map(([key]) => key.toLowerCase());
  if (new Set(keys).size < keys.length) {
    throw validationError('Duplicate tag keys found. Please note that Tag keys are case insensitive.');
  }
  if (keys.some((key) => key.startsWith('aws:'))) {
    throw validationError('System tags cannot be added/updated by requester');
  }
  const transitive = listParameter(parameters, 'TransitiveTagKeys.member');
  if (!transitive.every((key) => keys.includes(key.toLowerCase()))) {
    throw validationError('The specified transitive tag key must be included in the requested tags.');
  }
  if (/^aws:/i.test(parameters.SourceIdentity ?? '')) {
    throw validationError('The source identity must not start with aws:');
  }
  if (listNumbers(parameters, 'PolicyArns.member').length > 0) {
    throw validationError('Managed policies are not served here, so a session cannot have one.');
  }
}

function policyOf(text: string): PolicyDocument {
  try {
    return parsePolicy(text);
  } catch (error) {
    if (!(error instanceof MalformedPolicy)) throw error;
    throw new StsError('MalformedPolicyDocument', error.message);
  }
}
