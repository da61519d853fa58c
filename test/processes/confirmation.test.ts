import {
  DescribeNatGatewaysCommand,
  EC2Client,
  UnassignPrivateNatGatewayAddressCommand,
} from '@aws-sdk/client-ec2';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { describe, expect, it, onTestFinished } from 'vitest';
import { scaledClock, startSimulator } from '../../src/simulator/simulator.ts';
import { DESCRIBE, UNASSIGN } from '../../src/vocabulary/names.ts';
import { deferred } from '../support/http.ts';
import { endpointEnvironment } from '../support/server-process.ts';
import { EGRESS } from '../support/session.ts';
import {
  connectLegacy,
  type FormAnswer,
  STDIO_CLIENTS,
  type StdioClient,
  serverCommand,
} from '../support/stdio-clients.ts';

const change = { nat_gateway_id: EGRESS, private_ip_addresses: ['10.0.1.11'] };
const YES: FormAnswer = { action: 'accept', content: { confirm: true } };

/** The addresses that an unassign request names. */
function addressesIn(parameters: Record<string, string>): string[] {
  return Object.keys(parameters).flatMap((name) =>
    name.startsWith('PrivateIpAddress.') ? (parameters[name] ?? []) : [],
  );
}

/** An endpoint, the environment of servers that use it, and a second administrator who changes the gateway. */
async function startEndpoint() {
  const changed: string[][] = [];
  const simulator = await startSimulator({
    throttling: false,
    clock: scaledClock(20),
    onCall: (call) => {
      if (call.changed) changed.push(addressesIn(call.parameters));
    },
  });
  onTestFinished(() => simulator.close());
  const ec2 = new EC2Client({
    region: simulator.region,
    endpoint: simulator.url,
    credentials: { accessKeyId: 'AKIASOMEONEELSE00000', secretAccessKey: 'simulated' },
  });
  onTestFinished(() => ec2.destroy());
  /** Releases another address of the gateway, to the end of its drain. */
  const releaseAnother = async (): Promise<void> => {
    const NatGatewayId = EGRESS;
    const request = { NatGatewayId, PrivateIpAddresses: ['10.0.1.14'], MaxDrainDurationSeconds: 1 };
    await ec2.send(new UnassignPrivateNatGatewayAddressCommand(request));
    for (let held = 5; held > 4; ) {
      const { NatGateways } = await ec2.send(
        new DescribeNatGatewaysCommand({ NatGatewayIds: [NatGatewayId] }),
      );
      held = NatGateways?.[0]?.NatGatewayAddresses?.length ?? 5;
    }
  };
  return { changed, environment: endpointEnvironment(simulator), releaseAnother };
}

/** Asks for a release and waits until the form is shown; it is answered when `answer` settles. */
async function callUntilAsked(connect: (answer: () => Promise<FormAnswer>) => Promise<StdioClient>) {
  const { promise: asked, resolve: ask } = deferred();
  const { promise: answered, resolve: answer } = deferred<FormAnswer>();
  const client = await connect(() => {
    ask();
    return answered;
  });
  const caller = new AbortController();
  // A call in flight would delay the end of its server.
  onTestFinished(() => caller.abort());
  const result = client.call(UNASSIGN, change, { signal: caller.signal });
  await asked;
  return { client, result, answer, cancel: () => caller.abort() };
}

describe.each(STDIO_CLIENTS)('a human at %s (%s)', (_, __, connect) => {
  it('is asked again when the gateway changes meanwhile, and the second yes counts', async () => {
    const { changed, environment, releaseAnother } = await startEndpoint();
    const questions: string[] = [];
    const { call } = await connect({
      environment,
      answer: async (question) => {
        if (questions.push(question) === 1) await releaseAnother();
        return YES;
      },
    });
    const { structuredContent } = await call(UNASSIGN, change);
    expect(structuredContent).toMatchObject({ outcome: 'unassigning', confirmation: 'confirmed' });
    expect(questions).toHaveLength(2);
    expect(questions[0]).toContain('Working addresses that remain: 4');
    expect(questions[1]).toMatch(/^Release .*\nThe gateway has changed since you were asked\./);
    expect(questions[1]).toContain('Working addresses that remain: 3');
    expect(changed).toEqual([['10.0.1.14'], ['10.0.1.11']]);
  });

  it('who does not answer changes nothing and blocks no other call on the gateway', async () => {
    const { changed, environment } = await startEndpoint();
    const { client, result } = await callUntilAsked((answer) => connect({ environment, answer }));
    result.catch(() => {});
    expect((await client.call(DESCRIBE, { nat_gateway_ids: [EGRESS] })).isError).toBeFalsy();
    const dryRun = await client.call(UNASSIGN, { ...change, mode: 'dry_run' });
    expect(dryRun.structuredContent).toMatchObject({ outcome: 'dry_run_passed' });
    expect(changed).toEqual([]);
  });
});

describe('a call cancelled while its human is asked', () => {
  // Revision 2026-07-28 has no such call: there the question is the answer to a call that is over.
  it('of the v1 client changes nothing, even when the human says yes afterwards', async () => {
    const { changed, environment } = await startEndpoint();
    const { client, result, answer, cancel } = await callUntilAsked((answer) =>
      connectLegacy({ environment, answer }),
    );
    cancel();
    await expect(result).rejects.toThrow();
    answer(YES);
    expect((await client.call(DESCRIBE, { nat_gateway_ids: [EGRESS] })).isError).toBeFalsy();
    await client.close();
    expect(changed).toEqual([]);
  });
});

describe('the request state of revision 2026-07-28', () => {
  /** Connects a client that answers by hand, so that a test can keep, change and repeat the state. */
  async function connectByHand() {
    const { environment, changed } = await startEndpoint();
    const client = new Client(
      { name: 'v2', version: '1.0.0' },
      {
        capabilities: { elicitation: {} },
        inputRequired: { autoFulfill: false },
        versionNegotiation: { mode: 'auto' },
      },
    );
    await client.connect(new StdioClientTransport(serverCommand({ environment })));
    onTestFinished(() => client.close());
    const send = async (requestState?: string) => {
      const params = {
        name: UNASSIGN,
        arguments: change,
        ...(requestState === undefined ? {} : { requestState, inputResponses: { confirm: YES } }),
      };
      // biome-ignore lint/suspicious/noExplicitAny: the raw result of a round
      return (await client.callTool(params as any, { allowInputRequired: true } as any)) as any;
    };
    return { send, changed };
  }

  it('allows one change, however often it is sent', async () => {
    const { send, changed } = await connectByHand();
    const { requestState } = await send();
    const answers = await Promise.all([send(requestState), send(requestState), send(requestState)]);
    expect(answers.filter((each) => each.structuredContent?.outcome === 'unassigning')).toHaveLength(1);
    expect((await send(requestState)).structuredContent).toMatchObject({ outcome: 'already_unassigning' });
    expect(changed).toEqual([['10.0.1.11']]);
  });

  it('is refused when one character differs, and remains valid', async () => {
    const { send, changed } = await connectByHand();
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
