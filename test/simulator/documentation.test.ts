import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  ASSUMPTIONS,
  DENIED_ACCESS_KEY_ID,
  defaultInventory,
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

  it.each(Object.values(ASSUMPTIONS))('lists the assumption for $when', (assumption) => {
    const answer = 'code' in assumption ? `\`${assumption.code}\`` : assumption.answer;
    expect(row(assumption.when)).toContain(answer);
  });

  it('lists nothing else as an assumption', () => {
    const start = rows.findIndex((line) => line.startsWith('| Request '));
    expect(rows.slice(start + 2)).toHaveLength(Object.keys(ASSUMPTIONS).length);
  });

  it('lists the principals', () => {
    for (const id of [DENIED_ACCESS_KEY_ID, READER_ACCESS_KEY_ID]) expect(row(`\`${id}\``)).not.toBe('');
  });
});
