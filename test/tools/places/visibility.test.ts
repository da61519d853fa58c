import { describe, expect, it, onTestFinished } from 'vitest';
import type { Dependencies } from '../../../src/server.ts';
import { DESCRIBE, RESTORE, UNASSIGN, WAIT } from '../../../src/vocabulary/names.ts';
import { account, askAs, ec2With, gatewayOf, idOf, targetsOf } from '../../support/places.ts';
import { ERAS, openSession } from '../../support/session.ts';

const REGION = 'us-east-1';
const ID = idOf(1, 0);

function accountOf(name: string, number: number) {
  const gateway = gatewayOf(idOf(number, 0), `10.${number}.0.1`, `10.${number}.0.2`);
  return account(name, [REGION], ec2With(`${number}`.repeat(12), { [REGION]: [gateway] }));
}

const OPEN = ['staging', 'test'];
const open = () => [accountOf('staging', 2), accountOf('test', 3)];

async function serverWith(targets: Dependencies['targets']): Promise<Dependencies> {
  const session = await openSession({ dependencies: { targets } });
  onTestFinished(session.close);
  return session.dependencies;
}

const change = { nat_gateway_id: ID, private_ip_addresses: ['10.1.0.2'], region: REGION };

/** Calls that name a target, `prod` for one, or that would reach every target. */
const CALLS: [string, { name?: string; [member: string]: unknown }][] = [
  ...['prod', 'prdo', 'stagin'].flatMap((target): typeof CALLS => [
    ['tools/call', { name: DESCRIBE, arguments: { targets: [target] } }],
    ['tools/call', { name: DESCRIBE, arguments: { targets: [target, 'staging'], region: REGION } }],
    ['tools/call', { name: UNASSIGN, arguments: { ...change, target } }],
    ['tools/call', { name: UNASSIGN, arguments: { ...change, target, mode: 'dry_run' } }],
    ['tools/call', { name: RESTORE, arguments: { ...change, target } }],
    ['tools/call', { name: WAIT, arguments: { nat_gateway_id: ID, target, timeout_seconds: 1 } }],
    ['resources/read', { uri: `nat-gateway://${target}/${REGION}/${ID}` }],
  ]),
  ['tools/call', { name: DESCRIBE, arguments: {} }],
  ['tools/call', { name: DESCRIBE, arguments: { targets: ['all'], regions: ['all'] } }],
  ['tools/call', { name: DESCRIBE, arguments: { private_ip_addresses: ['10.1.0.2', '10.2.0.2'] } }],
  ['tools/call', { name: DESCRIBE, arguments: { nat_gateway_ids: [ID], max_results: 1 } }],
  ['tools/call', { name: DESCRIBE, arguments: { max_results: 1 } }],
  ['tools/call', { name: DESCRIBE, arguments: { region: 'eu-west-1' } }],
  ['tools/call', { name: UNASSIGN, arguments: change }],
  ['tools/call', { name: WAIT, arguments: { nat_gateway_id: ID, region: REGION, timeout_seconds: 1 } }],
  ['tools/list', {}],
  ['resources/templates/list', {}],
  ['resources/list', {}],
];

describe.each(ERAS)('a caller limited to targets, with a %s client', (era) => {
  it.each([[OPEN], [['test']], [[]]])(
    'that may use %j gets for another target the answers of a server without it',
    async (allowed) => {
      const withProd = await serverWith(targetsOf(accountOf('prod', 1), ...open(), accountOf('prod2', 4)));
      const without = await serverWith(targetsOf(...open()));
      for (const [method, params] of CALLS) {
        const [answer, expected] = [
          await askAs(withProd, era, allowed, method, params),
          await askAs(without, era, allowed, method, params),
        ];
        expect(answer, JSON.stringify(params)).toBe(expected);
        expect(answer).not.toContain('prod2');
      }
    },
  );

  it('gets the same refusal for a token of someone who may use more', async () => {
    const withProd = await serverWith(targetsOf(accountOf('prod', 1), ...open()));
    const without = await serverWith(targetsOf(...open()));
    const first = await askAs(withProd, era, undefined, 'tools/call', {
      name: DESCRIBE,
      arguments: { max_results: 1 },
    });
    const [, next_token] = /"next_token":"([^"]+)"/.exec(first) ?? [];
    const params = { name: DESCRIBE, arguments: { max_results: 1, next_token } };
    const answer = await askAs(withProd, era, OPEN, 'tools/call', params);
    expect(answer).toContain('invalid_argument');
    expect(answer).toBe(await askAs(without, era, OPEN, 'tools/call', params));
  });

  it('reads no other target', async () => {
    const prod = ec2With('111111111111', { [REGION]: [] });
    const dependencies = await serverWith(targetsOf(account('prod', [REGION], prod), ...open()));
    for (const [method, params] of CALLS) await askAs(dependencies, era, OPEN, method, params);
    expect(prod.reads).toEqual([]);
  });

  it('without a limit may use all', async () => {
    const dependencies = await serverWith(targetsOf(accountOf('prod', 1), ...open()));
    const answer = await askAs(dependencies, era, undefined, 'tools/call', { name: DESCRIBE, arguments: {} });
    for (const name of ['prod', ...OPEN]) expect(answer).toContain(`\\"target\\":\\"${name}\\"`);
  });

  it('with a limit that cannot be read may use none', async () => {
    const dependencies = await serverWith(targetsOf(accountOf('prod', 1)));
    const params = { name: DESCRIBE, arguments: {} };
    const answer = await askAs(dependencies, era, 'prod' as never, 'tools/call', params);
    expect(answer).toContain('There is no target.');
  });
});
