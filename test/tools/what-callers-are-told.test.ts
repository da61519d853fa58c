import { describe, expect, it, onTestFinished } from 'vitest';
import { defaultInventory, type SimulatedNatGateway } from '../../src/simulator/simulator.ts';
import { DESCRIBE, UNASSIGN, WAIT } from '../../src/vocabulary/names.ts';
import {
  EGRESS,
  FAST_TIMEOUTS,
  ManualClock,
  openSession,
  realCalls,
  type Session,
  type SessionOptions,
} from '../support/session.ts';

/** Limits before they are met, times, what has happened and what has not. */

const STACK = 'nat-0d44d44d44d44d44d';
const change = { nat_gateway_id: EGRESS, private_ip_addresses: ['10.0.1.11'] };

async function session(options: SessionOptions = {}): Promise<Session & { clock: ManualClock }> {
  const clock = new ManualClock(Date.UTC(2026, 0, 1));
  const opened = await openSession({ clock, timeouts: FAST_TIMEOUTS, ...options });
  onTestFinished(opened.close);
  return { ...opened, clock };
}

/** The gateway as describe shows it. */
async function shown({ call }: Session, natGatewayId = EGRESS) {
  const { content } = await call(DESCRIBE, { nat_gateway_ids: [natGatewayId] });
  return content.nat_gateways[0];
}

describe('the task "free 10.0.1.11 on egress and tell me when it is gone"', () => {
  it('takes three calls, the last of them not before the end of the drain', async () => {
    const { call, clock } = await session();
    const { content: described } = await call(DESCRIBE, { tags: ['Name=egress'] });
    const [{ nat_gateway_id }] = described.nat_gateways;
    const { content: started } = await call(UNASSIGN, { ...change, nat_gateway_id });
    expect(started.next).toEqual({
      tool: WAIT,
      arguments: { ...change, region: 'us-east-1' },
      not_before: '2026-01-01T00:05:50.000Z',
    });
    clock.advance(350);
    const { content } = await call(started.next.tool, started.next.arguments);
    expect(content).toMatchObject({
      outcome: 'settled',
      addresses: [{ private_ip: '10.0.1.11', fate: 'released', released_at: '2026-01-01T00:05:50.000Z' }],
    });
    expect(content.addresses[0]).not.toHaveProperty('release_by');
    expect(content).not.toHaveProperty('next');
  });

  it('needs no pause where one wait lasts as long as the drain', async () => {
    const { call } = await session();
    const { content } = await call(UNASSIGN, { ...change, max_drain_duration_seconds: 45 });
    expect(content.next).not.toHaveProperty('not_before');
  });

  it('is told to a wait that comes too early, with the end of the drain', async () => {
    const { call, clock } = await session();
    await call(UNASSIGN, change);
    const { content: early } = await call(WAIT, { ...change, timeout_seconds: 1 });
    expect(early).toMatchObject({
      outcome: 'still_changing',
      hint: 'The drain may last until 2026-01-01T00:05:50.000Z, and no read tells its end sooner than it comes: ask again then.',
      next: { not_before: '2026-01-01T00:05:50.000Z' },
    });
    clock.advance(340);
    const { content: late } = await call(WAIT, { ...change, timeout_seconds: 1 });
    expect(late.outcome).toBe('still_changing');
    expect(late).not.toHaveProperty('hint');
    expect(late.next).not.toHaveProperty('not_before');
  });

  it('is told to a second caller, whose next is the wait too', async () => {
    const { call } = await session();
    await call(UNASSIGN, change);
    const { content: again } = await call(UNASSIGN, change);
    expect(again).toMatchObject({ outcome: 'already_unassigning', changed: false });
    const { content: other } = await call(UNASSIGN, { ...change, private_ip_addresses: ['10.0.1.12'] });
    expect(other).toMatchObject({ outcome: 'refused', changed: false, next: { tool: WAIT } });
    for (const { next } of [again, other]) expect(next.not_before).toBe('2026-01-01T00:05:50.000Z');
  });
});

describe('a described gateway', () => {
  it.each([
    [{}, 5, 1, 4],
    [{ minRemaining: 4 }, 5, 4, 1],
    [{ minRemaining: 5 }, 5, 5, 0],
    [{ minRemaining: 0, maxAddresses: 2 }, 5, 0, 2],
    [{ readOnly: true }, 5, 1, 0],
  ])('under the policy %j shows how many addresses may go at once', async (policy, working, minimum, now) => {
    expect(await shown(await session({ policy }))).toMatchObject({
      working_addresses: working,
      min_remaining: minimum,
      can_release_now: now,
    });
  });

  it('lets exactly as many go as it shows', async () => {
    const opened = await session({ policy: { minRemaining: 3 } });
    const { can_release_now: most, addresses } = await shown(opened);
    const candidates = addresses.flatMap(({ can_unassign, private_ip }: Record<string, unknown>) =>
      can_unassign ? [private_ip] : [],
    );
    const outcomes = await Promise.all(
      [most, most + 1].map(async (count) => {
        const private_ip_addresses = candidates.slice(0, count);
        return (await opened.call(UNASSIGN, { ...change, private_ip_addresses, mode: 'dry_run' })).content
          .outcome;
      }),
    );
    expect(outcomes).toEqual(['dry_run_passed', 'refused']);
  });

  it('shows the rule beside the reason, the drain of a changing address, and a failed one as it is', async () => {
    const opened = await session({ policy: { protectTag: ['aws:cloudformation:stack-name'] } });
    expect((await shown(opened, STACK)).addresses.slice(1)).toMatchObject([
      { private_ip: '10.0.4.11', can_unassign: false, reason: 'policy', rule: 'protect-tag' },
      { private_ip: '10.0.4.12', can_unassign: false, reason: 'address_failed' },
    ]);
    const { content } = await opened.call(UNASSIGN, change);
    const { addresses, can_release_now } = await shown(opened);
    expect(addresses[1]).toMatchObject({ private_ip: '10.0.1.11', drain: content.drain });
    expect(addresses[2]).not.toHaveProperty('drain');
    expect(can_release_now).toBe(0);
  });

  it('shows when it was created only while it is not available', async () => {
    const opened = await session();
    expect(await shown(opened)).not.toHaveProperty('create_time');
    expect(await shown(opened, 'nat-0a77a77a77a77a77a')).toHaveProperty('create_time');
  });

  it('is waited for by next only where it is the only one', async () => {
    const { call } = await session();
    expect((await call(DESCRIBE, {})).content).not.toHaveProperty('next');
    const { content } = await call(DESCRIBE, {
      address_statuses: ['assigning', 'unassigning', 'associating', 'disassociating'],
    });
    expect(content.next).toMatchObject({
      tool: WAIT,
      arguments: { nat_gateway_id: 'nat-0c33c33c33c33c33c' },
    });
  });

  it('is listed after its end only where it is asked for', async () => {
    const { call } = await session();
    const states = async (args: Record<string, unknown>) =>
      (await call(DESCRIBE, args)).content.nat_gateways.map(({ state }: { state: string }) => state);
    expect(await states({})).not.toContain('deleted');
    expect(await states({})).not.toContain('failed');
    expect(await states({ states: ['deleted', 'failed'] })).toEqual(['failed', 'deleted']);
    expect(await states({ nat_gateway_ids: ['nat-0c99c99c99c99c99c'] })).toEqual(['deleted']);
    expect(await states({ private_ip_addresses: ['10.0.8.10'] })).toEqual(['failed']);
  });
});

describe('addresses that nobody has', () => {
  it('are not_found only at the end of the pages', async () => {
    const { call } = await session();
    const args = { private_ip_addresses: ['10.0.1.11', '10.0.77.77', '10.0.4.11'], max_results: 1 };
    const { content: first } = await call(DESCRIBE, args);
    expect(first.nat_gateways).toMatchObject([{ nat_gateway_id: EGRESS }]);
    expect(first).not.toHaveProperty('not_found');
    const { content: last } = await call(first.next.tool, first.next.arguments);
    expect(last).toMatchObject({ nat_gateways: [{ nat_gateway_id: STACK }], not_found: ['10.0.77.77'] });
    expect(last.hint).toContain('10.0.77.77');
  });

  it('are asked for in a list that is JSON in a string', async () => {
    const { call } = await session();
    const { content } = await call(DESCRIBE, { private_ip_addresses: '["10.0.1.11","10.0.77.77"]' });
    expect(content).toMatchObject({ nat_gateways: [{ nat_gateway_id: EGRESS }], not_found: ['10.0.77.77'] });
  });
});

describe('a page token', () => {
  it('with another page size is refused with the one it was made for', async () => {
    const { call } = await session();
    const { content } = await call(DESCRIBE, { max_results: 3 });
    const { content: refused } = await call(DESCRIBE, { next_token: content.next_token });
    expect(refused.error).toMatchObject({
      code: 'invalid_argument',
      message: 'next_token was made for max_results 3, and this call has 50.',
      hint: 'Repeat the call with max_results 3.',
    });
  });
});

describe('the result of an unassign', () => {
  it('says that something changed, and what remains', async () => {
    const { call } = await session();
    const { content } = await call(UNASSIGN, change);
    expect(content).toMatchObject({ outcome: 'unassigning', changed: true, remaining: { succeeded: 4 } });
    expect(content).not.toHaveProperty('remaining_if_released');
    expect(Object.keys(content).slice(0, 2)).toEqual(['outcome', 'changed']);
  });

  it.each([
    ['dry run', { mode: 'dry_run' }],
    ['refusal', { min_remaining: 5 }],
  ])('of a %s says that nothing changed, and what would remain', async (_, changes) => {
    const { call, calls } = await session();
    const { content } = await call(UNASSIGN, { ...change, ...changes });
    expect(content).toMatchObject({ changed: false, remaining_if_released: { succeeded: 4 } });
    expect(content).not.toHaveProperty('remaining');
    expect(realCalls(calls)).toEqual([]);
  });

  it('of a refusal does not pass its dry run off as a success', async () => {
    const { call } = await session();
    const { content } = await call(UNASSIGN, { ...change, min_remaining: 5 });
    expect(content.dry_run).toMatchObject({
      passed: true,
      message: 'It checks permissions alone. Nothing was changed.',
    });
    const { content: dryRun } = await call(UNASSIGN, { ...change, mode: 'dry_run' });
    expect(dryRun.dry_run).not.toHaveProperty('message');
  });

  it('of a dry run offers the change under the condition that it is wanted', async () => {
    const { call } = await session();
    const { content } = await call(UNASSIGN, { ...change, mode: 'dry_run', min_remaining: 2 });
    expect(content.next).toMatchObject({
      tool: UNASSIGN,
      arguments: { ...change, mode: 'execute', min_remaining: 2 },
      when: 'the user asked for the release itself',
    });
  });

  it('leaves changed out where it is not known', async () => {
    const { call } = await session({
      intercept: async ({ action, apply, response }) => {
        if (action !== 'UnassignPrivateNatGatewayAddress') return apply();
        const answer = apply();
        if (answer.body.includes('DryRunOperation')) return answer;
        response.destroy();
        return answer;
      },
      reads: () => ({ lagSeconds: 600 }),
    });
    const { content } = await call(UNASSIGN, change);
    expect(content.outcome).toBe('unknown');
    expect(content).not.toHaveProperty('changed');
  });
});

describe('the command for a public gateway', () => {
  const PUBLIC = 'nat-0e55e55e55e55e55e';
  const args = {
    nat_gateway_id: PUBLIC,
    private_ip_addresses: ['10.0.5.11'],
    max_drain_duration_seconds: 60,
  };

  /** The refusal of `args` where the gateway differs from that of the inventory. */
  async function refusal(
    changes: Partial<SimulatedNatGateway>,
    associationId = 'eipassoc-0e55e55e55e55e551',
  ) {
    const inventory = defaultInventory(Date.UTC(2026, 0, 1)).map((gateway) => {
      const addresses = gateway.addresses?.map((address) => ({ ...address, associationId }));
      return gateway.natGatewayId === PUBLIC ? { ...gateway, addresses, ...changes } : gateway;
    });
    return (await (await session({ inventory })).call(UNASSIGN, args)).content;
  }

  it('is complete, with the drain that was asked for', async () => {
    expect((await refusal({})).error.hint).toMatch(
      /: aws ec2 disassociate-nat-gateway-address --nat-gateway-id nat-0e55e55e55e55e55e --association-ids eipassoc-0e55e55e55e55e551 --region us-east-1 --max-drain-duration-seconds 60$/,
    );
  });

  it('holds nothing of the account that is no id', async () => {
    const { error, next } = await refusal({}, 'eipassoc-1; rm -rf /');
    expect(error.hint).toContain('--association-ids ASSOCIATION_ID --region');
    expect(error.hint).not.toContain('rm -rf');
    expect(next).toMatchObject({ tool: DESCRIBE, arguments: { nat_gateway_ids: [PUBLIC] } });
  });

  it('is left out for a gateway that has ended', async () => {
    const { error } = await refusal({ state: 'deleted' });
    expect(error.hint).toContain('is deleted');
    expect(error.hint).not.toContain('aws ec2');
  });
});
