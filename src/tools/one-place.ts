import type { Call, PlacedCall } from './define-tool.ts';
import { ofTarget, regionIn, type TargetAccount, targetNamed, visibleTargets } from './targets.ts';

/** The arguments that name one place. */
export interface OnePlace {
  target?: string | undefined;
  region?: string | undefined;
}

/**
 * The call in the one place that its arguments name.
 *
 * @throws Failure where they name none, or one that the caller may not use
 */
export async function inOnePlace<Input extends OnePlace>(call: Call<Input>): Promise<PlacedCall<Input>> {
  const { dependencies, context, input, where } = call;
  if (dependencies.targets !== undefined) {
    const target = targetNamed(visibleTargets(dependencies.targets, context), input.target);
    where.target = target.name;
    where.region = regionIn(target, input.region);
    return inPlace(call, target, where.region);
  }
  const ec2 = await dependencies.ec2();
  where.region = await ec2.region(input.region);
  return { ...call, ec2, region: where.region };
}

/** Whether the place of a call has the rules yet by which the call goes: the targets may have been read again meanwhile. */
export function hasSameRules({ dependencies, where, context }: PlacedCall<unknown>): boolean {
  const { targets, policy } = dependencies;
  if (targets === undefined) return true;
  return visibleTargets(targets, context).some((now) => now.name === where.target && now.policy === policy);
}

/** The call in a region of a target. */
export async function inPlace<Input>(
  call: Call<Input>,
  target: TargetAccount,
  region: string,
): Promise<PlacedCall<Input>> {
  const dependencies = { ...call.dependencies, ...ofTarget(target) };
  const where = { target: target.name, region };
  return { ...call, dependencies, where, ec2: await target.ec2(), region };
}
