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

  it.each(Object.values(ASSUMPTIONS).map(({ when, code }) => [when, code] as const))(
    'lists the assumption for %s',
    (when, code) => {
      expect(row(when)).toContain(`\`${code}\``);
    },
  );

  it('lists the principals', () => {
    for (const id of [DENIED_ACCESS_KEY_ID, READER_ACCESS_KEY_ID]) expect(row(`\`${id}\``)).not.toBe('');
  });
});
