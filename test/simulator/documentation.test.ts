import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  ASSUMPTIONS,
  CHANGER_ACCESS_KEY_ID,
  DENIED_ACCESS_KEY_ID,
  defaultInventory,
  defaultNetwork,
  READER_ACCESS_KEY_ID,
} from '../../src/simulator/simulator.ts';

const page = readFileSync(new URL('../../docs/simulator.md', import.meta.url), 'utf8');
const rows = page.split('\n').filter((line) => line.startsWith('|'));

/** Returns the row with this text in its first column. */
function row(first: string): string {
  return rows.find((line) => line.split('|')[1]?.trim() === first) ?? '';
}

describe('docs/simulator.md', () => {
  it.each(defaultInventory(0).map((gateway) => [gateway.natGatewayId, gateway] as const))(
    'lists %s with its name, state and addresses',
    (id, { tags = [], state = '', addresses = [] }) => {
      const facts = [
        state,
        ...tags.map(({ value }) => value),
        ...addresses.flatMap(({ privateIp, publicIp }) => [privateIp ?? '', publicIp ?? '']),
      ];
      for (const fact of facts) expect(row(`\`${id}\``)).toContain(fact);
    },
  );

  it('lists the traffic of every gateway that has data', () => {
    for (const { traffic, tags = [] } of defaultInventory(0)) {
      const { peakConnections, portErrors = 0, packetsDropped = 0 } = traffic ?? {};
      const cells = rows
        .map((line) => line.split('|').map((cell) => cell.trim()))
        .find(([, name, ...values]) => name === `\`${tags[0]?.value}\`` && values.length === 4);
      const figures = traffic && [peakConnections, portErrors, packetsDropped].map(String);
      expect(cells?.slice(2, 5)).toEqual(figures);
    }
  });

  it('lists route tables to gateways, security groups and prefix lists, with what they name', () => {
    const { routeTables, securityGroups, prefixLists } = defaultNetwork();
    for (const { routeTableId, routes, subnetIds = [] } of routeTables) {
      const targets = routes.flatMap(({ natGatewayId }) => natGatewayId ?? []);
      const names = defaultInventory(0)
        .filter(({ natGatewayId }) => targets.includes(natGatewayId))
        .map(({ tags }) => tags?.[0]?.value ?? '');
      for (const fact of [...names, ...subnetIds]) expect(row(`\`${routeTableId}\``)).toContain(fact);
    }
    for (const { groupId, groupName, inbound } of securityGroups) {
      const ranges = inbound.flatMap(({ cidrs = [], prefixListIds = [] }) => [...cidrs, ...prefixListIds]);
      for (const fact of [groupName, ...ranges]) expect(row(`\`${groupId}\``)).toContain(fact);
    }
    for (const { prefixListId, name, ownerId, entries } of prefixLists) {
      const cidrs = ownerId === 'AWS' ? [ownerId] : entries.map(({ cidr }) => cidr);
      for (const fact of [name, ...cidrs]) expect(row(`\`${prefixListId}\``)).toContain(fact);
    }
  });

  it.each(Object.values(ASSUMPTIONS))('lists the assumption for $when', (assumption) => {
    const answer = 'code' in assumption ? `\`${assumption.code}\`` : assumption.answer;
    expect(row(assumption.when)).toContain(answer);
  });

  it('lists nothing else as an assumption', () => {
    const start = rows.findIndex((line) => line.startsWith('| Request '));
    expect(rows.slice(start + 2)).toHaveLength(Object.keys(ASSUMPTIONS).length);
  });

  it('lists the principals', () => {
    for (const id of [DENIED_ACCESS_KEY_ID, READER_ACCESS_KEY_ID, CHANGER_ACCESS_KEY_ID]) {
      expect(row(`\`${id}\``)).not.toBe('');
    }
  });
});
