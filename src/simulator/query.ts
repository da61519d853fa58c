import { Ec2Error, invalidParameterValue, invalidValueMessage } from './errors.ts';

/** Decoded parameters of a request, `Action` included. */
export type QueryParameters = Readonly<Record<string, string>>;

const malformed = (reason: string) => new Ec2Error('MalformedQueryString', reason);

/**
 * Decodes a request body, `application/x-www-form-urlencoded` in UTF-8.
 *
 * @throws Ec2Error `MalformedQueryString`
 */
export function decodeQuery(body: Uint8Array): QueryParameters {
  const parameters = new Map<string, string>();
  for (const pair of text(body).split('&')) {
    if (pair === '') continue;
    const end = pair.indexOf('=');
    const name = decoded(end < 0 ? pair : pair.slice(0, end));
    if (parameters.has(name)) throw malformed(`The parameter ${name} is given more than once.`);
    parameters.set(name, end < 0 ? '' : decoded(pair.slice(end + 1)));
  }
  return Object.fromEntries(parameters);
}

function text(body: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw malformed('The request body is not UTF-8.');
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part.replaceAll('+', ' '));
  } catch {
    throw malformed('The query string contains a malformed escape.');
  }
}

/** Returns the values of `NAME.1`, `NAME.2`, … in numeric order; numbers may have gaps. */
export function listParameter(parameters: QueryParameters, name: string): string[] {
  return numbered(parameters, name).map(([, value]) => value);
}

/** Returns each N for which a `NAME.N…` is present, in numeric order. */
export function listNumbers(parameters: QueryParameters, name: string): number[] {
  return [...new Set(numbered(parameters, name).map(([number]) => number))];
}

function numbered(parameters: QueryParameters, name: string): [number, string][] {
  return Object.entries(parameters)
    .filter(([key]) => key.startsWith(`${name}.`))
    .map(([key, value]): [number, string] => [Number.parseInt(key.slice(name.length + 1), 10), value])
    .sort(([one], [other]) => one - other);
}

/** Returns a number; `NaN` if the parameter is not a whole number, `undefined` if it is absent. */
export function integerParameter(parameters: QueryParameters, name: string): number | undefined {
  const value = parameters[name];
  if (value === undefined) return undefined;
  return /^-?\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
}

/**
 * Returns a boolean; `false` if the parameter is absent.
 *
 * @throws Ec2Error `InvalidParameterValue`
 */
export function booleanParameter(parameters: QueryParameters, name: string): boolean {
  const value = parameters[name] ?? 'false';
  if (!/^(true|false)$/i.test(value))
    throw invalidParameterValue(invalidValueMessage(value, name, 'Expecting true or false.'));
  return value.toLowerCase() === 'true';
}
