import type { Listed, PolicyDocument, Statement } from './policy.ts';
import type { Condition } from './policy-conditions.ts';

/** A document that is not an IAM policy. */
export class MalformedPolicy extends Error {}

type Members = Readonly<Record<string, unknown>>;

const OPERATOR =
  /^((ForAllValues|ForAnyValue):)?(String(Not)?(Equals|EqualsIgnoreCase|Like)|(Numeric|Date)(Not)?Equals|(Numeric|Date)(Less|Greater)Than(Equals)?|Bool|BinaryEquals|(Not)?IpAddress|Arn(Not)?(Equals|Like)|Null)(IfExists)?$/;

/**
 * Reads a policy document, of a session or role (`permissions`) or about who may assume a role (`trust`).
 *
 * @throws MalformedPolicy
 */
export function parsePolicy(text: string, kind: 'permissions' | 'trust' = 'permissions'): PolicyDocument {
  const document = membersOf(jsonOf(text), ['Version', 'Id', 'Statement']);
  const { Version = '2008-10-17', Statement } = document;
  if (Version !== '2012-10-17' && Version !== '2008-10-17') throw syntaxError();
  const statements = listOf(Statement);
  if (statements.length === 0) throw syntaxError();
  return { version: Version, statements: statements.map((statement) => statementOf(statement, kind)) };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new MalformedPolicy('This policy contains invalid Json');
  }
}

function statementOf(value: unknown, kind: 'permissions' | 'trust'): Statement {
  const subject = kind === 'trust' ? ['Principal'] : ['Resource', 'NotResource'];
  const statement = membersOf(value, ['Sid', 'Effect', 'Action', 'NotAction', 'Condition', ...subject]);
  const { Effect, Condition } = statement;
  if (Effect !== 'Allow' && Effect !== 'Deny') throw syntaxError();
  return {
    effect: Effect,
    actions: listed(statement, 'Action', /^(\*|[\w-]+:[\w*?]+)$/),
    ...(kind === 'trust'
      ? { principals: principalsOf(statement.Principal) }
      : { resources: listed(statement, 'Resource', /^(\*|arn:[^:]*:[^:]*:[^:]*:[^:]*:.+)$/s) }),
    conditions: Condition === undefined ? [] : conditionsOf(Condition),
  };
}

/** Returns the values of `NAME` or `NotNAME`; exactly one of them must be there. */
function listed(statement: Members, name: string, form: RegExp): Listed {
  const [value, not] = [statement[name], statement[`Not${name}`]];
  if ((value === undefined) === (not === undefined)) throw syntaxError();
  const values = textsOf(value ?? not);
  if (values.length === 0 || !values.every((each) => form.test(each))) throw syntaxError();
  return { values, negated: value === undefined };
}

/** Only principals of AWS accounts: nobody else signs requests here. */
function principalsOf(principal: unknown): readonly string[] {
  if (principal === '*') return ['*'];
  return textsOf(membersOf(principal, ['AWS']).AWS);
}

function conditionsOf(value: unknown): Condition[] {
  return Object.entries(membersOf(value)).flatMap(([operator, keys]) => {
    if (!OPERATOR.test(operator)) throw new MalformedPolicy(`Invalid Condition type : ${operator}.`);
    return Object.entries(membersOf(keys)).map(([key, values]) => ({
      operator,
      key,
      values: listOf(values).map((each) => {
        if (typeof each === 'object' || each === undefined) throw syntaxError();
        return String(each);
      }),
    }));
  });
}

function membersOf(value: unknown, known?: readonly string[]): Members {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw syntaxError();
  if (known !== undefined && !Object.keys(value).every((name) => known.includes(name))) throw syntaxError();
  return value as Members;
}

function listOf(value: unknown): readonly unknown[] {
  if (value === undefined) throw syntaxError();
  return Array.isArray(value) ? value : [value];
}

function textsOf(value: unknown): readonly string[] {
  return listOf(value).map((each) => {
    if (typeof each !== 'string') throw syntaxError();
    return each;
  });
}

function syntaxError(): MalformedPolicy {
  return new MalformedPolicy('Syntax errors in policy.');
}
