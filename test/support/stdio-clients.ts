import { Client as ModernClient } from '@modelcontextprotocol/client';
import { StdioClientTransport as ModernTransport } from '@modelcontextprotocol/client/stdio';
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { onTestFinished } from 'vitest';
import { BARE_ENVIRONMENT, MAIN } from './server-process.ts';

/** Real clients of both generations, each with a server process of its own. */

export type FormAnswer = { action: 'accept' | 'decline' | 'cancel'; content?: { confirm: boolean } };

export interface StdioClientOptions {
  args?: readonly string[];
  environment?: Record<string, string>;
  /** Answers the confirmation form; a client without it cannot be asked. */
  answer?: (question: string) => FormAnswer | Promise<FormAnswer>;
  /** Registers the clean-up; a concurrent test passes its own. */
  finish?: typeof onTestFinished;
}

interface CallOptions {
  signal?: AbortSignal;
  onprogress?: (progress: number) => void;
}

export interface StdioClient {
  revision: string | undefined;
  tools: () => Promise<string[]>;
  // biome-ignore lint/suspicious/noExplicitAny: results of every shape
  call: (name: string, args: Record<string, unknown>, options?: CallOptions) => Promise<any>;
  /** Closes the connection and waits for the exit of the server. */
  close: () => Promise<void>;
}

export type ConnectOverStdio = (options: StdioClientOptions) => Promise<StdioClient>;

/** The command that starts the server, for a client's transport. */
export function serverCommand({ args = [], environment = {} }: StdioClientOptions) {
  return {
    command: process.execPath,
    args: [MAIN, ...args],
    env: { ...BARE_ENVIRONMENT, ...environment },
    stderr: 'ignore' as const,
  };
}

function requestOptions({ signal, onprogress }: CallOptions) {
  return {
    ...(signal && { signal }),
    ...(onprogress && { onprogress: ({ progress }: { progress: number }) => onprogress(progress) }),
  };
}

/** Connects the v2 client on revision 2026-07-28. */
export const connectModern: ConnectOverStdio = async (options) => {
  const { answer, finish = onTestFinished } = options;
  const capabilities = answer === undefined ? {} : { elicitation: {} };
  const client = new ModernClient(
    { name: 'v2', version: '1.0.0' },
    { capabilities, versionNegotiation: { mode: 'auto' } },
  );
  if (answer !== undefined) {
    client.setRequestHandler('elicitation/create', async ({ params }) => answer(params.message));
  }
  await client.connect(new ModernTransport(serverCommand(options)));
  finish(() => client.close());
  return {
    revision: client.getNegotiatedProtocolVersion(),
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: (name, args, options = {}) => client.callTool({ name, arguments: args }, requestOptions(options)),
    close: () => client.close(),
  };
};

/** Connects the v1 client, on which today's hosts are built, on revision 2025-11-25. */
export const connectLegacy: ConnectOverStdio = async (options) => {
  const { answer, finish = onTestFinished } = options;
  const capabilities = answer === undefined ? {} : { elicitation: {} };
  const client = new LegacyClient({ name: 'v1', version: '1.0.0' }, { capabilities });
  if (answer !== undefined) {
    client.setRequestHandler(ElicitRequestSchema, async ({ params }) => answer(params.message));
  }
  const transport = new LegacyTransport(serverCommand(options));
  await client.connect(transport);
  finish(() => client.close());
  return {
    revision: '2025-11-25',
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: (name, args, options = {}) =>
      client.callTool({ name, arguments: args }, undefined, requestOptions(options)),
    close: () => client.close(),
  };
};

export const STDIO_CLIENTS: [string, string, ConnectOverStdio][] = [
  ['the v2 client', '2026-07-28', connectModern],
  ['the v1 client', '2025-11-25', connectLegacy],
];
