import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { run, TERMINAL } from '../support/run.ts';
import { startServer } from '../support/server-process.ts';

describe('the server, started by hand in a terminal', () => {
  it('says in one plain sentence what it waits for, and what else there is', async () => {
    const { code, stdout, stderr } = await ended(TERMINAL);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr).toMatch(/^nat-gateway-mcp waits for an MCP client on stdin[^\n]+\n$/);
    for (const named of ['nat-gateway-mcp check', '--simulate', '--help']) expect(stderr).toContain(named);
  });

  it('logs its start as well where stderr is not the terminal', async () => {
    const { stderr } = await ended('process.stdin.isTTY = process.stdout.isTTY = true;');
    expect(stderr).toMatch(
      /^nat-gateway-mcp waits for [^\n]+\n\{"level":"info".*serving MCP over stdio"\}\n/,
    );
  });

  it('logs its start alone where a client has its pipes', async () => {
    const server = startServer();
    await server.logged('serving MCP over stdio');
    expect(server.log).not.toContain('waits for');
    server.child.stdin?.end();
    await once(server.child, 'exit');
  });

  /** Runs the server with an input that has ended. */
  function ended(preloaded: string) {
    return run(['--simulate'], {}, `${preloaded} process.stdin.push(null);`);
  }
});
