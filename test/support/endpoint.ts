import {
  DescribeNatGatewaysCommand,
  EC2Client,
  type EC2ClientConfig,
  UnassignPrivateNatGatewayAddressCommand,
} from '@aws-sdk/client-ec2';
import { onTestFinished } from 'vitest';
import {
  type Clock,
  type Simulator,
  type SimulatorCall,
  type SimulatorOptions,
  startSimulator,
} from '../../src/simulator/simulator.ts';

export const EGRESS = 'nat-0a11a11a11a11a11a';
export const LONE = 'nat-0b22b22b22b22b22b';
export const DRAINING = 'nat-0c33c33c33c33c33c';
export const STACK = 'nat-0d44d44d44d44d44d';
export const PUBLIC = 'nat-0e55e55e55e55e55e';
export const REGIONAL = 'nat-0f66f66f66f66f66f';
export const PENDING = 'nat-0a77a77a77a77a77a';
export const FAILED = 'nat-0b88b88b88b88b88b';
export const DELETED = 'nat-0c99c99c99c99c99c';
export const PARTNER = 'nat-0d10d10d10d10d10d';
export const UNKNOWN = 'nat-00000000000000000';

export const START = Date.parse('2026-01-02T03:04:05.000Z');

/** A clock that moves only by `advance`. */
export interface ManualClock extends Clock {
  advance(seconds: number): void;
}

function manualClock(): ManualClock {
  let time = START;
  return {
    now: () => time,
    advance: (seconds) => {
      time += seconds * 1000;
    },
  };
}

export interface TestEndpoint {
  simulator: Simulator;
  clock: ManualClock;
  /** The endpoint's record of its requests. */
  calls: SimulatorCall[];
  /** A client of the real SDK for the endpoint. */
  ec2: EC2Client;
  client(accessKeyId: string, config?: EC2ClientConfig): EC2Client;
}

/** Starts an endpoint without throttling on a manual clock, and closes it after the test. */
export async function startEndpoint(options: SimulatorOptions = {}): Promise<TestEndpoint> {
  const clock = manualClock();
  const calls: SimulatorCall[] = [];
  const simulator = await startSimulator({
    clock,
    throttling: false,
    onCall: (call) => calls.push(call),
    ...options,
  });
  onTestFinished(() => simulator.close());
  const client = (accessKeyId: string, config: EC2ClientConfig = {}) => {
    const ec2 = new EC2Client({
      region: simulator.region,
      endpoint: simulator.url,
      credentials: { accessKeyId, secretAccessKey: 'secret' },
      maxAttempts: 1,
      ...config,
    });
    onTestFinished(() => ec2.destroy());
    return ec2;
  };
  return { simulator, clock, calls, ec2: client('AKIATEST'), client };
}

/** Unassigns addresses, with a drain of `seconds` if given. */
export function unassign(
  ec2: EC2Client,
  NatGatewayId: string,
  PrivateIpAddresses: string[],
  seconds?: number,
) {
  return ec2.send(
    new UnassignPrivateNatGatewayAddressCommand({
      NatGatewayId,
      PrivateIpAddresses,
      ...(seconds === undefined ? {} : { MaxDrainDurationSeconds: seconds }),
    }),
  );
}

/** Returns the status of each address of a gateway by private IP, as a describe shows it. */
export async function statuses(ec2: EC2Client, id: string): Promise<Record<string, string>> {
  const { NatGateways } = await ec2.send(new DescribeNatGatewaysCommand({ NatGatewayIds: [id] }));
  return Object.fromEntries(
    (NatGateways?.[0]?.NatGatewayAddresses ?? []).map(({ PrivateIp = '', Status = '' }) => [
      PrivateIp,
      Status,
    ]),
  );
}

/** Returns code, status and message of a refusal, as the SDK reports it. */
export async function refusal(promise: Promise<unknown>): Promise<[string, number, string]> {
  try {
    await promise;
  } catch (error) {
    const { name, message, $metadata } = error as Error & { $metadata: { httpStatusCode: number } };
    return [name, $metadata.httpStatusCode, message];
  }
  throw new Error('the request was not refused');
}

export const AUTHORIZATION =
  'AWS4-HMAC-SHA256 Credential=AKIATEST/20260102/us-east-1/ec2/aws4_request, ' +
  `SignedHeaders=host;x-amz-date, Signature=${'0'.repeat(64)}`;

/** Posts a request body as it is, without an SDK. */
export function post(
  { url }: Simulator,
  body: string | Uint8Array<ArrayBuffer>,
  init: RequestInit = {},
): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    body,
    ...init,
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      authorization: AUTHORIZATION,
      ...(init.headers as Record<string, string> | undefined),
    },
  });
}

/** Returns the code of an error envelope; throws if it is none. */
export function codeOf(xml: string): string {
  const envelope =
    /^<\?xml version="1\.0" encoding="UTF-8"\?>\n<Response><Errors><Error><Code>([^<]+)<\/Code><Message>[^<]*<\/Message><\/Error><\/Errors><RequestID>[0-9a-f-]{36}<\/RequestID><\/Response>$/;
  const code = envelope.exec(xml)?.[1];
  if (code === undefined) throw new Error(`not an error envelope: ${xml}`);
  return code;
}
