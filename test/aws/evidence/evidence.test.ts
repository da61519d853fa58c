import { describe, expect, it } from 'vitest';
import { neverAborted, REGION } from '../../support/ec2-stub.ts';
import {
  ADDRESS,
  EVERYTHING,
  FOUND,
  GATEWAY,
  OTHER,
  prefixLists,
  type Reply,
  startEvidence,
} from '../../support/evidence-endpoint.ts';

describe.concurrent('the evidence about a gateway', () => {
  it('is what every source has', async ({ onTestFinished }) => {
    const { read } = await startEvidence(onTestFinished);
    expect(await read()).toEqual(FOUND);
  });

  it('takes one request for each source, all sent before any is answered', async ({ onTestFinished }) => {
    const held: (() => void)[] = [];
    const atOnce = (reply: Reply): Reply => {
      return (response, asked) => {
        held.push(() => reply(response, asked));
        if (held.length === 4) for (const answer of held) answer();
      };
    };
    const answers = { ...EVERYTHING, DescribeManagedPrefixLists: prefixLists([]) };
    const replies = Object.fromEntries(
      Object.entries(answers).map(([action, reply]) => [action, atOnce(reply)]),
    );
    const { read, requests } = await startEvidence(onTestFinished, replies);
    expect(await read()).toMatchObject({ traffic: { status: 'found' }, prefix_lists: { status: 'none' } });
    expect(requests.map(({ action }) => action).sort()).toEqual([
      'DescribeManagedPrefixLists',
      'DescribeRouteTables',
      'DescribeSecurityGroups',
      'GetMetricData',
    ]);
  });

  it('is kept apart by gateway, from the same requests', async ({ onTestFinished }) => {
    const { ec2, requests } = await startEvidence(onTestFinished);
    const evidence = await ec2.evidence(
      REGION,
      [
        { natGatewayId: GATEWAY, privateIps: [ADDRESS] },
        { natGatewayId: OTHER, privateIps: ['172.16.0.1'] },
      ],
      neverAborted,
    );
    expect([...evidence.keys()]).toEqual([GATEWAY, OTHER]);
    expect(evidence.get(OTHER)).toMatchObject({
      traffic: { status: 'found' },
      routes: { status: 'none' },
      security_groups: { status: 'none' },
      prefix_lists: { status: 'none' },
    });
    expect(requests).toHaveLength(5);
  });
});
