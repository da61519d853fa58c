import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { connectModern } from '../support/http.ts';

/** The Dockerfile without a container engine: its files are copied to a folder, and its entry point is started there. */

const COMPOSE = 'examples/compose/compose.yaml';
const TOKEN = /with the token (\S+)\./.exec(readFileSync(COMPOSE, 'utf8'))?.[1] ?? '';

const instructions = readFileSync('Dockerfile', 'utf8')
  .replaceAll('\\\n', ' ')
  .split('\n')
  .filter((line) => /^[A-Z]/.test(line))
  .map((line) => {
    const [, name = '', rest = ''] = /^(\w+)\s+(.*)$/.exec(line) ?? [];
    return { name, rest };
  });

/** The instructions of the last stage, which are the image. */
const image = instructions.slice(instructions.findLastIndex(({ name }) => name === 'FROM'));

const argumentOf = (name: string): string =>
  image.find((instruction) => instruction.name === name)?.rest ?? '';

let root: string;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'container-'));
  for (const { rest } of image.filter(({ name }) => name === 'COPY')) {
    const [from = '', to = ''] = rest.replace('--from=build ', '').split(' ');
    const source = from.replace(/^\/build\//, '');
    cpSync(source, join(root, to, to.endsWith('/') ? source : ''), { recursive: true });
  }
  cpSync('examples/compose/tokens.json', join(root, 'tokens.json'));
  chmodSync(join(root, 'tokens.json'), 0o644);
});

afterAll(() => rmSync(root, { recursive: true }));

/** Starts the entry point with the environment of the image and `more`. */
function start(more: Record<string, string>) {
  const [variable = '', value = ''] = (
    image.find(({ rest }) => rest.startsWith('NAT_GATEWAY_MCP_'))?.rest ?? ''
  ).split('=');
  const [, ...args] = JSON.parse(argumentOf('ENTRYPOINT')) as string[];
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { NODE_ENV: 'production', [variable]: value.replace('8080', '0'), ...more },
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  let log = '';
  child.stderr.on('data', (chunk) => {
    log += chunk;
  });
  const port = async (): Promise<string> => {
    for (;;) {
      const [, found] = /"url":"http:\/\/0\.0\.0\.0:(\d+)/.exec(log) ?? [];
      if (found !== undefined) return found;
      await once(child.stderr, 'data');
    }
  };
  return { child, port, log: () => log };
}

describe('the container', () => {
  it('copies files that exist and that .dockerignore lets through', () => {
    const ignored = readFileSync('.dockerignore', 'utf8').split('\n');
    for (const { rest } of instructions.filter(({ name }) => name === 'COPY')) {
      if (rest.startsWith('--from=')) continue;
      for (const source of rest.split(' ').slice(0, -1)) {
        expect(existsSync(source), source).toBe(true);
        expect(ignored, source).toContain(`!${source}`);
      }
    }
  });

  it('runs as an unprivileged user', () => {
    expect(argumentOf('USER')).toBe('node');
  });

  it('does not start until callers and confirmation are configured', async () => {
    for (const [environment, missing] of [
      [{}, '--confirm'],
      [{ NAT_GATEWAY_MCP_CONFIRM: 'auto' }, '--token-file'],
    ] as const) {
      const { child, log } = start(environment);
      const [code] = await once(child, 'close');
      expect(code).toBe(2);
      expect(log()).toContain(missing);
    }
  });

  it('serves the token of the Compose example, and its health check follows the server', async () => {
    const { services } = parse(readFileSync(COMPOSE, 'utf8'));
    const { environment, read_only, cap_drop } = services['nat-gateway-mcp'];
    expect({ read_only, cap_drop }).toEqual({ read_only: true, cap_drop: ['ALL'] });
    expect(environment.NAT_GATEWAY_MCP_TOKEN_FILE).toBe('/run/secrets/tokens');
    const { child, port } = start({
      ...environment,
      NAT_GATEWAY_MCP_TOKEN_FILE: join(root, 'tokens.json'),
    });
    const url = `http://localhost:${await port()}/mcp`;
    await expect(connectModern(url)).rejects.toThrow();
    const client = await connectModern(url, { token: TOKEN });
    expect(await client.tools()).toHaveLength(4);
    await client.close();

    const command = /CMD (\[.*\])/.exec(argumentOf('HEALTHCHECK'))?.[1] ?? '';
    const [, ...args] = (JSON.parse(command) as string[]).map((each) =>
      each.replace('8080', new URL(url).port),
    );
    const isHealthy = async (): Promise<unknown[]> => once(spawn(process.execPath, args), 'close');
    expect(await isHealthy()).toEqual([0, null]);
    child.kill('SIGTERM');
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(await isHealthy()).toEqual([1, null]);
  });
});
