import { EC2Client, type EC2ClientConfig } from '@aws-sdk/client-ec2';
import { defaultProvider } from '@aws-sdk/credential-provider-node';
import type { NodeHttpHandler } from '@smithy/node-http-handler';

/** Which EC2 to talk to, and as whom. An absent member is looked up in the SDK's own chain. */
export interface Ec2Target {
  region?: string | undefined;
  profile?: string | undefined;
  endpoint?: string | undefined;
  credentials?: { accessKeyId: string; secretAccessKey: string } | undefined;
}

/** `ignoreCache` reads files again, so that a login in another window is picked up. */
export function credentialsOf(
  { profile, credentials }: Ec2Target,
  requestHandler: NodeHttpHandler,
  ignoreCache: boolean,
): NonNullable<EC2ClientConfig['credentials']> {
  return (
    credentials ??
    defaultProvider({
      ignoreCache,
      clientConfig: { requestHandler },
      ...(profile === undefined ? {} : { profile }),
    })
  );
}

/** The region that the SDK's chain finds (`AWS_REGION`, the profile); `undefined` where it finds none. */
export async function regionOf({ profile }: Ec2Target): Promise<string | undefined> {
  const client = new EC2Client(profile === undefined ? {} : { profile });
  return client.config.region().catch(() => undefined);
}
