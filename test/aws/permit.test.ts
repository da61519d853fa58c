import { describe, expect, it } from 'vitest';
import type { Permit } from '../../src/aws/permit.ts';
import { accepted, afterDryRun, ec2Error } from '../support/ec2-replies.ts';
import { connectToStub, permitFor, REQUEST, sent } from '../support/ec2-stub.ts';

describe.concurrent('a permit', () => {
  it('is rejected the second time', async ({ onTestFinished }) => {
    const { ec2, requests } = await connectToStub(onTestFinished, afterDryRun(accepted));
    const permit = await permitFor(ec2);
    await ec2.unassign.send(permit);
    await expect(ec2.unassign.send(permit)).rejects.toThrow('spent');
    expect(sent(requests)).toEqual({ dryRuns: 1, realCalls: 1 });
  });

  it('allows one of a hundred simultaneous uses', async ({ onTestFinished }) => {
    const { ec2, requests } = await connectToStub(onTestFinished, afterDryRun(accepted));
    const permit = await permitFor(ec2);
    const uses = await Promise.allSettled(Array.from({ length: 100 }, () => ec2.unassign.send(permit)));
    expect(uses.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(sent(requests)).toEqual({ dryRuns: 1, realCalls: 1 });
  });

  it('is rejected after a call that failed', async ({ onTestFinished }) => {
    const reply = afterDryRun(ec2Error(503, 'RequestLimitExceeded'));
    const { ec2, requests } = await connectToStub(onTestFinished, reply);
    const permit = await permitFor(ec2);
    expect(await ec2.unassign.send(permit)).toMatchObject({ kind: 'refused' });
    await expect(ec2.unassign.send(permit)).rejects.toThrow('spent');
    expect(sent(requests)).toEqual({ dryRuns: 1, realCalls: 1 });
  });

  const forgeries: [string, (genuine: object) => object][] = [
    ['an object with the same method', () => ({ spend: () => REQUEST })],
    ['an empty object', () => ({})],
    ['an object made from the prototype of a genuine one', (genuine) => Object.create(genuine)],
    [
      'one made by the constructor of a genuine one',
      (genuine) => {
        const { constructor: Kind } = Object.getPrototypeOf(genuine);
        return new Kind({ ...REQUEST, privateIps: ['10.0.0.9'] });
      },
    ],
    [
      'a genuine one with its method replaced',
      (genuine) => Object.assign(Object.create(genuine), { spend: () => REQUEST }),
    ],
  ];

  it.for(forgeries)('is rejected when it is %s', async ([, forge], { onTestFinished }) => {
    const { ec2, requests } = await connectToStub(onTestFinished, afterDryRun(accepted));
    const genuine = await permitFor(ec2);
    const use = async () => ec2.unassign.send(forge(genuine) as Permit);
    await expect(use()).rejects.toThrow();
    expect(sent(requests)).toEqual({ dryRuns: 1, realCalls: 0 });
  });
});
