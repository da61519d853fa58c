import { authorizeMetrics } from './access.ts';
import type { Answer } from './envelope.ts';
import { Ec2Error } from './errors.ts';
import { getMetricData } from './get-metric-data.ts';
import { type JsonBody, jsonSuccess, unknownOperation } from './json-protocol.ts';
import type { Refusals, World } from './world.ts';

/** A call of AWS JSON 1.0. */
export interface CloudWatchCall {
  action: string;
  json: JsonBody;
  authorization: string | undefined;
  securityToken: string | undefined;
}

const REFUSALS: Refusals = {
  invalid: () =>
    new Ec2Error(
      'UnrecognizedClientException',
      'The security token included in the request is invalid.',
      403,
    ),
  expired: () =>
    new Ec2Error('ExpiredTokenException', 'The security token included in the request is expired', 403),
};

/**
 * Creates CloudWatch without HTTP: the function returned answers a call, or throws the refusal.
 *
 * @throws Ec2Error
 */
export function createCloudWatch(world: World, throttling: boolean) {
  return (call: CloudWatchCall, requestId: string, now: number): Answer => {
    if (call.action !== 'GetMetricData') throw unknownOperation();
    const caller = world.localCaller(call, ['monitoring'], REFUSALS);
    const { place } = caller;
    const isThrottled = throttling && !place.takeToken(call.action, performance.now());
    if (isThrottled || place.trouble === 'throttles') throw new Ec2Error('Throttling', 'Rate exceeded');
    authorizeMetrics(caller, call.action);
    return jsonSuccess(requestId, getMetricData(call.json, place.gateways, now));
  };
}
