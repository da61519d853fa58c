import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { getProxyForUrl } from 'proxy-from-env';

/** Metadata and keys of issuers have a few kilobytes. */
const MAX_BYTES = 1_048_576;

/**
 * Reads JSON from `url`, through the proxy that `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` name for it.
 *
 * @throws Error without a whole answer of status 200 and at most 1 MiB before `signal` aborts
 */
export async function readJson(url: URL, signal: AbortSignal): Promise<unknown> {
  // Plain HTTP is for loopback only, where no proxy is.
  const proxy = url.protocol === 'https:' ? getProxyForUrl(url.href) : '';
  try {
    // A signal of its own, because one reading has several requests, and their listeners would add up.
    return await parse(await answerTo(url, proxy, AbortSignal.any([signal])));
  } catch (error) {
    const through = proxy === '' ? '' : ' through the proxy';
    throw new Error(`${reasonOf(error, signal)}${through}`);
  }
}

function answerTo(url: URL, proxy: string, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    // A request that still waits for its connection does not report that it was aborted.
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, {
      headers: { accept: 'application/json', 'user-agent': 'nat-gateway-mcp' },
      // The signal closes the connection to a proxy that does not answer.
      agent: proxy === '' ? false : new HttpsProxyAgent(proxy, { signal }),
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
