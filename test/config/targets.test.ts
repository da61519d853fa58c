import { readFileSync } from 'node:fs';
import { type Schema, Validator } from '@cfworker/json-schema';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { targetsSchema } from '../../scripts/targets-schema.ts';
import { ConfigurationError } from '../../src/config/configure.ts';
import { policiesOfTargets } from '../../src/config/iam-policy-targets.ts';
import { jsonFault } from '../../src/config/json-faults.ts';
import { parseTargets, RefusedTargets } from '../../src/config/targets.ts';
import { parseMarkdown } from '../support/markdown.ts';
import { settings } from '../support/option-cases.ts';
import { OPEN_POLICY } from '../support/session.ts';

const RULES = { ...OPEN_POLICY, maxChangesPerHour: 20 };
const PROD = {
  name: 'prod',
  account_id: '111122223333',
  role_arn: 'arn:aws:iam::111122223333:role/nat',
  external_id: 'secret-id',
  regions: ['eu-west-1', 'us-east-1'],
};

function mistakesOf(content: unknown): readonly string[] {
  try {
    parseTargets(typeof content === 'string' ? content : JSON.stringify(content), RULES);
    return [];
  } catch (error) {
    if (!(error instanceof RefusedTargets)) throw error;
    return error.mistakes;
  }
}

function mistakesIn(changes: object): readonly string[] {
  return mistakesOf({ targets: [{ ...PROD, ...changes }] });
}

describe('a file of targets', () => {
  it('gives each target with its rules, which bind it to its account and regions', () => {
    const policy = { 'read-only': true, 'min-remaining': 2 };
    const [target] = parseTargets(JSON.stringify({ $schema: 'x', targets: [{ ...PROD, policy }] }), RULES);
    expect(target).toEqual({
      name: 'prod',
      accountId: '111122223333',
      roleArn: PROD.role_arn,
      externalId: 'secret-id',
      regions: PROD.regions,
      sourceIdentity: false,
      rules: { allowAccount: ['111122223333'], allowRegion: PROD.regions, readOnly: true, minRemaining: 2 },
    });
  });

  it.each<[string, object, RegExp]>([
    ['a missing member', { name: undefined }, /^targets\[0\]\.name: is missing$/],
    ['a reserved name', { name: 'all' }, /^targets\[0\]\.name: must be another name/],
    ['a bad region', { regions: ['eu'] }, /^targets\[0\]\.regions\[0\]: must be an AWS region .* not "eu"$/],
    ['no region', { regions: [] }, /^targets\[0\]\.regions: must be a list of one or more/],
    ['a region twice', { regions: ['eu-west-1', 'eu-west-1'] }, /regions\[1\]: stands twice/],
    ['a misspelt member', { regoins: [] }, /"regoins" is not a member here: did you mean "regions"\?$/],
    ['another case', { policy: { max_changes_per_hour: 1 } }, /did you mean "max-changes-per-hour"/],
    ['a rule outside of policy', { 'read-only': true }, /it belongs into the "policy" of a target$/],
    ['a rule of the server', { policy: { confirm: 'always' } }, /a rule of the server alone$/],
    ["another account's role", { account_id: '444455556666' }, /role_arn: is a role of account 111122223333/],
    [
      'another partition',
      { regions: ['cn-north-1'] },
      /role_arn: is of partition aws, and cn-north-1 of aws-cn/,
    ],
    ['a looser rule', { policy: { 'min-remaining': 0 } }, /min-remaining: 0 is looser than the server's 1/],
    ['a variable', { profile: `\${P}` }, /^targets\[0\]\.profile: holds a variable that was not filled in$/],
    [
      'a range that does not begin at its first address',
      { policy: { 'protect-address': ['10.0.1.5/24'] } },
      /protect-address\[0\]: must be an IPv4 address, or a range that begins .*, not "10\.0\.1\.5\/24"$/,
    ],
    ['an external id alone', { role_arn: undefined }, /external_id: needs role_arn$/],
  ])('is refused for %s', (_, changes, mistake) => {
    expect(mistakesIn(changes)).toEqual([expect.stringMatching(mistake)]);
  });

  it('is refused with every mistake at once', () => {
    const targets = [PROD, { ...PROD, regions: ['x', 'eu-west-1'], policy: { 'max-addresses': 9 } }, 7];
    expect(mistakesOf({ targets }).map((mistake) => mistake.split(':')[0])).toEqual([
      'targets[1].regions[0]',
      'targets[2]',
      'targets[1].policy.max-addresses',
      'targets[1].name',
      'targets[1].regions[1]',
    ]);
  });

  it.each([
    ['', 'is empty'],
    ['{"targets": [}', 'is not JSON: line 1, column 14: expected a value'],
    ['{\n "a": 1,\n "a": 2}', 'is not JSON: line 3, column 2: "a" stands twice in one object'],
    [`${'['.repeat(100_000)}`, 'is not JSON: line 1, column 34: nested more than 32 levels deep'],
    ['[]', 'the file: must be an object with the member "targets", not []'],
    ['{"targets": []}', 'targets: must be a list of one or more targets, not []'],
  ])('is refused: %.20s', (text, mistake) => {
    expect(mistakesOf(text)).toEqual([mistake]);
  });

  it('is refused with more than 200 targets', () => {
    const target = (_: unknown, index: number) => ({ name: `t${index}`, account_id: String(1e11 + index) });
    const targets = Array.from({ length: 201 }, target).map((each) => ({ ...each, regions: ['eu-west-1'] }));
    expect(mistakesOf({ targets })).toEqual(['targets: may have at most 200 targets']);
    expect(mistakesOf({ targets: targets.slice(1) })).toEqual([]);
  });
});

describe('the examples', () => {
  const ofDocument = parseMarkdown('docs/targets.md', readFileSync('docs/targets.md', 'utf8'))
    .blocks.filter(({ language }) => language === 'json')
    .map(({ text }): [string, string] => ['docs/targets.md', text]);

  it.each([...ofDocument, ['examples/targets.json', readFileSync('examples/targets.json', 'utf8')]])(
    'are files that the server takes: %s',
    (_, text) => {
      expect(mistakesOf(text)).toEqual([]);
    },
  );
});

describe('the published schema', () => {
  it('is up to date', () => {
    expect(readFileSync('docs/targets.schema.json', 'utf8')).toBe(targetsSchema());
  });

  it('accepts what the server accepts, for one changed member', () => {
    const validator = new Validator(JSON.parse(targetsSchema()) as Schema, '7');
    const odd = fc.constantFrom<unknown>(
      ...[
        null,
        0,
        1,
        2.5,
        true,
        '',
        'all',
        'prod',
        '111122223333',
        [],
        ['eu-west-1'],
        {},
        { evidence: 'auto' },
      ],
      ...[
        ['eu-west-1', 'eu-west-1'],
        { 'allow-gateway': [] },
        { 'protect-address': ['10.0.0.0/8', '1.2.3.256'] },
      ],
      ...[
        { 'max-addresses': 3 },
        { 'max-addresses': 0 },
        { 'require-tag': ['a=b', '=c'] },
        { 'require-tag': ['k'] },
      ],
    );
    const member = fc.constantFrom(...Object.keys(PROD), 'profile', 'source_identity', 'policy', 'other');
    const lost = fc.option(fc.constantFrom(...Object.keys(PROD)));
    fc.assert(
      fc.property(member, odd, lost, (name, value, without) => {
        const target = { ...PROD, [name]: value, [without ?? '']: undefined };
        const file = JSON.parse(JSON.stringify({ targets: [target] })) as object;
        expect([file, validator.validate(file).valid]).toEqual([file, mistakesOf(file).length === 0]);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('a rule of a target', () => {
  const LOOSEST = { ...OPEN_POLICY, minRemaining: 0, maxAddresses: 31, maxChangesPerHour: 100_000 };
  const isAccepted = (make: () => unknown): boolean => {
    try {
      make();
      return true;
    } catch (error) {
      if (error instanceof RefusedTargets || error instanceof ConfigurationError) return false;
      throw error;
    }
  };
  const inFile = (rule: string, value: unknown): boolean =>
    isAccepted(() =>
      parseTargets(JSON.stringify({ targets: [{ ...PROD, policy: { [rule]: value } }] }), LOOSEST),
    );

  it.each(['min-remaining', 'max-addresses', 'max-changes-per-hour'])(
    'has the range of its flag: %s',
    (rule) => {
      const numbers = [-1, 0, 1, 2, 31, 32, 33, 99_999, 100_000, 100_001];
      const accepted = (isGood: (each: number) => boolean) => numbers.filter(isGood);
      const byFlag = accepted((each) => isAccepted(() => settings([`--${rule}`, String(each)])));
      expect(byFlag.length).toBeGreaterThan(2);
      expect(accepted((each) => inFile(rule, each))).toEqual(byFlag);
    },
  );

  it.each<[string, string[]]>([
    ['evidence', ['off', 'auto', 'require', 'on', '', 'Auto']],
    ['allow-gateway', ['nat-0123456789abcdef0', 'nat-01234567', 'nat-1', 'nat-0123456789ABCDEF0', '*']],
    ['require-tag', ['env', 'env=', 'env=prod', 'a=b=c', 'env=a b', '=prod', '=']],
    ['protect-tag', ['env', 'env=', 'env=prod', 'a=b=c', 'env=a b', '=prod', '=']],
    [
      'protect-address',
      [
        '10.0.1.1',
        '10.0.1.0/24',
        '0.0.0.0/0',
        '10.0.0.0/0',
        '10.0.1.5/24',
        '10.0.1.5/32',
        '10.0.1.5/',
        '10.0.1.0/33',
        '10.0.1.256',
        '010.0.0.1',
        '::1',
      ],
    ],
  ])('takes what its flag takes: %s', (rule, texts) => {
    const byFlag = texts.filter((text) => isAccepted(() => settings([`--${rule}`, text])));
    expect(byFlag.length).toBeGreaterThan(1);
    expect(texts.filter((text) => inFile(rule, rule === 'evidence' ? text : [text]))).toEqual(byFlag);
  });
});

describe('a JSON fault', () => {
  it('is found exactly where JSON.parse refuses', () => {
    const text = fc.oneof(fc.json(), fc.stringMatching(/^[{}[\],:"a\\u0-9.eE+ tfn-]{0,12}$/));
    fc.assert(
      fc.property(text, (given) => {
        const fault = jsonFault(given);
        const parses = () => JSON.parse(given);
        if (fault === undefined) parses();
        else if (!/twice|levels/.test(fault)) expect(parses).toThrow();
      }),
    );
  });
});

describe('the policies of targets', () => {
  const policies = (changes: object = {}) =>
    policiesOfTargets(
      parseTargets(JSON.stringify({ targets: [{ ...PROD, ...changes }] }), RULES),
      RULES,
      false,
    );

  it("are bound to the target's account and regions, and demand the external id and the tags", () => {
    const { credentials, targets, service_control_policy } = policies({ source_identity: true });
    const [target] = targets;
    expect(target?.permission_policy.Statement).toMatchObject([
      { Resource: '*', Condition: { StringEquals: { 'aws:RequestedRegion': PROD.regions } } },
      {
        Resource: PROD.regions.map((region) => `arn:aws:ec2:${region}:111122223333:natgateway/*`),
      },
    ]);
    expect(target?.trust_policy?.Statement).toMatchObject([
      { Action: 'sts:AssumeRole', Condition: { StringEquals: { 'sts:ExternalId': 'secret-id' } } },
      { Action: 'sts:TagSession' },
      { Action: 'sts:SetSourceIdentity' },
    ]);
    expect(credentials[0]?.policies[0]?.Statement).toMatchObject([
      { Action: ['sts:AssumeRole', 'sts:TagSession'], Resource: [PROD.role_arn] },
      { Action: 'sts:SetSourceIdentity' },
    ]);
    expect(service_control_policy?.Statement[0]?.Condition).toEqual({
      Null: { 'aws:PrincipalTag/nat-gateway-mcp:attempt': 'true' },
    });
  });

  it('are as many for the credentials as 200 roles need, each within what IAM takes', () => {
    const path = 'x'.repeat(80);
    const entries = Array.from({ length: 200 }, (_, index) => {
      const account_id = String(100_000_000_000 + index);
      const profile = index % 2 === 0 ? {} : { profile: 'odd' };
      const role_arn = `arn:aws:iam::${account_id}:role/${path}/nat`;
      return { name: `t${index}`, account_id, role_arn, regions: ['eu-west-1'], ...profile };
    });
    const { credentials } = policiesOfTargets(
      parseTargets(JSON.stringify({ targets: entries }), RULES),
      RULES,
      false,
    );
    expect(credentials.map(({ profile }) => profile)).toEqual([undefined, 'odd']);
    for (const [parity, source] of credentials.entries()) {
      const sizes = source.policies.map((policy) => JSON.stringify(policy).length);
      expect(sizes.length).toBeGreaterThan(1);
      expect(Math.max(...sizes)).toBeLessThanOrEqual(6144);
      // No policy is split before it is full.
      expect(Math.min(...sizes.slice(0, -1))).toBeGreaterThan(6144 - 200);
      expect(source.policies.flatMap(({ Statement }) => Statement[0]?.Resource)).toEqual(
        entries.filter((_, index) => index % 2 === parity).map(({ role_arn }) => role_arn),
      );
    }
  });

  it('name a role once for the credentials, and no service control policy where no target has a role', () => {
    const entries = ['eu-west-1', 'us-east-1'].map((region) => ({
      ...PROD,
      name: region,
      regions: [region],
    }));
    const targets = parseTargets(JSON.stringify({ targets: entries }), RULES);
    const [source] = policiesOfTargets(targets, RULES, false).credentials;
    expect(source?.policies[0]?.Statement[0]?.Resource).toEqual([PROD.role_arn]);
    const own = policies({ role_arn: undefined, external_id: undefined });
    expect(own).not.toHaveProperty('service_control_policy');
    expect(own.credentials).toEqual([]);
    expect(own.targets[0]).not.toHaveProperty('trust_policy');
  });

  it('have room for the longest external id in the trust policy', () => {
    const [target] = policies({ external_id: 'x'.repeat(1224), source_identity: true }).targets;
    expect(JSON.stringify(target?.trust_policy).length).toBeLessThanOrEqual(2048);
  });

  it('are refused where AWS would not take one for its size', () => {
    const ids = Array.from({ length: 60 }, (_, index) => `nat-${String(index).padStart(17, '0')}`);
    expect(() => policies({ policy: { 'allow-gateway': ids } })).toThrow(/permission policy of prod has \d+/);
  });
});
