import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { type HttpProxy, ProxyError } from '../../proxy/proxy.ts';
import { TunnelAgent } from '../../proxy/tunnel-agent.ts';
import { proxyFor } from '../../proxy/variables.ts';
import { anyOf } from '../../vocabulary/any-of.ts';

/** Metadata and keys of issuers have a few kilobytes. */
const MAX_BYTES = 1_048_576;

/**
 * Reads JSON from `url`, through the proxy that the environment names for it.
 *
 * @throws Error without a whole answer of status 200 and at most 1 MiB before `signal` aborts
 */
export async function readJson(url: URL, signal: AbortSignal): Promise<unknown> {
  const proxy = proxyFor(url, process.env);
  // A signal of its own, because one reading has several requests, and their listeners would add up.
  const own = anyOf([signal]);
  try {
    return await parse(await answerTo(url, proxy, own.signal));
  } catch (error) {
    if (error instanceof ProxyError) throw error;
    const through = proxy === undefined ? '' : ` through the proxy ${proxy.name}`;
    throw new Error(`${reasonOf(error, signal)}${through}`);
  } finally {
    own.letGo();
  }
}

/** `proxy` is one for HTTPS: plain HTTP is for issuers on this machine, which are asked without one. */
function answerTo(url: URL, proxy: HttpProxy | undefined, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    // A request that still waits for its connection does not report that it was aborted.
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, {
      headers: { accept: 'application/json', 'user-agent': 'nat-gateway-mcp' },
      agent: proxy === undefined ? false : new TunnelAgent(proxy, { gaveUp: signal }),
      signal,
    });
    request.on('response', resolve);
    request.on('error', reject);
    request.end();
  });
}

async function parse(response: IncomingMessage): Promise<unknown> {
  if (response.statusCode !== 200) {
    response.destroy();
    throw new Error(`HTTP ${response.statusCode}`);
  }
  const text = await textOf(response);
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('the answer is not JSON');
  }
}

async function textOf(response: AsyncIterable<Buffer>): Promise<string> {
  const bytes = Buffer.allocUnsafe(MAX_BYTES);
  let length = 0;
  for await (const chunk of response) {
    if (length + chunk.length > MAX_BYTES) throw new Error(`the answer has more than ${MAX_BYTES} bytes`);
    length += chunk.copy(bytes, length);
  }
  return bytes.toString('utf8', 0, length);
}

/** An error of several connection attempts has a code and no message. */
function reasonOf(error: unknown, signal: AbortSignal): string {
  if (signal.aborted) return 'no answer in time';
  const { message, code } = error as NodeJS.ErrnoException;
  return message || (code ?? 'no answer');
}
