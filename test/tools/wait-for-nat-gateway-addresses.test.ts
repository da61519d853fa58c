import { describe, expect, it, onTestFinished } from 'vitest';
import { defaultInventory, privateNatGateway, type SimulatorCall } from '../../src/simulator/simulator.ts';
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
} from '../support/session.ts';

const UNASSIGN = 'unassign_private_nat_gateway_address';
const WAIT = 'wait_for_nat_gateway_addresses';
const DESCRIBE = 'describe_nat_gateway_addresses';
const wish = { nat_gateway_id: EGRESS, private_ip_addresses: ['10.0.1.11', '10.0.1.12'] };

async function session(options: SessionOptions = {}): Promise<Session> {
  const opened = await openSession({ timeouts: FAST_TIMEOUTS, ...options });
  onTestFinished(opened.close);
  return opened;
}

function describes(calls: readonly SimulatorCall[]): SimulatorCall[] {
  return calls.filter(({ action }) => action === 'DescribeNatGateways');
}

/** Settles when the endpoint has answered `count` more describes. */
async function moreDescribes(calls: readonly SimulatorCall[], count: number): Promise<void> {
  const until = describes(calls).length + count;
  while (describes(calls).length < until) await new Promise((resolve) => setTimeout(resolve, 2));
}

describe.each(ERAS)('waiting, for a %s client', (era) => {
  it('follows a drain to its end, with progress that only grows', async () => {
    const clock = new ManualClock(Date.now());
    const { call, client } = await session({ era, clock });
    const { content: started } = await call(UNASSIGN, { ...wish, max_drain_duration_seconds: 60 });
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
        { private_ip: '10.0.1.11', fate: 'released', release_by: started.drain.release_by },
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

  it('hands over when time runs out, and the call it proposes finishes', async () => {
    const clock = new ManualClock(Date.now());
    const { call } = await session({ era, clock });
    const { content: started } = await call(UNASSIGN, wish);
    const { content, isError } = await call(WAIT, { ...wish, timeout_seconds: 1 });
    expect(isError).toBe(false);
    expect(content).toMatchObject({
      outcome: 'still_changing',
      addresses: [{ fate: 'unassigning' }, { fate: 'unassigning' }],
      next: { tool: WAIT, arguments: { ...wish, region: 'us-east-1' }, not_before: started.drain.release_by },
    });
    clock.advance(350);
    const { content: finished } = await call(content.next.tool, content.next.arguments);
    expect(finished).toMatchObject({
      outcome: 'settled',
      addresses: [{ fate: 'released' }, { fate: 'released' }],
    });
  });

  it('stops reading at once when it is cancelled', async () => {
    const { call, client, calls } = await session({ era });
    await call(UNASSIGN, wish);
    const cancel = new AbortController();
    const waiting = client.callTool({ name: WAIT, arguments: wish }, { signal: cancel.signal });
    await moreDescribes(calls, 3);
    cancel.abort();
    await expect(waiting).rejects.toThrow();
    await new Promise((resolve) => setTimeout(resolve, 50));
    const reads = describes(calls).length;
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(describes(calls)).toHaveLength(reads);
  });

  it('goes on, slower, while EC2 throttles', async () => {
    const clock = new ManualClock(Date.now());
    let throttled = 0;
    const { call, calls } = await session({
      era,
      clock,
      intercept: async ({ action, apply }) => {
        const read = action === 'DescribeNatGateways' && describes(calls).length > 2 && throttled < 3;
        if (!read) return apply();
        throttled += 1;
        if (throttled === 3) clock.advance(400);
        return {
          status: 503,
          headers: { 'content-type': 'text/xml' },
          body: '<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>slow down</Message></Error></Errors></Response>',
        };
      },
    });
    await call(UNASSIGN, wish);
    expect((await call(WAIT, wish)).content).toMatchObject({ outcome: 'settled' });
    expect(throttled).toBe(3);
  });

  it('answers that the gateway was deleted meanwhile, which is no error', async () => {
    const inventory = defaultInventory(Date.now());
    const { call, calls } = await session({ era, inventory });
    await call(UNASSIGN, wish);
    const waiting = call(WAIT, wish);
    await moreDescribes(calls, 2);
    const gateway = inventory.find(({ natGatewayId }) => natGatewayId === EGRESS);
    if (gateway !== undefined) gateway.state = 'deleted';
    const { content, isError } = await waiting;
    expect(isError).toBe(false);
    expect(content.outcome).toBe('gateway_deleted');
  });
});

describe('waiting', () => {
  it('follows everything that is changing when no address is named', async () => {
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

  it('returns at once when nothing is changing', async () => {
    const { call } = await session();
    expect((await call(WAIT, { nat_gateway_id: EGRESS })).content).toMatchObject({
      outcome: 'settled',
      addresses: [],
    });
  });

  it('tells each fate: still there, failed with its message, never there', async () => {
    const { call } = await session();
    const { content } = await call(WAIT, {
      nat_gateway_id: 'nat-0d44d44d44d44d44d',
      private_ip_addresses: ['10.0.4.11', '10.0.4.12', '10.0.4.99'],
    });
    expect(content.addresses).toEqual([
      { private_ip: '10.0.4.11', fate: 'succeeded' },
      { private_ip: '10.0.4.12', fate: 'failed', failure_message: expect.stringContaining('10.0.4.12') },
      { private_ip: '10.0.4.99', fate: 'not_on_gateway' },
    ]);
    // An address that never was there is no success: it may be mistyped.
    expect(content.next).toMatchObject({ tool: 'describe_nat_gateway_addresses' });
  });

  it('takes reads that lag behind the unassign for neither released nor settled', async () => {
    const clock = new ManualClock(Date.now());
    const { call, calls } = await session({ clock, readLagSeconds: 30 });
    expect((await call(UNASSIGN, wish)).content.outcome).toBe('unassigning');
    const waiting = call(WAIT, wish);
    let over = false;
    void waiting.then(() => {
      over = true;
    });
    await moreDescribes(calls, 5);
    expect(over).toBe(false);
    clock.advance(31);
    await moreDescribes(calls, 5);
    expect(over).toBe(false);
    clock.advance(350);
    expect((await waiting).content).toMatchObject({
      outcome: 'settled',
      addresses: [{ fate: 'released' }, { fate: 'released' }],
    });
  });

  it('does not count an address as released that one read misses', async () => {
    let reads = 0;
    const clock = new ManualClock(Date.now());
    const { call, calls } = await session({
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
    await call(UNASSIGN, wish);
    const waiting = call(WAIT, { ...wish, timeout_seconds: 1 });
    await moreDescribes(calls, 8);
    expect((await waiting).content.outcome).toBe('still_changing');
  });

  it('says that there is no such gateway', async () => {
    const { call } = await session();
    const { content, isError } = await call(WAIT, { nat_gateway_id: 'nat-00000000000000000' });
    expect(isError).toBe(true);
    expect(content.error).toMatchObject({ code: 'gateway_not_found', retryable: false });
  });

  it('gives up on an error that waiting does not cure', async () => {
    const { call } = await session({ accessKeyId: 'AKIASIMULATEDDENIED0' });
    const { content, isError } = await call(WAIT, { nat_gateway_id: EGRESS });
    expect(isError).toBe(true);
    expect(content.error.code).toBe('not_authorized');
  });

  it('is served for several clients by the same reads', async () => {
    const clock = new ManualClock(Date.now());
    const { call, calls, dependencies } = await session({ clock });
    const other = await connect(dependencies, 'legacy');
    onTestFinished(() => other.close());
    await call(UNASSIGN, wish);
    const before = describes(calls).length;
    const waiting = [call(WAIT, wish), callTool(other, WAIT, { nat_gateway_id: 'nat-0c33c33c33c33c33c' })];
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

  it('costs EC2 for 200 waits on 200 gateways what it costs for one', async () => {
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
    const times = describes(calls).length;
    expect(times).toBeLessThan(20);
    expect(
      Object.keys(describes(calls)[1]?.parameters ?? {}).filter((name) => name.startsWith('Filter.1.Value')),
    ).toHaveLength(200);
  });
});

describe.each(ERAS)('the resource of a gateway, for a %s client', (era) => {
  it('is what describe shows, read on demand, and nothing is listed', async () => {
    const { client, call, calls } = await session({ era });
    const { resourceTemplates } = await client.listResourceTemplates();
    expect(resourceTemplates).toMatchObject([{ uriTemplate: 'nat-gateway://{region}/{nat_gateway_id}' }]);
    expect((await client.listResources()).resources).toEqual([]);
    expect(calls).toEqual([]);
    const { contents } = await client.readResource({ uri: `nat-gateway://us-east-1/${EGRESS}` });
    const [content] = contents;
    const { content: described } = await call(DESCRIBE, { nat_gateway_ids: EGRESS });
    expect(JSON.parse(content !== undefined && 'text' in content ? content.text : '')).toEqual(
      described.nat_gateways[0],
    );
  });

  it.each([
    'nat-gateway://us-east-1/nat-00000000000000000',
    'nat-gateway://evil.com/nat-1',
    'nat-gateway://us-east-1/x',
  ])('is not there for %s', async (uri) => {
    const { client } = await session({ era });
    await expect(client.readResource({ uri })).rejects.toThrow(/not found/i);
  });
});

describe.each(ERAS)('the prompt, for a %s client', (era) => {
  it('walks through the tools in their order', async () => {
    const { client, calls } = await session({ era });
    const { prompts } = await client.listPrompts();
    expect(prompts.map(({ name }) => name)).toEqual(['release-nat-addresses']);
    const { messages } = await client.getPrompt({
      name: 'release-nat-addresses',
      arguments: { goal: '10.0.1.11' },
    });
    const text = JSON.stringify(messages);
    for (const part of ['10.0.1.11', DESCRIBE, 'dry_run', 'yes', WAIT, 'undo_command'])
      expect(text).toContain(part);
    expect(calls).toEqual([]);
  });
});

describe('describe', () => {
  it('points to the wait for what is changing, with arguments ready to send', async () => {
    const { call } = await session();
    const { content } = await call(DESCRIBE, { nat_gateway_ids: 'nat-0c33c33c33c33c33c' });
    expect(content.next).toEqual({
      tool: WAIT,
      arguments: { nat_gateway_id: 'nat-0c33c33c33c33c33c', region: 'us-east-1' },
    });
    expect((await call(DESCRIBE, { nat_gateway_ids: EGRESS })).content).not.toHaveProperty('next');
  });
});
