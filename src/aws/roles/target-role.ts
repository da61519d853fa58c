import {
  AssumeRoleCommand,
  type AssumeRoleCommandOutput,
  STSClient,
  type STSClientConfig,
} from '@aws-sdk/client-sts';
import type { AwsCredentialIdentity } from '@smithy/types';
import { orAborted } from '../../vocabulary/or-aborted.ts';
import { type RequestState, trackAttempts } from '../attempts.ts';
import { CredentialSourceError, type Source } from '../credential-sources.ts';
import type { Identity } from '../identity.ts';
import { misconfigured, type TargetRole } from '../settings.ts';
import { identityOf } from './of-profiles.ts';

/** What a session may do, and what AWS's records say of it. */
export interface SessionRequest {
  name: string;
  policy: string;
  seconds: number;
  tags?: Readonly<Record<string, string>>;
  sourceIdentity?: string | undefined;
}

/** A session in the role, as STS made it. */
export interface RoleSession {
  credentials: AwsCredentialIdentity;
  /** Milliseconds since the epoch. */
  expiresAt: number;
  arn: string;
  /** The key that signed the request for it. */
  assumedBy: string | undefined;
}

/** The base credentials, which sign nothing but requests for a session. */
export interface Base {
  /** The configuration of a client for the STS of a region, signing with the base credentials. */
  config(region: string): STSClientConfig;
  /** Where they come from, as far as it is known. */
  source(): Source | undefined;
  /** The key that was handed out last. */
  accessKeyId(): string | undefined;
}

/** Assumes the role of a target. Clients of STS are kept by region, as their connections are. */
export class RoleAssumer {
  readonly role: TargetRole;
  readonly base: Base;
  /** Of one request, retries included, in milliseconds. */
  readonly #timeout: number;
  readonly #clients = new Map<string, STSClient>();

  constructor(role: TargetRole, base: Base, timeout: number) {
    this.role = role;
    this.base = base;
    this.#timeout = timeout;
  }

  /** The role as messages and records name it. */
  get source(): Source {
    const { arn: roleArn, name } = this.role;
    const base = this.base.source();
    return {
      kind: 'target_role',
      name: `the role ${roleArn} of target ${name}`,
      profile: base?.profile,
      target: name,
      roleArn,
      base,
    };
  }

  get partition(): string | undefined {
    return this.role.arn.split(':')[1];
  }

  /**
   * Asks STS for a session.
   *
   * @throws CredentialSourceError
   */
  async assume(region: string, request: SessionRequest): Promise<RoleSession> {
    const state: RequestState = {};
    const command = trackAttempts(new AssumeRoleCommand(inputOf(this.role, request)), state);
    const abortSignal = AbortSignal.timeout(this.#timeout);
    try {
      const answer = this.#client(region).send(command, { abortSignal });
      const session = sessionOf(await orAborted(answer, abortSignal), this.role, request.seconds);
      return { ...session, assumedBy: state.destination?.accessKeyId };
    } catch (error) {
      // The base credentials failed.
      if (error instanceof CredentialSourceError) throw error;
      throw new CredentialSourceError(this.source, error);
    }
  }

  /** Whose signature the requests of a session carry. */
  identityIn({ arn, credentials }: RoleSession): Identity {
    const { kind: provider, profile } = this.source;
    const { accessKeyId: access_key_id } = credentials;
    return { access_key_id, account_id: this.role.accountId, arn, provider, profile };
  }

  #client(region: string): STSClient {
    const client = this.#clients.get(region) ?? new STSClient(this.base.config(region));
    this.#clients.set(region, client);
    return client;
  }
}

function inputOf(
  { arn, externalId }: TargetRole,
  { name, policy, seconds, tags = {}, sourceIdentity }: SessionRequest,
) {
  return {
    RoleArn: arn,
    RoleSessionName: name,
    Policy: policy,
    DurationSeconds: seconds,
    Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
    ...(externalId === undefined ? {} : { ExternalId: externalId }),
    ...(sourceIdentity === undefined ? {} : { SourceIdentity: sourceIdentity }),
  };
}

/** @throws Failure if the session is in another account, Error if the answer lacks a member */
function sessionOf(output: AssumeRoleCommandOutput, role: TargetRole, seconds: number) {
  const credentials = identityOf(output);
  const arn = output.AssumedRoleUser?.Arn ?? '';
  const [, account] = /^arn:[\w-]+:sts::(\d{12}):assumed-role\//.exec(arn) ?? [];
  if (account === undefined) throw new Error('STS answered without credentials of a role');
  if (account !== role.accountId) {
    throw misconfigured(
      `The role ${role.arn} of target ${role.name} is in account ${account}; the target names ${role.accountId}.`,
      `Correct the role or the account of target ${role.name}.`,
    );
  }
  const expiresAt = credentials.expiration?.getTime() ?? Date.now() + seconds * 1000;
  return { credentials, arn, expiresAt };
}
