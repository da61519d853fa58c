import { describe, expect, it } from 'vitest';
import { answer, type Reply } from '../support/ec2-replies.ts';
import { connectToStub, failureReport, neverAborted, REGION } from '../support/ec2-stub.ts';

const GATEWAY = 'nat-0123456789abcdef0';

function page(token: string | undefined, ...ids: string[]): Reply {
  const items = ids.map((id) => `<item><natGatewayId>${id}</natGatewayId></item>`).join('');
  const next = token === undefined ? '' : `<nextToken>${token}</nextToken>`;
  return answer(
    200,
    `<DescribeNatGatewaysResponse><requestId>r</requestId><natGatewaySet>${items}</natGatewaySet>${next}</DescribeNatGatewaysResponse>`,
  );
}

describe.concurrent('a read of a gateway', () => {
  it('follows tokens over short and empty pages, each once, until it is found', async ({
    onTestFinished,
  }) => {
    const { ec2, requests } = await connectToStub(onTestFinished, (response, request) => {
      const { index } = request;
      const next = `token${index + 1}`;
      const shown = { 40: ['nat-00000000000000000'], 60: [GATEWAY] }[index] ?? [];
      page(next, ...shown)(response, request);
    });
    expect(await ec2.readGateway(REGION, GATEWAY, neverAborted)).toMatchObject({ nat_gateway_id: GATEWAY });
    expect(requests.map(({ form }) => form.get('NextToken'))).toEqual([
      null,
      ...Array.from({ length: 60 }, (_, index) => `token${index + 1}`),
    ]);
    expect(new Set(requests.map(({ form }) => form.get('Filter.1.Value.1')))).toEqual(new Set([GATEWAY]));
  });

  it('shows none when the last page ends without it', async ({ onTestFinished }) => {
    const { ec2 } = await connectToStub(onTestFinished, (response, request) =>
      page(request.index === 0 ? 'token' : undefined, 'nat-00000000000000000')(response, request),
    );
    expect(await ec2.readGateway(REGION, GATEWAY, neverAborted)).toBeUndefined();
  });

  it('reports bad_response when a token comes twice', async ({ onTestFinished }) => {
    const { ec2, requests } = await connectToStub(onTestFinished, (response, request) =>
      page(['a', 'b', 'a'][request.index] ?? 'c')(response, request),
    );
    expect(await failureReport(ec2.readGateway(REGION, GATEWAY, neverAborted))).toMatchObject({
      code: 'bad_response',
      message: expect.stringContaining('twice'),
    });
    expect(requests).toHaveLength(3);
  });

  it('reports bad_response after 251 pages', async ({ onTestFinished }) => {
    const reply: Reply = (response, request) => page(`token${request.index}`)(response, request);
    const { ec2, requests } = await connectToStub(onTestFinished, reply, { timeouts: { read: 60_000 } });
    expect(await failureReport(ec2.readGateway(REGION, GATEWAY, neverAborted))).toMatchObject({
      code: 'bad_response',
    });
    expect(requests).toHaveLength(251);
  });

  it('reports timed_out when pages outlast the time of one read', async ({ onTestFinished }) => {
    const reply: Reply = (response, request) => page(`token${request.index}`)(response, request);
    const { ec2 } = await connectToStub(onTestFinished, reply, { timeouts: { read: 200 } });
    expect(await failureReport(ec2.readGateway(REGION, GATEWAY, neverAborted))).toMatchObject({
      code: 'timed_out',
    });
  });

  it('believes only gateways that were asked for, the first of each', async ({ onTestFinished }) => {
    const { ec2 } = await connectToStub(onTestFinished, page(undefined, 'nat-1', GATEWAY, GATEWAY));
    const read = await ec2.readGateways(REGION, ['nat-2', GATEWAY], neverAborted);
    expect(read.map(({ nat_gateway_id }) => nat_gateway_id)).toEqual([GATEWAY]);
  });
});
