import { describe, expect, it, onTestFinished } from 'vitest';
import { accepted, afterDryRun, answer, GATEWAY, type Reply, reset } from '../support/ec2-replies.ts';
import { BY, connectToStub, neverAborted, permitFor, REQUEST } from '../support/ec2-stub.ts';

const change = { region: REQUEST.region, natGatewayId: GATEWAY, privateIps: ['10.0.0.5', '10.0.0.6'] };

/** The answer to a real call, whose addresses need not be named. */
function assigned(gateway: string, ...items: string[]): Reply {
  const set = items.map((item) => `<item>${item}</item>`).join('');
  return answer(
    200,
    `<AssignPrivateNatGatewayAddressResponse><requestId>request-1</requestId><natGatewayId>${gateway}</natGatewayId><natGatewayAddressSet>${set}</natGatewayAddressSet></AssignPrivateNatGatewayAddressResponse>`,
  );
}

const ASSIGNING = '<status>assigning</status>';

async function assign(reply: Reply) {
  const { ec2, requests } = await connectToStub(onTestFinished, afterDryRun(reply));
  const dryRun = await ec2.assign.dryRun(change, neverAborted, BY);
  if (!dryRun.passed) throw new Error(dryRun.error.message);
  return { answer: await ec2.assign.send(dryRun.permit), requests };
}

describe('assigning addresses', () => {
  it('sends the real call once, with the parameters of its dry run', async () => {
    const { answer, requests } = await assign(assigned(GATEWAY, ASSIGNING, ASSIGNING));
    expect(answer).toMatchObject({ kind: 'accepted', request_id: 'request-1' });
    const [dryRun, real, ...more] = requests.map(({ form }) => Object.fromEntries(form));
    expect(more).toEqual([]);
    expect(dryRun).toMatchObject({
      Action: 'AssignPrivateNatGatewayAddress',
      NatGatewayId: GATEWAY,
      'PrivateIpAddress.1': '10.0.0.5',
      'PrivateIpAddress.2': '10.0.0.6',
      DryRun: 'true',
    });
    expect(real).toEqual({ ...dryRun, DryRun: 'false' });
  });

  it.each<[string, Reply]>([
    ['names the addresses', assigned(GATEWAY, `<privateIp>10.0.0.6</privateIp>${ASSIGNING}`, ASSIGNING)],
    ['names none', assigned(GATEWAY, ASSIGNING, ASSIGNING)],
  ])('is accepted by an answer that %s', async (_, reply) => {
    expect((await assign(reply)).answer).toMatchObject({ kind: 'accepted' });
  });

  it.each<[string, Reply]>([
    ['is for another gateway', assigned('nat-0123456789abcdef1', ASSIGNING, ASSIGNING)],
    ['has fewer addresses', assigned(GATEWAY, ASSIGNING)],
    ['has more addresses', assigned(GATEWAY, ASSIGNING, ASSIGNING, ASSIGNING)],
    ['names another address', assigned(GATEWAY, ASSIGNING, `<privateIp>10.0.0.7</privateIp>${ASSIGNING}`)],
    ['has a failed address', assigned(GATEWAY, ASSIGNING, '<status>failed</status>')],
    ['is a reset', reset],
  ])('is ambiguous after an answer that %s', async (_, reply) => {
    const { answer, requests } = await assign(reply);
    expect(answer).toMatchObject({ kind: 'ambiguous' });
    expect(requests).toHaveLength(2);
  });
});

describe('a permit', () => {
  it('is good for its own action only', async () => {
    const { ec2, requests } = await connectToStub(onTestFinished, afterDryRun(accepted));
    const unassign = await permitFor(ec2);
    const assign = await ec2.assign.dryRun(change, neverAborted, BY);
    await expect(ec2.assign.send(unassign)).rejects.toThrow('another action');
    await expect(ec2.unassign.send('permit' in assign ? assign.permit : unassign)).rejects.toThrow(
      'another action',
    );
    expect(requests.filter(({ dryRun }) => !dryRun)).toEqual([]);
  });
});
