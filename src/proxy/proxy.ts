/** A proxy that a variable of the environment names. */
export interface HttpProxy {
  /** Without brackets around an IPv6 address. */
  host: string;
  port: number;
  /** Whether the connection to the proxy itself is TLS. */
  isTls: boolean;
  /** The value of `Proxy-Authorization`. */
  authorization: string | undefined;
  variable: string;
  /** Host, port and variable, for messages: no credentials. */
  name: string;
}

interface Details {
  hint: string;
  /** Whether the same call may find a way later. */
  isRetryable?: boolean;
  /** Whether another attempt may find one at once. */
  isTransient?: boolean;
  isTimeout?: boolean;
  cause?: unknown;
}

/** A proxy opened no way to the target, so that nothing of the request was sent. */
export class ProxyError extends Error {
  readonly hint: string;
  readonly isRetryable: boolean;
  readonly isTimeout: boolean;
  /** Tells the SDK to make another attempt, whatever the cause is. */
  readonly $retryable: { transient: true } | undefined;

  constructor(
    message: string,
    { hint, isRetryable = true, isTransient = isRetryable, isTimeout = false, cause }: Details,
  ) {
    super(message, { cause });
    this.name = 'ProxyError';
    this.hint = hint;
    this.isRetryable = isRetryable;
    this.isTimeout = isTimeout;
    this.$retryable = isTransient ? { transient: true } : undefined;
  }
}

/** The error of a variable whose value, which may hold credentials, names no proxy. `target` has no port. */
export function unusable(variable: string, problem: string, target: string): ProxyError {
  return new ProxyError(`${variable} ${problem}`, {
    hint: `Set ${variable} to http://HOST:PORT or https://HOST:PORT, with USER:PASSWORD@ percent-encoded before HOST, or name ${target} in NO_PROXY. Then restart the server.`,
    isRetryable: false,
  });
}

/** The error of an answer to CONNECT that opens no tunnel. */
export function refused(proxy: HttpProxy, target: string, status: number): ProxyError {
  const { variable } = proxy;
  return notConnected(proxy, target, `it answered CONNECT with HTTP ${status}`, {
    hint:
      status === 407
        ? `The proxy wants credentials: ${variable}=http://USER:PASSWORD@HOST:PORT.`
        : `Have the proxy of ${variable} allow connections to ${target}, or name the host in NO_PROXY, then call again.`,
    // More attempts could lock the account of the proxy.
    isTransient: status !== 407,
  });
}

/** The error of a way to the target that was not there within `milliseconds`. */
export function late(proxy: HttpProxy, target: string, milliseconds: number): ProxyError {
  return notConnected(proxy, target, `no connection within ${milliseconds / 1000} s`, {
    hint: reachable(proxy),
    isTimeout: true,
  });
}

/** The error of a connection to the proxy that failed before it answered. */
export function failed(proxy: HttpProxy, target: string, cause: Error): ProxyError {
  const { code = cause.message } = cause as NodeJS.ErrnoException;
  const { variable } = proxy;
  const explain = (reason: string, hint = reachable(proxy)): ProxyError =>
    notConnected(proxy, target, `${reason} (${code})`, { hint, cause });
  if (/^(ENOTFOUND|EAI_)/.test(code)) {
    return explain(
      'its name does not resolve',
      `Correct the proxy's name in ${variable} and restart the server, or check DNS and call again.`,
    );
  }
  if (/^HPE_/.test(code)) return explain('it answered CONNECT with something that is not HTTP');
  if (/CERT|SELF_SIGNED|ISSUER|UNABLE_TO_VERIFY/.test(code)) {
    return explain(
      'its certificate is not trusted',
      `Name the certificate authority of the proxy in NODE_EXTRA_CA_CERTS, or use an http:// proxy in ${variable}. Then restart the server.`,
    );
  }
  if (/^(EPROTO|ERR_(SSL|TLS)_)/.test(code)) {
    return explain(
      'no TLS with it',
      `If the proxy expects plain HTTP, write http:// in ${variable} and restart the server.`,
    );
  }
  if (/^(ECONNRESET|EPIPE|ECONNABORTED)$/.test(code)) return explain('it closed the connection');
  return explain('it could not be reached');
}

function notConnected({ name }: HttpProxy, target: string, reason: string, details: Details): ProxyError {
  return new ProxyError(`The proxy ${name} did not connect to ${target}: ${reason}`, details);
}

function reachable({ variable }: HttpProxy): string {
  return `Check that the proxy of ${variable} runs and can be reached, or name the host in NO_PROXY, then call again.`;
}
