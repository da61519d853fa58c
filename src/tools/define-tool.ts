import { randomUUID } from 'node:crypto';
import {
  type CallToolResult,
  type InputRequiredResult,
  isInputRequiredResult,
  type McpServer,
  type ServerContext,
} from '@modelcontextprotocol/server';
import * as z from 'zod';
import type { Ec2 } from '../aws/ec2.ts';
import type { AuditLog } from '../changes/audit-log.ts';
import type { Confirmation, Era } from '../changes/confirmation.ts';
import type { State } from '../changes/state.ts';
import type { Policy } from '../nat-gateway/policy.ts';
import { ERRORS, type ErrorReport, errorReport, Failure, reportOf } from '../vocabulary/failure.ts';
import type { Logger } from '../vocabulary/logger.ts';
import type { ConfirmMode, Scope } from '../vocabulary/names.ts';
import { boundedIfText } from '../vocabulary/text.ts';
import { type Search, searchForGateway, unknownArguments } from './arguments.ts';
import { callerOf } from './caller.ts';
import { withinGrace } from './grace.ts';
import { inputSchemaOf, outputSchemaOf } from './listed-schema.ts';
import { type Features, type ListedTool, missingFeatures, namesWithout } from './listed-tools.ts';
import { type Next, toolResult, withinScope } from './results.ts';
import { nextIn, type Targets } from './targets.ts';

/** What the tools need from outside. One for all connections of a process. */
export interface Dependencies {
  /** Loads the AWS code on the first call, so that a handshake needs neither it, nor credentials, nor a network. */
  ec2: () => Promise<Ec2>;
  policy: Policy;
  confirmMode: ConfirmMode;
  /** Loaded by the first change. */
  confirmation: () => Promise<Confirmation>;
  audit: AuditLog;
  /** What is known of all changes, those of replicas included. */
  state: State;
  /** The accounts to work in; absent where that is the account of the server's own credentials. */
  targets?: Targets | undefined;
  /** The people whose approval a change needs; absent where it needs nobody's. */
  approvals?: ApprovalRule | undefined;
  /** Whether addresses may be given back at all. */
  canRestore: boolean;
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

/** How many people have to approve a change, and whether its requester may be one of them. */
export interface ApprovalRule {
  needed: number;
  allowsOwn: boolean;
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
  /** Where it runs, as far as that is known by now. */
  where: Where;
}

/** The region of a call, and its target where targets are in use. */
export interface Where {
  target?: string | undefined;
  region?: string | undefined;
}

/** A call in one region of one account, whose rules and memory are in `dependencies`. */
export interface PlacedCall<Input> extends Call<Input> {
  ec2: Ec2;
  region: string;
}

/** A call that ended in an error. */
export interface FailedCall extends Omit<Call<unknown>, 'input'> {
  /** All arguments where they fit; else only the gateway that the call named. */
  input: { nat_gateway_id?: string | undefined; region?: string | undefined };
  argumentsFit: boolean;
  /** The call that finds what the arguments name, where they do not fit. */
  next?: Next | undefined;
}

interface Definition<Shape extends z.ZodRawShape, Output extends z.ZodObject> {
  name: string;
  title: string;
  description: string;
  input: Shape;
  output: Output;
  /** What is listed of the output, where the rest is like another tool's. Default: all of it. */
  listed?: z.ZodObject;
  /** The scope that a caller's token needs. */
  scope: Scope;
  /** Whether a call may change something, as hosts are told by the annotations. */
  isDestructive: boolean;
  /** Runs before everything else. What it returns runs when the call is over. */
  begin?: (call: Call<z.output<z.ZodObject<Shape>>>) => () => void;
  /** Runs a call whose token has the scope. */
  run: (call: Call<z.output<z.ZodObject<Shape>>>) => Promise<z.input<Output> | InputRequiredResult>;
  /** The result of a call that failed; `region` is that of the call where it was known by then. */
  failed: (call: FailedCall, region: string | undefined, error: ErrorReport) => z.input<Output>;
}

/** A tool without what makes it visible: the list that clients see is in `listed-tools.json`. */
export interface Tool {
  name: string;
  /** What its results fit. */
  output: z.ZodObject;
  /** As it is listed where every option is in use. */
  listed: () => ListedTool;
  answer: (given: unknown, call: ToolCall) => Promise<CallToolResult | InputRequiredResult>;
}

/** What a call comes with beside its arguments. */
export type ToolCall = Pick<Call<unknown>, 'server' | 'dependencies' | 'era' | 'context'>;

/** The most mistakes that the refusal of arguments names. */
const MISTAKES_NAMED = 20;

/** The longest text that a result repeats of an argument that does not fit. */
const LONGEST_ARGUMENT = 64;

/** A tool: arguments, scope, run, report and result, in this order, once for all tools. */
export function defineTool<Shape extends z.ZodRawShape, Output extends z.ZodObject>(
  definition: Definition<Shape, Output>,
): Tool {
  const { name, title, description, output, listed = output, scope, isDestructive } = definition;
  const { begin, run, failed } = definition;
  const inputFor = inputs(definition.input);
  const annotations = {
    readOnlyHint: !isDestructive,
    destructiveHint: isDestructive,
    idempotentHint: true,
    openWorldHint: true,
  };
  const resultOf = async (
    given: unknown,
    { server, dependencies, era, context }: ToolCall,
    where: Where,
  ): Promise<z.input<Output> | InputRequiredResult> => {
    const { logger, monotonic, graceOver } = dependencies;
    const call = { id: randomUUID(), dependencies, server, era, context, began: monotonic(), where };
    const parsed = inputFor(dependencies).safeParse(given);
    if (!parsed.success) {
      const named = { input: gatewayNamedBy(given), argumentsFit: false };
      const search = searchForGateway(given, dependencies.targets !== undefined);
      const error = doNotFit(parsed.error, search);
      return failed({ ...call, ...named, next: search?.next }, undefined, error);
    }
    const over = begin?.({ ...call, input: parsed.data });
    try {
      requireScope(context, scope);
      return await withinGrace(graceOver, context, (context) =>
        run({ ...call, input: parsed.data, context }),
      );
    } catch (error) {
      if (!(error instanceof Failure)) logger.error({ err: error }, 'tool failed');
      const named = { ...parsed.data, region: regionOf(parsed.data) };
      return failed({ ...call, input: named, argumentsFit: true }, where.region, reportOf(error));
    } finally {
      over?.();
    }
  };
  const answer = async (given: unknown, call: ToolCall): Promise<CallToolResult | InputRequiredResult> => {
    const { logger, monotonic } = call.dependencies;
    const began = monotonic();
    const where: Where = {};
    const result = await resultOf(given, call, where);
    const duration_ms = Math.round(monotonic() - began);
    const members = loggedMembers(given, result, call.context);
    logger.info({ tool: name, target: where.target, ...members, duration_ms }, 'tool call');
    if (isInputRequiredResult(result)) return result;
    return toolResult(output, withinScope(stamped(result, where), call.context));
  };
  const shown = (): ListedTool => {
    const schemas = { inputSchema: inputSchemaOf(definition.input), outputSchema: outputSchemaOf(listed) };
    return { name, title, description, ...schemas, annotations };
  };
  return { name, output, listed: shown, answer };
}

/** The arguments of a tool for servers with these options: without an option its arguments do not exist. */
function inputs<Shape extends z.ZodRawShape>(shape: Shape) {
  const made = new Map<string, z.ZodObject<Shape>>();
  return (features: Features): z.ZodObject<Shape> => {
    const missing = missingFeatures(features);
    const known = made.get(String(missing));
    if (known !== undefined) return known;
    const without = namesWithout(missing);
    const members = Object.entries(shape).filter(([name]) => !without.includes(name));
    const input = strict(Object.fromEntries(members)) as unknown as z.ZodObject<Shape>;
    made.set(String(missing), input);
    return input;
  };
}

function strict(shape: z.ZodRawShape) {
  return z.strictObject(shape, { error: unknownArguments(Object.keys(shape)) });
}

/** The result with the target of its call, which `next` names as well. */
function stamped<R extends { next?: Next | undefined }>(result: R, { target }: Where): R {
  if (target === undefined) return result;
  const { next } = result;
  return { target, ...result, next: next && nextIn(target, next) };
}

/** The refusal of arguments that do not fit, with every mistake. */
function doNotFit({ issues }: z.ZodError, search: Search | undefined): ErrorReport {
  const mistakes = issues.map(({ path, message }) =>
    path.length === 0 ? message : `${path.join('.')}: ${message}`,
  );
  const more = mistakes.length - MISTAKES_NAMED;
  const named = [...mistakes.slice(0, MISTAKES_NAMED), ...(more > 0 ? [`and ${more} more`] : [])];
  return errorReport({
    code: 'invalid_argument',
    message: `Nothing was done, because the arguments do not fit. ${named.join('; ')}`,
    retryable: false,
    hint: search === undefined ? undefined : `${ERRORS.invalid_argument.nextStep} ${search.hint}`,
  });
}

/** The members of a call that its line in the log has. The rest is in the result, and of a change in the audit log. */
function loggedMembers(given: unknown, result: object, context: ServerContext): Record<string, unknown> {
  const { outcome, region, error } = result as Partial<Record<'outcome' | 'region', string>> & {
    error?: ErrorReport;
  };
  return {
    outcome: isInputRequiredResult(result) ? 'confirmation_asked' : outcome,
    error: error?.code,
    region,
    nat_gateway_id: gatewayNamedBy(given).nat_gateway_id || undefined,
    principal: callerOf(context),
  };
}

/** The gateway that arguments of any kind name, as they name it. */
function gatewayNamedBy(given: unknown): { nat_gateway_id: string | undefined } {
  const { nat_gateway_id } = (given ?? {}) as { nat_gateway_id?: unknown };
  return { nat_gateway_id: boundedIfText(nat_gateway_id, LONGEST_ARGUMENT) };
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
