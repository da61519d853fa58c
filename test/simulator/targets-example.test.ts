import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ACCOUNT_ID, defaultAccounts, EXTERNAL_ID, REGIONS } from '../../src/simulator/simulator.ts';

const text = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');

describe('examples/targets.json', () => {
  it('names every account of the embedded endpoint with its role and all regions', () => {
    const { targets } = JSON.parse(text('examples/targets.json')) as { targets: object[] };
    expect(targets).toEqual(
      defaultAccounts(ACCOUNT_ID).map(({ accountId }, index) => ({
        name: `team-${String(index + 1).padStart(2, '0')}`,
        account_id: accountId,
        role_arn: `arn:aws:iam::${accountId}:role/nat-gateway-mcp`,
        ...(accountId === EXTERNAL_ID.accountId && { external_id: EXTERNAL_ID.externalId }),
        regions: REGIONS,
      })),
    );
  });
});
