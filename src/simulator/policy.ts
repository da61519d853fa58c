/**
 * Evaluates IAM policy documents. Sources: IAM User Guide, "Policy evaluation logic" and "IAM JSON policy elements".
 * Fails closed: what it cannot evaluate keeps an `Allow` from matching and makes a `Deny` match.
 */
import { type Condition, conditionsHold } from './policy-conditions.ts';
import { allowsWildcards, arnPattern } from './policy-patterns.ts';

/** A document as `parsePolicy` returns it: every list is an array. */
export interface PolicyDocument {
  /** Policy variables exist since `2012-10-17`. */
  version: string;
  statements: readonly Statement[];
}

export interface Statement {
  effect: 'Allow' | 'Deny';
  actions: Listed;
  /** Absent in trust policies, whose resource is the role. */
  resources?: Listed;
  /** In trust policies only: account ids, ARNs, or `*`. */
  principals?: readonly string[];
  conditions: readonly Condition[];
}

/** `Action` or `NotAction`, `Resource` or `NotResource`. */
export interface Listed {
  values: readonly string[];
  negated: boolean;
}

/** A request, as policies see it. */
export interface AccessRequest {
  /** `ec2:DescribeNatGateways` */
  action: string;
  /** An ARN; `*` for an action that has no resource. */
  resource: string;
  /** Values by condition key in lower case. A key that the request lacks is not in it. */
  context: ReadonlyMap<string, readonly string[]>;
  /** ARNs and account id of the principal, for trust policies. */
  principals?: readonly string[];
}

export type Decision = 'allowed' | 'not allowed' | 'denied';

/** Decides by one document: an explicit deny wins, and what nothing allows is not allowed. */
export function decide({ version, statements }: PolicyDocument, request: AccessRequest): Decision {
  const matching = statements.filter((statement) => matches(statement, request, version));
  if (matching.some(({ effect }) => effect === 'Deny')) return 'denied';
  return matching.length > 0 ? 'allowed' : 'not allowed';
}

function matches(statement: Statement, request: AccessRequest, version: string): boolean {
  const { effect, actions, resources, principals, conditions } = statement;
  const failClosed = effect === 'Deny';
  return (
    isListed(actions, (action) => allowsWildcards(action, 'i').test(request.action)) &&
    (resources === undefined || matchesResource(resources, request.resource, failClosed)) &&
    (principals === undefined || principals.some((one) => one === '*' || isPrincipal(one, request))) &&
    conditionsHold(conditions, request.context, { failClosed, hasVariables: version === '2012-10-17' })
  );
}

function isListed({ values, negated }: Listed, test: (value: string) => boolean): boolean {
  return values.some(test) !== negated;
}

function matchesResource(resources: Listed, resource: string, failClosed: boolean): boolean {
  // Policy variables are not expanded here.
  if (resources.values.some((value) => value.includes('${'))) return failClosed;
  return isListed(resources, (value) => arnPattern(value).test(resource));
}

/** An account id and the ARN of its root stand for everyone in the account. */
function isPrincipal(principal: string, { principals = [] }: AccessRequest): boolean {
  const root = /^arn:[^:]+:iam::(\d{12}):root$/.exec(principal)?.[1];
  return principals.includes(root ?? principal);
}
