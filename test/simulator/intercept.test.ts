import { DescribeNatGatewaysCommand, UnassignPrivateNatGatewayAddressCommand } from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { codeOf, EGRESS, post, refusal, START, startEndpoint } from '../support/endpoint.ts';

const unassign = (DryRun = false) =>
  new UnassignPrivateNatGatewayAddressCommand({
    NatGatewayId: EGRESS,
    PrivateIpAddresses: ['10.0.1.11'],
    DryRun,
  });

describe('interceptor', () => {
  it('can reset the connection before the request is applied', async () => {
    const { ec2, calls } = await startEndpoint({
      intercept: async ({ socket }) => {
        socket.resetAndDestroy();
        return undefined;
      },
    });
    await expect(ec2.send(unassign())).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(calls).toEqual([]);
  });

  it('can reset the connection after the request is applied', async () => {
    const { ec2, calls } = await startEndpoint({
      intercept: async ({ apply, socket }) => {
        apply();
        socket.resetAndDestroy();
        return undefined;
      },
    });
    await expect(ec2.send(unassign())).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(calls).toMatchObject([{ status: 200, changed: true, at: START }]);
  });

  it('can send another answer, and sees the decoded call', async () => {
    const seen: unknown[] = [];
    const { ec2, calls } = await startEndpoint({
      intercept: async ({ action, parameters, dryRun }) => {
        seen.push([action, parameters.NatGatewayId, dryRun]);
        return { status: 502, headers: { 'content-type': 'text/html' }, body: '<html>Bad Gateway' };
      },
    });
    await expect(ec2.send(unassign(true))).rejects.toMatchObject({ $metadata: { httpStatusCode: 502 } });
    expect(seen).toEqual([['UnassignPrivateNatGatewayAddress', EGRESS, true]]);
    expect(calls).toEqual([]);
  });

  it('can answer a dry run with success', async () => {
    const { ec2 } = await startEndpoint({
      intercept: async ({ apply, dryRun }) => ({ ...apply(), ...(dryRun ? { status: 200, body: '' } : {}) }),
    });
    expect((await ec2.send(unassign(true))).$metadata.httpStatusCode).toBe(200);
  });

  it('can cut the body short', async () => {
    const { simulator, calls } = await startEndpoint({
      intercept: async ({ apply, response }) => {
        const { status, headers, body } = apply();
        response.writeHead(status, { ...headers, 'content-length': body.length });
        response.write(body.slice(0, 100), () => response.destroy());
        return undefined;
      },
    });
    const response = await post(simulator, 'Action=DescribeNatGateways');
    await expect(response.text()).rejects.toThrow();
    expect(calls).toMatchObject([{ status: 200 }]);
  });

  it('can advance the clock between a request and its effect', async () => {
    const { ec2, calls, clock } = await startEndpoint({
      intercept: async ({ apply }) => {
        clock.advance(7);
        return apply();
      },
    });
    await ec2.send(new DescribeNatGatewaysCommand({}));
    expect(calls[0]?.at).toBe(START + 7000);
  });

  it('causes an InternalError when it throws', async () => {
    const { ec2 } = await startEndpoint({
      intercept: async () => {
        throw new Error('boom');
      },
    });
    expect(await refusal(ec2.send(unassign()))).toEqual([
      'InternalError',
      500,
      'An internal error has occurred: boom',
    ]);
  });

  it('can apply a request twice, each time with its own request id', async () => {
    const { ec2, calls } = await startEndpoint({
      intercept: async ({ apply }) => {
        apply();
        return apply();
      },
    });
    expect((await refusal(ec2.send(unassign())))[0]).toBe('OperationInProgress');
    expect(calls.map(({ code }) => code)).toEqual([undefined, 'OperationInProgress']);
    expect(new Set(calls.map(({ requestId }) => requestId)).size).toBe(2);
  });

  it('sees requests that are not of EC2 too', async () => {
    const seen: string[] = [];
    const { simulator } = await startEndpoint({
      intercept: async ({ action, apply }) => {
        seen.push(action);
        return apply();
      },
    });
    expect(codeOf(await (await post(simulator, '%zz')).text())).toBe('MalformedQueryString');
    expect(seen).toEqual(['']);
  });

  it('does not keep the endpoint from closing when it leaves a client hanging', async () => {
    let arrived = () => {};
    const waiting = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    const { ec2, simulator } = await startEndpoint({
      intercept: async () => {
        arrived();
        return undefined;
      },
    });
    const hanging = ec2.send(unassign()).catch((error: unknown) => error);
    await waiting;
    await simulator.close();
    await simulator.close();
    expect(await hanging).toBeInstanceOf(Error);
  });
});
