import { PROTOCOL_VERSION_META_KEY } from '@modelcontextprotocol/server';
import { describe, expect, it } from 'vitest';
import { DESCRIBE } from '../../../src/vocabulary/names.ts';
import { legacyRequest, modernRequest, openFront, send } from '../../support/http.ts';

const initialize = {
  protocolVersion: '2025-06-18',
  capabilities: {},
  clientInfo: { name: 'raw', version: '1.0.0' },
};

describe('params that are null', () => {
  it.each([
    ['a request', { ...legacyRequest('tools/list'), params: null }],
    ['a batch', [{ ...legacyRequest('tools/list'), params: null }]],
  ])('are taken for absent ones in %s', async (_, body) => {
    const { url } = await openFront();
    const { status, json } = await send(url, { body });
    expect(status).toBe(200);
    expect(json.result.tools).toHaveLength(4);
  });
});

describe('a malformed request', () => {
  it.each([
    ['initialize', {}, 'params.protocolVersion: expected string'],
    ['initialize', { ...initialize, protocolVersion: 5 }, 'params.protocolVersion: expected string'],
    [
      'initialize',
      { ...initialize, clientInfo: { name: 'x' } },
      'params.clientInfo.version: expected string',
    ],
    ['initialize', null, 'params: expected object'],
    ['tools/call', {}, 'params.name: expected string'],
    ['tools/call', { name: DESCRIBE, arguments: null }, 'params.arguments: expected object'],
    ['tools/list', { cursor: 5 }, 'params.cursor: expected string'],
    ['tools/list', { _meta: 5 }, 'params._meta: expected object'],
    ['prompts/list', { cursor: 5 }, 'params.cursor: expected string'],
    ['prompts/get', {}, 'params.name: expected string'],
    ['resources/list', { cursor: 5 }, 'params.cursor: expected string'],
    ['resources/templates/list', { cursor: 5 }, 'params.cursor: expected string'],
    ['resources/read', {}, 'params.uri: expected string'],
  ])('is the fault of its params, in a sentence: %s %j', async (method, params, fault) => {
    const { url } = await openFront();
    const { status, json } = await send(url, { body: { ...legacyRequest(method), params } });
    expect(status).toBe(400);
    expect(json).toMatchObject({ id: 1, error: { code: -32602, data: { retryable: false } } });
    expect(json.error.message).toMatch(/^The params of \S+ are invalid: [^\n]+\.$/);
    expect(json.error.message).toContain(fault);
  });

  it.each(['prompts/get', 'resources/read', 'tools/call'])(
    'is the fault of its params in the revision 2026-07-28 too: %s',
    async (method) => {
      const { url } = await openFront();
      const { status, json } = await send(url, modernRequest(method));
      expect(status).toBe(400);
      expect(json.error).toMatchObject({ code: -32602, message: expect.stringMatching(/^The params of /) });
    },
  );

  it('names five faults at most, however many there are', async () => {
    const { url } = await openFront();
    const args = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`argument ${i}`.repeat(20), i]));
    const { json } = await send(url, { body: legacyRequest('prompts/get', { name: 'x', arguments: args }) });
    expect(json.error.message.length).toBeLessThan(800);
    expect(json.error.message.split('; ')).toHaveLength(5);
  });

  it.each([
    [{ id: 1, method: 'tools/list' }, 'jsonrpc: expected "2.0"'],
    [{ jsonrpc: '2.0', id: 1, method: 5 }, 'method: expected string'],
    [{ jsonrpc: '2.0', id: null, method: 'tools/list' }, 'id: '],
    [{ ...legacyRequest('tools/list'), x: 1 }, 'message: Unrecognized key: "x"'],
    [{ ...legacyRequest('tools/list'), params: [1] }, 'params: expected object, received array'],
    [
      {
        ...legacyRequest('initialize'),
        params: { _meta: { [PROTOCOL_VERSION_META_KEY]: 'x', progressToken: {} } },
      },
      'params._meta.progressToken: Invalid input',
    ],
    [{ jsonrpc: '2.0', method: 'notifications/initialized', params: 'x' }, 'params: expected object'],
  ])('is told which member is wrong: %j', async (body, fault) => {
    const { url } = await openFront();
    const { status, json } = await send(url, { body });
    expect(status).toBe(400);
    expect(json.error.code).toBe(-32600);
    expect(json.error.message).toContain(fault);
  });

  it('is refused with its whole batch', async () => {
    const { url } = await openFront();
    const body = [legacyRequest('tools/list'), legacyRequest('resources/read', {}, 2)];
    const { status, json } = await send(url, { body });
    expect(status).toBe(400);
    expect(json).toMatchObject({ id: null, error: { code: -32602 } });
  });
});

describe('initialize in the revision 2026-07-28', () => {
  it('is a method that does not exist', async () => {
    const { url } = await openFront();
    expect((await send(url, modernRequest('initialize'))).json.error.code).toBe(-32601);
  });
});

describe('a batch', () => {
  const body = [legacyRequest('ping', {}, 1), legacyRequest('ping', {}, 2)];

  it.each([
    ['without a revision', {}],
    ['of the revision 2025-03-26', { 'mcp-protocol-version': '2025-03-26' }],
  ])('is answered %s', async (_, headers: Record<string, string>) => {
    const { url } = await openFront();
    const { status, text } = await send(url, { headers, body });
    expect(status).toBe(200);
    expect(text.match(/"id":[12]/g)).toHaveLength(2);
  });

  it.each(['2025-06-18', '2025-11-25', '2026-07-28'])('is refused in the revision %s', async (revision) => {
    const { url } = await openFront();
    const { status, json } = await send(url, { headers: { 'mcp-protocol-version': revision }, body });
    expect(status).toBe(400);
    expect(json.error).toMatchObject({ code: -32600, data: { retryable: false } });
  });
});
