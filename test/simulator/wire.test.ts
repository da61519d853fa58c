import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import {
  AssignPrivateNatGatewayAddressCommand,
  DescribeNatGatewaysCommand,
  UnassignPrivateNatGatewayAddressCommand,
} from '@aws-sdk/client-ec2';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { privateNatGateway, startSimulator } from '../../src/simulator/simulator.ts';
import { codeOf, EGRESS, post, START, startEndpoint } from '../support/endpoint.ts';

describe('a success response', () => {
  it("has EC2's envelope and headers, and the real date", async () => {
    const { simulator } = await startEndpoint();
    const response = await post(
      simulator,
      `Action=UnassignPrivateNatGatewayAddress&Version=2016-11-15&NatGatewayId=${EGRESS}&PrivateIpAddress.1=10.0.1.11`,
    );
    const requestId = response.headers.get('x-amzn-requestid');
    expect(await response.text()).toBe(
      '<?xml version="1.0" encoding="UTF-8"?>\n' +
        '<UnassignPrivateNatGatewayAddressResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">' +
        `<requestId>${requestId}</requestId><natGatewayId>${EGRESS}</natGatewayId><natGatewayAddressSet><item>` +
        '<networkInterfaceId>eni-0a11a11a11a11a11a</networkInterfaceId><privateIp>10.0.1.11</privateIp>' +
        '<isPrimary>false</isPrimary><status>unassigning</status>' +
        '</item></natGatewayAddressSet></UnassignPrivateNatGatewayAddressResponse>',
    );
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/xml;charset=UTF-8',
      server: 'AmazonEC2',
      'cache-control': 'no-cache, no-store',
    });
    const date = Date.parse(response.headers.get('date') ?? '');
    expect(Math.abs(date - Date.now())).toBeLessThan(Math.abs(date - START));
  });

  it('has an empty set when nothing matches', async () => {
    const { simulator } = await startEndpoint();
    const response = await post(
      simulator,
      'Action=DescribeNatGateways&Filter.1.Name=state&Filter.1.Value.1=x',
    );
    expect(await response.text()).toContain('<natGatewaySet></natGatewaySet></DescribeNatGatewaysResponse>');
  });
});

describe('a request of the AWS SDK', () => {
  it('is decoded as the service model defines it', async () => {
    const { ec2, calls } = await startEndpoint();
    await ec2.send(
      new UnassignPrivateNatGatewayAddressCommand({
        NatGatewayId: EGRESS,
        PrivateIpAddresses: ['10.0.1.11', '10.0.1.12'],
        MaxDrainDurationSeconds: 60,
        DryRun: false,
      }),
    );
    const assign = { NatGatewayId: EGRESS, PrivateIpAddressCount: 2, DryRun: true };
    await ec2.send(new AssignPrivateNatGatewayAddressCommand(assign)).catch(() => {});
    const Filter = [{ Name: 'state', Values: ['available', 'pending'] }];
    await ec2.send(new DescribeNatGatewaysCommand({ Filter, MaxResults: 5 }));
    expect(calls).toEqual([
      {
        action: 'UnassignPrivateNatGatewayAddress',
        accessKeyId: 'AKIATEST',
        accountId: '123456789012',
        region: 'us-east-1',
        parameters: {
          Action: 'UnassignPrivateNatGatewayAddress',
          Version: '2016-11-15',
          NatGatewayId: EGRESS,
          'PrivateIpAddress.1': '10.0.1.11',
          'PrivateIpAddress.2': '10.0.1.12',
          MaxDrainDurationSeconds: '60',
          DryRun: 'false',
        },
        dryRun: false,
        requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        status: 200,
        changed: true,
        at: START,
      },
      expect.objectContaining({
        parameters: {
          Action: 'AssignPrivateNatGatewayAddress',
          Version: '2016-11-15',
          NatGatewayId: EGRESS,
          PrivateIpAddressCount: '2',
          DryRun: 'true',
        },
        dryRun: true,
        status: 412,
        code: 'DryRunOperation',
        changed: false,
      }),
      expect.objectContaining({
        parameters: {
          Action: 'DescribeNatGateways',
          Version: '2016-11-15',
          'Filter.1.Name': 'state',
          'Filter.1.Value.1': 'available',
          'Filter.1.Value.2': 'pending',
          MaxResults: '5',
        },
        status: 200,
        changed: false,
      }),
    ]);
  });
});

const UNASSIGN_EGRESS = `Action=UnassignPrivateNatGatewayAddress&NatGatewayId=${EGRESS}`;

describe('a malformed request', () => {
  it.each([
    ['no body', '', 400, 'MissingAction'],
    ['no action', 'Version=2016-11-15', 400, 'MissingAction'],
    ['an unknown action', 'Action=RunInstances', 400, 'InvalidAction'],
    ['an action named like a method of objects', 'Action=constructor', 400, 'InvalidAction'],
    ['an unknown parameter', 'Action=DescribeNatGateways&__proto__=1', 400, 'UnknownParameter'],
    ['a list that begins with 0', `${UNASSIGN_EGRESS}&PrivateIpAddress.0=10.0.1.11`, 400, 'UnknownParameter'],
    ['a list with a letter', `${UNASSIGN_EGRESS}&PrivateIpAddress.x=10.0.1.11`, 400, 'UnknownParameter'],
    ['a list without numbers', `${UNASSIGN_EGRESS}&PrivateIpAddress=10.0.1.11`, 400, 'UnknownParameter'],
    [
      'a DryRun that is not a boolean',
      'Action=DescribeNatGateways&DryRun=perhaps',
      400,
      'InvalidParameterValue',
    ],
    [
      'a MaxResults that is not a number',
      'Action=DescribeNatGateways&MaxResults=x',
      400,
      'InvalidParameterValue',
    ],
    ['a parameter given twice', 'Action=DescribeNatGateways&Action=x', 400, 'MalformedQueryString'],
    ['a broken escape', 'Action=%zz', 400, 'MalformedQueryString'],
    ['an escape that is not UTF-8', 'Action=%ff', 400, 'MalformedQueryString'],
    ['an escaped lone surrogate', 'Action=%ed%a0%80', 400, 'MalformedQueryString'],
    ['bytes that are not UTF-8', new Uint8Array([0xff, 0xfe]), 400, 'MalformedQueryString'],
    ['control characters', 'Action=%00%1b', 400, 'InvalidAction'],
    ['more than a mebibyte', 'a'.repeat(1024 * 1024 + 1), 413, 'RequestEntityTooLarge'],
  ])('is refused and recorded: %s', async (_, body, status, code) => {
    const { simulator, calls } = await startEndpoint();
    const response = await post(simulator, body);
    expect([response.status, codeOf(await response.text())]).toEqual([status, code]);
    expect(calls).toEqual([expect.objectContaining({ status, code, changed: false })]);
  });

  it.each([
    ['method', { method: 'PUT' }, '', 405],
    ['content type', { headers: { 'content-type': 'application/json' } }, '', 415],
    ['path', {}, '/latest', 404],
  ])('is refused with another %s', async (_, init, path, status) => {
    const { simulator } = await startEndpoint();
    const response = await post({ ...simulator, url: simulator.url + path }, 'Action=x', init);
    expect([response.status, codeOf(await response.text())]).toEqual([status, 'InvalidRequest']);
  });

  it("is answered with Node's 400 if it is not HTTP, and with 431 if its headers are too long", async () => {
    const { simulator, calls } = await startEndpoint();
    const port = Number(new URL(simulator.url).port);
    const statusOf = async (bytes: string) => {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => {});
      socket.write(bytes);
      return (await text(socket)).split(' ')[1];
    };
    expect(await statusOf('\x00\x01garbage\r\n\r\n')).toBe('400');
    expect(await statusOf(`POST / HTTP/1.1\r\nHost: x\r\nA: ${'a'.repeat(20_000)}\r\n\r\n`)).toBe('431');
    expect((await post(simulator, 'Action=DescribeNatGateways')).status).toBe(200);
    expect(calls.map(({ action }) => action)).toEqual(['DescribeNatGateways']);
  });
});

describe('a request without an SDK', () => {
  const SUCCESS = /^<\?xml [^>]+>\n<(\w+Response) [\s\S]+<\/\1>$/;

  it('is accepted with gaps in its lists', async () => {
    const { simulator, calls } = await startEndpoint();
    const response = await post(
      simulator,
      `${UNASSIGN_EGRESS}&PrivateIpAddress.9=10.0.1.12&PrivateIpAddress.3=10.0.1.11`,
    );
    expect(response.status).toBe(200);
    expect(calls[0]?.changed).toBe(true);
  });

  it('is answered with a well-formed envelope for any body', async () => {
    const { simulator } = await startEndpoint();
    const name = fc.constantFrom(
      'Action',
      'NatGatewayId',
      'PrivateIpAddress.1',
      'MaxResults',
      'Filter.1.Name',
      'Filter.1.Value.1',
      'NextToken',
      'DryRun',
    );
    const value = fc.oneof(
      fc.constantFrom(
        'DescribeNatGateways',
        'UnassignPrivateNatGatewayAddress',
        'AssignPrivateNatGatewayAddress',
        EGRESS,
        'tag:x',
        'true',
      ),
      fc.string({ unit: 'binary' }),
    );
    const form = fc
      .array(fc.tuple(name, value), { maxLength: 6 })
      .map((pairs) =>
        pairs.map(([key, text]) => `${key}=${encodeURIComponent(text.toWellFormed())}`).join('&'),
      );
    const body = fc.oneof(
      form,
      fc.string(),
      fc.uint8Array().map((bytes) => new Uint8Array(bytes)),
    );
    await fc.assert(
      fc.asyncProperty(body, async (content) => {
        const response = await post(simulator, content);
        const xml = await response.text();
        const isWellFormed = response.status === 200 ? SUCCESS.test(xml) : codeOf(xml) !== '';
        expect(isWellFormed, xml).toBe(true);
        expect(response.status).toBeLessThan(500);
      }),
      { numRuns: 300 },
    );
    expect((await post(simulator, 'Action=DescribeNatGateways')).status).toBe(200);
  });
});

describe('a client that disconnects within a request', () => {
  it('leaves the request unapplied and the endpoint serving', async () => {
    const { simulator, calls } = await startEndpoint();
    const port = Number(new URL(simulator.url).port);
    for (let count = 0; count < 20; count += 1) {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => {});
      await new Promise((resolve) =>
        socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nAction=', resolve),
      );
      socket.resetAndDestroy();
    }
    expect((await post(simulator, 'Action=DescribeNatGateways')).status).toBe(200);
    expect(calls.map(({ action }) => action)).toEqual(['DescribeNatGateways']);
  });
});

describe('startSimulator', () => {
  it('fails if the port is taken', async () => {
    const { simulator } = await startEndpoint();
    const port = Number(new URL(simulator.url).port);
    await expect(startSimulator({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  it('fails if two gateways have the same id', async () => {
    const inventory = [privateNatGateway(EGRESS, 'one', [], 0), privateNatGateway(EGRESS, 'two', [], 0)];
    await expect(startSimulator({ inventory })).rejects.toThrow(EGRESS);
  });
});
