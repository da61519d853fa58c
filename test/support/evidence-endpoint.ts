import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Evidence } from '../../src/nat-gateway/evidence.ts';
import type { Timeouts } from '../../src/vocabulary/timeouts.ts';
import { XML } from './ec2-replies.ts';
import { connect, neverAborted, REGION } from './ec2-stub.ts';

/** An endpoint that answers the look-ups with bodies written out as AWS sends them, and `connectEc2` to it. */

export const GATEWAY = 'nat-0123456789abcdef0';
export const OTHER = 'nat-0fedcba9876543210';
export const ADDRESS = '10.0.1.13';
export const QUESTION = { natGatewayId: GATEWAY, privateIps: [ADDRESS] };

/** A request as the endpoint received it. */
export interface Asked {
  action: string;
  /** Of EC2's protocol. */
  form: URLSearchParams;
  /** Of CloudWatch's protocol. */
  json: MetricRequest;
  accessKeyId: string;
  /** Number of requests for the same action received before this one. */
  index: number;
}

interface MetricRequest {
  StartTime: number;
  EndTime: number;
  NextToken?: string;
  MetricDataQueries: {
    Id: string;
    MetricStat: {
      Period: number;
      Stat: string;
      Metric: { Namespace: string; MetricName: string; Dimensions: { Name: string; Value: string }[] };
    };
  }[];
}

export type Reply = (response: ServerResponse, asked: Asked) => void;

export type Finish = (cleanUp: () => void | Promise<void>) => void;

const JSON_1_0 = { 'content-type': 'application/x-amz-json-1.0', 'x-amzn-requestid': 'request-1' };

export function xml(body: string, status = 200): Reply {
  return (response) => void response.writeHead(status, XML).end(body);
}

export function json(body: string, status = 200, headers: Record<string, string> = {}): Reply {
  return (response) => void response.writeHead(status, { ...JSON_1_0, ...headers }).end(body);
}

/** A page of one of EC2's lists. */
export function page(action: string, set: string, items: readonly string[], token?: string): Reply {
  const list = items.map((item) => `<item>${item}</item>`).join('');
  const next = token === undefined ? '' : `<nextToken>${token}</nextToken>`;
  return xml(
    `<?xml version="1.0" encoding="UTF-8"?>\n<${action}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId><${set}>${list}</${set}>${next}</${action}Response>`,
  );
}

export const routeTables = (items: readonly string[], token?: string) =>
  page('DescribeRouteTables', 'routeTableSet', items, token);
export const subnets = (items: readonly string[], token?: string) =>
  page('DescribeSubnets', 'subnetSet', items, token);
export const securityGroups = (items: readonly string[], token?: string) =>
  page('DescribeSecurityGroups', 'securityGroupInfo', items, token);
export const prefixLists = (items: readonly string[], token?: string) =>
  page('DescribeManagedPrefixLists', 'prefixListSet', items, token);
export const entries = (items: readonly string[], token?: string) =>
  page('GetManagedPrefixListEntries', 'entrySet', items, token);

/** One association of a route table, as `subnet-1`, `main`, and its state. */
export function association(of: string, state = 'associated'): string {
  const what = of === 'main' ? '<main>true</main>' : `<subnetId>${of}</subnetId><main>false</main>`;
  return `<item><routeTableAssociationId>rtbassoc-1</routeTableAssociationId>${what}<associationState><state>${state}</state></associationState></item>`;
}

export function routeTable(id: string, natGatewayIds: readonly string[], associations: string[]): string {
  const routes = natGatewayIds.map(
    (gateway) =>
      `<item><destinationCidrBlock>0.0.0.0/0</destinationCidrBlock><natGatewayId>${gateway}</natGatewayId><state>active</state></item>`,
  );
  const local =
    '<item><destinationCidrBlock>10.0.0.0/16</destinationCidrBlock><gatewayId>local</gatewayId></item>';
  return `<routeTableId>${id}</routeTableId><vpcId>vpc-1</vpcId><routeSet>${local}${routes.join('')}</routeSet><associationSet>${associations.join('')}</associationSet>`;
}

/** A security group with one inbound rule; `cidrs` are its IPv4 ranges. */
export function securityGroup(id: string, ...cidrs: string[]): string {
  const ranges = cidrs.map((cidr) => `<item><cidrIp>${cidr}</cidrIp></item>`).join('');
  return `<groupId>${id}</groupId><ipPermissions><item><ipProtocol>tcp</ipProtocol><ipRanges>${ranges}</ipRanges><ipv6Ranges><item><cidrIpv6>::/0</cidrIpv6></item></ipv6Ranges></item></ipPermissions><ipPermissionsEgress><item><ipProtocol>-1</ipProtocol><ipRanges><item><cidrIp>10.0.1.13/32</cidrIp></item></ipRanges></item></ipPermissionsEgress>`;
}

export function prefixList(id: string, owner = '123456789012', state = 'create-complete', family = 'IPv4') {
  return `<prefixListId>${id}</prefixListId><addressFamily>${family}</addressFamily><state>${state}</state><ownerId>${owner}</ownerId><version>1</version>`;
}

export const entry = (cidr: string) => `<cidr>${cidr}</cidr><description>says the test</description>`;

/** Two hours of data for every metric that is asked: 61000 and 100. */
export const metrics: Reply = (response, asked) => {
  const { EndTime, MetricDataQueries } = asked.json;
  const results = MetricDataQueries.map(
    ({ Id }) =>
      `{"Id":"${Id}","Timestamps":[${EndTime - 3600},${EndTime - 7200}],"Values":[61000,100],"StatusCode":"Complete"}`,
  );
  json(`{"MetricDataResults":[${results.join(',')}]}`)(response, asked);
};

/** Answers in which each source has found something about `GATEWAY`, in one round trip but for the prefix list. */
export const EVERYTHING: Readonly<Record<string, Reply>> = {
  GetMetricData: metrics,
  DescribeRouteTables: routeTables([routeTable('rtb-1', [GATEWAY], [association('subnet-1')])]),
  DescribeSecurityGroups: securityGroups([securityGroup('sg-1', '10.0.1.0/24', '192.0.2.0/24')]),
  DescribeManagedPrefixLists: prefixLists([prefixList('pl-1')]),
  GetManagedPrefixListEntries: entries([entry('10.0.0.0/8')]),
};

/** What `EVERYTHING` comes to. */
export const FOUND: Evidence = {
  traffic: {
    status: 'found',
    hours_with_data: 2,
    peak_connections: 61000,
    port_allocation_errors: 61100,
    packets_dropped: 61100,
  },
  routes: { status: 'found', route_table_ids: ['rtb-1'], subnet_ids: ['subnet-1'] },
  security_groups: {
    status: 'found',
    ranges: [{ id: 'sg-1', private_ip: ADDRESS, cidr: '10.0.1.0/24' }],
  },
  prefix_lists: { status: 'found', ranges: [{ id: 'pl-1', private_ip: ADDRESS, cidr: '10.0.0.0/8' }] },
};

/** Answers by action; `EVERYTHING` where `replies` has none. */
export async function startEvidence(
  finish: Finish,
  replies: Readonly<Record<string, Reply>> = {},
  timeouts: Partial<Timeouts> = {},
) {
  const requests: Asked[] = [];
  const server = createServer(async (incoming, response) => {
    const received = await receive(incoming);
    const index = requests.filter(({ action }) => action === received.action).length;
    const asked = { ...received, index };
    requests.push(asked);
    const reply = replies[asked.action] ?? EVERYTHING[asked.action] ?? xml('', 500);
    reply(response, asked);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  finish(async () => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { ec2, log } = connect(finish, { endpoint }, timeouts);
  const read = async (question = QUESTION, signal = neverAborted) => {
    const evidence = (await ec2.evidence(REGION, [question], signal)).get(question.natGatewayId);
    if (evidence === undefined) throw new Error('no evidence of the gateway that was asked about');
    return evidence;
  };
  const of = (action: string): Asked[] => requests.filter((asked) => asked.action === action);
  return { ec2, log, read, requests, of, endpoint };
}

async function receive(incoming: IncomingMessage): Promise<Omit<Asked, 'index'>> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const body = Buffer.concat(chunks).toString('utf8');
  const { authorization = '', 'x-amz-target': target } = incoming.headers;
  const form = new URLSearchParams(target === undefined ? body : '');
  return {
    action: typeof target === 'string' ? (target.split('.')[1] ?? '') : (form.get('Action') ?? ''),
    form,
    json: target === undefined ? {} : JSON.parse(body),
    accessKeyId: /Credential=([^/]+)\//.exec(authorization)?.[1] ?? '',
  };
}
