import { randomUUID } from 'node:crypto';
import type { Action, NatGateways } from './action.ts';
import { type ActionOptions, createActions } from './actions.ts';
import { ACCOUNT_ID, arnOf, authenticate, authorize } from './authorization.ts';
import type { Clock } from './clock.ts';
import { createCloudWatch } from './cloudwatch.ts';
import { type Answer, failure, stsSuccess, success } from './envelope.ts';
import { dryRunOperation, Ec2Error, requestLimitExceeded } from './errors.ts';
import { type JsonBody, jsonFailure } from './json-protocol.ts';
import { booleanParameter, type QueryParameters } from './query.ts';
import { tokenBuckets } from './throttle.ts';

/** A request, read and decoded. */
export interface Call {
  /** Empty if the request has none. */
  action: string;
  parameters: QueryParameters;
  /** The body if the request is of AWS JSON 1.0, which is CloudWatch's here; `parameters` is empty then. */
  json?: JsonBody | undefined;
  dryRun: boolean;
  /** The `Authorization` header. */
  authorization: string | undefined;
  /** Set if the request is of no protocol served here: the refusal to answer with. */
  fault?: Ec2Error | undefined;
}

/** Record of one answered request. */
export interface SimulatorCall {
  /** Empty if the request had none. */
  action: string;
  /** Decoded, `Action` and `Version` included; empty if the body could not be decoded. */
  parameters: Record<string, string>;
  /** The decoded body of a call to CloudWatch; absent for other calls. */
  json?: JsonBody;
  dryRun: boolean;
  /** The id in the answer's body and in its `x-amzn-requestid` header. */
  requestId: string;
  /** HTTP status of the answer. */
  status: number;
  /** The service's error code if it was refused; `DryRunOperation` for a dry run that passed. */
  code?: string;
  /** Whether it changed a gateway. */
  changed: boolean;
  /** Simulated time, in milliseconds since the epoch. */
  at: number;
}

export interface EndpointOptions extends ActionOptions {
  gateways: NatGateways;
  clock: Clock;
  throttling: boolean;
  ignoresDryRun: boolean;
  onCall: (call: SimulatorCall) => void;
}

/** Creates EC2 without HTTP: the function returned applies a call and returns the answer. */
export function createEndpoint(options: EndpointOptions): (call: Call) => Answer {
  const { region, gateways, clock, throttling, ignoresDryRun, onCall } = options;
  const actions = createActions(options);
  const takeToken = tokenBuckets();
  const cloudWatch = createCloudWatch({ ...options, takeToken });

  /** @throws Ec2Error */
  const run = (call: Call, requestId: string, now: number): { answer: Answer; changed: boolean } => {
    if (call.fault !== undefined) throw call.fault;
    const { json } = call;
    if (json !== undefined) return { answer: cloudWatch({ ...call, json }, requestId, now), changed: false };
    if (call.action === 'GetCallerIdentity') {
      return { answer: callerIdentity(requestId, authenticate(call.authorization, region)), changed: false };
    }
    const action = actionNamed(call.action, actions);
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
    if (dryRun && !ignoresDryRun) throw dryRunOperation();
    const members = action.run(call.parameters, gateways, now);
    return { answer: success(call.action, requestId, members), changed: action.changes };
  };

  return (call) => {
    const at = clock.now();
    const requestId = randomUUID();
    const { action, parameters, json, dryRun } = call;
    const record = { action, parameters: { ...parameters }, ...(json && { json }), dryRun, requestId, at };
    try {
      const { answer, changed } = run(call, requestId, at);
      onCall({ ...record, status: answer.status, changed });
      return answer;
    } catch (error) {
      const { status, code, message } = error instanceof Ec2Error ? error : internalError(error);
      onCall({ ...record, status, code, changed: false });
      return (json === undefined ? failure : jsonFailure)(new Ec2Error(code, message, status), requestId);
    }
  };
}

/** Answers `GetCallerIdentity`, which STS allows without any permission. */
function callerIdentity(requestId: string, accessKeyId: string): Answer {
  return stsSuccess('GetCallerIdentity', requestId, {
    Arn: arnOf(accessKeyId),
    UserId: accessKeyId,
    Account: ACCOUNT_ID,
  });
}

/** @throws Ec2Error `MissingAction` or `InvalidAction` */
function actionNamed(name: string, actions: ReadonlyMap<string, Action>): Action {
  if (name === '') throw new Ec2Error('MissingAction', 'The request must contain the parameter Action');
  const action = actions.get(name);
  if (action === undefined) {
    throw new Ec2Error('InvalidAction', `The action ${name} is not valid for this web service.`);
  }
  return action;
}

/** Reports an exception of this endpoint, or of an interceptor, as EC2 reports its own. */
export function internalError(error: unknown): Ec2Error {
  const reason = error instanceof Error ? error.message : String(error);
  return new Ec2Error('InternalError', `An internal error has occurred: ${reason}`, 500);
}
