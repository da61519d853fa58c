import { describe, expect, it, onTestFinished } from 'vitest';
import { DESCRIBE } from '../../src/vocabulary/names.ts';
import { EGRESS, ERAS, openSession } from '../support/session.ts';

describe.each(ERAS)('the resource of a gateway, for a %s client', (era) => {
  it('is listed only as a template, without a read', async () => {
    const { client, calls, close } = await openSession({ era });
    onTestFinished(close);
    const { resourceTemplates } = await client.listResourceTemplates();
    expect(resourceTemplates).toMatchObject([{ uriTemplate: 'nat-gateway://{region}/{nat_gateway_id}' }]);
    expect((await client.listResources()).resources).toEqual([]);
    expect(calls).toEqual([]);
  });

  it('has the content that describe shows', async () => {
    const { client, call, close } = await openSession({ era });
    onTestFinished(close);
    const { contents } = await client.readResource({ uri: `nat-gateway://us-east-1/${EGRESS}` });
    const [content] = contents;
    const { content: described } = await call(DESCRIBE, { nat_gateway_ids: EGRESS });
    expect(JSON.parse(content !== undefined && 'text' in content ? content.text : '')).toEqual(
      described.nat_gateways[0],
    );
  });

  it.each([
    'nat-gateway://us-east-1/nat-00000000000000000',
    'nat-gateway://evil.com/nat-1',
    'nat-gateway://us-east-1/x',
  ])('is not found for %s', async (uri) => {
    const { client, close } = await openSession({ era });
    onTestFinished(close);
    await expect(client.readResource({ uri })).rejects.toThrow(/not found/i);
  });
});
