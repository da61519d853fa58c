import { describe, expect, it } from 'vitest';
import { DESCRIBE, RESTORE, UNASSIGN, WAIT } from '../../src/vocabulary/names.ts';
import { EGRESS } from '../support/session.ts';
import { type FormAnswer, STDIO_CLIENTS } from '../support/stdio-clients.ts';

const change = { nat_gateway_id: EGRESS, private_ip_addresses: ['10.0.1.11'] };

describe.each(STDIO_CLIENTS)('%s over stdio (%s)', (_, revision, connect) => {
  it('lists tools, describes, is refused, passes a dry run, releases, and sees the drain', async () => {
    const client = await connect({ args: ['--simulate'] });
    expect(client.revision).toBe(revision);
    expect(await client.tools()).toEqual([DESCRIBE, UNASSIGN, RESTORE, WAIT]);
    const listing = await client.call(DESCRIBE, { private_ip_addresses: ['10.0.1.11'] });
    expect(listing.structuredContent.nat_gateways).toMatchObject([{ nat_gateway_id: EGRESS }]);
    const refused = await client.call(UNASSIGN, { ...change, private_ip_addresses: ['10.0.1.10'] });
    expect(refused).toMatchObject({ isError: true, structuredContent: { outcome: 'refused' } });
    const dryRun = await client.call(UNASSIGN, { ...change, mode: 'dry_run' });
    expect(dryRun.structuredContent.outcome).toBe('dry_run_passed');
    const released = await client.call(UNASSIGN, change);
    expect(released.structuredContent).toMatchObject({
      outcome: 'unassigning',
      confirmation: 'not_possible',
    });
    expect(JSON.parse(released.content[0].text)).toEqual(released.structuredContent);
    const draining = await client.call(DESCRIBE, {
      address_statuses: ['unassigning'],
      nat_gateway_ids: [EGRESS],
    });
    expect(draining.structuredContent.nat_gateways).toHaveLength(1);
  });

  it('receives every error in its arguments', async () => {
    const client = await connect({ args: ['--simulate'] });
    const { isError, structuredContent } = await client.call(UNASSIGN, {
      nat_gateway_id: 'x',
      private_ip_addresses: 'y',
      DryRun: true,
    });
    expect(isError).toBe(true);
    for (const part of ['"x"', '"y"', 'mode: "dry_run"'])
      expect(structuredContent.error.message).toContain(part);
  });

  it.each<[FormAnswer, string]>([
    [{ action: 'accept', content: { confirm: true } }, 'unassigning'],
    [{ action: 'accept', content: { confirm: false } }, 'not_confirmed'],
    [{ action: 'decline' }, 'not_confirmed'],
    [{ action: 'cancel' }, 'not_confirmed'],
  ])('shows the confirmation form; %j leads to %s', async (answer, outcome) => {
    const client = await connect({ args: ['--simulate', '--confirm', 'always'], answer: () => answer });
    expect((await client.call(UNASSIGN, change)).structuredContent.outcome).toBe(outcome);
  });

  it('is refused by a read-only server, which lists the tool all the same', async () => {
    const client = await connect({ args: ['--simulate', '--read-only'] });
    expect(await client.tools()).toContain(UNASSIGN);
    const { isError, structuredContent } = await client.call(UNASSIGN, change);
    expect(isError).toBe(true);
    expect(structuredContent).toMatchObject({ outcome: 'refused', error: { code: 'policy_denied' } });
  });
});
