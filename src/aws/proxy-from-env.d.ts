declare module 'proxy-from-env' {
  /** The proxy that HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY name for this URL, or an empty string. */
  export function getProxyForUrl(url: string): string;
}
