import { pino } from 'pino';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { connectEc2 } from '../../../src/aws/ec2.ts';
import { type SimulatorCall, startSimulator } from '../../../src/simulator/simulator.ts';
import type { TargetAccount } from '../../../src/tools/targets.ts';
import { DESCRIBE, RESTORE, UNASSIGN, WAIT } from '../../../src/vocabulary/names.ts';
import { account, askAs, targetsOf } from '../../support/places.ts';
import {
  EGRESS,
  ERAS,
  FAST_TIMEOUTS,
  ManualClock,
  openSession,
  realCalls,
  type SessionOptions,
  stateOf,
} from '../../support/session.ts';

const REGION = 'us-east-1';
const change = { nat_gateway_id: EGRESS, private_ip_addresses: ['10.0.1.11'], max_drain_duration_seconds: 1 };

interface Embedded {
  target: TargetAccount;
  calls: SimulatorCall[];
}

/** An account with an endpoint of its own, which has the same gateways and addresses as every other. */
async function embedded(name: string, regions: readonly string[] = [REGION]): Promise<Embedded> {
  const calls: SimulatorCall[] = [];
  const simulator = await startSimulator({
    throttling: false,
    region: regions[0] ?? REGION,
    onCall: (call) => calls.push(call),
  });
  const credentials = { accessKeyId: 'AKIATEST', secretAccessKey: 'secret' };
  const settings = { region: simulator.region, endpoint: simulator.url, credentials };
  const ec2 = connectEc2(settings, '0.0.0', pino({ level: 'silent' }), FAST_TIMEOUTS);
  onTestFinished(async () => {
    ec2.close();
    await simulator.close();
  });
  return { target: account(name, regions, ec2), calls };
}

async function open(targets: readonly TargetAccount[], options: SessionOptions = {}) {
  const session = await openSession({ ...options, dependencies: { targets: targetsOf(...targets) } });
  onTestFinished(session.close);
  return session;
}

async function two() {
  return [await embedded('prod'), await embedded('test')] as const;
}

describe.each(ERAS)('a change in one of two targets, for a %s client', (era) => {
  it('is made there alone, and its answers and records name the target', async () => {
    const [prod, other] = await two();
    const { call, audit } = await open([prod.target, other.target], { era });
    const { content } = await call(UNASSIGN, { ...change, target: 'prod' });
    expect(content).toMatchObject({ outcome: 'unassigning', target: 'prod', region: REGION });
    expect(content.next).toMatchObject({ tool: WAIT, arguments: { target: 'prod', region: REGION } });
    expect(realCalls(prod.calls)).toHaveLength(1);
    expect(other.calls).toEqual([]);
    expect(audit.records).toMatchObject([
      { audit: 'intent', target: 'prod' },
      { audit: 'outcome', target: 'prod' },
    ]);
    const waited = await call(content.next.tool, { ...content.next.arguments, timeout_seconds: 1 });
    expect(waited.content).toMatchObject({ target: 'prod', nat_gateway_id: EGRESS });
    expect(other.calls).toEqual([]);
  });

  it.each([
    [{}, 'Name the target: there are several.', 'target is one of prod, test.'],
    [
      { target: 'prot' },
      'There is no target prot.',
      'There are prod, test. prod is one character away from prot: ask the user whether it is meant.',
    ],
    [
      { target: 'prod', region: 'eu-west-1' },
      'eu-west-1 is not a region of target prod.',
      'region is one of us-east-1.',
    ],
  ])('is refused with %j, before anything is read', async (place, message, hint) => {
    const [prod, other] = await two();
    const { call } = await open([prod.target, other.target], { era });
    for (const tool of [UNASSIGN, WAIT]) {
      const args = tool === WAIT ? { nat_gateway_id: EGRESS } : change;
      const { content, isError } = await call(tool, { ...args, ...place });
      expect(isError).toBe(true);
      expect(content.error).toMatchObject({ code: 'invalid_argument', message, hint });
    }
    expect([...prod.calls, ...other.calls]).toEqual([]);
  });

  it('keeps to the rules of its target', async () => {
    const [prod, other] = await two();
    const readOnly = { ...prod.target, policy: { ...prod.target.policy, readOnly: true } };
    const { call } = await open([readOnly, other.target], { era });
    const { content } = await call(UNASSIGN, { ...change, target: 'prod' });
    expect(content).toMatchObject({ outcome: 'refused', error: { code: 'policy_denied' } });
    expect((await call(UNASSIGN, { ...change, target: 'test' })).content.outcome).toBe('unassigning');
  });

  it('can be followed from the call that looks for the gateway', async () => {
    const [prod, other] = await two();
    const { call } = await open([prod.target, other.target], { era });
    await call(UNASSIGN, { ...change, max_drain_duration_seconds: 60, target: 'test' });
    const look = { nat_gateway_ids: [EGRESS], targets: ['test'] };
    const { content } = await call(DESCRIBE, look);
    expect(content.next).toMatchObject({ tool: WAIT, arguments: { target: 'test', region: REGION } });
    expect((await call(DESCRIBE, { ...look, targets: ['prod'] })).content).not.toHaveProperty('next');
  });
});

describe('a target', () => {
  it('may be left out where there is one, and its region where it has one', async () => {
    const { target } = await embedded('only');
    const { call } = await open([target]);
    const { content } = await call(UNASSIGN, { ...change, mode: 'dry_run' });
    expect(content).toMatchObject({ outcome: 'dry_run_passed', target: 'only', region: REGION });
    expect(content.next.arguments).toMatchObject({ target: 'only', region: REGION });
  });

  it('with several regions has none by default', async () => {
    const { target, calls } = await embedded('only', [REGION, 'eu-west-1']);
    const { call } = await open([target]);
    const { content } = await call(UNASSIGN, change);
    expect(content).toMatchObject({
      target: 'only',
      error: {
        message: 'Name the region: target only has several.',
        hint: 'region is one of us-east-1, eu-west-1.',
      },
    });
    expect(calls).toEqual([]);
  });

  it('that cannot be reached is named in the answer', async () => {
    const { target } = await embedded('gone');
    const { call } = await open([{ ...target, ec2: () => Promise.reject(new Error('no SDK')) }]);
    const { content } = await call(UNASSIGN, change);
    expect(content).toMatchObject({ target: 'gone', region: REGION, error: { code: 'internal' } });
  });
});

describe('what is remembered of a target', () => {
  it('is not taken for that of a gateway with the same id in another', async () => {
    const [prod, other] = await two();
    const { call } = await open([prod.target, other.target]);
    await call(UNASSIGN, { ...change, target: 'prod' });
    const { content: described } = await call(DESCRIBE, { private_ip_addresses: ['10.0.1.11'] });
    const drains = described.nat_gateways.map(({ target, addresses }: Record<string, unknown>) => [
      target,
      (addresses as { private_ip: string; drain?: object }[]).some(({ drain }) => drain !== undefined),
    ]);
    expect(drains).toEqual([
      ['prod', true],
      ['test', false],
    ]);
    const back = { nat_gateway_id: EGRESS, private_ip_addresses: ['10.0.1.11'] };
    const { content } = await call(RESTORE, { ...back, target: 'test' });
    expect(content.outcome).toBe('already_on_gateway');
  });

  it.each(ERAS)('counts real calls for each caller, target and all targets, for a %s client', async (era) => {
    const [prod, other] = await two();
    const clock = new ManualClock(0);
    const state = stateOf({ changesPerHour: 2, clock });
    const limited = [prod, other].map(({ target }) => ({
      ...target,
      state: state.forTarget(target.name, target.name === 'prod' ? 1 : 2),
    }));
    const { dependencies } = await open(limited, { confirmMode: 'never' });
    const outcomeIn = async (target: string, address: string) => {
      const args = { ...change, private_ip_addresses: [address], target };
      const answer = await askAs(dependencies, era, undefined, 'tools/call', {
        name: UNASSIGN,
        arguments: args,
      });
      return /\\"outcome\\":\\"(\w+)\\"/.exec(answer)?.[1];
    };
    expect(await outcomeIn('prod', '10.0.1.11')).toBe('unassigning');
    expect(await outcomeIn('prod', '10.0.1.12')).toBe('refused');
    expect(await outcomeIn('test', '10.0.1.11')).toBe('unassigning');
    expect(await outcomeIn('test', '10.0.1.12')).toBe('refused');
    expect([prod, other].map(({ calls }) => realCalls(calls).length)).toEqual([1, 1]);
    const secondsLeft = (caller: string) =>
      Promise.all(limited.map(({ state }) => state.limit.secondsLeft(caller)));
    expect(await secondsLeft('token:someone')).toEqual([3600, 3600]);
    expect(await secondsLeft('token:other')).toEqual([0, 0]);
  });
});

describe.each(['legacy', 'modern'] as const)('the rules of a target, for a %s client', (era) => {
  const stop = (target: TargetAccount): TargetAccount => ({
    ...target,
    policy: { ...target.policy, readOnly: true },
  });

  it.each([
    ['are read-only', stop, 'policy_denied'],
    ['went with it', undefined, 'invalid_argument'],
  ])('that %s since the question hold for its answer', async (_, change_, code) => {
    const [prod, other] = await two();
    const targets = targetsOf(prod.target, other.target);
    const session = await openSession({
      ...{ era, confirmMode: 'always', client: { capabilities: { elicitation: {} } } },
      dependencies: { targets },
    });
    onTestFinished(session.close);
    session.client.setRequestHandler('elicitation/create', async () => {
      targets.accounts = [...(change_ === undefined ? [] : [change_(prod.target)]), other.target];
      return { action: 'accept', content: { confirm: true } };
    });
    const { content } = await session.call(UNASSIGN, { ...change, target: 'prod' });
    expect(content).toMatchObject({ outcome: 'refused', changed: false, error: { code } });
    expect(realCalls(prod.calls)).toEqual([]);
  });

  it('that change while the gateway is looked at are not passed by', async () => {
    const prod = await embedded('prod');
    const targets = targetsOf(prod.target);
    const { call, close } = await openSession({ era, dependencies: { targets } });
    onTestFinished(close);
    const ec2 = await prod.target.ec2();
    const dryRun = vi.spyOn(ec2.unassign, 'dryRun').mockImplementation(async (...args) => {
      targets.accounts = [stop(prod.target)];
      dryRun.mockRestore();
      return ec2.unassign.dryRun(...args);
    });
    const { content } = await call(UNASSIGN, { ...change, target: 'prod' });
    expect(content).toMatchObject({
      outcome: 'refused',
      changed: false,
      error: { code: 'precondition_failed', retryable: true },
    });
    expect(realCalls(prod.calls)).toEqual([]);
    expect((await call(UNASSIGN, { ...change, target: 'prod' })).content.error.code).toBe('policy_denied');
  });
});

describe('a confirmation', () => {
  it('names the target, and is for no other', async () => {
    const [prod, other] = await two();
    const { client } = await open([prod.target, other.target], {
      client: { capabilities: { elicitation: {} }, inputRequired: { autoFulfill: false } },
    });
    const send = async (target: string, answer: object = {}) => {
      const params = { name: UNASSIGN, arguments: { ...change, target }, ...answer };
      // biome-ignore lint/suspicious/noExplicitAny: the raw result of a round
      return (await client.callTool(params as any, { allowInputRequired: true } as any)) as any;
    };
    const { requestState, inputRequests } = await send('prod');
    expect(inputRequests.confirm.params.message).toContain(`${EGRESS} (target prod, account `);
    const yes = {
      requestState,
      inputResponses: { confirm: { action: 'accept', content: { confirm: true } } },
    };
    const again = await send('test', yes);
    expect(again.inputRequests.confirm.params.message).toContain('The account is not the one');
    expect([...realCalls(prod.calls), ...realCalls(other.calls)]).toEqual([]);
    expect((await send('prod', yes)).structuredContent).toMatchObject({ outcome: 'unassigning' });
  });
});

describe('the search for a gateway that was named by its Name tag', () => {
  it.each([
    [UNASSIGN, { nat_gateway_id: 'egress', private_ip_addresses: ['10.0.1.11'] }],
    [WAIT, { nat_gateway_id: 'egress' }],
  ])('is in the target and the region of the %s', async (tool, args) => {
    const [prod, other] = await two();
    const { call } = await open([prod.target, other.target]);
    const { content } = await call(tool, { ...args, target: 'prod', region: REGION });
    expect(content.next.arguments).toEqual({ tags: ['Name=egress'], region: REGION, targets: ['prod'] });
    const found = (await call(content.next.tool, content.next.arguments)).content;
    expect(found.nat_gateways).toMatchObject([{ target: 'prod', nat_gateway_id: EGRESS }]);
  });

  it('of a describe is in its targets and regions', async () => {
    const [prod, other] = await two();
    const { call } = await open([prod.target, other.target]);
    const places = { targets: ['test'], regions: ['all'] };
    const { content } = await call(DESCRIBE, { nat_gateway_ids: ['egress'], ...places });
    expect(content.next.arguments).toEqual({ tags: ['Name=egress'], ...places });
  });
});

describe.each(ERAS)('the resource of a gateway in a target, for a %s client', (era) => {
  it('has the target first, and is the gateway of that target alone', async () => {
    const [prod, other] = await two();
    const { client } = await open([prod.target, other.target], { era });
    const { resourceTemplates } = await client.listResourceTemplates();
    expect(resourceTemplates).toMatchObject([
      { uriTemplate: 'nat-gateway://{target}/{region}/{nat_gateway_id}' },
    ]);
    const { contents } = await client.readResource({ uri: `nat-gateway://test/${REGION}/${EGRESS}` });
    expect(JSON.stringify(contents)).toContain('10.0.1.11');
    expect(prod.calls).toEqual([]);
    for (const place of [`none/${REGION}`, 'test/eu-west-1', REGION]) {
      await expect(client.readResource({ uri: `nat-gateway://${place}/${EGRESS}` }), place).rejects.toThrow(
        /not found/i,
      );
    }
  });
});
