import { describe, expect, it } from 'vitest';
import { DESCRIBE, RESTORE, UNASSIGN, WAIT } from '../../../src/vocabulary/names.ts';
import { TIMEOUTS } from '../../../src/vocabulary/timeouts.ts';
import { connectLegacy, connectModern, openFront } from '../../support/http.ts';
import { EGRESS, realCalls } from '../../support/session.ts';

const change = { nat_gateway_id: EGRESS, private_ip_addresses: ['10.0.1.11'], max_drain_duration_seconds: 1 };

/** Polls often; all other times are those of the product. */
const QUICK = { ...TIMEOUTS, pollPace: 20, pollFirst: 5 };

describe.each([
  ['the v2 client', '2026-07-28', connectModern],
  ['the v1 client', '2025-11-25', connectLegacy],
])('%s over HTTP (%s)', (_, revision, connect) => {
  it('lists tools, describes, dry-runs, unassigns, and waits for the drain', async () => {
    const { url, calls, audit } = await openFront({ confirmMode: 'never', timeouts: QUICK });
    const client = await connect(url);
    expect(client.revision).toBe(revision);
    expect(await client.tools()).toEqual([DESCRIBE, UNASSIGN, RESTORE, WAIT]);
    const listing = await client.call(DESCRIBE, { private_ip_addresses: ['10.0.1.11'] });
    expect(listing.structuredContent.nat_gateways).toMatchObject([{ nat_gateway_id: EGRESS }]);
    const dryRun = await client.call(UNASSIGN, { ...change, mode: 'dry_run' });
    expect(dryRun.structuredContent.outcome).toBe('dry_run_passed');
    const { structuredContent: released } = await client.call(UNASSIGN, change);
    expect(released).toMatchObject({ outcome: 'unassigning', confirmation: 'disabled' });
    expect(realCalls(calls)).toHaveLength(1);
    expect(audit.records.map(({ audit: kind, outcome }) => outcome ?? kind)).toEqual([
      'dry_run_passed',
      'intent',
      'unassigning',
    ]);
    const { structuredContent: settled } = await client.call(WAIT, released.next.arguments);
    expect(settled).toMatchObject({ outcome: 'settled', addresses: [{ fate: 'released' }] });
  });

  it('gets the answer of a wait before its request would be cut, with the call to repeat', async () => {
    const session = await openFront({ confirmMode: 'never' });
    session.dependencies.longestWaitSeconds = 1;
    const client = await connect(session.url);
    await client.call(UNASSIGN, { ...change, max_drain_duration_seconds: 4000 });
    const { structuredContent } = await client.call(WAIT, { nat_gateway_id: EGRESS, timeout_seconds: 900 });
    expect(structuredContent).toMatchObject({
      outcome: 'still_changing',
      next: { tool: WAIT, arguments: { timeout_seconds: 900 } },
    });
  });
});

describe('a confirmation over HTTP', () => {
  it('is asked of the user of a modern client, whose answer decides', async () => {
    const { url, calls } = await openFront({ confirmMode: 'always' });
    const answers = [false, true];
    const client = await connectModern(url, { confirm: () => answers.shift() ?? false });
    expect((await client.call(UNASSIGN, change)).structuredContent.outcome).toBe('not_confirmed');
    expect(realCalls(calls)).toHaveLength(0);
    expect((await client.call(UNASSIGN, change)).structuredContent).toMatchObject({
      outcome: 'unassigning',
      confirmation: 'confirmed',
    });
    expect(answers).toEqual([]);
  });

  it('refuses the call of a 2025-era client, which cannot ask, if it is always required', async () => {
    const { url, calls } = await openFront({ confirmMode: 'always' });
    const client = await connectLegacy(url, { confirm: () => true });
    const { isError, structuredContent } = await client.call(UNASSIGN, change);
    expect(isError).toBe(true);
    expect(structuredContent).toMatchObject({
      outcome: 'refused',
      error: { code: 'confirmation_unavailable' },
    });
    expect(structuredContent.error.hint).toContain('--confirm');
    expect(realCalls(calls)).toHaveLength(0);
  });

  it('is not needed for the call of a 2025-era client if it is asked only when possible', async () => {
    const { url } = await openFront({ confirmMode: 'auto' });
    const client = await connectLegacy(url, { confirm: () => true });
    const { structuredContent } = await client.call(UNASSIGN, change);
    expect(structuredContent).toMatchObject({ outcome: 'unassigning', confirmation: 'not_possible' });
  });
});
