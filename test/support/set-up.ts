import type { Ec2Target } from '../../src/aws/settings.ts';
import type { State } from '../../src/changes/state.ts';
import { checkSetUp } from '../../src/check/check.ts';
import type { Check, Report } from '../../src/check/report.ts';
import type { SimulatorOptions } from '../../src/simulator/simulator.ts';
import type { Timeouts } from '../../src/vocabulary/timeouts.ts';
import { startEndpoint } from './endpoint.ts';
import { settings } from './option-cases.ts';
import { FAST_TIMEOUTS, OPEN_POLICY, stateOf } from './session.ts';

/** `check` without a process: as the server with `args` would be set up, against a target. */

interface CheckOptions {
  args?: readonly string[];
  gateway?: string;
  target?: Ec2Target | (() => Promise<Ec2Target>);
  timeouts?: Timeouts;
  /** Default: one in memory. */
  state?: State;
}

export async function check({
  args = [],
  gateway,
  target = {},
  timeouts,
  state = stateOf(),
}: CheckOptions = {}): Promise<Report & { of: (name: string) => Check }> {
  const given = settings(args);
  const { allowAccount, readOnly, allowRegion, allowGateway } = given;
  const { requireTag, protectTag, protectAddress, evidence, minRemaining, maxAddresses } = given;
  const policy = {
    ...OPEN_POLICY,
    ...{ allowAccount, readOnly, allowRegion, allowGateway },
    ...{ requireTag, protectTag, protectAddress, evidence, minRemaining, maxAddresses },
  };
  const report = await checkSetUp(
    {
      settings: given,
      policy,
      gateway,
      version: '0.0.0',
      target: typeof target === 'function' ? target : async () => target,
      openState: async () => state,
      timeouts: timeouts ?? FAST_TIMEOUTS,
    },
    () => {},
  );
  const of = (name: string): Check => {
    const found = report.checks.find((each) => each.name === name);
    if (found === undefined) throw new Error(`no check ${name}`);
    return found;
  };
  return { ...report, of };
}

/** An endpoint, and the target of a server that takes it for EC2 and STS. */
export async function endpointToCheck(options: SimulatorOptions = {}, accessKeyId = 'AKIATEST') {
  const { simulator, calls } = await startEndpoint(options);
  const target: Ec2Target = {
    region: simulator.region,
    endpoint: simulator.url,
    credentials: { accessKeyId, secretAccessKey: 'a-secret-of-the-test' },
  };
  return { target, calls, simulator };
}

/** Every status by the name of its check. */
export function statusesOf({ checks }: Report): Record<string, string> {
  return Object.fromEntries(checks.map(({ name, status }) => [name, status]));
}
