import { BlockList, isIP } from 'node:net';
import { unescape as decode } from 'node:querystring';
import { isLoopback } from '../config/loopback.ts';
import { type HttpProxy, unusable } from './proxy.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** A variable that has a value. */
interface Setting {
  variable: string;
  value: string;
}

/**
 * The proxy that `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` name for requests to `target`, read as curl and
 * the AWS CLI read them; `docs/configuration.md` tells where those two differ. `undefined` means a direct connection.
 *
 * @throws ProxyError if the variable that counts names no proxy that is supported
 */
export function proxyFor(target: URL, env: Environment): HttpProxy | undefined {
  // What listens here over plain HTTP is the embedded endpoint or an emulator; a proxy may reach another machine's.
  if (target.protocol === 'http:' && isLoopback(target.hostname)) return undefined;
  const setting = settingOf(target.protocol.replace(':', '_proxy'), env) ?? settingOf('all_proxy', env);
  if (setting === undefined) return undefined;
  const exceptions = settingOf('no_proxy', env);
  if (exceptions !== undefined && isException(target, exceptions.value)) return undefined;
  return proxyIn(setting, target.hostname);
}

/** The lower-case variable beats the other one even if it is empty; an empty value names nothing. */
function settingOf(name: string, env: Environment): Setting | undefined {
  const upper = name.toUpperCase();
  const variable = env[name] === undefined ? upper : name;
  const value = env[variable];
  if (value === undefined || value === '') return undefined;
  // A CGI program gets the header `Proxy` of its client as HTTP_PROXY.
  if (variable === 'HTTP_PROXY' && env.REQUEST_METHOD !== undefined) return undefined;
  return { variable, value };
}

function isException({ hostname, port, protocol }: URL, list: string): boolean {
  if (list === '*') return true;
  const host = hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  const usedPort = port || (protocol === 'https:' ? '443' : '80');
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .some((entry) => {
      // Not of a bare IPv6 address, whose colons separate no port.
      const [, name = entry, only = usedPort] = /^(\[[^\]]*\]|[^:]+)(?::(\d+))?$/.exec(entry) ?? [];
      return only === usedPort && (isIP(host) === 0 ? isWithin(host, name) : isInNetwork(host, name));
    });
}

/** Whether `host` is the domain, written with or without a leading dot, or a name below it. */
function isWithin(host: string, name: string): boolean {
  const domain = name.replace(/^\.+/, '').replace(/\.$/, '');
  return domain !== '' && (host === domain || host.endsWith(`.${domain}`));
}

/** Whether `host` is the address, or one of the network in CIDR notation. curl reads a length of 0 as none, too. */
function isInNetwork(host: string, network: string): boolean {
  const [, address = '', length] = /^\[?([^\]/%]+)\]?(?:\/([1-9]\d*))?$/.exec(network) ?? [];
  const family = isIP(host);
  if (isIP(address) !== family) return false;
  const [type, longest] = family === 6 ? (['ipv6', 128] as const) : (['ipv4', 32] as const);
  const bits = Number(length ?? longest);
  if (bits > longest) return false;
  const addresses = new BlockList();
  addresses.addSubnet(address, bits, type);
  return addresses.check(host, type);
}

function proxyIn({ variable, value }: Setting, target: string): HttpProxy {
  const [, scheme] = /^([a-z][a-z\d+.-]*):\/\//i.exec(value) ?? [];
  if (scheme !== undefined && !/^https?$/i.test(scheme)) {
    throw unusable(variable, `names a proxy of ${scheme}://, which is not supported`, target);
  }
  const url = urlOf(/^https?:\//i.test(value) ? value : `http://${value.replace(/^\/\//, '')}`);
  if (url === undefined) throw unusable(variable, 'is not the URL of a proxy', target);
  const { hostname, username, password, protocol } = url;
  const isTls = protocol === 'https:';
  const port = Number(url.port || (isTls ? 443 : 80));
  const credentials = `${decode(username)}:${decode(password)}`;
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port,
    isTls,
    authorization: credentials === ':' ? undefined : `Basic ${Buffer.from(credentials).toString('base64')}`,
    variable,
    name: `${hostname}:${port} (${variable})`,
  };
}

/** The URL, unless it is malformed. After an unencoded `/`, `?` or `#` in a password the host would be part of it. */
function urlOf(text: string): URL | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const isCut = `${url.pathname}${url.search}${url.hash}`.includes('@');
  return isCut || url.port === '0' ? undefined : url;
}
