import { describe, expect, it, onTestFinished } from 'vitest';
import { DESCRIBE, UNASSIGN, WAIT } from '../../src/vocabulary/names.ts';
import {
  EGRESS,
  FAST_TIMEOUTS,
  ManualClock,
  openSession,
  realCalls,
  type Session,
  type SessionOptions,
} from '../support/session.ts';

/**
 * Calls that are wrong, or that the rules forbid. Each gets a code, or an answer that is empty and says so; a hint with
 * the next step; and a `next` that works when it is followed blindly, or none. Neither is about another gateway or
 * address than the call, unless it is a question.
 */

const LONE = 'nat-0b22b22b22b22b22b';
const DRAINING = 'nat-0c33c33c33c33c33c';
const STACK = 'nat-0d44d44d44d44d44d';
const PUBLIC = 'nat-0e55e55e55e55e55e';
const REGIONAL = 'nat-0f66f66f66f66f66f';
const PENDING = 'nat-0a77a77a77a77a77a';
const FAILED = 'nat-0b88b88b88b88b88b';
const DELETED = 'nat-0c99c99c99c99c99c';
const NOBODYS = 'nat-00000000000000000';

interface WrongCall {
  tool: string;
  args: Record<string, unknown>;
  options?: SessionOptions;
  /** `error.code`; absent where the answer is no error. */
  code?: string;
  /** What message and hint say, together. */
  says: RegExp;
  /** Tool and arguments of `next`, the region aside; absent where there is none. */
  next?: [string, Record<string, unknown>];
  /** What is not in the call, and only asked about. */
  asks?: string[];
}

function unassign(changes: Record<string, unknown>): Pick<WrongCall, 'tool' | 'args'> {
  return {
    tool: UNASSIGN,
    args: { nat_gateway_id: EGRESS, private_ip_addresses: ['10.0.1.11'], ...changes },
  };
}

const holders = (...private_ip_addresses: string[]): [string, Record<string, unknown>] => [
  DESCRIBE,
  { private_ip_addresses },
];

const invalid = 'invalid_argument';
const blocked = 'precondition_failed';

const CALLS: Record<string, WrongCall> = {
  // Arguments that do not fit.
  'no arguments': { tool: UNASSIGN, args: {}, code: invalid, says: /nat_gateway_id.*private_ip_addresses/ },
  'an id that is too short': { ...unassign({ nat_gateway_id: 'nat-1' }), code: invalid, says: /17 \(or 8\)/ },
  'a Name as id': {
    ...unassign({ nat_gateway_id: 'egress' }),
    code: invalid,
    says: /"egress" may be the value of its Name tag: next looks the id up/,
    next: [DESCRIBE, { tags: ['Name=egress'] }],
  },
  'a Name like a filter as id': {
    ...unassign({ nat_gateway_id: 'tag:egress' }),
    code: invalid,
    says: /"tag:egress" is not a NAT gateway id/,
  },
  'an address as id': {
    ...unassign({ nat_gateway_id: '10.0.1.11' }),
    code: invalid,
    says: /is an address: next/,
    next: holders('10.0.1.11'),
  },
  'a VPC as id': {
    ...unassign({ nat_gateway_id: 'vpc-0a00000000000000a' }),
    code: invalid,
    says: /is a VPC: next/,
    next: [DESCRIBE, { vpc_ids: ['vpc-0a00000000000000a'] }],
  },
  'a subnet as id': {
    ...unassign({ nat_gateway_id: 'subnet-0a00000000000000a' }),
    code: invalid,
    says: /is a subnet: next/,
    next: [DESCRIBE, { subnet_ids: ['subnet-0a00000000000000a'] }],
  },
  'an ARN as id': {
    ...unassign({ nat_gateway_id: `arn:aws:ec2:us-east-1:123456789012:natgateway/${EGRESS}` }),
    code: invalid,
    says: /is an ARN: next/,
    next: [DESCRIBE, { nat_gateway_ids: [EGRESS] }],
  },
  'no address in the list': {
    ...unassign({ private_ip_addresses: [] }),
    code: invalid,
    says: /Name at least one(?!.*leave)/,
  },
  'an incomplete address': {
    ...unassign({ private_ip_addresses: ['10.0.1'] }),
    code: invalid,
    says: /not an IPv4/,
  },
  'a range': {
    ...unassign({ private_ip_addresses: ['10.0.1.11/32'] }),
    code: invalid,
    says: /not an IPv4 address/,
  },
  'an address twice': {
    ...unassign({ private_ip_addresses: '10.0.1.11 10.0.1.11' }),
    code: invalid,
    says: /listed twice/,
  },
  'too many addresses': {
    ...unassign({ private_ip_addresses: Array.from({ length: 32 }, (_, index) => `10.0.1.${index}`) }),
    code: invalid,
    says: /At most 31/,
  },
  'a drain of 0 s': {
    ...unassign({ max_drain_duration_seconds: 0 }),
    code: invalid,
    says: /max_drain_duration_seconds.*1/,
  },
  'a drain of 9000 s': { ...unassign({ max_drain_duration_seconds: 9000 }), code: invalid, says: /4000/ },
  'a drain as text': {
    ...unassign({ max_drain_duration_seconds: '60' }),
    code: invalid,
    says: /expected number/,
  },
  'dry_run: true': {
    ...unassign({ dry_run: true }),
    code: invalid,
    says: /use mode: "dry_run" or mode: "execute"/,
  },
  'dry_run: false': {
    ...unassign({ dry_run: false }),
    code: invalid,
    says: /use mode: "dry_run" or mode: "execute"/,
  },
  'a mode that does not exist': { ...unassign({ mode: 'yes' }), code: invalid, says: /mode.*execute/ },
  "EC2's spelling": { ...unassign({ NatGatewayId: EGRESS }), code: invalid, says: /use nat_gateway_id/ },
  'a zone as region': {
    ...unassign({ region: 'us-east-1a' }),
    code: invalid,
    says: /not an AWS region such as/,
  },
  'a minimum below 0': { ...unassign({ min_remaining: -1 }), code: invalid, says: /min_remaining/ },

  // Gateways and addresses that are not there.
  'an id with one wrong character': {
    ...unassign({ nat_gateway_id: 'nat-0a11a11a11a11a11b' }),
    code: 'gateway_not_found',
    says: /nat-0a11a11a11a11a11a is one character away from .*: ask the user whether it is meant/,
    next: holders('10.0.1.11'),
    asks: [EGRESS],
  },
  'an id that nothing resembles': {
    ...unassign({ nat_gateway_id: NOBODYS }),
    code: 'gateway_not_found',
    says: /Check the id, the region and the account/,
    next: holders('10.0.1.11'),
  },
  'an address that is nowhere': {
    ...unassign({ private_ip_addresses: ['10.0.1.99'] }),
    code: blocked,
    says: /released already, nothing is left to do.* ask who wants it which address is meant/,
    next: holders('10.0.1.99'),
  },
  'an address with a digit too few': {
    ...unassign({ nat_gateway_id: LONE, private_ip_addresses: ['10.0.2.1'] }),
    code: blocked,
    says: /10\.0\.2\.10 is one character away from 10\.0\.2\.1: ask the user whether it is meant/,
    next: holders('10.0.2.1'),
    asks: ['10.0.2.10'],
  },
  'an address of another gateway': {
    ...unassign({ private_ip_addresses: ['10.0.4.12'] }),
    code: blocked,
    says: /next looks for the gateway that holds it/,
    next: holders('10.0.4.12'),
    asks: ['10.0.1.12'],
  },

  // Gateways and addresses that cannot have it.
  'the primary': {
    ...unassign({ private_ip_addresses: ['10.0.1.10'] }),
    code: blocked,
    says: /delete the gateway\. Take no other address in its place: ask the user/,
  },
  'the primary and another': {
    ...unassign({ private_ip_addresses: ['10.0.1.10', '10.0.1.11'] }),
    code: blocked,
    says: /Leave it out/,
  },
  'the only address': {
    ...unassign({ nat_gateway_id: LONE, private_ip_addresses: ['10.0.2.10'] }),
    code: blocked,
    says: /Take no other address in its place/,
  },
  'a public gateway': {
    ...unassign({ nat_gateway_id: PUBLIC, private_ip_addresses: ['10.0.5.11'] }),
    code: blocked,
    says: /aws ec2 disassociate-nat-gateway-address --nat-gateway-id nat-0e55e55e55e55e55e --association-ids eipassoc-0e55e55e55e55e551 --region us-east-1$/m,
  },
  'the primary of a public gateway': {
    ...unassign({ nat_gateway_id: PUBLIC, private_ip_addresses: ['10.0.5.10'] }),
    code: blocked,
    says: /On a public one the primary address goes only when the gateway is deleted/,
  },
  'a regional gateway': {
    ...unassign({ nat_gateway_id: REGIONAL, private_ip_addresses: ['10.0.6.11'] }),
    code: blocked,
    says: /--nat-gateway-id nat-0f66f66f66f66f66f --association-ids ASSOCIATION_ID --region us-east-1$/m,
    next: [DESCRIBE, { nat_gateway_ids: [REGIONAL] }],
  },
  'a pending gateway': {
    ...unassign({ nat_gateway_id: PENDING, private_ip_addresses: ['10.0.7.11'] }),
    code: blocked,
    says: /is being created: next waits for it/,
    next: [WAIT, { nat_gateway_id: PENDING }],
  },
  'the primary of a pending gateway': {
    ...unassign({ nat_gateway_id: PENDING, private_ip_addresses: ['10.0.7.10'] }),
    code: blocked,
    says: /^(?!.*call again).*primary address cannot be unassigned/s,
  },
  'a failed gateway': {
    ...unassign({ nat_gateway_id: FAILED, private_ip_addresses: ['10.0.8.10'] }),
    code: blocked,
    says: /there is nothing to unassign/,
  },
  'the primary of a deleted gateway': {
    ...unassign({ nat_gateway_id: DELETED, private_ip_addresses: ['10.0.9.10'] }),
    code: blocked,
    says: /^(?!.*delete the gateway).*is deleted, and its addresses with it: nothing is left to release/s,
  },
  'an address behind a drain': {
    ...unassign({ nat_gateway_id: DRAINING, private_ip_addresses: ['10.0.3.11'] }),
    code: blocked,
    says: /one change at a time on a gateway: next waits/,
    next: [WAIT, { nat_gateway_id: DRAINING }],
  },
  'a draining address and another': {
    ...unassign({ nat_gateway_id: DRAINING, private_ip_addresses: ['10.0.3.11', '10.0.3.12'] }),
    code: blocked,
    says: /call again for the addresses that are still there/,
    next: [WAIT, { nat_gateway_id: DRAINING }],
  },
  'an address that failed': {
    ...unassign({ nat_gateway_id: STACK, private_ip_addresses: ['10.0.4.12'] }),
    code: blocked,
    says: /failure_message of the address says what failed/,
  },

  // Rules.
  'a read-only server': {
    ...unassign({}),
    options: { policy: { readOnly: true } },
    code: 'policy_denied',
    says: /--read-only.*ask the operator/,
  },
  'a dry run of a read-only server': {
    ...unassign({ mode: 'dry_run' }),
    options: { policy: { readOnly: true } },
    says: /read-only \(--read-only\), so it makes no real call: ask its operator/,
  },
  'a dry run of a client that cannot be asked': {
    ...unassign({ mode: 'dry_run' }),
    options: { confirmMode: 'always' },
    says: /needs a confirmation \(--confirm always\), which this client cannot ask for/,
  },
  'a change of a client that cannot be asked': {
    ...unassign({}),
    options: { confirmMode: 'always' },
    code: 'confirmation_unavailable',
    says: /elicitation/,
  },
  'a protected gateway': {
    ...unassign({}),
    options: { policy: { protectTag: ['env=test'] } },
    code: 'policy_denied',
    says: /Do not look for a way around it, nor for another address: ask the operator/,
  },
  'a gateway that is not allowed': {
    ...unassign({}),
    options: { policy: { allowGateway: [LONE] } },
    code: 'policy_denied',
    says: /--allow-gateway.*ask the operator/,
  },
  'two addresses of which one may go': {
    ...unassign({ private_ip_addresses: ['10.0.1.11', '10.0.1.12'] }),
    options: { policy: { minRemaining: 4 } },
    code: 'policy_denied',
    says: /--min-remaining.*At most 1 of these 2 may go at once: ask the user which/,
  },
  'two addresses of which one call may take one': {
    ...unassign({ private_ip_addresses: ['10.0.1.11', '10.0.1.12'] }),
    options: { policy: { maxAddresses: 1 } },
    code: 'policy_denied',
    says: /--max-addresses.*At most 1 of these 2 may go at once: ask the user which/,
  },
  'a minimum of the call itself': {
    ...unassign({ min_remaining: 5 }),
    code: blocked,
    says: /min_remaining of this call: ask the user/,
  },
  'a principal without permission': {
    ...unassign({}),
    options: { accessKeyId: 'AKIASIMULATEDREADER0' },
    code: 'not_authorized',
    says: /ec2:UnassignPrivateNatGatewayAddress/,
  },

  // Searches that find nothing.
  "EC2's form of a tag filter": {
    tool: DESCRIBE,
    args: { tags: ['tag:Name=egress'] },
    code: invalid,
    says: /write KEY=VALUE, for example "Name=egress"/,
  },
  "the AWS CLI's form of a tag filter": {
    tool: DESCRIBE,
    args: { tags: 'Name=tag:Name,Values=egress' },
    code: invalid,
    says: /write KEY=VALUE/,
  },
  'a wildcard in a tag': {
    tool: DESCRIBE,
    args: { tags: ['Name=egr*'] },
    says: /Tags match exactly.*\* is no wildcard/,
  },
  'an address that nobody has': {
    tool: DESCRIBE,
    args: { private_ip_addresses: ['172.16.5.5'] },
    says: /No NAT gateway in us-east-1 has 172\.16\.5\.5\. Check the spelling, the region/,
  },
  'an address with one wrong digit': {
    tool: DESCRIBE,
    args: { private_ip_addresses: '10.0.9.15' },
    says: /10\.0\.9\.10 is one character away from 10\.0\.9\.15: ask the user/,
    asks: ['10.0.9.10', '10.0.1.15'],
  },
  'an id that another filter excludes': {
    tool: DESCRIBE,
    args: { nat_gateway_ids: [EGRESS], states: ['deleted'] },
    says: /nat-0a11a11a11a11a11a exists, and the other filters leave it out/,
  },
  'an address that another filter excludes': {
    tool: DESCRIBE,
    args: { private_ip_addresses: ['10.0.1.11'], connectivity_type: 'public' },
    says: /10\.0\.1\.11 exists, and the other filters leave it out/,
  },
  'an unknown id': {
    tool: DESCRIBE,
    args: { nat_gateway_ids: ['nat-0a11a11a11a111a1a'] },
    says: /nat-0a11a11a11a11a11a is one character away.*ask the user whether it is meant/,
    asks: [EGRESS],
  },
  'a deleted gateway by its name': {
    tool: DESCRIBE,
    args: { tags: ['Name=deleted'] },
    says: /Left out: 1 deleted or failed; states lists them/,
  },
  'Names in the place of ids': {
    tool: DESCRIBE,
    args: { nat_gateway_ids: ['egress'], region: 'us-east-1' },
    code: invalid,
    says: /next looks the id up/,
    next: [DESCRIBE, { tags: ['Name=egress'] }],
  },
  'one id in the singular': {
    tool: DESCRIBE,
    args: { nat_gateway_id: EGRESS },
    code: invalid,
    says: /use nat_gateway_ids/,
  },
  'a state that does not exist': {
    tool: DESCRIBE,
    args: { states: ['running'] },
    code: invalid,
    says: /states.*available/,
  },
  'a page of 500': { tool: DESCRIBE, args: { max_results: 500 }, code: invalid, says: /max_results.*100/ },
  'a made-up page token': {
    tool: DESCRIBE,
    args: { next_token: 'abc' },
    code: invalid,
    says: /start again without/,
  },

  // Waits for nothing.
  'a wait without a gateway': { tool: WAIT, args: {}, code: invalid, says: /nat_gateway_id/ },
  'a wait for a Name': {
    tool: WAIT,
    args: { nat_gateway_id: 'egress' },
    code: invalid,
    says: /next looks the id up/,
    next: [DESCRIBE, { tags: ['Name=egress'] }],
  },
  'a wait of 0 s': {
    tool: WAIT,
    args: { nat_gateway_id: EGRESS, timeout_seconds: 0 },
    code: invalid,
    says: /timeout_seconds/,
  },
  'a wait for an unknown gateway': {
    tool: WAIT,
    args: { nat_gateway_id: 'nat-0a11a11a11a11a1a1', private_ip_addresses: ['10.0.1.11'] },
    code: 'gateway_not_found',
    says: /ask the user whether it is meant/,
    next: holders('10.0.1.11'),
    asks: [EGRESS],
  },
  'a wait for an address that was never there': {
    tool: WAIT,
    args: { nat_gateway_id: LONE, private_ip_addresses: ['10.0.2.11'] },
    says: /10\.0\.2\.10 is one character away from 10\.0\.2\.11: ask the user/,
    next: holders('10.0.2.11'),
    asks: ['10.0.2.10'],
  },
};

/** A session on a clock that stands still, where no wait lasts longer than a second. */
async function session(options: SessionOptions = {}): Promise<Session & { clock: ManualClock }> {
  const clock = new ManualClock(Date.now());
  const dependencies = { longestWaitSeconds: 1 };
  const opened = await openSession({ clock, timeouts: FAST_TIMEOUTS, dependencies, ...options });
  onTestFinished(opened.close);
  return { ...opened, clock };
}

/** Every gateway id and address in a value. */
function targetsIn(value: unknown): Set<string> {
  return new Set(JSON.stringify(value).match(/nat-[0-9a-f]{6,}|(?<![\d.])\d+(\.\d+){3}(?![\d.])/g));
}

describe.each(Object.entries(CALLS))(
  'a wrong call: %s',
  (_, { tool, args, options, code, says, next, asks = [] }) => {
    it('is told what is wrong and what comes next, about nothing else', async () => {
      const { call, calls } = await session(options);
      const { content, isError, text } = await call(tool, args);
      expect(JSON.parse(text)).toEqual(content);
      expect(isError).toBe(code !== undefined);
      expect(content.error?.code).toBe(code);
      const hint = content.error?.hint ?? content.hint;
      expect(hint).toMatch(/^\S+( \S+){3,}/);
      expect(`${content.error?.message ?? ''} ${hint}`).toMatch(says);
      expect([content.next?.tool, content.next?.arguments]).toEqual(
        next === undefined ? [undefined, undefined] : [next[0], expect.objectContaining(next[1])],
      );
      const foreign = [...targetsIn([hint, content.next])].filter((each) => !targetsIn(args).has(each));
      expect(asks).toEqual(expect.arrayContaining(foreign));
      expect(targetsIn(content.next ?? {}).size).toBe(
        [...targetsIn(content.next ?? {})].filter((each) => targetsIn(args).has(each)).length,
      );
      expect(hint.includes('ask the user whether')).toBe(asks.length > 0);
      expect(tool === UNASSIGN ? content.changed : false).toBe(false);
      expect(realCalls(calls)).toEqual([]);
    });
  },
);

describe.each(Object.entries(CALLS).filter(([, { next }]) => next !== undefined))(
  'the next of a wrong call: %s',
  (_, { tool, args, options }) => {
    it('works when it is followed blindly', async () => {
      const { call, calls, clock } = await session(options);
      const { content } = await call(tool, args);
      const { not_before = new Date(clock.now()).toISOString() } = content.next;
      clock.advance((Date.parse(not_before) - clock.now()) / 1000);
      const followed = await call(content.next.tool, content.next.arguments);
      expect(followed.content.error).toBeUndefined();
      expect(followed.isError).toBe(false);
      expect(realCalls(calls)).toEqual([]);
    });
  },
);
