import { deepStrictEqual } from 'node:assert/strict';
import { type CallToolResult, Client, type ClientOptions } from '@modelcontextprotocol/client';
import { InMemoryTransport } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { pino } from 'pino';
import { connectEc2 } from '../../src/aws/ec2.ts';
import { AuditLog } from '../../src/changes/audit-log.ts';
import { Confirmation } from '../../src/changes/confirmation.ts';
import { memoryState } from '../../src/changes/memory-state.ts';
import type { Release } from '../../src/changes/releases.ts';
import type { State } from '../../src/changes/state.ts';
import type { Policy } from '../../src/nat-gateway/policy.ts';
import type { Dependencies } from '../../src/server.ts';
import { createServer } from '../../src/server.ts';
import {
  type Clock,
  type Simulator,
  type SimulatorCall,
  type SimulatorOptions,
  startSimulator,
} from '../../src/simulator/simulator.ts';
import { loadAllTools } from '../../src/tools/tools.ts';
import type { ConfirmMode } from '../../src/vocabulary/names.ts';
import { TIMEOUTS, type Timeouts } from '../../src/vocabulary/timeouts.ts';

/** The two generations of MCP, by the client's negotiation. */
export type Era = 'modern' | 'legacy';
export const ERAS: readonly Era[] = ['modern', 'legacy'];

export const OPEN_POLICY: Policy = {
  allowAccount: [],
  readOnly: false,
  allowRegion: [],
  allowGateway: [],
  requireTag: [],
  protectTag: [],
  protectAddress: [],
  evidence: 'off',
  minRemaining: 1,
  maxAddresses: 7,
};

/** A clock that only moves when told to. */
export class ManualClock implements Clock {
  #time: number;

  constructor(time: number) {
    this.#time = time;
  }

  now = (): number => this.#time;

  advance(seconds: number): void {
    this.#time += seconds * 1000;
  }
}

/** Short enough for many faults in a test run; the proportions are those of the product. */
export const FAST_TIMEOUTS: Timeouts = {
  queue: 4000,
  connect: 1000,
  read: 6000,
  readAttempt: 700,
  evidence: 700,
  change: 700,
  reconcile: 5000,
  reconcilePauses: [2, 2, 4, 4, 8, 8],
  pollPace: 20,
  pollFirst: 5,
  pollUrgent: 2,
};

/** Keeps what an audit log was told. */
export class AuditSpy extends AuditLog {
  readonly records: Record<string, unknown>[] = [];

  constructor() {
    super({ writeNow: () => {}, write: () => true, close: () => {} }, 'test', Date.now);
  }

  override intent(fields: Parameters<AuditLog['intent']>[0]): void {
    this.records.push({ audit: 'intent', ...fields });
  }

  override outcome(fields: Parameters<AuditLog['outcome']>[0]): boolean {
    this.records.push({ audit: 'outcome', ...fields });
    return true;
  }
}

export interface SessionOptions extends Omit<SimulatorOptions, 'port' | 'region' | 'onCall'> {
  era?: Era;
  /** The URL at which the server reaches the endpoint, given the endpoint's own. Default: that one. */
  endpoint?: (url: string) => Promise<string>;
  policy?: Partial<Policy>;
  confirmMode?: ConfirmMode;
  timeouts?: Timeouts;
  audit?: AuditLog;
  accessKeyId?: string;
  /** Default: no limit. */
  changesPerHour?: number;
  /** Releases of earlier processes. */
  earlier?: readonly Release[];
  client?: ClientOptions;
  stopping?: AbortSignal;
  /** Take the place of the usual ones. */
  dependencies?: Partial<Dependencies>;
  /** Dependencies shared with other sessions, as one process shares them between connections. */
  shared?: Dependencies;
}

/** A client connected in memory to a server that talks, through the real SDK, to an embedded endpoint. */
export interface Session {
  client: Client;
  simulator: Simulator;
  dependencies: Dependencies;
  audit: AuditSpy;
  /** The endpoint's own record. */
  calls: SimulatorCall[];
  call: (name: string, args: Record<string, unknown>) => Promise<ToolResult>;
  close: () => Promise<void>;
}

const TOOLS = await loadAllTools();

export interface ToolResult {
  // biome-ignore lint/suspicious/noExplicitAny: tests look into results of every shape
  content: any;
  isError: boolean;
  text: string;
}

export async function openSession(options: SessionOptions = {}): Promise<Session> {
  const calls: SimulatorCall[] = [];
  const simulator = await startSimulator({
    throttling: false,
    ...options,
    onCall: (call) => calls.push(call),
  });
  const logger = pino({ level: 'silent' });
  const target = {
    region: simulator.region,
    endpoint: (await options.endpoint?.(simulator.url)) ?? simulator.url,
    credentials: { accessKeyId: options.accessKeyId ?? 'AKIATEST', secretAccessKey: 'secret' },
  };
  const ec2 = connectEc2(target, '0.0.0', logger, options.timeouts ?? TIMEOUTS);
  const audit = new AuditSpy();
  const confirmation = new Confirmation('a key of thirty-two bytes or more', Date.now);
  const dependencies: Dependencies = options.shared ?? {
    ec2: async () => ec2,
    policy: { ...OPEN_POLICY, ...options.policy },
    confirmMode: options.confirmMode ?? 'auto',
    confirmation: async () => confirmation,
    audit: options.audit ?? audit,
    state: stateOf(options),
    canRestore: true,
    stopping: options.stopping ?? new AbortController().signal,
    isHeard: async () => true,
    inputEnded: new AbortController().signal,
    handOver: new AbortController().signal,
    graceOver: new AbortController().signal,
    longestWaitSeconds: 900,
    now: Date.now,
    ec2Clock: {
      now: options.clock?.now ?? Date.now,
      monotonic: options.clock?.now ?? (() => performance.now()),
    },
    monotonic: () => performance.now(),
    logger,
    version: '0.0.0',
    ...options.dependencies,
  };
  const client = await connect(dependencies, options.era ?? 'modern', options.client);
  return {
    client,
    simulator,
    dependencies,
    audit,
    calls,
    call: (name, args) => callTool(client, name, args),
    close: async () => {
      await client.close();
      ec2.close();
      await simulator.close();
    },
  };
}

/** The state of a process by itself. With a clock, all times are by it. */
export function stateOf({
  changesPerHour: maxChangesPerHour = Number.POSITIVE_INFINITY,
  clock,
  earlier = [],
}: Pick<SessionOptions, 'changesPerHour' | 'clock' | 'earlier'> = {}): State {
  const monotonic = clock?.now ?? (() => performance.now());
  const ec2 = { now: clock?.now ?? Date.now, monotonic };
  return memoryState({ clocks: { now: () => Date.now(), monotonic, ec2 }, maxChangesPerHour, earlier });
}

/** Another client of the same process. */
export async function connect(
  dependencies: Dependencies,
  era: Era,
  options: ClientOptions = {},
): Promise<Client> {
  const [clientSide, serverSide] = InMemoryTransport.createLinkedPair();
  serveStdio(({ era }) => createServer(dependencies, era), { transport: serverSide });
  const mode = era === 'modern' ? { pin: '2026-07-28' } : ('legacy' as const);
  const client = new Client({ name: 'test', version: '1.0.0' }, { ...options, versionNegotiation: { mode } });
  await client.connect(clientSide);
  return client;
}

export async function callTool(
  client: Client,
  name: string,
  args: Record<string, unknown>,
): Promise<ToolResult> {
  const result = (await client.callTool({ name, arguments: args })) as CallToolResult;
  const [first] = result.content;
  const text = first?.type === 'text' ? first.text : '';
  const content = JSON.parse(JSON.stringify(result.structuredContent ?? null));
  const output = TOOLS.find((tool) => tool.name === name)?.output;
  // Nothing else checks it when the server runs.
  if (content !== null && output !== undefined) deepStrictEqual(content, output.parse(content));
  return { content, isError: result.isError === true, text };
}

/** The real calls among the endpoint's record: unassign requests that were not dry runs. */
export function realCalls(calls: readonly SimulatorCall[]): SimulatorCall[] {
  return calls.filter(({ action, dryRun }) => action === 'UnassignPrivateNatGatewayAddress' && !dryRun);
}

/** The fixed inventory's gateway with four secondaries, by name. */
export const EGRESS = 'nat-0a11a11a11a11a11a';
