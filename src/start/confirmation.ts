import type { Confirmation } from '../changes/confirmation.ts';
import type { Settings } from '../config/options.ts';

/** Loads what asks for confirmations, with the key of the settings or one of this process: few calls need it. */
export async function openConfirmation({ confirmationKey = [] }: Settings): Promise<Confirmation> {
  const { Confirmation } = await import('../changes/confirmation.ts');
  const [key = crypto.getRandomValues(new Uint8Array(32)), earlierKey] = confirmationKey;
  return new Confirmation(key, Date.now, { earlierKey });
}
