import { GetCallerIdentityCommand, STSClient, type STSClientConfig } from '@aws-sdk/client-sts';
import { orAborted, trackAttempts } from './attempts.ts';

/** How long an account that AWS did not tell is not asked for again, in milliseconds. */
const ASK_AGAIN = 60_000;

/** How long a call waits for its account, in milliseconds; it goes on without it. */
const TIMEOUT = 3000;

/** How many access keys are remembered; a process uses one at a time. */
const KEYS = 16;

interface Account {
  id: Promise<string | undefined>;
  askAgainAt: number;
}

/**
 * The account of each access key, as STS tells it. Accounts are kept by key, because a process may change who signs
 * at any time.
 */
export class AccountIds {
  readonly #known = new Map<string, Account>();

  /**
   * The account of `accessKeyId`; `undefined` where AWS does not tell it. STS is asked once for each key, and after a
   * failure again only after a minute, so that a network without STS does not slow down every call.
   */
  async of(accessKeyId: string, config: STSClientConfig): Promise<string | undefined> {
    const known = this.#known.get(accessKeyId);
    const id = await known?.id;
    if (known !== undefined && (id !== undefined || Date.now() < known.askAgainAt)) return id;
    return this.#ask(accessKeyId, config);
  }

  forget(): void {
    this.#known.clear();
  }

  #ask(accessKeyId: string, config: STSClientConfig): Promise<string | undefined> {
    const signal = AbortSignal.timeout(TIMEOUT);
    const id = orAborted(accountOf(accessKeyId, config, signal), signal).catch(() => undefined);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size >= KEYS) this.#known.delete(oldest);
    }
    this.#known.set(accessKeyId, { id, askAgainAt: Date.now() + ASK_AGAIN });
    return id;
  }
}

/** The deadline of whoever waits for an account: its own, and no later than the call's. */
export function accountDeadline(deadline: AbortSignal): AbortSignal {
  return AbortSignal.any([deadline, AbortSignal.timeout(TIMEOUT)]);
}

/** Asks STS, which needs no permission, though a policy can deny it. Fails if another key would sign. */
async function accountOf(
  accessKeyId: string,
  config: STSClientConfig,
  abortSignal: AbortSignal,
): Promise<string | undefined> {
  const client = new STSClient({ ...config, maxAttempts: 2 });
  const command = trackAttempts(new GetCallerIdentityCommand({}), { only: { accessKeyId } });
  const { Account } = await client.send(command, { abortSignal });
  return Account !== undefined && /^\d{12}$/.test(Account) ? Account : undefined;
}
