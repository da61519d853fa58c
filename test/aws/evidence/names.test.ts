import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { neverAborted, REGION } from '../../support/ec2-stub.ts';
import {
  ADDRESS,
  type Asked,
  entries,
  entry,
  GATEWAY,
  OTHER,
  prefixList,
  prefixLists,
  type Reply,
  securityGroup,
  securityGroups,
  startEvidence,
  xml,
} from '../../support/evidence-endpoint.ts';

const refused = xml(
  '<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors></Response>',
  403,
);

function filterValues({ form }: Asked): string[] {
  return [...form].flatMap(([key, value]) => (/^Filter\.1\.Value\.\d+$/.test(key) ? value : []));
}

/** The address as a number. */
const bits = (ip: string): bigint => ip.split('.').reduce((sum, octet) => sum * 256n + BigInt(octet), 0n);

describe.concurrent('security groups', () => {
  it('are asked for by the 33 ranges that cover the address', async ({ onTestFinished }) => {
    const { read, of } = await startEvidence(onTestFinished);
    await read();
    const [asked, ...more] = of('DescribeSecurityGroups');
    expect(more).toEqual([]);
    expect(asked?.form.get('Filter.1.Name')).toBe('ip-permission.cidr');
    const values = asked === undefined ? [] : filterValues(asked);
    expect(values).toHaveLength(33);
    expect(values).toEqual(
      expect.arrayContaining(['10.0.1.13/32', '10.0.1.12/31', '10.0.1.0/24', '10.0.0.0/8', '0.0.0.0/0']),
    );
  });

  it('are asked for by exactly the ranges that hold the address, whatever it is', async ({
    onTestFinished,
  }) => {
    const { read, of } = await startEvidence(onTestFinished);
    await fc.assert(
      fc.asyncProperty(fc.ipV4(), async (privateIp) => {
        await read({ natGatewayId: GATEWAY, privateIps: [privateIp] });
        const asked = of('DescribeSecurityGroups').at(-1);
        const values = asked === undefined ? [] : filterValues(asked);
        const expected = Array.from({ length: 33 }, (_, length) => {
          const size = 1n << BigInt(32 - length);
          return `${(bits(privateIp) / size) * size}/${length}`;
        });
        const shown = values.map((value) => {
          const [ip = '', length] = value.split('/');
          return `${bits(ip)}/${length}`;
        });
        expect(shown.sort()).toEqual(expected.sort());
      }),
      { numRuns: 40 },
    );
  });

  it('are asked for once where addresses share ranges, at most 200 a request', async ({ onTestFinished }) => {
    const { ec2, of } = await startEvidence(onTestFinished);
    const questions = [GATEWAY, OTHER].map((natGatewayId, gateway) => ({
      natGatewayId,
      privateIps: Array.from({ length: 8 }, (_, index) => `${10 + 20 * index}.${gateway}.1.13`),
    }));
    await ec2.evidence(REGION, questions, neverAborted);
    const asked = of('DescribeSecurityGroups').map(filterValues);
    expect(asked.length).toBeGreaterThan(1);
    expect(Math.max(...asked.map(({ length }) => length))).toBeLessThanOrEqual(200);
    expect(new Set(asked.flat()).size).toBe(asked.flat().length);
    expect(new Set(asked.flat()).size).toBeGreaterThan(200);
  });

  it('are those of which an inbound range covers the address, checked here', async ({ onTestFinished }) => {
    const { read } = await startEvidence(onTestFinished, {
      DescribeSecurityGroups: securityGroups([
        securityGroup('sg-exact', '10.0.1.13/32'),
        securityGroup('sg-wide', '10.0.1.0/24', '0.0.0.0/0', '10.0.1.0/24'),
        securityGroup('sg-loose', '10.0.1.77/24'),
        securityGroup('sg-other', '10.0.1.14/32', '10.0.2.0/24', '10.0.1.14/31'),
        securityGroup(
          'sg-odd',
          '',
          '10.0.1.13',
          '10.0.1.13/33',
          '::/0',
          '10.0.01.13/32',
          '10.0.1.13/032',
          '1/0',
        ),
        '<groupId>sg-empty</groupId>',
        '<groupId>sg-bare</groupId><ipPermissions><item/><item><ipRanges><item/></ipRanges></item></ipPermissions>',
        '<ipPermissions><item><ipRanges><item><cidrIp>10.0.1.13/32</cidrIp></item></ipRanges></item></ipPermissions>',
      ]),
    });
    const range = (id: string, cidr: string) => ({ id, private_ip: ADDRESS, cidr });
    expect((await read()).security_groups).toEqual({
      status: 'found',
      ranges: [
        range('sg-exact', '10.0.1.13/32'),
        range('sg-wide', '10.0.1.0/24'),
        range('sg-wide', '0.0.0.0/0'),
        range('sg-loose', '10.0.1.77/24'),
      ],
    });
  });

  it('tell of each address by itself', async ({ onTestFinished }) => {
    const { read } = await startEvidence(onTestFinished, {
      DescribeSecurityGroups: securityGroups([securityGroup('sg-1', '10.0.1.12/31', '10.0.1.14/32')]),
    });
    const privateIps = ['10.0.1.12', '10.0.1.13', '10.0.1.14', '10.0.1.15'];
    expect((await read({ natGatewayId: GATEWAY, privateIps })).security_groups.ranges).toEqual([
      { id: 'sg-1', private_ip: '10.0.1.12', cidr: '10.0.1.12/31' },
      { id: 'sg-1', private_ip: '10.0.1.13', cidr: '10.0.1.12/31' },
      { id: 'sg-1', private_ip: '10.0.1.14', cidr: '10.0.1.14/32' },
    ]);
  });

  it('are found but incomplete where a later page fails', async ({ onTestFinished }) => {
    const { read } = await startEvidence(onTestFinished, {
      DescribeSecurityGroups: (response, asked) =>
        (asked.index === 0 ? securityGroups([securityGroup('sg-1', '10.0.0.0/8')], 'more') : refused)(
          response,
          asked,
        ),
    });
    expect((await read()).security_groups).toMatchObject({
      status: 'found',
      incomplete: true,
      ranges: [{ id: 'sg-1' }],
    });
  });

  it('are never none where a later page fails', async ({ onTestFinished }) => {
    const { read } = await startEvidence(onTestFinished, {
      DescribeSecurityGroups: (response, asked) =>
        (asked.index === 0 ? securityGroups([], 'more') : refused)(response, asked),
    });
    expect((await read()).security_groups).toEqual({
      status: 'denied',
      action: 'ec2:DescribeSecurityGroups',
    });
  });

  it.for([
    [[], { status: 'none' }],
    [['10.0.1.13', 'fd00::1'], { status: 'no_data', incomplete: true }],
  ] as const)(
    'are none only where every address could be asked about: %s',
    async ([privateIps, said], { onTestFinished }) => {
      const { read } = await startEvidence(onTestFinished, { DescribeSecurityGroups: securityGroups([]) });
      const { security_groups } = await read({ natGatewayId: GATEWAY, privateIps: [...privateIps] });
      expect(security_groups).toEqual(said);
    },
  );
});

describe.concurrent('prefix lists', () => {
  it('are read but those of AWS, of IPv6, and gone', async ({ onTestFinished }) => {
    const { read, of } = await startEvidence(onTestFinished, {
      DescribeManagedPrefixLists: prefixLists([
        prefixList('pl-own'),
        prefixList('pl-shared', '999999999999', 'modify-in-progress'),
        prefixList('pl-aws', 'AWS'),
        prefixList('pl-six', '123456789012', 'create-complete', 'IPv6'),
        prefixList('pl-gone', '123456789012', 'delete-complete'),
        '<prefixListId>pl-sparse</prefixListId>',
        '<ownerId>123456789012</ownerId>',
      ]),
      GetManagedPrefixListEntries: entries([entry('10.0.1.0/24'), entry('10.0.2.0/24'), '']),
    });
    expect((await read()).prefix_lists).toEqual({
      status: 'found',
      ranges: ['pl-own', 'pl-shared', 'pl-sparse'].map((id) => ({
        id,
        private_ip: ADDRESS,
        cidr: '10.0.1.0/24',
      })),
    });
    expect(of('GetManagedPrefixListEntries')).toHaveLength(3);
  });

  it('are none where no entry covers the address', async ({ onTestFinished }) => {
    const { read } = await startEvidence(onTestFinished, {
      GetManagedPrefixListEntries: entries([entry('10.0.2.0/24')]),
    });
    expect((await read()).prefix_lists).toEqual({ status: 'none' });
  });

  const two = prefixLists([prefixList('pl-1'), prefixList('pl-2')]);
  const secondRefused =
    (first: Reply): Reply =>
    (response, asked) =>
      (asked.form.get('PrefixListId') === 'pl-2' ? refused : first)(response, asked);

  it.for<[string, Reply, object]>([
    [
      'found but incomplete where entries of one are denied',
      secondRefused(entries([entry('10.0.1.0/24')])),
      { status: 'found', incomplete: true, ranges: [{ id: 'pl-1' }] },
    ],
    [
      'denied, not none, where nothing else is found',
      secondRefused(entries([])),
      { status: 'denied', action: 'ec2:GetManagedPrefixListEntries' },
    ],
    ['not none where an answer is empty', xml(''), { status: 'no_data', error: 'bad_response' }],
  ])('are %s', async ([, reply, expected], { onTestFinished }) => {
    const { read } = await startEvidence(onTestFinished, {
      DescribeManagedPrefixLists: two,
      GetManagedPrefixListEntries: reply,
    });
    expect((await read()).prefix_lists).toMatchObject(expected);
  });

  it('are read fifty at most, eight at once, without a warning of Node', async ({ onTestFinished }) => {
    const warnings: Error[] = [];
    const note = (warning: Error): void => void warnings.push(warning);
    process.on('warning', note);
    onTestFinished(() => void process.off('warning', note));
    let now = 0;
    let most = 0;
    const { read, of } = await startEvidence(onTestFinished, {
      DescribeManagedPrefixLists: prefixLists(
        Array.from({ length: 60 }, (_, index) => prefixList(`pl-${index}`)),
      ),
      GetManagedPrefixListEntries: (response, asked) => {
        now += 1;
        most = Math.max(most, now);
        setImmediate(() => {
          now -= 1;
          entries([])(response, asked);
        });
      },
    });
    expect((await read()).prefix_lists).toEqual({ status: 'no_data', incomplete: true });
    expect(of('GetManagedPrefixListEntries')).toHaveLength(50);
    expect(most).toBeLessThanOrEqual(8);
    expect(warnings).toEqual([]);
  });
});
