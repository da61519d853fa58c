import { describe, expect, it } from 'vitest';
import { legacyRequest, modernRequest, openFront, send } from '../../support/http.ts';

const initialize = {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'raw', version: '1.0.0' },
};

describe('the capabilities', () => {
  it.each([
    ['2025-11-25', { body: legacyRequest('initialize', initialize) }],
    ['2026-07-28', modernRequest('server/discover')],
  ])('say that no list ever changes, so that no host holds a stream open for it (%s)', async (_, request) => {
    const { url } = await openFront();
    const { json } = await send(url, request);
    expect(json.result.capabilities).toEqual({
      tools: { listChanged: false },
      resources: { listChanged: false },
      prompts: { listChanged: false },
    });
  });
});

describe('a subscription to changes of the lists', () => {
  it('ends at once, with nothing to wait for', async () => {
    const { url } = await openFront();
    const notifications = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true };
    const { status, json } = await send(url, modernRequest('subscriptions/listen', { notifications }));
    expect(status).toBe(200);
    expect(json.result).toMatchObject({ resultType: 'complete' });
  });
});
