import { describe, expect, it, onTestFinished } from 'vitest';
import { defaultInventory, privateNatGateway, type SimulatorCall } from '../../src/simulator/simulator.ts';
import { DESCRIBE, UNASSIGN, WAIT } from '../../src/vocabulary/names.ts';
import {
  callTool,
  connect,
  EGRESS,
  ERAS,
  FAST_TIMEOUTS,
  ManualClock,
  openSession,
  type Session,
  type SessionOptions,
  stateOf,
} from '../support/session.ts';

const request = { nat_gateway_id: EGRESS, private_ip_addresses: ['10.0.1.11', '10.0.1.12'] };

async function session(options: SessionOptions = {}): Promise<Session> {
  const opened = await openSession({ timeouts: FAST_TIMEOUTS, ...options });
  onTestFinished(opened.close);
  return opened;
}

function describes(calls: readonly SimulatorCall[]): SimulatorCall[] {
  return calls.filter(({ action }) => action === 'DescribeNatGateways');
}

/** Waits until the endpoint has answered `count` more describes. */
async function moreDescribes(calls: readonly SimulatorCall[], count: number): Promise<void> {
  const until = describes(calls).length + count;
  while (describes(calls).length < until) await new Promise((resolve) => setTimeout(resolve, 2));
}

describe.each(ERAS)('wait_for_nat_gateway_addresses, for a %s client', (era) => {
  it('follows a drain to its end, with progress that grows at every report', async () => {
    const clock = new ManualClock(Date.now());
    const { call, client } = await session({ era, clock });
    const { content: started } = await call(UNASSIGN, { ...request, max_drain_duration_seconds: 60 });
    const progress: { progress: number; message?: string | undefined }[] = [];
    const { structuredContent } = await client.callTool(
      { name: started.next.tool, arguments: started.next.arguments },
      {
        onprogress: (report) => {
          progress.push(report);
          if (progress.length === 3) clock.advance(60);
        },
      },
    );
    expect(structuredContent).toMatchObject({
      outcome: 'settled',
      addresses: [
        { private_ip: '10.0.1.11', fate: 'released' },
        { private_ip: '10.0.1.12', fate: 'released' },
      ],
      waited_seconds: expect.any(Number),
    });
    expect(progress.length).toBeGreaterThan(3);
    expect(progress[0]?.message).toMatch(
      /^0 of 2 addresses released; the last of them in \d+ s at the latest$/,
    );
    progress.slice(1).forEach((report, index) => {
      expect(report.progress).toBeGreaterThan(progress[index]?.progress ?? 0);
    });
  });

  it('returns still_changing when time runs out, and the call in next settles', async () => {
    const clock = new ManualClock(Date.now());
    const { call } = await session({ era, clock });
    const { content: started } = await call(UNASSIGN, request);
    const { content, isError } = await call(WAIT, { ...request, timeout_seconds: 1 });
    expect(isError).toBe(false);
    expect(content.waited_seconds).toBeGreaterThanOrEqual(1);
    expect(content).toMatchObject({
      outcome: 'still_changing',
      addresses: [{ fate: 'unassigning' }, { fate: 'unassigning' }],
      next: {
        tool: WAIT,
        arguments: { ...request, region: 'us-east-1' },
        not_before: started.drain.release_by,
      },
    });
    clock.advance(350);
    const { content: finished } = await call(content.next.tool, content.next.arguments);
    expect(finished).toMatchObject({
      outcome: 'settled',
      addresses: [{ fate: 'released' }, { fate: 'released' }],
    });
  });

  it('reads its gateway no more once it is cancelled', async () => {
    const { call, client, calls } = await session({ era });
    await call(UNASSIGN, request);
    const cancel = new AbortController();
    const waiting = client.callTool({ name: WAIT, arguments: request }, { signal: cancel.signal });
    await moreDescribes(calls, 3);
    cancel.abort();
    await expect(waiting).rejects.toThrow();
    // One read serves all waits of a region: the reads for another wait show which of them are left.
    const cancelOther = new AbortController();
    const other = client.callTool(
      { name: WAIT, arguments: { nat_gateway_id: 'nat-0c33c33c33c33c33c' } },
      { signal: cancelOther.signal },
    );
    await moreDescribes(calls, 5);
    expect(JSON.stringify(describes(calls).slice(-3))).not.toContain(EGRESS);
    cancelOther.abort();
    await expect(other).rejects.toThrow();
  });

  it('outlasts throttling', async () => {
    const clock = new ManualClock(Date.now());
    let throttled = 0;
    const { call, calls } = await session({
      era,
      clock,
      intercept: async ({ action, apply }) => {
        const isThrottled = action === 'DescribeNatGateways' && describes(calls).length > 2 && throttled < 3;
        if (!isThrottled) return apply();
        throttled += 1;
        if (throttled === 3) clock.advance(400);
        return {
          status: 503,
          headers: { 'content-type': 'text/xml' },
          body: '<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>slow down</Message></Error></Errors></Response>',
        };
      },
    });
    await call(UNASSIGN, request);
    expect((await call(WAIT, request)).content).toMatchObject({ outcome: 'settled' });
    expect(throttled).toBe(3);
  });

  it('returns gateway_deleted without an error when the gateway is deleted during the wait', async () => {
    const inventory = defaultInventory(Date.now());
    const { call, calls } = await session({ era, inventory });
    await call(UNASSIGN, request);
    const waiting = call(WAIT, request);
    await moreDescribes(calls, 2);
    for (const gateway of inventory) gateway.state = 'deleted';
    const { content, isError } = await waiting;
    expect(isError).toBe(false);
    expect(content.outcome).toBe('gateway_deleted');
  });
});

describe('wait_for_nat_gateway_addresses', () => {
  it('follows every changing address when none is given', async () => {
    const clock = new ManualClock(Date.now());
    const { call, calls } = await session({ clock });
    const waiting = call(WAIT, { nat_gateway_id: 'nat-0c33c33c33c33c33c' });
    await moreDescribes(calls, 2);
    clock.advance(400);
    expect((await waiting).content).toMatchObject({
      outcome: 'settled',
      addresses: [{ private_ip: '10.0.3.12', fate: 'released' }],
    });
  });

  it('returns no_change_seen while a change of the last minutes may not show yet', async () => {
    const { call } = await session();
    expect((await call(WAIT, { nat_gateway_id: EGRESS, timeout_seconds: 1 })).content).toMatchObject({
      outcome: 'no_change_seen',
      gateway_state: 'available',
      addresses: [],
      next: { tool: DESCRIBE },
    });
  });

  it('settles without a change once reads agree over the lag that EC2 documents', async () => {
    const clock = new ManualClock(Date.now());
    const { call, calls } = await session({ clock });
    const waiting = call(WAIT, { nat_gateway_id: EGRESS });
    await moreDescribes(calls, 2);
    clock.advance(300);
    expect((await waiting).content).toMatchObject({ outcome: 'settled', addresses: [] });
  });

  it('returns the fates succeeded, failed with its message, and not_on_gateway', async () => {
    const clock = new ManualClock(Date.now());
    const { call, calls } = await session({ clock });
    const waiting = call(WAIT, {
      nat_gateway_id: 'nat-0d44d44d44d44d44d',
      private_ip_addresses: ['10.0.4.11', '10.0.4.12', '10.0.4.99'],
    });
    await moreDescribes(calls, 10);
    clock.advance(300);
    const { content } = await waiting;
    expect(content.outcome).toBe('settled');
    expect(content.addresses).toEqual([
      { private_ip: '10.0.4.11', fate: 'succeeded' },
      { private_ip: '10.0.4.12', fate: 'failed', failure_message: expect.stringContaining('10.0.4.12') },
      { private_ip: '10.0.4.99', fate: 'not_on_gateway' },
    ]);
    // The address that was never there may be mistyped.
    expect(content.next).toMatchObject({ tool: DESCRIBE });
  });

  it('says of an address that it has followed to its release that it is released, however often it is asked', async () => {
    const clock = new ManualClock(Date.now());
    const { call, calls } = await session({ clock });
    await call(UNASSIGN, { ...request, max_drain_duration_seconds: 1 });
    const waiting = call(WAIT, request);
    await moreDescribes(calls, 2);
    clock.advance(400);
    const first = (await waiting).content;
    const again = (
      await call(WAIT, { ...request, private_ip_addresses: [...request.private_ip_addresses, '10.0.1.99'] })
    ).content;
    const fates = ({ addresses }: { addresses: { fate: string }[] }) => addresses.map(({ fate }) => fate);
    expect([fates(first), fates(again)]).toEqual([
      ['released', 'released'],
      ['released', 'released', 'not_on_gateway'],
    ]);
    expect(again.hint).not.toContain('10.0.1.11:');
    expect(again.next.arguments.private_ip_addresses).toEqual(['10.0.1.99']);
  });

  it('does not settle by reads that lag behind the unassign', async () => {
    const clock = new ManualClock(Date.now());
    const { call, calls } = await session({ clock, readLagSeconds: 30 });
    expect((await call(UNASSIGN, request)).content.outcome).toBe('unassigning');
    const waiting = call(WAIT, request);
    const next = () =>
      Promise.race([waiting.then(() => 'answer'), moreDescribes(calls, 5).then(() => 'more reads')]);
    expect(await next()).toBe('more reads');
    clock.advance(31);
    expect(await next()).toBe('more reads');
    clock.advance(350);
    expect((await waiting).content).toMatchObject({
      outcome: 'settled',
      addresses: [{ fate: 'released' }, { fate: 'released' }],
    });
  });

  it('does not settle by late reads in another process than the one that unassigned', async () => {
    const clock = new ManualClock(Date.now());
    const { call, dependencies, calls } = await session({ clock, readLagSeconds: 8 });
    await call(UNASSIGN, request);
    const handOver = new AbortController();
    const elsewhere = { ...dependencies, state: stateOf({ clock }), handOver: handOver.signal };
    const other = await connect(elsewhere, 'modern');
    onTestFinished(() => other.close());
    const waits = [callTool(other, WAIT, request), callTool(other, WAIT, { nat_gateway_id: EGRESS })];
    await moreDescribes(calls, 3);
    handOver.abort();
    for (const { content } of await Promise.all(waits)) expect(content.outcome).toBe('no_change_seen');
  });

  it('ignores a single late read within a drain', async () => {
    const clock = new ManualClock(Date.now());
    let read = 0;
    const { call, dependencies, calls } = await session({
      clock,
      reads: () => ({ lagSeconds: ++read === 6 ? 30 : 0 }),
    });
    await call(UNASSIGN, request);
    const other = await connect({ ...dependencies, state: stateOf({ clock }) }, 'modern');
    onTestFinished(() => other.close());
    const waiting = callTool(other, WAIT, request);
    await moreDescribes(calls, 8);
    clock.advance(400);
    expect((await waiting).content).toMatchObject({
      outcome: 'settled',
      addresses: [{ fate: 'released' }, { fate: 'released' }],
    });
  });

  it('returns released_at, the time of the first read without the address, and no release_by', async () => {
    const clock = new ManualClock(Date.UTC(2026, 0, 1));
    const { call, calls } = await session({ clock });
    await call(UNASSIGN, { ...request, max_drain_duration_seconds: 60 });
    const waiting = call(WAIT, request);
    await moreDescribes(calls, 2);
    clock.advance(61);
    expect((await waiting).content.addresses).toEqual(
      request.private_ip_addresses.map((private_ip) => ({
        private_ip,
        fate: 'released',
        released_at: '2026-01-01T00:01:01.000Z',
      })),
    );
  });

  it('settles for an address that was assigned again after its release', async () => {
    const clock = new ManualClock(Date.now());
    const inventory = defaultInventory(clock.now());
    const { call, calls } = await session({ clock, inventory });
    const one = { nat_gateway_id: EGRESS, private_ip_addresses: ['10.0.1.11'] };
    await call(UNASSIGN, { ...one, max_drain_duration_seconds: 1 });
    clock.advance(2);
    expect((await call(WAIT, one)).content.addresses).toMatchObject([{ fate: 'released' }]);
    const gateway = inventory.find(({ natGatewayId }) => natGatewayId === EGRESS);
    gateway?.addresses?.push({ privateIp: '10.0.1.11', isPrimary: false, assignedAt: clock.now() });
    const waiting = call(WAIT, one);
    await moreDescribes(calls, 2);
    clock.advance(10);
    expect((await waiting).content).toMatchObject({ outcome: 'settled', addresses: [{ fate: 'succeeded' }] });
    const { content } = await call(DESCRIBE, { nat_gateway_ids: EGRESS });
    expect(content.nat_gateways[0].addresses.at(-1)).toMatchObject({
      private_ip: '10.0.1.11',
      can_unassign: true,
    });
  });

  it('returns timed_out without an outcome when no read was answered', async () => {
    const { call } = await session({ intercept: () => new Promise(() => {}) });
    const { content, isError } = await call(WAIT, { nat_gateway_id: EGRESS, timeout_seconds: 1 });
    expect(isError).toBe(true);
    expect(content).not.toHaveProperty('outcome');
    expect(content.error).toMatchObject({ code: 'timed_out', retryable: true });
  });

  it('returns gateway_changing for a pending gateway', async () => {
    const inventory = defaultInventory(Date.now());
    const { call } = await session({ inventory });
    expect(
      (await call(WAIT, { nat_gateway_id: 'nat-0a77a77a77a77a77a', timeout_seconds: 1 })).content,
    ).toMatchObject({ outcome: 'gateway_changing', gateway_state: 'pending', next: { tool: WAIT } });
  });

  it('does not count an address as released when one read lacks it', async () => {
    let reads = 0;
    const clock = new ManualClock(Date.now());
    const { call, calls, dependencies } = await session({
      clock,
      intercept: async ({ action, apply }) => {
        const answer = apply();
        if (action !== 'DescribeNatGateways' || ++reads !== 4) return answer;
        return {
          ...answer,
          body: answer.body.replaceAll(/<item>(?:(?!<item>)[\s\S])*?10\.0\.1\.1[12][\s\S]*?<\/item>/g, ''),
        };
      },
    });
    await call(UNASSIGN, request);
    const handOver = new AbortController();
    const other = await connect({ ...dependencies, handOver: handOver.signal }, 'modern');
    onTestFinished(() => other.close());
    const waiting = callTool(other, WAIT, request);
    await moreDescribes(calls, 8);
    handOver.abort();
    expect((await waiting).content.outcome).toBe('still_changing');
  });

  it('returns gateway_not_found when reads agree that there is no such gateway', async () => {
    const { call } = await session();
    const { content, isError } = await call(WAIT, { nat_gateway_id: 'nat-00000000000000000' });
    expect(isError).toBe(true);
    expect(content.error).toMatchObject({ code: 'gateway_not_found', retryable: false });
  });

  it('stops at an error that is not retryable', async () => {
    const { call } = await session({ accessKeyId: 'AKIASIMULATEDDENIED0' });
    const { content, isError } = await call(WAIT, { nat_gateway_id: EGRESS });
    expect(isError).toBe(true);
    expect(content.error.code).toBe('not_authorized');
  });

  it('shares its reads between clients', async () => {
    const clock = new ManualClock(Date.now());
    const { call, calls, dependencies } = await session({ clock });
    const other = await connect(dependencies, 'legacy');
    onTestFinished(() => other.close());
    await call(UNASSIGN, request);
    const before = describes(calls).length;
    const waiting = [call(WAIT, request), callTool(other, WAIT, { nat_gateway_id: 'nat-0c33c33c33c33c33c' })];
    await moreDescribes(calls, 4);
    const reads = describes(calls).slice(before);
    const ids = (read: SimulatorCall | undefined) =>
      Object.entries(read?.parameters ?? {})
        .filter(([name]) => name.startsWith('Filter.1.Value'))
        .map(([, value]) => value)
        .sort();
    expect(ids(reads.at(-1))).toEqual([EGRESS, 'nat-0c33c33c33c33c33c']);
    clock.advance(400);
    for (const { content } of await Promise.all(waiting)) expect(content.outcome).toBe('settled');
  });

  it('reads 200 gateways for 200 waits as often as one gateway for one wait', async () => {
    const clock = new ManualClock(Date.now());
    const id = (index: number) => `nat-${index.toString(16).padStart(17, '0')}`;
    const inventory = Array.from({ length: 200 }, (_, index) => {
      const gateway = privateNatGateway(id(index), 'x', [`10.0.${index}.10`], 0);
      gateway.addresses?.push({ privateIp: `10.0.${index}.11`, isPrimary: false, unassignedAt: clock.now() });
      return gateway;
    });
    const { call, calls } = await session({
      clock,
      inventory,
      timeouts: { ...FAST_TIMEOUTS, pollPace: 100, pollFirst: 100, readAttempt: 5000 },
    });
    const waiting = Promise.all(
      Array.from({ length: 200 }, (_, index) => call(WAIT, { nat_gateway_id: id(index) })),
    );
    await moreDescribes(calls, 6);
    clock.advance(400);
    for (const { content } of await waiting) expect(content.outcome).toBe('settled');
    expect(describes(calls).length).toBeLessThan(20);
    expect(
      Object.keys(describes(calls)[1]?.parameters ?? {}).filter((name) => name.startsWith('Filter.1.Value')),
    ).toHaveLength(200);
  });
});
