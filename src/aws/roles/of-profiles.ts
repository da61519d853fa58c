import {
  AssumeRoleCommand,
  AssumeRoleWithWebIdentityCommand,
  type AssumeRoleWithWebIdentityCommandOutput,
  STSClient,
  type STSClientConfig,
} from '@aws-sdk/client-sts';
import type { FromIniInit } from '@aws-sdk/credential-provider-ini';
import type { AwsCredentialIdentity } from '@smithy/types';

type RoleAssumers = Required<Pick<FromIniInit, 'roleAssumer' | 'roleAssumerWithWebIdentity'>>;

/**
 * Assumes roles for the SDK's providers with the STS configuration of this server; theirs reads the endpoint from the
 * profile of AWS_PROFILE alone. `follow` makes of each request the promise that the provider waits for.
 */
export function roleAssumers(
  config: STSClientConfig,
  follow: (roleArn: string, request: Promise<AwsCredentialIdentity>) => Promise<AwsCredentialIdentity>,
): RoleAssumers {
  return {
    roleAssumer: (credentials, params) => {
      const client = new STSClient({ ...config, credentials });
      return follow(params.RoleArn, client.send(new AssumeRoleCommand(params)).then(identityOf));
    },
    roleAssumerWithWebIdentity: (params) => {
      const client = new STSClient(config);
      return follow(
        params.RoleArn,
        client.send(new AssumeRoleWithWebIdentityCommand(params)).then(identityOf),
      );
    },
  };
}

/** @throws Error if STS answered with success but without credentials */
export function identityOf({ Credentials }: Pick<AssumeRoleWithWebIdentityCommandOutput, 'Credentials'>) {
  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = Credentials ?? {};
  if (AccessKeyId === undefined || SecretAccessKey === undefined || SessionToken === undefined) {
    throw new Error('STS answered without credentials');
  }
  return {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    sessionToken: SessionToken,
    ...(Expiration === undefined ? {} : { expiration: Expiration }),
  };
}
