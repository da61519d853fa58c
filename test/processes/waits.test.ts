import { describe, expect, it, type onTestFinished } from 'vitest';
import {
  defaultInventory,
  type SimulatorCall,
  type SimulatorOptions,
  startSimulator,
} from '../../src/simulator/simulator.ts';
import { UNASSIGN, WAIT } from '../../src/vocabulary/names.ts';
import { deferred } from '../support/http.ts';
import { endpointEnvironment } from '../support/server-process.ts';
import { EGRESS } from '../support/session.ts';
import { type ConnectOverStdio, STDIO_CLIENTS } from '../support/stdio-clients.ts';

const DRAINING = 'nat-0c33c33c33c33c33c';

/** Connects to a server whose EC2 is an endpoint of this test, with the describes that endpoint answered. */
async function connectToEndpoint(
  connect: ConnectOverStdio,
  finish: typeof onTestFinished,
  options: SimulatorOptions = {},
) {
  const reads: SimulatorCall[] = [];
  const { promise: firstRead, resolve } = deferred();
  const simulator = await startSimulator({
    throttling: false,
    ...options,
    onCall: (call) => {
      if (call.action !== 'DescribeNatGateways') return;
      reads.push(call);
      resolve();
    },
  });
  finish(() => simulator.close());
  const client = await connect({ environment: endpointEnvironment(simulator), finish });
  return { client, reads, firstRead };
}

/** The ids of gateways that a describe asks for. */
function idsIn({ parameters }: SimulatorCall): string[] {
  return Object.values(parameters)
    .flat()
    .filter((value) => value.startsWith('nat-0'));
}

describe.concurrent.each(STDIO_CLIENTS)('a wait of %s over stdio', { timeout: 90_000 }, (_, __, connect) => {
  it('can be continued by next, and reports progress until the release', async ({ onTestFinished }) => {
    const args = ['--simulate', '--simulate-speed', '20'];
    const client = await connect({ args, finish: onTestFinished });
    const { structuredContent: started } = await client.call(UNASSIGN, {
      nat_gateway_id: EGRESS,
      private_ip_addresses: ['10.0.1.11'],
      max_drain_duration_seconds: 80,
    });
    const { tool, arguments: next } = started.next;
    const { structuredContent: early } = await client.call(tool, { ...next, timeout_seconds: 1 });
    expect(early).toMatchObject({ outcome: 'still_changing', addresses: [{ fate: 'unassigning' }] });
    const reports: number[] = [];
    const { structuredContent: late } = await client.call(
      early.next.tool,
      { ...early.next.arguments, timeout_seconds: 30 },
      { onprogress: (report) => reports.push(report) },
    );
    expect(late).toMatchObject({
      outcome: 'settled',
      addresses: [{ private_ip: '10.0.1.11', fate: 'released' }],
    });
    expect(reports.length).toBeGreaterThan(0);
    expect(reports).toEqual([...new Set(reports)].sort((a, b) => a - b));
  });

  it('outlasts throttling', async ({ onTestFinished }) => {
    let now = Date.now();
    let refusals = 0;
    const { client, reads } = await connectToEndpoint(connect, onTestFinished, {
      clock: { now: () => now },
      intercept: async ({ action, apply }) => {
        if (action !== 'DescribeNatGateways' || reads.length !== 1 || refusals === 3) return apply();
        refusals += 1;
        now += 400_000;
        const body =
          '<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>x</Message></Error></Errors></Response>';
        return { status: 503, headers: { 'content-type': 'text/xml' }, body };
      },
    });
    const { structuredContent } = await client.call(WAIT, { nat_gateway_id: DRAINING, timeout_seconds: 55 });
    expect(refusals).toBe(3);
    expect(structuredContent).toMatchObject({ outcome: 'settled', addresses: [{ fate: 'released' }] });
  });

  it('reports that the gateway was deleted', async ({ onTestFinished }) => {
    const inventory = defaultInventory(Date.now());
    const { client, firstRead } = await connectToEndpoint(connect, onTestFinished, { inventory });
    const waiting = client.call(WAIT, { nat_gateway_id: DRAINING, timeout_seconds: 55 });
    await firstRead;
    for (const gateway of inventory) gateway.state = 'deleted';
    expect((await waiting).structuredContent.outcome).toBe('gateway_deleted');
  });

  it('reads its gateway no more once it is cancelled', async ({ onTestFinished }) => {
    const { client, reads, firstRead } = await connectToEndpoint(connect, onTestFinished);
    const cancel = new AbortController();
    const args = { nat_gateway_id: DRAINING, timeout_seconds: 55 };
    const waiting = client.call(WAIT, args, { signal: cancel.signal });
    await firstRead;
    cancel.abort();
    await expect(waiting).rejects.toThrow();
    // One read serves all waits of a region: the read for this later wait shows which of them are left.
    const later = await client.call(WAIT, { nat_gateway_id: EGRESS, timeout_seconds: 2 });
    expect(later.structuredContent.outcome).toBe('no_change_seen');
    expect(reads.slice(0, 1).map(idsIn)).toEqual([[DRAINING]]);
    expect(reads.slice(-1).map(idsIn)).toEqual([[EGRESS]]);
  });
});
