import type { ChangeCalls, Ec2 } from '../../aws/ec2.ts';
import type { AddressChange } from '../../aws/permit.ts';
import type { AuditFields } from '../../changes/audit-log.ts';
import type { Answer, Need } from '../../changes/confirmation.ts';
import type { Hold, Remembered } from '../../changes/state.ts';
import type { Evidence } from '../../nat-gateway/evidence.ts';
import type { NatGateway } from '../../nat-gateway/gateway.ts';
import type { JudgedEvidence } from '../../nat-gateway/judge-evidence.ts';
import type { ChangeRequest, Denial, Policy } from '../../nat-gateway/policy.ts';
import type { Finding } from '../../nat-gateway/preflight.ts';
import type { ChangeTool } from '../../vocabulary/names.ts';
import type { Dependencies, PlacedCall } from '../define-tool.ts';
import type { Claimant } from './claims.ts';
import type { Advice } from './next-step.ts';
import type { ChangeResult, Progress } from './result.ts';

/** The arguments that every change has. */
export interface ChangeArguments {
  nat_gateway_id: string;
  private_ip_addresses: string[];
  mode: ChangeRequest['mode'];
  min_remaining?: number | undefined;
  approval_id?: string | undefined;
  region?: string | undefined;
}

/** A change and the gateway that it is about, as far as it was read. */
export interface Subject<Change extends AddressChange> {
  request: Change;
  gateway?: NatGateway;
  /** What was looked up beside it. */
  evidence?: Evidence | undefined;
  /** What is remembered of it, as far as it was looked up. */
  remembered?: Remembered | undefined;
  dependencies: Dependencies;
}

/** What stands against a change, by the state that was read and by the rules. */
export interface Checked {
  /** `done`: the state is as requested already, so that nothing is left to do. */
  verdict: 'clear' | 'done' | 'blocked';
  /** Of the state and the rules. */
  findings: Finding[];
  /** Evidence with the findings that it gives; absent where nothing depends on it. */
  evidence?: JudgedEvidence | undefined;
  /** What the result shows of it. */
  progress: Partial<Progress>;
}

/** What tells one kind of change from another on the way of an attempt, which is the same for all. */
export interface ChangeKind<Input extends ChangeArguments, Change extends AddressChange, Own extends string> {
  tool: ChangeTool;
  /** The outcomes of a request that EC2 accepted, and of one that asks for what is so already. */
  outcomes: { accepted: Own; done: Own };
  /** The member of a result that tells of the real call. */
  realCall: 'unassign' | 'assign';
  /** The user's wish, on which a call that makes the change depends. */
  wish: string;
  requestOf(input: Input, region: string): Change;
  calls(ec2: Ec2): ChangeCalls<Change>;
  /** The operator's rules, as far as they are about this kind of change. */
  rules(policy: Policy): Policy;
  /** Looks up evidence, beside describe and dry run. */
  lookUp?(
    call: Subject<Change> & Pick<PlacedCall<unknown>, 'ec2' | 'context'>,
  ): Promise<Evidence | undefined> | undefined;
  check(subject: Subject<Change> & { gateway: NatGateway }, denials: readonly Denial[]): Checked;
  /** What to do after findings that block. */
  afterBlocking(findings: readonly Finding[], subject: Subject<Change>): Advice;
  /** What to do where it is done already. */
  afterDone(subject: Subject<Change>): Partial<Progress>;
  /** Adds what the result says of an accepted real call that was sent at `sentAt`. */
  accepted(subject: Subject<Change>, progress: Progress, sentAt: number): Progress;
  /** The last words on a result before it is told. */
  told(result: ChangeResult<Own>): ChangeResult<Own>;
}

/** One attempt on its way down this page. */
export interface Attempt<I extends ChangeArguments, C extends AddressChange, Own extends string>
  extends PlacedCall<I>,
    Claimant {
  kind: ChangeKind<I, C, Own>;
  request: C;
  need: Need;
  /** The client's answer to a question asked before, if there is one. */
  answer: Answer;
  audit: AuditFields;
  /** The gateway, held or waited for, where the attempt may change something. */
  holding?: Promise<Hold>;
}

/** An attempt of any kind, where the kind does not matter. */
export type AnyAttempt = Pick<
  Attempt<ChangeArguments, AddressChange, string>,
  'request' | 'dependencies' | 'context' | 'change' | 'answer' | 'ec2'
>;
