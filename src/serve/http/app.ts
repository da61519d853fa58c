import type { HttpBindings } from '@hono/node-server';
import { type AuthInfo, isJsonContentType, type McpHttpHandler } from '@modelcontextprotocol/server';
import { type Context, Hono, type Next } from 'hono';
import type { AuditLog } from '../../changes/audit-log.ts';
import { reportOf } from '../../vocabulary/failure.ts';
import type { Logger } from '../../vocabulary/logger.ts';
import { WRITE_SCOPE } from '../../vocabulary/names.ts';
import type { Access } from './access.ts';
import type { BearerAuthentication } from './bearer.ts';
import type { Connections } from './connections.ts';
import { METADATA_PATHS } from './protected-resource.ts';
import type { Quota } from './quota.ts';
import { ReceivedBody } from './received-body.ts';
import * as refusal from './refusal.ts';
import type { RefusalLog } from './refusal-log.ts';
import { recordRefusedChanges } from './refused-changes.ts';
import { RpcBody } from './rpc-body.ts';

export interface AppOptions {
  /** Without it, anyone who can reach the host may call. */
  authentication: BearerAuthentication | undefined;
  maxBodyBytes: number;
  requestTimeoutSeconds: number;
  audit: AuditLog;
  logger: Logger;
  /** Rejects where the state of changes cannot be read or written. */
  checkState: () => Promise<void>;
}

/** What the doors work with, the same for every request. */
export interface Bindings extends AppOptions {
  access: Access;
  refusals: RefusalLog;
  connections: Connections;
  slots: Quota;
  /** Bytes of bodies that are being read or answered. */
  bodyBytes: Quota;
  /** Answers by a stream, whatever the request. */
  streaming: McpHttpHandler;
  /** Answers in JSON, unless there is something to tell before. */
  answering: McpHttpHandler;
  /** Aborted when a shutdown begins. */
  ending: AbortSignal;
}

/** Set for one request by the doors `receiveBody`, `authenticate`, `requireStream` and `readBody`. */
interface Variables {
  acceptsJson: boolean;
  received: ReceivedBody;
  caller?: AuthInfo;
  body: RpcBody;
}

type Env = { Bindings: Bindings & HttpBindings; Variables: Variables };
type Exchange = Context<Env>;

/** The last revision that has batches. Requests that name none are taken for it, as that revision says. */
const LAST_WITH_BATCHES = '2025-03-26';

/** The weight of a media type that is not acceptable. */
const NEVER = /;\s*q=0(\.0*)?\s*$/;

/** The largest batch that the SDK takes, in messages. */
const LARGEST_BATCH = 100;

/**
 * The HTTP application as a list of doors, outermost first. A door answers, throws a Refusal, or opens to the next.
 * Paths count as they were sent, so that no other spelling of one gets past the rules of a proxy.
 */
export const app = new Hono<Env>({
  getPath: (_, options) => targetOf(options?.env?.incoming.url).path,
});
app.all('/healthz', (c) => c.json({ status: 'up' }));
app.all('/readyz', tellReadiness);
app.use(checkHostAndOrigin);
app.all(METADATA_PATHS, describeResource);
app.use('/mcp', refuseWhenEnding, receiveBody, authenticate, requirePost, requireJson, requireStream);
app.use('/mcp', readBody, requireScopes, refuseBatch, checkMessages);
// Asked again, as the token and the body may have taken seconds.
app.use('/mcp', refuseWhenEnding);
app.use('/mcp', takeSlots, limitTime);
app.all('/mcp', passOn);
app.notFound((c) => answerRefusal(refusal.notFound(), c));
app.onError(answerRefusal);

/** A replica without its shared state makes no change, so that calls should go to another. */
async function tellReadiness(c: Exchange): Promise<Response> {
  if (c.env.ending.aborted) return c.json({ status: 'shutting_down' }, 503);
  try {
    await c.env.checkState();
    return c.json({ status: 'ready' });
  } catch (error) {
    const { code, message } = reportOf(error);
    return c.json({ status: code, message }, 503);
  }
}

async function checkHostAndOrigin(c: Exchange, next: Next): Promise<void> {
  const { access } = c.env;
  const origin = c.req.header('origin');
  const { host: targetHost } = targetOf(c.env.incoming.url);
  access.check({ hostHeader: c.req.header('host'), targetHost, origin });
  const cors = access.cors(origin);
  // A browser asks ahead, without a token, whether the page may call.
  if (cors !== undefined && c.req.method === 'OPTIONS') c.res = c.body(null, 204);
  else await next();
  for (const [name, value] of Object.entries(cors ?? {})) c.header(name, value);
}

async function describeResource(c: Exchange, next: Next): Promise<void> {
  const resource = c.env.authentication?.resource;
  if (resource !== undefined) c.res = c.json(resource.metadata(hostOf(c)));
  else await next();
}

async function refuseWhenEnding(c: Exchange, next: Next): Promise<void> {
  if (c.env.ending.aborted) throw refusal.shuttingDown();
  await next();
}

/** Comes before `authenticate`, and in the turn in which the request arrives: see ReceivedBody. */
async function receiveBody(c: Exchange, next: Next): Promise<void> {
  const { incoming, outgoing, maxBodyBytes: limit, bodyBytes: quota, authentication } = c.env;
  const needsToken = authentication !== undefined;
  c.set('received', new ReceivedBody(incoming, outgoing, { limit, quota, needsToken }));
  await next();
}

async function authenticate(c: Exchange, next: Next): Promise<void> {
  const authorization = c.req.header('authorization');
  c.set('caller', await c.env.authentication?.authenticate(authorization, hostOf(c)));
  await next();
}

async function requirePost(c: Exchange, next: Next): Promise<void> {
  if (c.req.method !== 'POST') throw refusal.methodNotAllowed();
  await next();
}

/** Refuses encoded bodies too, which can be far larger than they look. */
async function requireJson(c: Exchange, next: Next): Promise<void> {
  const isJson = isJsonContentType(c.req.header('content-type') ?? null);
  if (!isJson || c.req.header('content-encoding') !== undefined) throw refusal.unsupportedMediaType();
  await next();
}

/** Any answer may be an event stream. */
async function requireStream(c: Exchange, next: Next): Promise<void> {
  const accept = c.req.header('accept');
  if (!accepts('text', 'event-stream', accept)) throw refusal.notAcceptable();
  c.set('acceptsJson', accepts('application', 'json', accept));
  // The SDK demands both types by name, of clients that accept anything too.
  c.req.raw.headers.set('accept', 'application/json, text/event-stream');
  await next();
}

async function readBody(c: Exchange, next: Next): Promise<void> {
  const { received, caller } = c.var;
  c.set('body', new RpcBody(await received.take(caller?.clientId)));
  await next();
}

async function requireScopes(c: Exchange, next: Next): Promise<void> {
  const { caller, body } = c.var;
  if (caller !== undefined) {
    if (!caller.scopes.includes(WRITE_SCOPE))
      recordRefusedChanges(c.env.audit, caller.clientId, body.changes);
    c.env.authentication?.requireScopes(body.scopes, caller, hostOf(c));
  }
  await next();
}

async function refuseBatch(c: Exchange, next: Next): Promise<void> {
  const revision = c.req.header('mcp-protocol-version') ?? LAST_WITH_BATCHES;
  if (c.var.body.isBatch && revision > LAST_WITH_BATCHES) throw refusal.batchNotAllowed();
  await next();
}

async function checkMessages(c: Exchange, next: Next): Promise<void> {
  c.var.body.checkMessages();
  await next();
}

/** Takes a slot for each request of the body, until the answer is complete or the caller has left. */
async function takeSlots(c: Exchange, next: Next): Promise<void> {
  const { slots, incoming, outgoing, connections } = c.env;
  const { calls } = c.var.body;
  const largest = Math.min(slots.shareOf(c.var.caller?.clientId), LARGEST_BATCH);
  // No number of retries would help.
  if (calls > largest) throw refusal.batchTooLarge(largest);
  // No further event would give the slots back.
  if (incoming.socket.destroyed) {
    c.res = new Response(null, { status: 499 });
    return;
  }
  const release = slots.take(calls, c.var.caller?.clientId);
  if (release === undefined) throw refusal.tooManyCalls(slots.limit);
  outgoing.once('close', release);
  connections.keep(incoming.socket, outgoing);
  await next();
}

/** Cuts the connection of a call that takes too long, since the head of the answer may be out already. */
async function limitTime(c: Exchange, next: Next): Promise<void> {
  const { incoming, outgoing, requestTimeoutSeconds, logger } = c.env;
  const timer = setTimeout(() => {
    logger.warn({ requestTimeoutSeconds }, 'a request took too long and was cut');
    incoming.socket.destroy();
  }, requestTimeoutSeconds * 1000);
  outgoing.once('close', () => clearTimeout(timer));
  await next();
}

async function passOn(c: Exchange): Promise<Response> {
  const { acceptsJson, caller, body } = c.var;
  const authInfo = caller === undefined ? {} : { authInfo: caller };
  const mcp = acceptsJson && !body.mayTakeLong ? c.env.answering : c.env.streaming;
  const response = await mcp.fetch(c.req.raw, { parsedBody: body.json, ...authInfo });
  // The SDK asks to keep the connection open, even for a client that asked to close it.
  response.headers.delete('connection');
  return response;
}

function answerRefusal(error: Error, c: Exchange): Response {
  const { ending, logger, refusals } = c.env;
  const { caller, body } = c.var as Partial<Variables>;
  const refused = refusal.Refusal.of(error);
  if (refused !== error) logger.error({ err: error }, 'a request failed');
  const path = c.req.path.slice(0, 200);
  refusals.warn({ status: refused.status, path, principal: caller?.clientId }, refused.message);
  const response = refused.toResponse(body?.id ?? null);
  if (ending.aborted) response.headers.set('connection', 'close');
  return response;
}

function hostOf(c: Exchange): string {
  return c.req.header('host') ?? '';
}

/** The target of a request, whose absolute form (RFC 9112, section 3.2.2) has a host. */
function targetOf(url = '/'): { host?: string; path: string } {
  const [, host, path] = /^https?:\/\/([^/?]*)([^?]*)/.exec(url) ?? [];
  if (host === undefined || path === undefined) return { path: url.split('?')[0] ?? '/' };
  return { host, path: path === '' ? '/' : path };
}

/** Whether an Accept admits a media type. Without one, anything is acceptable (RFC 9110, section 12.5.1). */
function accepts(type: string, subtype: string, accept = '*/*'): boolean {
  const ranges = ['*/*', `${type}/*`, `${type}/${subtype}`];
  return accept
    .toLowerCase()
    .split(',')
    .some((each) => ranges.includes(each.split(';')[0]?.trim() ?? '') && !NEVER.test(each));
}
