import { execFile } from 'node:child_process';
import { setMaxListeners } from 'node:events';
import { promisify } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { privateNatGateway, startSimulator } from '../../src/simulator/simulator.ts';
import { DESCRIBE, WAIT } from '../../src/vocabulary/names.ts';
import { fuzzedLines } from '../support/fuzzed-lines.ts';
import { endpointEnvironment, type ServerProcess, startServer } from '../support/server-process.ts';
import { FAST_TIMEOUTS, openSession } from '../support/session.ts';

const CALLS = 100_000;
const CONCURRENCY = 32;
const GATEWAYS = 40;

/** Resident memory of a process, in MB. */
async function memory(pid: number | undefined): Promise<number> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(pid)]);
  return Number(stdout) / 1024;
}

/** Heap of this process after a garbage collection, in MB. */
function heap(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage().heapUsed / 2 ** 20;
}

function id(index: number): string {
  return `nat-${index.toString(16).padStart(17, '0')}`;
}

describe('a long-running server', () => {
  it(`answers ${CALLS} describes, ${CONCURRENCY} at a time, each with its gateway, in steady memory`, {
    timeout: 1_800_000,
  }, async () => {
    const inventory = Array.from({ length: GATEWAYS }, (_, index) =>
      privateNatGateway(id(index), `gateway ${index}`, [`10.0.${index}.10`, `10.0.${index}.11`], 0),
    );
    const simulator = await startSimulator({ inventory, throttling: false });
    onTestFinished(() => simulator.close());
    const server = startServer(['--log-level', 'warn'], endpointEnvironment(simulator));

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
    await Promise.all(Array.from({ length: CONCURRENCY }, caller));
    const late = await memory(server.child.pid);
    const perSecond = Math.round(CALLS / ((Date.now() - began) / 1000));
    process.stdout.write(
      `${perSecond} describes/s; ${early.toFixed(0)} MB after 10,000, ${late.toFixed(0)} MB at the end\n`,
    );
    expect(late - early).toBeLessThan(50);
    expect(server.stray).toEqual([]);
  });

  it('waits for 200 drains through 720 reads, as many as in an hour, in steady memory', {
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
    setMaxListeners(200, cancel.signal);
    const waits = Array.from({ length: 200 }, (_, index) =>
      session.client
        .callTool(
          {
            name: WAIT,
            arguments: { nat_gateway_id: id(index), timeout_seconds: 900 },
          },
          { signal: cancel.signal, timeout: 900_000 },
        )
        .catch(() => undefined),
    );
    let reads = 0;
    const readsReach = (count: number) =>
      vi.waitUntil(
        () => {
          reads += session.calls.splice(0).filter(({ action }) => action === 'DescribeNatGateways').length;
          return reads >= count;
        },
        { timeout: 300_000, interval: 20 },
      );
    await readsReach(120);
    const early = heap();
    await readsReach(720);
    const late = heap();
    cancel.abort();
    await Promise.all(waits);
    process.stdout.write(`${early.toFixed(0)} MB after 120 reads, ${late.toFixed(0)} MB after 720\n`);
    expect(late - early).toBeLessThan(5);
  });

  it.each<[string, (server: ServerProcess) => Promise<unknown>]>([
    ['modern', (server) => server.request('tools/list')],
    ['legacy', (server) => server.initialize()],
  ])(
    'survives 100,000 fuzzed lines of a %s connection without a stray byte',
    { timeout: 600_000 },
    async (_, open) => {
      const server = startServer(['--simulate', '--log-level', 'fatal']);
      await open(server);
      for (let batch = 0; batch < 100; batch++) {
        for (const line of fuzzedLines(1000)) server.send(line);
        const last = `batch ${batch}`;
        server.send(JSON.stringify({ jsonrpc: '2.0', id: last, method: 'ping' }));
        await server.answerTo(last);
        server.messages.length = 0;
      }
      expect(server.stray).toEqual([]);
      expect(server.log).toBe('');
    },
  );
});
