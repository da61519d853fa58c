import { randomUUID } from 'node:crypto';
import { ACTIONS, type NatGateways } from './actions.ts';
import { ACCOUNT_ID, arnOf, authenticate, authorize } from './authorization.ts';
import type { Clock } from './clock.ts';
import { type Answer, failure, stsSuccess, success } from './envelope.ts';
import { dryRunOperation, Ec2Error, requestLimitExceeded } from './errors.ts';
import { booleanParameter, type QueryParameters } from './query.ts';
import { tokenBuckets } from './throttle.ts';

/** A request as far as it could be read. */
export interface Call {
  /** Empty where the request has none. */
  action: string;
  parameters: QueryParameters;
  dryRun: boolean;
  /** The header of that name. */
  authorization: string | undefined;
  /** Why the request is refused whatever it asks for: it is not one of the EC2 Query protocol. */
  fault?: Ec2Error | undefined;
}

/** What became of one request. */
export interface SimulatorCall {
  /** Empty where the request had none. */
  action: string;
  /** Decoded, `Action` and `Version` included; empty where the body could not be decoded. */
  parameters: Record<string, string>;
  dryRun: boolean;
  /** As in the answer's body and its `x-amzn-requestid`. */
  requestId: string;
  /** HTTP status of the answer. */
  status: number;
  /** EC2's error code, if it was refused. A dry run that passed has `DryRunOperation`. */
  code?: string;
  /** Whether it changed a gateway. */
  changed: boolean;
  /** Simulated time, in milliseconds since the epoch. */
  at: number;
}

export interface EndpointOptions {
  region: string;
  gateways: NatGateways;
  clock: Clock;
  readLagSeconds: number;
  throttling: boolean;
  onCall: (call: SimulatorCall) => void;
}

/** EC2 without its HTTP: each call is applied when it comes, and answered. */
export function createEndpoint(options: EndpointOptions): (call: Call) => Answer {
  const { region, gateways, clock, readLagSeconds, throttling, onCall } = options;
  const takeToken = tokenBuckets();

  /** @throws Ec2Error */
  const run = (call: Call, requestId: string, now: number): { answer: Answer; changed: boolean } => {
    if (call.fault !== undefined) throw call.fault;
    if (call.action === 'GetCallerIdentity') {
      return { answer: callerIdentity(requestId, authenticate(call.authorization, region)), changed: false };
    }
    const action = actionOf(call);
    const accessKeyId = authenticate(call.authorization, region);
    if (throttling && !takeToken(call.action, performance.now())) throw requestLimitExceeded();
    authorize(accessKeyId, call.action);
    for (const name of Object.keys(call.parameters)) {
      if (name !== 'Action' && name !== 'Version' && !action.accepts.test(name)) {
        throw new Ec2Error('UnknownParameter', `The parameter ${name} is not recognized`);
      }
    }
    const dryRun = booleanParameter(call.parameters, 'DryRun');
    action.check(call.parameters);
    if (dryRun) throw dryRunOperation();
    const readAt = now - readLagSeconds * 1000;
    const members = action.run(call.parameters, gateways, { now, readAt });
    return { answer: success(call.action, requestId, members), changed: action.changes };
  };

  return (call) => {
    const at = clock.now();
    const requestId = randomUUID();
    const { action, parameters, dryRun } = call;
    const record = { action, parameters: { ...parameters }, dryRun, requestId, at };
    try {
      const { answer, changed } = run(call, requestId, at);
      onCall({ ...record, status: answer.status, changed });
      return answer;
    } catch (error) {
      const { status, code, message } = error instanceof Ec2Error ? error : internalError(error);
      onCall({ ...record, status, code, changed: false });
      return failure(new Ec2Error(code, message, status), requestId);
    }
  };
}

/** STS's answer, which needs no permission: SDKs and tools send it to the same endpoint to learn the account. */
function callerIdentity(requestId: string, accessKeyId: string): Answer {
  return stsSuccess('GetCallerIdentity', requestId, {
    Arn: arnOf(accessKeyId),
    UserId: accessKeyId,
    Account: ACCOUNT_ID,
  });
}

function actionOf({ action: name }: Call) {
  if (name === '') throw new Ec2Error('MissingAction', 'The request must contain the parameter Action');
  const action = ACTIONS.get(name);
  if (action === undefined) {
    throw new Ec2Error('InvalidAction', `The action ${name} is not valid for this web service.`);
  }
  return action;
}

/** What went wrong here rather than in the request, as EC2 says it. */
export function internalError(error: unknown): Ec2Error {
  const reason = error instanceof Error ? error.message : String(error);
  return new Ec2Error('InternalError', `An internal error has occurred: ${reason}`, 500);
}
