import { GetCallerIdentityCommand, STSClient, type STSClientConfig } from '@aws-sdk/client-sts';

/** How long the answer is waited for; a call goes on without it. */
const SECONDS = 3;

/**
 * The id of the account that credentials belong to, or `undefined` where AWS does not tell (denied, unreachable,
 * late). It needs no permission, but a policy can deny it.
 */
export async function accountOf(config: STSClientConfig): Promise<string | undefined> {
  const client = new STSClient({ ...config, maxAttempts: 2 });
  try {
    const { Account } = await client.send(new GetCallerIdentityCommand({}), {
      abortSignal: AbortSignal.timeout(SECONDS * 1000),
    });
    return Account !== undefined && /^\d{12}$/.test(Account) ? Account : undefined;
  } catch {
    return undefined;
  }
}
