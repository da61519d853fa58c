import fc from 'fast-check';

const METHODS = [
  'tools/list',
  'tools/call',
  'ping',
  'initialize',
  'server/discover',
  'notifications/cancelled',
  'resources/list',
];

const line = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.json(),
  fc
    .record(
      {
        jsonrpc: fc.constant('2.0'),
        id: fc.jsonValue(),
        method: fc.oneof(fc.constantFrom(...METHODS), fc.string()),
        params: fc.jsonValue(),
      },
      { requiredKeys: [] },
    )
    .map((message) => JSON.stringify(message)),
);

/** Lines of bytes, of JSON, and of JSON-RPC messages with any member missing or of any type. */
export function fuzzedLines(count: number): string[] {
  return fc.sample(line, count).map((text) => text.replace(/[\r\n]/g, ' '));
}
