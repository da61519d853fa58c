import { once } from 'node:events';
import { createServer } from 'node:net';
import { isLoopback, isWildcard } from '../config/loopback.ts';
import type { Settings } from '../config/options.ts';
import type { HttpAddress } from '../config/values.ts';
import type { Logger } from '../vocabulary/logger.ts';
import type { Finding } from './report.ts';

/** Listens at the address for a moment, without answering. */
export async function checkHttp({ host, port }: HttpAddress, { allowedHosts }: Settings): Promise<Finding> {
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const problem = await listen(host, port);
  if (problem !== undefined) return cannotListen(address, problem);
  if (isWildcard(host) && allowedHosts.length === 0) {
    return {
      status: 'warning',
      message: `${address} can be served, but only calls to a loopback name are answered.`,
      hint: 'Name the host that clients call with --allowed-hosts.',
    };
  }
  const reach = isLoopback(host) ? 'from this machine alone' : 'from other machines, too';
  return {
    status: 'ok',
    message: `${address} can be served; it is reached ${reach}.`,
    facts: { host, port },
  };
}

/** The code of the failure, if there is one. */
async function listen(host: string, port: number): Promise<string | undefined> {
  const server = createServer((socket) => socket.destroy());
  try {
    server.listen({ host, port });
    await once(server, 'listening');
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? (error as Error).message;
  } finally {
    server.close();
  }
}

function cannotListen(address: string, problem: string): Finding {
  const facts = { code: problem };
  if (problem === 'EADDRINUSE') {
    return {
      status: 'warning',
      message: `Something listens at ${address} already.`,
      hint: 'If it is not this server, stop it or choose another port.',
      facts,
    };
  }
  const hint =
    problem === 'EACCES'
      ? 'Choose a port from 1024 on, or let the server use this one.'
      : 'Check that the host of --http is one of this machine.';
  return { status: 'failure', message: `${address} cannot be served (${problem}).`, hint, facts };
}

/**
 * Whose calls are answered: the tokens of a file, or those of an issuer that can be reached. Tokens may be limited to the
 * targets with these names.
 */
export async function checkTokens(
  { tokenFile, oauthIssuer }: Settings,
  logger: Logger,
  targetNames?: readonly string[],
): Promise<Finding> {
  if (tokenFile !== undefined) return checkTokenFile(tokenFile, targetNames);
  if (oauthIssuer !== undefined) return checkIssuer(oauthIssuer, logger);
  return { status: 'ok', message: 'No token is needed: every program on this machine can call.' };
}

async function checkTokenFile(file: string, targetNames: readonly string[] | undefined): Promise<Finding> {
  const { TokenFile } = await import('../serve/http/token-file.ts');
  try {
    const callers = new TokenFile(file, targetNames).size;
    const tokens = callers === 1 ? '1 token' : `${callers} tokens`;
    return { status: 'ok', message: `${file} has ${tokens}.`, facts: { file, tokens: callers } };
  } catch (error) {
    return {
      status: 'failure',
      message: `${file} ${(error as Error).message}.`,
      hint: 'The server does not start so.',
    };
  }
}

async function checkIssuer(issuer: string, logger: Logger): Promise<Finding> {
  const { IssuerKeys } = await import('../serve/http/issuer-keys.ts');
  const facts = { issuer };
  try {
    await new IssuerKeys({ issuer, logger, monotonic: () => performance.now() }).load();
    return { status: 'ok', message: `The keys of ${issuer} can be read.`, facts };
  } catch (error) {
    return {
      status: 'failure',
      message: `The keys of ${issuer} cannot be read: ${(error as Error).message}.`,
      hint: 'Until they can, every call is answered with 503. Check --oauth-issuer and the network path to it.',
      facts,
    };
  }
}
