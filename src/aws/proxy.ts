import { Agent } from 'node:https';
import { NodeHttpHandler, type NodeHttpHandlerOptions } from '@smithy/node-http-handler';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { getProxyForUrl } from 'proxy-from-env';

type Handle = NodeHttpHandler['handle'];

/**
 * The SDK's HTTP handler, extended by `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, which the SDK ignores.
 *
 * The variables are read for each request, because the endpoint's host is known only then.
 */
export class ProxyAwareHandler extends NodeHttpHandler {
  readonly #options: NodeHttpHandlerOptions;
  readonly #throughProxy = new Map<string, NodeHttpHandler>();

  constructor(options: NodeHttpHandlerOptions) {
    super({ ...options, httpsAgent: new Agent({ keepAlive: true }) });
    this.#options = options;
  }

  override handle(...[request, options]: Parameters<Handle>): ReturnType<Handle> {
    const port = request.port === undefined ? '' : `:${request.port}`;
    const proxy = request.protocol === 'https:' ? getProxyForUrl(`https://${request.hostname}${port}/`) : '';
    return proxy === '' ? super.handle(request, options) : this.#through(proxy).handle(request, options);
  }

  override destroy(): void {
    super.destroy();
    for (const handler of this.#throughProxy.values()) handler.destroy();
  }

  #through(proxy: string): NodeHttpHandler {
    const known = this.#throughProxy.get(proxy);
    if (known !== undefined) return known;
    const handler = new NodeHttpHandler({
      ...this.#options,
      httpsAgent: new HttpsProxyAgent(proxy, { keepAlive: true }),
    });
    this.#throughProxy.set(proxy, handler);
    return handler;
  }
}
