import type { NatGateways } from './action.ts';
import { authenticate, authorizeMetrics } from './authorization.ts';
import type { Answer } from './envelope.ts';
import { Ec2Error } from './errors.ts';
import { getMetricData } from './get-metric-data.ts';
import { type JsonBody, jsonSuccess, unknownOperation } from './json-protocol.ts';

export interface CloudWatchOptions {
  region: string;
  gateways: NatGateways;
  throttling: boolean;
  takeToken: (action: string, now: number) => boolean;
}

/** A call of AWS JSON 1.0. */
export interface CloudWatchCall {
  action: string;
  json: JsonBody;
  authorization: string | undefined;
}

/**
 * Creates CloudWatch without HTTP: the function returned answers a call, or throws the refusal.
 *
 * @throws Ec2Error
 */
export function createCloudWatch(options: CloudWatchOptions) {
  const { region, gateways, throttling, takeToken } = options;
  return (call: CloudWatchCall, requestId: string, now: number): Answer => {
    if (call.action !== 'GetMetricData') throw unknownOperation();
    const accessKeyId = signerOf(call, region);
    if (throttling && !takeToken(call.action, performance.now())) {
      throw new Ec2Error('Throttling', 'Rate exceeded');
    }
    authorizeMetrics(accessKeyId, call.action);
    return jsonSuccess(requestId, getMetricData(call.json, gateways, now));
  };
}

/** @throws Ec2Error `UnrecognizedClientException` */
function signerOf({ authorization }: CloudWatchCall, region: string): string {
  try {
    return authenticate(authorization, region, ['monitoring']);
  } catch {
    throw new Ec2Error(
      'UnrecognizedClientException',
      'The security token included in the request is invalid.',
      403,
    );
  }
}
