import { describe, expect, it } from 'vitest';
import { neverAborted, REGION } from '../../support/ec2-stub.ts';
import {
  association,
  GATEWAY,
  OTHER,
  type Reply,
  routeTable,
  routeTables,
  startEvidence,
  subnets,
  xml,
} from '../../support/evidence-endpoint.ts';

const subnet = (id: string, vpc = 'vpc-1') => `<subnetId>${id}</subnetId><vpcId>${vpc}</vpcId>`;

const MAIN = routeTable('rtb-main', [GATEWAY], [association('main')]);
const PRIVATE = routeTable('rtb-1', [GATEWAY], [association('subnet-1'), association('subnet-2')]);
const ELSEWHERE = routeTable('rtb-2', [OTHER], [association('subnet-9')]);

const refused = xml(
  '<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors></Response>',
  403,
);

/** Answers the look-up by gateway with `byGateway`, that by VPC with `byVpc`. */
function tables(byGateway: Reply, byVpc: Reply): Reply {
  return (response, asked) =>
    (asked.form.get('Filter.1.Name') === 'vpc-id' ? byVpc : byGateway)(response, asked);
}

describe.concurrent('routes', () => {
  it('are asked for by gateway, all in one request of bounded size', async ({ onTestFinished }) => {
    const { ec2, of } = await startEvidence(onTestFinished, {
      DescribeRouteTables: routeTables([PRIVATE, ELSEWHERE]),
    });
    const questions = [GATEWAY, OTHER].map((natGatewayId) => ({ natGatewayId, privateIps: [] }));
    const evidence = await ec2.evidence(REGION, questions, neverAborted);
    expect(evidence.get(GATEWAY)?.routes).toEqual({
      status: 'found',
      route_table_ids: ['rtb-1'],
      subnet_ids: ['subnet-1', 'subnet-2'],
    });
    expect(evidence.get(OTHER)?.routes).toMatchObject({ route_table_ids: ['rtb-2'] });
    expect(of('DescribeRouteTables').map(({ form }) => Object.fromEntries(form))).toEqual([
      expect.objectContaining({
        'Filter.1.Name': 'route.nat-gateway-id',
        'Filter.1.Value.1': GATEWAY,
        'Filter.1.Value.2': OTHER,
        MaxResults: '100',
      }),
    ]);
    expect(of('DescribeSubnets')).toEqual([]);
  });

  it('come over pages, short and empty ones too', async ({ onTestFinished }) => {
    const { read } = await startEvidence(onTestFinished, {
      DescribeRouteTables: (response, asked) =>
        [routeTables([], 'a'), routeTables([ELSEWHERE], 'b'), routeTables([PRIVATE])][asked.index]?.(
          response,
          asked,
        ),
    });
    expect((await read()).routes).toMatchObject({ status: 'found', route_table_ids: ['rtb-1'] });
  });

  it('are none where the endpoint ignores the filter and shows others', async ({ onTestFinished }) => {
    const { read } = await startEvidence(onTestFinished, { DescribeRouteTables: routeTables([ELSEWHERE]) });
    expect((await read()).routes).toEqual({ status: 'none' });
  });

  it('count associations that exist, and no others', async ({ onTestFinished }) => {
    const associations = [
      association('subnet-1'),
      ...['associating', 'disassociating', 'disassociated', 'failing', 'failed'].map((state) =>
        association(`subnet-${state}`, state),
      ),
      '<item><gatewayId>igw-1</gatewayId><associationState><state>associated</state></associationState></item>',
      association('main', 'disassociated'),
    ];
    const { read, of } = await startEvidence(onTestFinished, {
      DescribeRouteTables: routeTables([routeTable('rtb-1', [GATEWAY], associations)]),
    });
    expect((await read()).routes).toEqual({
      status: 'found',
      route_table_ids: ['rtb-1'],
      subnet_ids: ['subnet-1'],
    });
    expect(of('DescribeSubnets')).toEqual([]);
  });

  it.for([
    ['no VPC', '<routeTableId>rtb-1</routeTableId>'],
    ['no id', ''],
  ] as const)('survive a table with %s and no associations', async ([, members], { onTestFinished }) => {
    const table = `${members}<routeSet><item/><item><natGatewayId>${GATEWAY}</natGatewayId></item></routeSet>`;
    const { read } = await startEvidence(onTestFinished, {
      DescribeRouteTables: routeTables([table, PRIVATE]),
    });
    expect((await read()).routes).toMatchObject({ status: 'found', subnet_ids: ['subnet-1', 'subnet-2'] });
  });
});

describe.concurrent('routes of a main table', () => {
  const everyTable = routeTables([
    MAIN,
    routeTable('rtb-3', [], [association('subnet-3'), association('subnet-4', 'disassociated')]),
  ]);
  const everySubnet = subnets([
    ...['subnet-3', 'subnet-4', 'subnet-5'].map((id) => subnet(id)),
    subnet('subnet-6', 'vpc-2'),
  ]);

  it('include the subnets of the VPC that have no association of their own', async ({ onTestFinished }) => {
    const { read, of } = await startEvidence(onTestFinished, {
      DescribeRouteTables: tables(routeTables([MAIN]), everyTable),
      DescribeSubnets: everySubnet,
    });
    expect((await read()).routes).toEqual({
      status: 'found',
      route_table_ids: ['rtb-main'],
      subnet_ids: ['subnet-4', 'subnet-5'],
    });
    expect(of('DescribeSubnets').map(({ form }) => form.get('Filter.1.Value.1'))).toEqual(['vpc-1']);
  });

  it.for<[string, Record<string, Reply>, string[]]>([
    [
      'associations are denied, without a guess',
      { DescribeRouteTables: tables(routeTables([MAIN, PRIVATE]), refused), DescribeSubnets: everySubnet },
      ['subnet-1', 'subnet-2'],
    ],
    [
      'subnets are denied',
      { DescribeRouteTables: tables(routeTables([MAIN, PRIVATE]), everyTable), DescribeSubnets: refused },
      ['subnet-1', 'subnet-2'],
    ],
    [
      'a page of subnets is denied, with the subnets before it',
      {
        DescribeRouteTables: tables(routeTables([MAIN]), everyTable),
        DescribeSubnets: (response, asked) =>
          (asked.index === 0 ? subnets([subnet('subnet-5')], 'more') : refused)(response, asked),
      },
      ['subnet-5'],
    ],
  ])('are incomplete where %s', async ([, replies, subnet_ids], { onTestFinished }) => {
    const { read } = await startEvidence(onTestFinished, replies);
    expect((await read()).routes).toMatchObject({ status: 'found', incomplete: true, subnet_ids });
  });

  it('are incomplete where the table names no VPC', async ({ onTestFinished }) => {
    const { read, of } = await startEvidence(onTestFinished, {
      DescribeRouteTables: routeTables([MAIN.replace('<vpcId>vpc-1</vpcId>', '')]),
    });
    expect((await read()).routes).toEqual({
      status: 'found',
      incomplete: true,
      route_table_ids: ['rtb-main'],
      subnet_ids: [],
    });
    expect(of('DescribeSubnets')).toEqual([]);
  });

  it('are incomplete where the second round trip outlasts the deadline', async ({ onTestFinished }) => {
    const { read } = await startEvidence(
      onTestFinished,
      { DescribeRouteTables: tables(routeTables([MAIN]), everyTable), DescribeSubnets: () => {} },
      { evidence: 2000 },
    );
    expect((await read()).routes).toMatchObject({ status: 'found', incomplete: true });
  });
});
