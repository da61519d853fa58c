import { EC2Client, type EC2ClientConfig } from '@aws-sdk/client-ec2';
import type { AwsCredentialIdentity } from '@smithy/types';
import { partitionOf } from '../vocabulary/partition.ts';
import { kept } from '../vocabulary/room.ts';
import type { Timeouts } from '../vocabulary/timeouts.ts';
import { clientConfig, REGIONS_KEPT, type Transport } from './client-config.ts';
import type { Source } from './credential-sources.ts';
import { Credentials } from './credentials.ts';
import type { Identity, Question } from './identity.ts';
import { ReadSession } from './roles/read-session.ts';
import { RoleAssumer } from './roles/target-role.ts';
import {
  type Ec2Target,
  readSettings,
  regionOfInstance,
  regionUnknown,
  type Service,
  type Settings,
} from './settings.ts';

/** The SDK clients of one region: same connections, endpoint and credentials, different attempts. */
export interface Pair {
  readonly reads: EC2Client;
  readonly changes: EC2Client;
}

/** What came of one reading of environment and files. It is dropped as a whole when AWS refuses its credentials. */
export class Session {
  readonly settings: Settings;
  readonly #transport: Transport;
  readonly #found: Credentials;
  readonly #given: Ec2Target['credentials'];
  readonly #pairs = new Map<string, Pair>();
  /** Of a target with a role. */
  readonly assumer: RoleAssumer | undefined;
  readonly #reads: ReadSession | undefined;
  #regionOfInstance: Promise<string | undefined> | undefined;

  constructor(target: Ec2Target, settings: Settings, transport: Transport, timeouts: Timeouts) {
    this.settings = settings;
    this.#transport = transport;
    this.#given = target.credentials;
    // A second in production, as in the SDK.
    this.#found = new Credentials(settings, transport, timeouts.readAttempt / 5);
    if (target.role === undefined) return;
    const base = {
      config: (region: string) => this.#stsConfig(region),
      source: () => this.#baseSource,
      accessKeyId: () => this.#given?.accessKeyId ?? this.#found.accessKeyId,
    };
    this.assumer = new RoleAssumer(target.role, base, timeouts.read);
    this.#reads = new ReadSession(this.assumer);
  }

  /** The source that is being asked for credentials, else the one they came from. */
  get source(): Source | undefined {
    if (this.assumer === undefined) return this.#baseSource;
    return this.#found.asking ?? this.assumer.source;
  }

  /** The settings that failures tell of. */
  get configured() {
    return { profile: this.settings.profile, endpoint: this.settings.configuredEndpoint('ec2') };
  }

  get #baseSource(): Source | undefined {
    return this.#given === undefined ? this.#found.source : undefined;
  }

  /**
   * The region of calls that name none.
   *
   * @throws Failure `region_unknown`
   */
  async region(): Promise<string> {
    const configured = this.settings.region();
    if (configured !== undefined) return configured;
    this.#regionOfInstance ??= regionOfInstance();
    const region = await this.#regionOfInstance;
    if (region === undefined) throw regionUnknown();
    return region;
  }

  /** @throws Failure `precondition_failed` if a setting cannot be understood */
  pair(region: string): Pair {
    return kept(this.#pairs, region, REGIONS_KEPT, () =>
      this.pairSignedBy(region, this.#credentialsIn(region)),
    );
  }

  /**
   * Clients that are not kept. They have nothing of their own to close: connections are shared.
   *
   * @throws Failure `precondition_failed` if a setting cannot be understood
   */
  pairSignedBy(region: string, by: NonNullable<EC2ClientConfig['credentials']>): Pair {
    const config = { ...clientConfig(this.settings, 'ec2', this.#transport), region };
    const reads = new EC2Client({ ...config, credentials: by, maxAttempts: 3 });
    const { credentials } = reads.config;
    let changes: EC2Client | undefined;
    return {
      reads,
      // Most regions are only read.
      get changes() {
        changes ??= new EC2Client({ ...config, credentials, maxAttempts: 1 });
        return changes;
      },
    };
  }

  /**
   * The configuration of a client for one service in `region`, with the credentials of its EC2 clients.
   *
   * @throws Failure `precondition_failed` if a setting cannot be understood
   */
  config(service: Service, region: string) {
    const { credentials } = this.pair(region).reads.config;
    return { ...clientConfig(this.settings, service, this.#transport), region, credentials };
  }

  /** The access key of `region`'s clients. */
  async accessKeyId(region: string): Promise<string> {
    return (await this.pair(region).reads.config.credentials()).accessKeyId;
  }

  /**
   * The question whose key this is, for the STS where the server is configured: a caller who names a region, or a wrong
   * one, does not decide what is known of the account.
   */
  question(region: string, accessKeyId: string): Question {
    const config = {
      ...clientConfig(this.settings, 'sts', this.#transport),
      region: this.settings.configuredRegion() ?? region,
      credentials: this.pair(region).reads.config.credentials,
    };
    return { accessKeyId, source: this.#found.sourceOf(accessKeyId), config };
  }

  /** Who signs reads in the role of the target; `undefined` without a role. */
  async roleIdentity(region: string): Promise<Identity | undefined> {
    return this.#reads?.identity(region);
  }

  get #base() {
    return this.#given ?? this.#found.provide;
  }

  #credentialsIn(region: string) {
    const reads = this.#reads;
    if (reads === undefined) return this.#base;
    const provide = (): Promise<AwsCredentialIdentity> => reads.credentials(region);
    // Else the SDK keeps them until they expire, and does not ask again when the base credentials change.
    return Object.assign(provide, { memoized: true });
  }

  /** STS where the server is configured, unless the role is in another partition. */
  #stsConfig(region: string) {
    const configured = this.settings.configuredRegion();
    const isConfigured = configured !== undefined && partitionOf(configured) === this.assumer?.partition;
    return {
      ...clientConfig(this.settings, 'sts', this.#transport),
      region: isConfigured ? configured : region,
      credentials: this.#base,
    };
  }
}

export async function openSession(
  target: Ec2Target,
  transport: Transport,
  timeouts: Timeouts,
): Promise<Session> {
  return new Session(target, await readSettings(target), transport, timeouts);
}
