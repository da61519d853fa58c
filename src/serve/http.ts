import type { McpServerFactory } from '@modelcontextprotocol/server';
import type { Era } from '../changes/confirmation.ts';
import { isWildcard } from '../config/loopback.ts';
import type { Settings } from '../config/options.ts';
import type { HttpAddress } from '../config/values.ts';
import { createServer, type Dependencies } from '../server.ts';
import { SCOPES, USUAL_SCOPES } from '../vocabulary/names.ts';
import { onAbort } from '../vocabulary/on-abort.ts';
import { BearerAuthentication } from './http/bearer.ts';
import { HttpFront } from './http/front.ts';
import { ProtectedResource } from './http/protected-resource.ts';
import { finished, GRACE_MILLISECONDS } from './shutdown.ts';

/**
 * Serves MCP over HTTP until a signal comes. Exits if the address cannot be served or the token file is refused. The
 * line of the log that says so has the members of `started`.
 */
export async function serveOverHttp(
  dependencies: Dependencies,
  settings: Settings,
  { host, port }: HttpAddress,
  started: object,
): Promise<void> {
  const { audit, state, logger } = dependencies;
  const authentication = await authenticationFor(settings, dependencies);
  const options = {
    ...{ ...settings, host, port, authentication, logger },
    audit,
    checkState: () => state.check(),
    graceMilliseconds: GRACE_MILLISECONDS,
  };
  let front: HttpFront;
  try {
    front = await HttpFront.open(serverFor(dependencies), options);
  } catch (error) {
    return stop(`--http cannot be served: ${(error as Error).message}`);
  }
  onAbort(dependencies.stopping, () => void front.end());
  logger.info({ ...started, url: front.url }, 'serving MCP over HTTP');
  if (isWildcard(host) && settings.allowedHosts.length === 0) {
    logger.warn('only calls to a loopback name are answered: name other hosts with --allowed-hosts');
  }
  await front.ending;
  await finished(front.closed, state);
}

/** Makes the server of each request. */
export function serverFor(dependencies: Dependencies): McpServerFactory {
  return ({ era, authInfo: caller, requestInfo }) =>
    createServer(dependencies, era, { caller, tool: toolCalledBy(era, requestInfo) });
}

/** The tool that a request calls by its headers, which the SDK has compared with the body of a modern one. */
function toolCalledBy(era: Era, request: Request | undefined): string | undefined {
  const calls = era === 'modern' && request?.headers.get('mcp-method') === 'tools/call';
  return calls ? (request.headers.get('mcp-name') ?? undefined) : undefined;
}

async function authenticationFor(
  { tokenFile, oauthIssuer: issuer, oauthAudience: audience, ...settings }: Settings,
  { logger, now, monotonic, targets, approvals }: Dependencies,
): Promise<BearerAuthentication | undefined> {
  const scopes = approvals === undefined ? USUAL_SCOPES : SCOPES;
  if (tokenFile !== undefined) {
    const { TokenFile } = await import('./http/token-file.ts');
    try {
      return new BearerAuthentication(
        new TokenFile(
          tokenFile,
          targets?.current().map(({ name }) => name),
        ),
        undefined,
        scopes,
      );
    } catch (error) {
      return stop(`--token-file ${(error as Error).message}`);
    }
  }
  if (issuer === undefined || audience === undefined) return undefined;
  const { Issuer } = await import('./http/issuer.ts');
  const { oauthScopePrefix: scopePrefix = '', oauthClientId: clientIds } = settings;
  const { oauthTargetsClaim: targetsClaim } = settings;
  return new BearerAuthentication(
    new Issuer({ issuer, audience, clientIds, scopePrefix, targetsClaim, logger, now, monotonic }),
    new ProtectedResource(issuer, audience, scopePrefix, scopes),
    scopes,
  );
}

function stop(message: string): never {
  process.stderr.write(`nat-gateway-mcp: ${message}\n`);
  return process.exit(2);
}
