import { createHash, randomUUID } from 'node:crypto';
import {
  CLIENT_CAPABILITIES_META_KEY,
  createRequestStateCodec,
  type InputRequiredResult,
  inputRequired,
  inputResponse,
  type McpRequestContext,
  type McpServer,
  type ServerContext,
} from '@modelcontextprotocol/server';
import * as z from 'zod';
import { UNASSIGN } from '../vocabulary/names.ts';
import { confirmationText, type Question } from './confirmation-text.ts';

export type { Question } from './confirmation-text.ts';

/** How long a question may stay open. */
const OPEN_SECONDS = 600;

const KEY = 'confirm';

/** The state that the client carries from the question to the answer; signed, readable, and good for one use. */
const pendingSchema = z.object({ purpose: z.literal(UNASSIGN), digest: z.string(), nonce: z.string() });

/** The answer that a call carries to a question asked before, if it carries one. */
export type Answer =
  | { kind: 'none' }
  | { kind: 'no'; how: 'declined' | 'cancelled' | 'unticked' }
  | { kind: 'yes'; digest: string; nonce: string };

/** A yes: asked for, bound to what was shown, and used once. One instance for all connections of a process. */
export class Confirmation {
  readonly #codec: ReturnType<typeof createRequestStateCodec>;
  readonly #now: () => number;
  /** Nonces of used answers, until they would have expired anyway. */
  readonly #used = new Map<string, number>();

  /** Replicas share `key`, so that one may ask and another be answered. Single use is per process. */
  constructor(key: Uint8Array | string, now: () => number) {
    this.#codec = createRequestStateCodec({
      key,
      ttlSeconds: OPEN_SECONDS,
      bind: (context) => context.http?.authInfo?.clientId ?? '',
    });
    this.#now = now;
  }

  /**
   * Checks signed state and returns its content.
   *
   * @throws where it was tampered with, has expired, or belongs to another principal
   */
  verify(state: string, context: ServerContext): Promise<unknown> {
    return this.#codec.verify(state, context);
  }

  /** Reads the answer of a call. An answer without state signed here is none. */
  answer(context: ServerContext): Answer {
    const response = inputResponse(context.mcpReq.inputResponses, KEY);
    const pending = pendingSchema.safeParse(context.mcpReq.requestState());
    if (response.kind !== 'elicit' || !pending.success) return { kind: 'none' };
    if (response.action === 'decline') return { kind: 'no', how: 'declined' };
    if (response.action === 'cancel') return { kind: 'no', how: 'cancelled' };
    if (response.content?.[KEY] !== true) return { kind: 'no', how: 'unticked' };
    return { kind: 'yes', digest: pending.data.digest, nonce: pending.data.nonce };
  }

  /** Uses up a yes; false where it is none, is for another question, or was used before. */
  useYes(answer: Answer, question: Question): boolean {
    if (answer.kind !== 'yes' || answer.digest !== digest(question)) return false;
    const now = this.#now();
    for (const [nonce, until] of this.#used) if (until < now) this.#used.delete(nonce);
    if (this.#used.has(answer.nonce)) return false;
    this.#used.set(answer.nonce, now + OPEN_SECONDS * 1000);
    return true;
  }

  /** Asks the human; `again` where an earlier yes was for a state that has moved since. */
  async ask(question: Question, again: boolean, context: ServerContext): Promise<InputRequiredResult> {
    const pending = { purpose: UNASSIGN, digest: digest(question), nonce: randomUUID() };
    return inputRequired({
      requestState: await this.#codec.mint(pending, context),
      inputRequests: {
        [KEY]: inputRequired.elicit({
          message: confirmationText(question, again),
          requestedSchema: {
            type: 'object',
            properties: {
              [KEY]: {
                type: 'boolean',
                title: 'Release these addresses',
                description: 'Tick to release them; nothing happens otherwise.',
              },
            },
            required: [KEY],
          },
        }),
      },
    });
  }
}

/** The generation of MCP that a connection, or a request over HTTP, is of. */
export type Era = McpRequestContext['era'];

/**
 * Whether this client can show a form to its human, as it declared with the request or, in the 2025 era, at its
 * handshake. In that era the request's own envelope counts for nothing: it would take a human out of the way, or ask
 * one who cannot be reached.
 */
export function canAsk(server: McpServer, context: ServerContext, era: Era): boolean {
  // The SDK does not type the reserved keys of the envelope.
  const envelope = context.mcpReq.envelope as Record<string, unknown> | undefined;
  const declared =
    era === 'modern' ? envelope?.[CLIENT_CAPABILITIES_META_KEY] : server.server.getClientCapabilities();
  const { elicitation } = (declared ?? {}) as { elicitation?: Record<string, unknown> };
  return elicitation !== undefined && (Object.keys(elicitation).length === 0 || 'form' in elicitation);
}

function digest(question: Question): string {
  const { accountId, region, gateway, privateIps, maxDrainDurationSeconds, findings } = question;
  // EC2 promises no order of tags and addresses.
  const tags = sorted(gateway.tags ?? [], ({ key }) => key);
  const addresses = sorted(gateway.addresses, ({ private_ip = '' }) => private_ip);
  const state = { ...gateway, tags, addresses };
  const shown = [accountId, region, state, [...privateIps].sort(), maxDrainDurationSeconds, findings];
  return createHash('sha256').update(JSON.stringify(shown)).digest('base64url');
}

function sorted<T>(values: readonly T[], keyOf: (value: T) => string): T[] {
  return [...values].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}
