import { GetCallerIdentityCommand, STSClient, type STSClientConfig } from '@aws-sdk/client-sts';
import { trackAttempts, withRequestState } from './attempts.ts';

/**
 * The id of the account that `accessKeyId` belongs to, or `undefined` where AWS does not tell it (denied,
 * unreachable, late) or the credentials have changed. It needs no permission, but a policy can deny it.
 */
export async function accountOf(
  config: STSClientConfig,
  accessKeyId: string,
  abortSignal: AbortSignal,
): Promise<string | undefined> {
  const client = new STSClient({ ...config, maxAttempts: 2 });
  trackAttempts(client.middlewareStack);
  try {
    const { Account } = await withRequestState({ onlyAs: accessKeyId }, () =>
      client.send(new GetCallerIdentityCommand({}), { abortSignal }),
    );
    return Account !== undefined && /^\d{12}$/.test(Account) ? Account : undefined;
  } catch {
    return undefined;
  }
}
