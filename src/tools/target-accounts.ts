import type { Ec2 } from '../aws/ec2.ts';
import type { State } from '../changes/state.ts';
import type { Policy } from '../nat-gateway/policy.ts';
import type { TargetAccount, Targets } from './targets.ts';

/** The part of a target's description that this needs; whoever opens it knows the rest. */
interface Described {
  name: string;
  regions: readonly string[];
}

interface Options<Target extends Described> {
  /** The targets in force. The same array as before means that nothing has changed. */
  current: () => readonly Target[];
  /** The rules of the server and of the target together. */
  rulesOf: (target: Target) => Policy & { maxChangesPerHour: number };
  /** Called on the first call in a target, and again after a failure. */
  open: (target: Target) => Promise<Ec2>;
  state: State;
}

/** An account in use, with the description that it was made from. */
interface Kept {
  described: string;
  account: TargetAccount;
  close: () => void;
}

/** Longer than any call may last: what a target that went has open, calls may still be using. */
const CLOSED_AFTER_MILLISECONDS = 960_000;

/**
 * One account for each target in force, with the connections, drains and counts that calls in it share. A reload keeps
 * drains and counts by the name of the target.
 */
export class TargetAccounts<Target extends Described> implements Targets {
  readonly #options: Options<Target>;
  #targets: readonly Target[] | undefined;
  #kept = new Map<string, Kept>();

  constructor(options: Options<Target>) {
    this.#options = options;
  }

  current(): readonly TargetAccount[] {
    const targets = this.#options.current();
    if (targets !== this.#targets) this.#replace(targets);
    return [...this.#kept.values()].map(({ account }) => account);
  }

  /** Targets that are as before keep what they have; those that went, or changed, are closed once no call can use them. */
  #replace(targets: readonly Target[]): void {
    const before = this.#kept;
    this.#kept = new Map(targets.map((target) => [target.name, this.#keep(target, before.get(target.name))]));
    this.#targets = targets;
    for (const [name, kept] of before) {
      if (this.#kept.get(name)?.close !== kept.close) {
        setTimeout(kept.close, CLOSED_AFTER_MILLISECONDS).unref();
      }
    }
  }

  #keep(target: Target, before: Kept | undefined): Kept {
    const described = JSON.stringify(target);
    if (before?.described === described) return before;
    const { open, rulesOf, state } = this.#options;
    const { maxChangesPerHour, ...policy } = rulesOf(target);
    const { name, regions } = target;
    let opened: Promise<Ec2> | undefined;
    const ec2 = (): Promise<Ec2> => {
      opened ??= open(target).catch((error: unknown) => {
        opened = undefined;
        throw error;
      });
      return opened;
    };
    return {
      described,
      account: {
        ...{ name, regions, policy, ec2 },
        state: state.forTarget(name, maxChangesPerHour),
      },
      close: () => void opened?.then((each) => each.close()),
    };
  }
}
