import {
  DescribeNatGatewaysCommand,
  EC2Client,
  UnassignPrivateNatGatewayAddressCommand,
} from '@aws-sdk/client-ec2';
import { Client as ModernClient } from '@modelcontextprotocol/client';
import { StdioClientTransport as ModernTransport } from '@modelcontextprotocol/client/stdio';
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, it, onTestFinished } from 'vitest';
import { scaledClock, startSimulator } from '../../src/simulator/simulator.ts';
import { DESCRIBE, UNASSIGN } from '../../src/vocabulary/names.ts';
import { BARE_ENVIRONMENT, MAIN } from '../support/server-process.ts';
import { EGRESS } from '../support/session.ts';

/** A human's yes between real clients and the built server, where the human, the client or the state misbehaves. */

const wish = { nat_gateway_id: EGRESS, private_ip_addresses: ['10.0.1.11'] };
const YES = { action: 'accept' as const, content: { confirm: true } };

/** The addresses that an unassign request names. */
function addressesIn(parameters: Record<string, string>): string[] {
  return Object.keys(parameters).flatMap((name) =>
    name.startsWith('PrivateIpAddress.') ? (parameters[name] ?? []) : [],
  );
}

/** An endpoint of the test's own, and how to start a server that takes it for AWS. */
async function stage() {
  const changed: string[][] = [];
  const simulator = await startSimulator({
    throttling: false,
    clock: scaledClock(20),
    onCall: ({ changed: did, parameters }) => {
      if (did) changed.push(addressesIn(parameters));
    },
  });
  onTestFinished(() => simulator.close());
  const env = {
    ...BARE_ENVIRONMENT,
    AWS_ENDPOINT_URL: simulator.url,
    AWS_REGION: simulator.region,
    AWS_ACCESS_KEY_ID: 'AKIASIMULATEDACCESS0',
    AWS_SECRET_ACCESS_KEY: 'simulated',
  };
  const parameters = { command: process.execPath, args: [MAIN], env, stderr: 'ignore' as const };
  const client = new EC2Client({
    region: simulator.region,
    endpoint: simulator.url,
    credentials: { accessKeyId: 'AKIASOMEONEELSE00000', secretAccessKey: 'simulated' },
  });
  /** Someone else releases an address, and it is gone. */
  const moveOn = async (): Promise<void> => {
    const NatGatewayId = EGRESS;
    const change = { NatGatewayId, PrivateIpAddresses: ['10.0.1.14'], MaxDrainDurationSeconds: 1 };
    await client.send(new UnassignPrivateNatGatewayAddressCommand(change));
    for (let held = 5; held > 4; ) {
      const { NatGateways } = await client.send(
        new DescribeNatGatewaysCommand({ NatGatewayIds: [NatGatewayId] }),
      );
      held = NatGateways?.[0]?.NatGatewayAddresses?.length ?? 5;
    }
  };
  return { changed, parameters, moveOn };
}

type Human = (question: string) => object | Promise<object>;

/** The v2 client, on revision 2026-07-28, and the v1 client, on 2025-11-25, with a human each. */
const CLIENTS = {
  '2026-07-28': async (parameters: ConstructorParameters<typeof ModernTransport>[0], human: Human) => {
    const client = new ModernClient(
      { name: 'v2', version: '1.0.0' },
      { capabilities: { elicitation: {} }, versionNegotiation: { mode: 'auto' } },
    );
    client.setRequestHandler('elicitation/create', ({ params }) => human(params.message) as never);
    await client.connect(new ModernTransport(parameters));
    onTestFinished(() => client.close());
    return (name: string, args: Record<string, unknown>, timeout = 30_000) =>
      client.callTool({ name, arguments: args }, { timeout });
  },
  '2025-11-25': async (parameters: ConstructorParameters<typeof ModernTransport>[0], human: Human) => {
    const client = new LegacyClient({ name: 'v1', version: '1.0.0' }, { capabilities: { elicitation: {} } });
    client.setRequestHandler(ElicitRequestSchema, ({ params }) => human(params.message) as never);
    await client.connect(new LegacyTransport(parameters));
    onTestFinished(() => client.close());
    return (name: string, args: Record<string, unknown>, timeout = 30_000) =>
      client.callTool({ name, arguments: args }, undefined, { timeout });
  },
};

describe.each(Object.entries(CLIENTS))('a human behind a client of %s', (revision, connect) => {
  it('who is asked while the gateway moves is shown it again, and a yes to that counts', async () => {
    const { changed, parameters, moveOn } = await stage();
    const questions: string[] = [];
    const call = await connect(parameters, async (question) => {
      questions.push(question);
      if (questions.length === 1) await moveOn();
      return YES;
    });
    const { structuredContent } = await call(UNASSIGN, wish);
    expect(structuredContent).toMatchObject({ outcome: 'unassigning', confirmation: 'confirmed' });
    expect(questions).toHaveLength(2);
    expect(questions[0]).toContain('Working addresses that remain: 4');
    expect(questions[1]).toMatch(/^The gateway has changed since you were asked\./);
    expect(questions[1]).toContain('Working addresses that remain: 3');
    expect(changed).toEqual([['10.0.1.14'], ['10.0.1.11']]);
  });

  it('who never answers changes nothing, and holds up nobody', async () => {
    const { changed, parameters } = await stage();
    let asked: () => void = () => {};
    const question = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const call = await connect(parameters, () => {
      asked();
      return new Promise(() => {});
    });
    const waiting = call(UNASSIGN, wish, 2000);
    await question;
    // Nothing is locked while a human thinks: another call looks, and rehearses, on the same gateway.
    expect((await call(DESCRIBE, { nat_gateway_ids: [EGRESS] })).isError).toBeFalsy();
    const rehearsed = await call(UNASSIGN, { ...wish, mode: 'dry_run' });
    expect(rehearsed.structuredContent).toMatchObject({ outcome: 'dry_run_passed' });
    // A client of 2026 has an answer already, the question, and waits for its human as long as it likes.
    if (revision === '2025-11-25') await expect(waiting).rejects.toThrow();
    else waiting.catch(() => {});
    expect(changed).toEqual([]);
  });
});

describe('a human behind a client of 2025-11-25, which gives up waiting for the call', () => {
  it('changes nothing when the answer comes after that', async () => {
    const { changed, parameters } = await stage();
    let answer: (yes: object) => void = () => {};
    const late = new Promise<object>((resolve) => {
      answer = resolve;
    });
    const call = await CLIENTS['2025-11-25'](parameters, () => late);
    await expect(call(UNASSIGN, wish, 1500)).rejects.toThrow();
    answer(YES);
    expect((await call(DESCRIBE, { nat_gateway_ids: [EGRESS] })).isError).toBeFalsy();
    expect(changed).toEqual([]);
  });
});

describe('the state that a client of 2026-07-28 carries', () => {
  /** A client that answers by hand, so that the state can be kept, changed and sent again. */
  async function carrier() {
    const { parameters, ...rest } = await stage();
    const client = new ModernClient(
      { name: 'v2', version: '1.0.0' },
      {
        capabilities: { elicitation: {} },
        inputRequired: { autoFulfill: false },
        versionNegotiation: { mode: 'auto' },
      },
    );
    await client.connect(new ModernTransport(parameters));
    onTestFinished(() => client.close());
    const send = async (requestState?: string) => {
      const params = {
        name: UNASSIGN,
        arguments: wish,
        ...(requestState === undefined ? {} : { requestState, inputResponses: { confirm: YES } }),
      };
      // biome-ignore lint/suspicious/noExplicitAny: the raw result of a round
      return (await client.callTool(params as any, { allowInputRequired: true } as any)) as any;
    };
    return { send, ...rest };
  }

  it('is good for one change, whoever sends it again', async () => {
    const { send, changed } = await carrier();
    const { requestState } = await send();
    const answers = await Promise.all([send(requestState), send(requestState), send(requestState)]);
    expect(answers.filter((each) => each.structuredContent?.outcome === 'unassigning')).toHaveLength(1);
    expect((await send(requestState)).structuredContent).toMatchObject({ outcome: 'already_unassigning' });
    expect(changed).toEqual([['10.0.1.11']]);
  });

  it('is refused when a letter of it is another', async () => {
    const { send, changed } = await carrier();
    const { requestState } = await send();
    for (const at of [0, Math.floor(requestState.length / 2), requestState.length - 2]) {
      const letter = requestState[at] === 'A' ? 'B' : 'A';
      const tampered = requestState.slice(0, at) + letter + requestState.slice(at + 1);
      await expect(send(tampered)).rejects.toMatchObject({ code: -32602 });
    }
    expect(changed).toEqual([]);
    expect((await send(requestState)).structuredContent).toMatchObject({ outcome: 'unassigning' });
  });
});
