import type { ElicitRequest, ElicitResult } from '@modelcontextprotocol/client';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { privateNatGateway } from '../../src/simulator/simulator.ts';
import {
  callTool,
  connect,
  EGRESS,
  ERAS,
  type Era,
  FAST_TIMEOUTS,
  openSession,
  realCalls,
  type Session,
  type SessionOptions,
} from '../support/session.ts';

const UNASSIGN = 'unassign_private_nat_gateway_address';
const wish = { nat_gateway_id: EGRESS, private_ip_addresses: ['10.0.1.11'] };

/** State whose signature differs in one character; the last one holds bits that no signature has. */
function tampered(state: string): string {
  return `${state.slice(0, -2)}${state.at(-2) === 'A' ? 'B' : 'A'}${state.slice(-1)}`;
}

const YES: ElicitResult = { action: 'accept', content: { confirm: true } };

type Human = (question: string, request: ElicitRequest) => ElicitResult | Promise<ElicitResult>;

/** A session whose client asks `human`. */
async function withHuman(era: Era, human: Human, options: SessionOptions = {}): Promise<Session> {
  const session = await openSession({
    era,
    timeouts: FAST_TIMEOUTS,
    client: { capabilities: { elicitation: {} } },
    ...options,
  });
  onTestFinished(session.close);
  session.client.setRequestHandler('elicitation/create', (request) =>
    human(request.params.message, request as ElicitRequest),
  );
  return session;
}

describe.each(ERAS)('a %s client that can ask its human', (era) => {
  it('asks before the change, shows what it is for, and goes ahead on a ticked yes', async () => {
    const questions: string[] = [];
    const schemas: unknown[] = [];
    const { call, calls } = await withHuman(era, (question, request) => {
      questions.push(question);
      schemas.push(request.params);
      expect(realCalls(calls)).toEqual([]);
      return YES;
    });
    const { content } = await call(UNASSIGN, { ...wish, max_drain_duration_seconds: 10 });
    expect(content).toMatchObject({ outcome: 'unassigning', confirmation: 'confirmed' });
    expect(questions).toHaveLength(1);
    for (const part of [
      EGRESS,
      '"egress"',
      '123456789012',
      'us-east-1',
      'vpc-0a',
      '10.0.1.11',
      'Working addresses that remain: 4',
      '10 s',
      'Warning: A drain of 10 s',
    ]) {
      expect(questions[0]).toContain(part);
    }
    expect(schemas[0]).toMatchObject({
      requestedSchema: {
        type: 'object',
        properties: { confirm: { type: 'boolean' } },
        required: ['confirm'],
      },
    });
    expect(JSON.stringify(schemas[0])).not.toContain('"default"');
    expect(realCalls(calls)).toHaveLength(1);
  });

  it.each<[string, ElicitResult, string]>([
    ['a decline', { action: 'decline' }, 'declined'],
    ['a cancel', { action: 'cancel' }, 'cancelled'],
    ['an accept without the tick', { action: 'accept', content: { confirm: false } }, 'unticked'],
    ['an accept that is empty', { action: 'accept', content: {} }, 'unticked'],
    ['an accept with a word for the tick', { action: 'accept', content: { confirm: 'true' } }, 'unticked'],
  ])('takes %s for a no, which is no error', async (_, said, confirmation) => {
    const { call, calls, audit } = await withHuman(era, () => said);
    const { content, isError } = await call(UNASSIGN, wish).catch(() => ({
      content: undefined,
      isError: false,
    }));
    // A client may itself refuse to send an answer that does not fit the form; nothing happens either way.
    if (content !== undefined && content !== null && !isError) {
      expect(content).toMatchObject({
        ...{ outcome: 'not_confirmed', confirmation, account_id: '123456789012' },
        addresses: wish.private_ip_addresses.map((private_ip) => ({ private_ip })),
      });
      expect(audit.records.map(({ outcome }) => outcome)).toEqual(['confirmation_asked', 'not_confirmed']);
    }
    expect(realCalls(calls)).toEqual([]);
  });

  it('shows a gateway that moved in between again, as it is now', async () => {
    const inventory = [privateNatGateway(EGRESS, 'egress', ['10.0.1.10', '10.0.1.11', '10.0.1.12'], 0)];
    const questions: string[] = [];
    const { call, calls } = await withHuman(
      era,
      (question) => {
        questions.push(question);
        if (questions.length === 1)
          inventory[0]?.tags.push({ key: 'aws:cloudformation:stack-id', value: 'x' });
        return YES;
      },
      { inventory },
    );
    const { content } = await call(UNASSIGN, wish);
    expect(content).toMatchObject({ outcome: 'unassigning', confirmation: 'confirmed' });
    expect(questions).toHaveLength(2);
    expect(questions[0]).not.toContain('CloudFormation');
    expect(questions[1]).toMatch(/has changed since you were asked[\s\S]*CloudFormation/);
    expect(realCalls(calls)).toHaveLength(1);
  });

  it('checks everything again after the answer', async () => {
    const inventory = [privateNatGateway(EGRESS, 'egress', ['10.0.1.10', '10.0.1.11'], 0)];
    const { call, calls } = await withHuman(
      era,
      () => {
        for (const gateway of inventory) gateway.state = 'deleting';
        return YES;
      },
      { inventory },
    );
    const { content } = await call(UNASSIGN, wish);
    expect(content).toMatchObject({ outcome: 'refused', error: { code: 'precondition_failed' } });
    expect(realCalls(calls)).toEqual([]);
  });

  it('does not ask for a dry run, nor for what is refused anyway', async () => {
    let asked = 0;
    const { call } = await withHuman(era, () => {
      asked += 1;
      return YES;
    });
    expect((await call(UNASSIGN, { ...wish, mode: 'dry_run' })).content.outcome).toBe('dry_run_passed');
    await call(UNASSIGN, { ...wish, private_ip_addresses: ['10.0.1.10'] });
    expect(asked).toBe(0);
  });

  it('is not asked with --confirm never, and the result says so', async () => {
    const { call } = await withHuman(era, () => ({ action: 'decline' }), { confirmMode: 'never' });
    expect((await call(UNASSIGN, wish)).content).toMatchObject({
      outcome: 'unassigning',
      confirmation: 'disabled',
    });
  });

  it('holds up no other change on the gateway while its human thinks', async () => {
    let answer: (said: ElicitResult) => void = () => {};
    const thinking = new Promise<ElicitResult>((resolve) => {
      answer = resolve;
    });
    let asked: () => void = () => {};
    const question = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const { call, dependencies } = await withHuman(era, () => {
      asked();
      return thinking;
    });
    const slow = call(UNASSIGN, wish);
    await question;
    const quick = await connect(dependencies, era);
    onTestFinished(() => quick.close());
    const { content } = await callTool(quick, UNASSIGN, { ...wish, private_ip_addresses: ['10.0.1.12'] });
    expect(content.outcome).toBe('unassigning');
    answer(YES);
    // The state moved, so the yes no longer counts; and now a change is in progress.
    expect((await slow).content).toMatchObject({
      outcome: 'refused',
      error: { code: 'precondition_failed' },
    });
  });

  it('whose human never answers changes nothing, and is served meanwhile', async () => {
    let asked: () => void = () => {};
    const question = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const { call, calls } = await withHuman(era, () => {
      asked();
      return new Promise<ElicitResult>(() => {});
    });
    call(UNASSIGN, wish).catch(() => {});
    await question;
    expect(realCalls(calls)).toEqual([]);
    expect((await call(UNASSIGN, { ...wish, mode: 'dry_run' })).content.outcome).toBe('dry_run_passed');
  });

  it('sees a hostile name only stripped, quoted and cut', async () => {
    const inventory = [privateNatGateway(EGRESS, 'x', ['10.0.1.10', '10.0.1.11'], 0)];
    for (const gateway of inventory) {
      gateway.tags = [
        { key: 'Name', value: `a"\r\nAccount: 999999999999\u202e\u200b\u001b[31m${'y'.repeat(200)}` },
      ];
    }
    let shown = '';
    const { call } = await withHuman(
      era,
      (question) => {
        shown = question;
        return { action: 'decline' };
      },
      { inventory },
    );
    await call(UNASSIGN, wish);
    const [name = ''] = shown.match(/(?<=, named ).*(?=\): 10\.0\.1\.11\?$)/m) ?? [];
    expect(name).toMatch(/^"a' Account: 999999999999 \ufffd?\[31my+…"$/);
    expect(name.length).toBeLessThan(80);
    for (const character of '\u202e\u200b\u001b') expect(shown).not.toContain(character);
  });
});

describe.each(ERAS)('a %s client that cannot ask', (era) => {
  it.each([undefined, { elicitation: { url: {} } }])(
    'goes ahead by default (%j), and the result says so',
    async (capabilities) => {
      const session = await openSession({ era, client: capabilities === undefined ? {} : { capabilities } });
      onTestFinished(session.close);
      expect((await session.call(UNASSIGN, wish)).content).toMatchObject({
        outcome: 'unassigning',
        confirmation: 'not_possible',
      });
    },
  );

  it('is refused with --confirm always, and told what would help', async () => {
    const session = await openSession({ era, confirmMode: 'always' });
    onTestFinished(session.close);
    const { content, isError } = await session.call(UNASSIGN, wish);
    expect(isError).toBe(true);
    expect(content).toMatchObject({
      outcome: 'refused',
      error: { code: 'confirmation_unavailable', hint: expect.stringMatching(/elicitation.*--confirm/) },
    });
    expect(session.calls.filter(({ changed }) => changed)).toEqual([]);
  });
});

describe('a 2025 client that could be asked when it connected', () => {
  it.each<[string, Record<string, unknown>]>([
    ['without capabilities', { 'io.modelcontextprotocol/clientCapabilities': {} }],
    ['with others', { 'io.modelcontextprotocol/clientCapabilities': { elicitation: { url: {} } } }],
  ])('is asked all the same when a request brings an envelope %s', async (_, _meta) => {
    const { client, calls } = await withHuman('legacy', () => ({ action: 'decline' }));
    const { structuredContent } = await client.callTool({ name: UNASSIGN, arguments: wish, _meta });
    expect(structuredContent).toMatchObject({ outcome: 'not_confirmed' });
    expect(realCalls(calls)).toEqual([]);
  });
});

describe('the state that a client carries from question to answer', () => {
  /** A modern client that answers by hand, so that the state can be kept, changed and sent again. */
  async function carrier(options: SessionOptions = {}) {
    const session = await openSession({
      timeouts: FAST_TIMEOUTS,
      ...options,
      client: { capabilities: { elicitation: {} }, inputRequired: { autoFulfill: false } },
    });
    onTestFinished(session.close);
    const send = async (args: Record<string, unknown>, requestState?: string) => {
      const params = {
        name: UNASSIGN,
        arguments: args,
        ...(requestState === undefined ? {} : { requestState, inputResponses: { confirm: YES } }),
      };
      // biome-ignore lint/suspicious/noExplicitAny: the raw result of a round
      return (await session.client.callTool(params as any, { allowInputRequired: true } as any)) as any;
    };
    return { ...session, send };
  }

  it('is good for one use, however many try at once', async () => {
    const { send, calls } = await carrier();
    const { requestState } = await send(wish);
    expect(requestState).toEqual(expect.any(String));
    const results = await Promise.all(Array.from({ length: 100 }, () => send(wish, requestState)));
    const outcomes = results.map(({ structuredContent }) => structuredContent?.outcome);
    expect(outcomes.filter((outcome) => outcome === 'unassigning')).toHaveLength(1);
    expect(realCalls(calls)).toHaveLength(1);
  });

  it('is good for nothing but what was shown', async () => {
    const { send, calls } = await carrier();
    const { requestState } = await send(wish);
    for (const other of [
      { ...wish, private_ip_addresses: ['10.0.1.12'] },
      { ...wish, private_ip_addresses: ['10.0.1.11', '10.0.1.12'] },
      { ...wish, max_drain_duration_seconds: 1 },
      { ...wish, nat_gateway_id: 'nat-0d44d44d44d44d44d', private_ip_addresses: ['10.0.4.11'] },
    ]) {
      expect((await send(other, requestState)).resultType ?? 'asked again').not.toBe('complete');
    }
    expect(realCalls(calls)).toEqual([]);
  });

  it('is on record when it is refused', async () => {
    const { send, audit } = await carrier();
    const { requestState } = await send(wish);
    await expect(send(wish, tampered(requestState))).rejects.toMatchObject({ code: -32602 });
    expect(audit.records.at(-1)).toMatchObject({
      audit: 'outcome',
      tool: 'unknown',
      client: { name: 'test' },
      outcome: 'confirmation_rejected',
    });
  });

  it('is on record a thousand times an hour at most when it is refused', async () => {
    const { send, audit } = await carrier();
    const { requestState } = await send(wish);
    const state = tampered(requestState);
    for (let sent = 0; sent < 1010; sent++) await send(wish, state).catch(() => {});
    const rejected = audit.records.filter(({ outcome }) => outcome === 'confirmation_rejected');
    expect(rejected).toHaveLength(1000);
  });

  it('is good for the same state in another order, as EC2 may give it', async () => {
    const gateway = privateNatGateway(EGRESS, 'egress', ['10.0.1.10', '10.0.1.11', '10.0.1.12'], 0);
    const tags = [
      { key: 'Name', value: 'egress' },
      { key: 'env', value: 'test' },
    ];
    gateway.tags = tags;
    const { send } = await carrier({ inventory: [gateway] });
    const { requestState } = await send(wish);
    gateway.tags = [...tags].reverse();
    gateway.addresses.reverse();
    expect((await send(wish, requestState)).structuredContent).toMatchObject({ outcome: 'unassigning' });
  });

  it('is good for ten minutes', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    const { send, calls } = await carrier();
    const { requestState } = await send(wish);
    vi.setSystemTime(Date.now() + 602_000);
    expect((await send(wish, requestState)).structuredContent).toMatchObject({
      outcome: 'not_confirmed',
      confirmation: 'expired',
    });
    expect(realCalls(calls)).toEqual([]);
  });

  it('is refused when forged, tampered with, or signed with another key', async () => {
    const { send, calls } = await carrier();
    const other = await carrier();
    const { requestState } = await send(wish);
    const forged = Buffer.from(JSON.stringify({ p: { purpose: UNASSIGN, digest: '', nonce: '' }, exp: 9e9 }));
    for (const state of [
      `v1.${forged.toString('base64url')}.AAAA`,
      tampered(requestState),
      requestState.replace('.', '.A'),
      'nonsense',
      '',
    ]) {
      const sent = await send(wish, state).catch((error: { code: number }) => error.code);
      if (sent !== -32602) expect(sent.structuredContent?.outcome).not.toBe('unassigning');
    }
    expect(realCalls(calls)).toEqual([]);
    expect(realCalls(other.calls)).toEqual([]);
  });
});
