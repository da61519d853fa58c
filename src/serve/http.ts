import { isWildcard } from '../config/loopback.ts';
import type { Settings } from '../config/options.ts';
import type { HttpAddress } from '../config/values.ts';
import { createServer, type Dependencies } from '../server.ts';
import { HttpFront } from './http/app.ts';
import { Authorization } from './http/bearer.ts';
import { finished, GRACE_MILLISECONDS, onTermination } from './shutdown.ts';

/** Serves MCP over HTTP until a signal comes. An address or a token file that is no good ends the process. */
export async function serveOverHttp(
  dependencies: Dependencies,
  settings: Settings,
  { host, port }: HttpAddress,
): Promise<void> {
  const { changes, logger, version } = dependencies;
  const authorization = await authorizationOf(settings, dependencies);
  const { allowedHosts, allowedOrigins } = settings;
  const { maxBodyBytes, requestTimeoutSeconds, maxConcurrentCalls, maxSubscriptions } = settings;
  const options = {
    ...{ host, port, allowedHosts, allowedOrigins, authorization },
    ...{ maxBodyBytes, requestTimeoutSeconds, maxConcurrentCalls, maxSubscriptions },
    graceMilliseconds: GRACE_MILLISECONDS,
    logger,
  };
  let front: HttpFront;
  try {
    front = await HttpFront.open(({ era }) => createServer(dependencies, era), options);
  } catch (error) {
    return stop(`--http cannot be served: ${(error as Error).message}`);
  }
  onTermination(() => front.end(), logger);
  logger.info({ version, simulate: settings.simulate, url: front.url }, 'serving MCP over HTTP');
  if (isWildcard(host) && allowedHosts.length === 0) {
    logger.warn('only calls by a loopback name are answered: name the hosts of others with --allowed-hosts');
  }
  await front.ending;
  await finished(front.closed, changes);
}

async function authorizationOf(
  { tokenFile, oauthIssuer, oauthAudience }: Settings,
  { logger, now }: Dependencies,
): Promise<Authorization | undefined> {
  if (tokenFile !== undefined) {
    const { TokenFile } = await import('./http/token-file.ts');
    try {
      return new Authorization(new TokenFile(tokenFile));
    } catch (error) {
      return stop(`--token-file ${(error as Error).message}`);
    }
  }
  if (oauthIssuer === undefined || oauthAudience === undefined) return undefined;
  const [{ Issuer }, { ProtectedResource }] = await Promise.all([
    import('./http/issuer.ts'),
    import('./http/protected-resource.ts'),
  ]);
  return new Authorization(
    new Issuer({ issuer: oauthIssuer, audience: oauthAudience, logger, now }),
    new ProtectedResource(oauthIssuer, oauthAudience),
  );
}

function stop(message: string): never {
  process.stderr.write(`nat-gateway-mcp: ${message}\n`);
  return process.exit(2);
}
