import { describe, expect, it } from 'vitest';
import { neverAborted, REGION } from '../../support/ec2-stub.ts';
import {
  ADDRESS,
  EVERYTHING,
  entries,
  entry,
  FOUND,
  GATEWAY,
  OTHER,
  prefixLists,
  type Reply,
  startEvidence,
  xml,
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

  it('follows what the latest look found at once, beside finding it again', async ({ onTestFinished }) => {
    const held: (() => void)[] = [];
    let expected = Number.POSITIVE_INFINITY;
    const atOnce = (reply: Reply): Reply => {
      return (response, asked) => {
        if (expected === Number.POSITIVE_INFINITY) return reply(response, asked);
        held.push(() => reply(response, asked));
        if (held.length === expected) for (const answer of held) answer();
      };
    };
    const replies = Object.fromEntries(
      Object.entries(EVERYTHING).map(([action, reply]) => [action, atOnce(reply)]),
    );
    const { read, requests } = await startEvidence(onTestFinished, replies);
    const first = await read();
    expected = requests.length;
    expect(await read()).toEqual(first);
    expect(held).toHaveLength(expected);
  });

  it.for([
    [
      'cannot be read any more',
      xml('<Response><Errors><Error><Code>x</Code></Error></Errors></Response>', 400),
    ],
    ['is not listed any more', entries([entry('10.0.1.13/32')])],
  ] as const)('lacks nothing where a list of the latest look %s', async ([, reply], { onTestFinished }) => {
    let isGone = false;
    const { DescribeManagedPrefixLists: lists, GetManagedPrefixListEntries: all } = EVERYTHING;
    const { read } = await startEvidence(onTestFinished, {
      DescribeManagedPrefixLists: (...exchange) => (isGone ? prefixLists([]) : lists)?.(...exchange),
      GetManagedPrefixListEntries: (...exchange) => (isGone ? reply : all)?.(...exchange),
    });
    expect((await read()).prefix_lists.status).toBe('found');
    isGone = true;
    expect((await read()).prefix_lists).toEqual({ status: 'none' });
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
