import { readFileSync } from 'node:fs';
import { type Schema, Validator } from '@cfworker/json-schema';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { targetsSchema } from '../../scripts/targets-schema.ts';
import { policiesOfTargets } from '../../src/config/iam-policy-targets.ts';
import { jsonFault } from '../../src/config/json-faults.ts';
import { parseTargets, RefusedTargets } from '../../src/config/targets.ts';
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

  it('are refused where AWS would not take one for its size', () => {
    const ids = Array.from({ length: 60 }, (_, index) => `nat-${String(index).padStart(17, '0')}`);
    expect(() => policies({ policy: { 'allow-gateway': ids } })).toThrow(/permission policy of prod has \d+/);
  });
});
