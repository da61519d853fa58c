import { randomUUID } from 'node:crypto';
import { authorize } from './access.ts';
import type { Action } from './action.ts';
import type { Clock } from './clock.ts';
import { createCloudWatch } from './cloudwatch.ts';
import { type Answer, failure, stsFailure, success } from './envelope.ts';
import { authFailure, dryRunOperation, Ec2Error, requestExpired, requestLimitExceeded } from './errors.ts';
import { StsError } from './errors-sts.ts';
import { type JsonBody, jsonFailure } from './json-protocol.ts';
import { booleanParameter, type QueryParameters } from './query.ts';
import { createSts } from './sts.ts';
import type { Refusals, SignerRecord, World } from './world.ts';

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
  /** The `X-Amz-Security-Token` header. */
  securityToken: string | undefined;
  /** Set if the request is of no protocol served here: the refusal to answer with. */
  fault?: Ec2Error | undefined;
}

/** Record of one answered request. It lacks the signer if the key or the `Authorization` header is not known. */
export interface SimulatorCall extends Partial<SignerRecord> {
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

export interface EndpointOptions {
  world: World;
  clock: Clock;
  throttling: boolean;
  ignoresDryRun: boolean;
  onCall: (call: SimulatorCall) => void;
}

const REFUSALS: Refusals = { invalid: authFailure, expired: requestExpired };

/** Creates EC2 without HTTP: the function returned applies a call and returns the answer. */
export function createEndpoint(options: EndpointOptions): (call: Call) => Answer {
  const { world, clock, throttling, ignoresDryRun, onCall } = options;
  const sts = createSts(world, REFUSALS);
  const cloudWatch = createCloudWatch(world, throttling);

  /** @throws Ec2Error */
  const run = (call: Call, requestId: string, now: number): { answer: Answer; changed: boolean } => {
    if (call.fault !== undefined) throw call.fault;
    const { json } = call;
    if (json !== undefined) return { answer: cloudWatch({ ...call, json }, requestId, now), changed: false };
    const answerOfSts = sts.get(call.action)?.(call, requestId);
    if (answerOfSts !== undefined) return { answer: answerOfSts, changed: false };
    actionNamed(call.action, world.home.actions);
    const caller = world.localCaller(call, ['ec2', 'sts'], REFUSALS);
    const { place } = caller;
    const action = actionNamed(call.action, place.actions);
    const isThrottled = throttling && !place.takeToken(call.action, performance.now());
    if (isThrottled || place.trouble === 'throttles') throw requestLimitExceeded();
    authorize(caller, call.action, call.parameters);
    for (const name of Object.keys(call.parameters)) {
      if (name !== 'Action' && name !== 'Version' && !action.accepts.test(name)) {
        throw new Ec2Error('UnknownParameter', `The parameter ${name} is not recognized`);
      }
    }
    const dryRun = booleanParameter(call.parameters, 'DryRun');
    action.check(call.parameters);
    if (dryRun && !ignoresDryRun) throw dryRunOperation();
    const members = action.run(call.parameters, place.gateways, now);
    return { answer: success(call.action, requestId, members), changed: action.changes };
  };

  return (call) => {
    const at = clock.now();
    const requestId = randomUUID();
    const { action, parameters, json, dryRun } = call;
    const signer = world.signerOf(call);
    const request = { action, parameters: { ...parameters }, ...(json && { json }), dryRun };
    const record = { ...request, ...signer, requestId, at };
    try {
      const { answer, changed } = run(call, requestId, at);
      onCall({ ...record, status: answer.status, changed });
      return answer;
    } catch (error) {
      const { status, code, message } = error instanceof Ec2Error ? error : internalError(error);
      onCall({ ...record, status, code, changed: false });
      const refusal = new Ec2Error(code, message, status);
      if (json !== undefined) return jsonFailure(refusal, requestId);
      return (error instanceof StsError ? stsFailure : failure)(refusal, requestId);
    }
  };
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
