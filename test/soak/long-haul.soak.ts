import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { privateNatGateway, startSimulator } from '../../src/simulator/simulator.ts';
import { ServerProcess } from '../support/server-process.ts';
import { FAST_TIMEOUTS, openSession } from '../support/session.ts';

const DESCRIBE = 'describe_nat_gateway_addresses';
const CALLS = 100_000;
const AT_ONCE = 32;
const GATEWAYS = 40;

/** Resident memory of a process, in MB. */
async function memory(pid: number | undefined): Promise<number> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(pid)]);
  return Number(stdout) / 1024;
}

/** What this process really keeps, in MB: the heap after a collection. */
function heap(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage().heapUsed / 2 ** 20;
}

function id(index: number): string {
  return `nat-${index.toString(16).padStart(17, '0')}`;
}

describe('a server that runs for long', () => {
  it(`answers ${CALLS} describes, ${AT_ONCE} at a time, none lost or crossed, in steady memory`, {
    timeout: 1_800_000,
  }, async () => {
    const inventory = Array.from({ length: GATEWAYS }, (_, index) =>
      privateNatGateway(id(index), `gateway ${index}`, [`10.0.${index}.10`, `10.0.${index}.11`], 0),
    );
    const simulator = await startSimulator({ inventory, throttling: false });
    onTestFinished(() => simulator.close());
    const server = new ServerProcess(['--log-level', 'warn'], {
      AWS_ENDPOINT_URL: simulator.url,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'AKIATEST',
      AWS_SECRET_ACCESS_KEY: 'secret',
    });
    onTestFinished(() => {
      server.child.kill('SIGKILL');
    });

    let next = 0;
    let early = 0;
    const caller = async (): Promise<void> => {
      while (next < CALLS) {
        const index = next++ % GATEWAYS;
        const { result } = await server.call(DESCRIBE, { nat_gateway_ids: [id(index)] });
        expect(result.structuredContent.nat_gateways).toMatchObject([{ nat_gateway_id: id(index) }]);
        server.messages.length = 0;
        if (next === 10_000) early = await memory(server.child.pid);
      }
    };
    const began = Date.now();
    await Promise.all(Array.from({ length: AT_ONCE }, caller));
    const late = await memory(server.child.pid);
    const perSecond = Math.round(CALLS / ((Date.now() - began) / 1000));
    process.stdout.write(
      `${perSecond} describes/s; ${early.toFixed(0)} MB after 10,000, ${late.toFixed(0)} MB at the end\n`,
    );
    expect(late - early).toBeLessThan(50);
    expect(server.stray).toEqual([]);
  });

  it('follows 200 drains for 200 callers through the 720 reads of an hour in steady memory', {
    timeout: 300_000,
  }, async () => {
    const inventory = Array.from({ length: 200 }, (_, index) => {
      const gateway = privateNatGateway(id(index), 'x', [`10.0.${index}.10`], 0);
      gateway.addresses?.push({
        privateIp: `10.0.${index}.11`,
        isPrimary: false,
        unassignedAt: Date.now(),
        drainSeconds: 4000,
      });
      return gateway;
    });
    const timeouts = { ...FAST_TIMEOUTS, readAttempt: 5000, pollPace: 20, pollFirst: 20 };
    const session = await openSession({ inventory, timeouts });
    onTestFinished(session.close);
    const cancel = new AbortController();
    const waits = Array.from({ length: 200 }, (_, index) =>
      session.client
        .callTool(
          {
            name: 'wait_for_nat_gateway_addresses',
            arguments: { nat_gateway_id: id(index), timeout_seconds: 900 },
          },
          { signal: cancel.signal, timeout: 900_000 },
        )
        .catch(() => undefined),
    );
    let reads = 0;
    const readsUntil = async (count: number): Promise<void> => {
      while (reads < count) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        reads += session.calls.splice(0).filter(({ action }) => action === 'DescribeNatGateways').length;
      }
    };
    await readsUntil(120);
    const early = heap();
    await readsUntil(720);
    const late = heap();
    cancel.abort();
    await Promise.all(waits);
    process.stdout.write(`${early.toFixed(0)} MB after 120 reads, ${late.toFixed(0)} MB after 720\n`);
    expect(late - early).toBeLessThan(5);
  });

  it.each(['modern', 'legacy'])(
    'survives 100,000 fuzzed lines of a %s connection without a stray byte',
    { timeout: 600_000 },
    async (era) => {
      const server = new ServerProcess(['--simulate', '--log-level', 'fatal']);
      onTestFinished(() => {
        server.child.kill('SIGKILL');
      });
      if (era === 'modern') {
        await server.request('tools/list');
      } else {
        const params = {
          protocolVersion: '2025-11-25',
          capabilities: {},
          clientInfo: { name: 'fuzz', version: '1' },
        };
        server.send(JSON.stringify({ jsonrpc: '2.0', id: 'first', method: 'initialize', params }));
        await server.until((message) => (message.id as unknown) === 'first');
      }
      const method = fc.oneof(
        fc.constantFrom(
          'tools/list',
          'tools/call',
          'ping',
          'initialize',
          'server/discover',
          'notifications/cancelled',
          'resources/list',
        ),
        fc.string(),
      );
      const line = fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.json(),
        fc
          .record(
            { jsonrpc: fc.constant('2.0'), id: fc.jsonValue(), method, params: fc.jsonValue() },
            { requiredKeys: [] },
          )
          .map((each) => JSON.stringify(each)),
      );
      for (let batch = 0; batch < 100; batch++) {
        for (const each of fc.sample(line, 1000)) server.send(each.replace(/[\r\n]/g, ' '));
        const last = `batch ${batch}`;
        server.send(JSON.stringify({ jsonrpc: '2.0', id: last, method: 'ping' }));
        await server.until((message) => (message.id as unknown) === last);
        server.messages.length = 0;
      }
      expect(server.stray).toEqual([]);
      expect(server.log).toBe('');
    },
  );
});
