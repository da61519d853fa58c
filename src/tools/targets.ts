import type { ServerContext } from '@modelcontextprotocol/server';
import type { Ec2 } from '../aws/ec2.ts';
import type { State } from '../changes/state.ts';
import { nearMissQuestion } from '../nat-gateway/near-misses.ts';
import type { Policy } from '../nat-gateway/policy.ts';
import { Failure } from '../vocabulary/failure.ts';
import { DESCRIBE } from '../vocabulary/names.ts';
import { listed } from '../vocabulary/text.ts';
import type { Next } from './results.ts';

/**
 * The accounts in which a server with --targets works. A target that a caller may not use does not exist for it: every
 * answer is the one that it would get if the file did not have the target.
 */

/** One account of the file, with everything that a call in it uses in the place of the server's own. */
export interface TargetAccount extends OfTarget {
  name: string;
  regions: readonly string[];
}

/** These take the place of the members with the same names in `Dependencies`. */
interface OfTarget {
  ec2: () => Promise<Ec2>;
  policy: Policy;
  state: State;
}

/** The targets in force, in the order of the file. */
export interface Targets {
  current(): readonly TargetAccount[];
}

/** The most names that a message lists. */
const MOST_NAMED = 20;

/** The targets that the caller may use. Over stdio, and without a limit in its token, those are all. */
export function visibleTargets(targets: Targets, { http }: ServerContext): readonly TargetAccount[] {
  const allowed: unknown = http?.authInfo?.extra?.targets;
  const all = targets.current();
  if (allowed === undefined) return all;
  return Array.isArray(allowed) ? all.filter(({ name }) => allowed.includes(name)) : [];
}

/**
 * The target that a call names; without a name, the only one there is.
 *
 * @throws Failure `invalid_argument`
 */
export function targetNamed(visible: readonly TargetAccount[], name: string | undefined): TargetAccount {
  const [only, ...others] = visible;
  const found = name === undefined ? only : visible.find((each) => each.name === name);
  if (found !== undefined && (name !== undefined || others.length === 0)) return found;
  const names = visible.map((each) => each.name);
  if (name === undefined && names.length > 0) {
    throw unfit('Name the target: there are several.', `target is one of ${namesOf(names)}.`);
  }
  const message = name === undefined ? 'There is no target.' : `There is no target ${name}.`;
  if (names.length === 0) throw unfit(message, 'This caller may use none: ask the operator of this server.');
  const question = nearMissQuestion(name ?? '', names);
  throw unfit(
    message,
    [`There are ${namesOf(names)}.`, ...(question === undefined ? [] : [question])].join(' '),
  );
}

/**
 * The region of a call in a target; without one, the only one that the target has. Among several none is a default: a
 * change in a region that nobody named would be a guess.
 *
 * @throws Failure `invalid_argument`
 */
export function regionIn({ name, regions }: TargetAccount, region: string | undefined): string {
  const [only, ...others] = regions;
  if (region === undefined && only !== undefined && others.length === 0) return only;
  if (region !== undefined && regions.includes(region)) return region;
  const message =
    region === undefined
      ? `Name the region: target ${name} has several.`
      : `${region} is not a region of target ${name}.`;
  throw unfit(message, `region is one of ${namesOf(regions)}.`);
}

/** What a call in this target uses in the place of the server's own. */
export function ofTarget({ ec2, policy, state }: TargetAccount): OfTarget {
  return { ec2, policy, state };
}

/** The call in `next` with the target that it has to go to. */
export function nextIn(target: string | undefined, next: Next): Next {
  if (target === undefined || 'targets' in next.arguments) return next;
  const named = next.tool === DESCRIBE ? { targets: [target] } : { target };
  return { ...next, arguments: { ...next.arguments, ...named } };
}

/** Names of targets or regions for a message. */
export function namesOf(names: readonly string[]): string {
  return listed(names, MOST_NAMED);
}

/** The refusal of a call for the place that it names, or does not name. */
export function unfit(message: string, hint: string): Failure {
  return new Failure({ code: 'invalid_argument', message, retryable: false, hint });
}
