import { randomUUID } from 'node:crypto';
import {
  type InputRequiredResult,
  isInputRequiredResult,
  type McpServer,
  type ServerContext,
} from '@modelcontextprotocol/server';
import type { Logger } from 'pino';
import * as z from 'zod';
import type { Ec2 } from '../aws/ec2.ts';
import type { AuditLog } from '../changes/audit-log.ts';
import type { Confirmation, Era } from '../changes/confirmation.ts';
import type { ChangeLimit } from '../changes/limit.ts';
import type { ChangeQueue } from '../changes/queue.ts';
import type { StartedDrains } from '../changes/started-drains.ts';
import type { Policy } from '../nat-gateway/policy.ts';
import { type ErrorReport, Failure, reportOf } from '../vocabulary/failure.ts';
import type { ConfirmMode, Scope } from '../vocabulary/names.ts';
import { unknownArguments } from './arguments.ts';
import { withinGrace } from './grace.ts';
import { listedInput, listedOutput } from './listed-schema.ts';
import { toolResult } from './results.ts';

/** What the tools need from outside. One for all connections of a process. */
export interface Dependencies {
  /** Loads the AWS code on the first call, so that a handshake needs neither it, nor credentials, nor a network. */
  ec2: () => Promise<Ec2>;
  policy: Policy;
  confirmMode: ConfirmMode;
  confirmation: Confirmation;
  audit: AuditLog;
  changes: ChangeQueue;
  changeLimit: ChangeLimit;
  drains: StartedDrains;
  /** Aborted once the process is to end: no real call begins after that. */
  stopping: AbortSignal;
  /** Whether an answer can still reach the caller, as far as its signal does not tell. Asked before a real call. */
  isHeard: () => Promise<boolean>;
  /** Aborted when nothing more can be read from the client, so that no answer to a question can come. Never over HTTP. */
  inputEnded: AbortSignal;
  /** Aborted when waits have to end with the call to repeat, because nobody will get a later answer. */
  handOver: AbortSignal;
  /** Aborted when every call in flight has to be answered, because the process is about to exit. */
  graceOver: AbortSignal;
  /** The longest wait, whatever the caller asks for. */
  longestWaitSeconds: number;
  /** Milliseconds since the epoch. For times; a clock that is set moves it. */
  now: () => number;
  /** The clock by which drains run: the real one, or that of the embedded endpoint, which may be faster. */
  ec2Clock: { now: () => number; monotonic: () => number };
  /** Milliseconds since any moment, for durations: it never jumps. */
  monotonic: () => number;
  logger: Logger;
  version: string;
}

/** One call of a tool, from the moment its arguments fit. */
export interface Call<Input> {
  /** Joins the audit records of the call. */
  id: string;
  input: Input;
  dependencies: Dependencies;
  server: McpServer;
  era: Era;
  context: ServerContext;
  /** By the monotonic clock, in milliseconds. */
  began: number;
}

/** A call that may use AWS: its token has the scope, and its region is known. */
export interface PlacedCall<Input> extends Call<Input> {
  ec2: Ec2;
  region: string;
}

interface Definition<Shape extends z.ZodRawShape, Output extends z.ZodObject> {
  name: string;
  title: string;
  description: string;
  input: Shape;
  output: Output;
  /** The scope that a caller's token needs. */
  scope: Scope;
  /** Whether a call may change something, as hosts are told by the annotations. */
  isDestructive: boolean;
  /** Runs before everything else. What it returns runs when the call is over. */
  begin?: (call: Call<z.output<z.ZodObject<Shape>>>) => () => void;
  run: (call: PlacedCall<z.output<z.ZodObject<Shape>>>) => Promise<z.input<Output> | InputRequiredResult>;
  /** The result of a call that failed; `region` is that of the call where it was known by then. */
  failed: (
    call: Call<z.output<z.ZodObject<Shape>>>,
    region: string | undefined,
    error: ErrorReport,
  ) => z.input<Output>;
}

/** Registers a tool at one server. */
export type Tool = (server: McpServer, dependencies: Dependencies, era: Era) => void;

/** A tool: scope, region, run, report and result, in this order, once for all tools. */
export function defineTool<Shape extends z.ZodRawShape, Output extends z.ZodObject>(
  definition: Definition<Shape, Output>,
): Tool {
  const { name, title, description, output, scope, isDestructive, begin, run, failed } = definition;
  const input = z.strictObject(definition.input, { error: unknownArguments(Object.keys(definition.input)) });
  const schemas = { inputSchema: listedInput(input), outputSchema: listedOutput(output) };
  const annotations = {
    readOnlyHint: !isDestructive,
    destructiveHint: isDestructive,
    idempotentHint: true,
    openWorldHint: true,
  };
  return (server, dependencies, era) => {
    const { ec2: connect, logger, monotonic, graceOver } = dependencies;
    server.registerTool(
      name,
      { title, description, ...schemas, annotations },
      async (given: z.output<z.ZodObject<Shape>>, context) => {
        const id = randomUUID();
        const call = { id, input: given, dependencies, server, era, context, began: monotonic() };
        const over = begin?.(call);
        let region: string | undefined;
        let result: z.input<Output> | InputRequiredResult;
        try {
          requireScope(context, scope);
          const ec2 = await connect();
          region = await ec2.region(regionOf(given));
          const placed = { ...call, ec2, region };
          result = await withinGrace(graceOver, context, (context) => run({ ...placed, context }));
        } catch (error) {
          if (!(error instanceof Failure)) logger.error({ err: error }, 'tool failed');
          result = failed(call, region, reportOf(error));
        } finally {
          over?.();
        }
        return isInputRequiredResult(result) ? result : toolResult(output, result);
      },
    );
  };
}

function regionOf(input: { region?: unknown }): string | undefined {
  return typeof input.region === 'string' ? input.region : undefined;
}

/**
 * Refuses a call whose token lacks a scope, behind the check of the HTTP front. Without authorization (over stdio, or on
 * a loopback host) there is no token, and nothing is refused.
 *
 * @throws Failure `policy_denied`
 */
export function requireScope({ http }: ServerContext, scope: Scope): void {
  if (http?.authInfo === undefined || http.authInfo.scopes.includes(scope)) return;
  throw new Failure({
    code: 'policy_denied',
    message: `This needs the scope ${scope}, which the token of this call does not have. Nothing was changed.`,
    retryable: false,
    hint: `Call with a token that has the scope ${scope}, or ask whoever runs this server for one.`,
  });
}
