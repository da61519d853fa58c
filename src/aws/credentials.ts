import type { STSClientConfig } from '@aws-sdk/client-sts';
import { fromEnv } from '@aws-sdk/credential-provider-env';
import type { AwsCredentialIdentity } from '@smithy/types';
import { clientConfig, providerConfig, type Transport } from './client-config.ts';
import {
  CredentialSourceError,
  container,
  ENVIRONMENT,
  INSTANCE,
  leafOf,
  NONE,
  roleIn,
  roleWithMfa,
  type Source,
  sourceOfProfile,
  tokenFileOfEnvironment,
  UnfitCharacters,
} from './credential-sources.ts';
import { roleAssumers } from './roles/of-profiles.ts';
import type { Settings } from './settings.ts';

/** When credentials are renewed in the background before they expire, in milliseconds; the SDK does at the same time. */
const RENEWAL = 300_000;

/** What a client hands to the provider of its credentials. */
interface ProviderOptions {
  callerClientConfig?: { region?: () => Promise<string> };
}

/** Credentials, and the source that they came from. */
interface Resolved {
  credentials: AwsCredentialIdentity;
  source: Source;
}

/** One link of the chain of sources. */
interface Link {
  source: Source;
  provide: () => Promise<AwsCredentialIdentity>;
}

/** The credentials of every client, resolved once for all of them. */
export class Credentials {
  readonly #settings: Settings;
  readonly #transport: Transport;
  /** Of one request to a container or instance metadata endpoint, in milliseconds. */
  readonly #timeout: number;
  #current: Resolved | undefined;
  #pending: Promise<Resolved> | undefined;
  #asking: Source | undefined;

  constructor(settings: Settings, transport: Transport, timeout: number) {
    this.#settings = settings;
    this.#transport = transport;
    this.#timeout = timeout;
    this.#warnOfKeys();
  }

  /** The source that is being asked, else that of the credentials in use. */
  get source(): Source | undefined {
    return this.#asking ?? this.#current?.source;
  }

  /** The source that is being asked; absent while none is. */
  get asking(): Source | undefined {
    return this.#asking;
  }

  /** The access key in use. */
  get accessKeyId(): string | undefined {
    return this.#current?.credentials.accessKeyId;
  }

  /** The source of an access key that is in use. */
  sourceOf(accessKeyId: string): Source | undefined {
    return this.#current?.credentials.accessKeyId === accessKeyId ? this.#current.source : undefined;
  }

  /**
   * For the clients' `credentials`. Hands out what it has until it expires; a renewal in the background that fails is
   * tried again with the next request.
   *
   * @throws CredentialSourceError
   */
  readonly provide = async (options?: ProviderOptions): Promise<AwsCredentialIdentity> => {
    const current = this.#current?.credentials;
    const left = (current?.expiration?.getTime() ?? Infinity) - Date.now();
    if (current === undefined || left <= 0) return (await this.#renew(options)).credentials;
    if (left < RENEWAL) this.#renew(options).catch(() => {});
    return current;
  };

  /** The AWS CLI would have the keys sign. */
  #warnOfKeys(): void {
    const { AWS_PROFILE, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = process.env;
    if (!AWS_PROFILE || !AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY) return;
    if (this.#settings.profile !== AWS_PROFILE) return;
    this.#transport.logger.warn('AWS_PROFILE and AWS_ACCESS_KEY_ID are both set; the profile signs');
  }

  #renew(options: ProviderOptions | undefined): Promise<Resolved> {
    this.#pending ??= this.#resolve(options)
      .then((resolved) => {
        this.#current = resolved;
        return resolved;
      })
      .finally(() => {
        this.#pending = undefined;
        this.#asking = undefined;
      });
    return this.#pending;
  }

  /**
   * Asks the profile that is named, and nothing else. Without one it asks the sources of the SDK's chain, in its order;
   * when none has credentials, the first that was configured is the one to report.
   */
  async #resolve(options: ProviderOptions | undefined): Promise<Resolved> {
    const { profile } = this.#settings;
    const links = profile === undefined ? this.#chain(options) : [this.#profileLink(profile, options)];
    let failed: CredentialSourceError | undefined;
    for (const { source, provide } of links) {
      this.#asking = leafOf(source);
      try {
        const resolved = { credentials: checked(await provide(), source), source };
        this.#warnOf(failed?.source, source);
        return resolved;
      } catch (error) {
        const failure =
          error instanceof CredentialSourceError ? error : new CredentialSourceError(leafOf(source), error);
        if (profile !== undefined || !mayGoOn(failure.cause)) throw failure;
        if (!source.isImplicit) failed ??= failure;
      }
    }
    throw failed ?? new CredentialSourceError(NONE, undefined);
  }

  /** Most processes use one source, so the code for each is loaded when it is asked. */
  #chain(options: ProviderOptions | undefined): Link[] {
    const { env } = process;
    const { logger } = this.#transport;
    const links: Link[] = [];
    if (env.AWS_ACCESS_KEY_ID || env.AWS_SECRET_ACCESS_KEY) {
      const isWhole = env.AWS_ACCESS_KEY_ID && env.AWS_SECRET_ACCESS_KEY;
      links.push({ source: ENVIRONMENT, provide: isWhole ? fromEnv({ logger }) : lacking('one of the two') });
    }
    links.push(this.#profileLink('default', options));
    if (env.AWS_WEB_IDENTITY_TOKEN_FILE) {
      const source = tokenFileOfEnvironment();
      const provide = async () => {
        const { fromTokenFile } = await import('@aws-sdk/credential-provider-web-identity');
        return fromTokenFile(await this.#roles(source, options))();
      };
      links.push({ source, provide: env.AWS_ROLE_ARN ? provide : lacking('AWS_ROLE_ARN') });
    }
    const metadata = { logger, timeout: this.#timeout };
    if (env.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI || env.AWS_CONTAINER_CREDENTIALS_FULL_URI) {
      const provide = async () => (await import('@aws-sdk/credential-provider-http')).fromHttp(metadata)();
      links.push({ source: container(), provide });
    } else if (!env.AWS_EC2_METADATA_DISABLED || env.AWS_EC2_METADATA_DISABLED === 'false') {
      const provide = async () => {
        const { fromInstanceMetadata } = await import('@smithy/credential-provider-imds');
        return fromInstanceMetadata(metadata)();
      };
      links.push({ source: INSTANCE, provide });
    }
    return links;
  }

  #profileLink(profile: string, options: ProviderOptions | undefined): Link {
    const source = sourceOfProfile(profile, this.#settings.profiles);
    const service = leafOf(source).kind === 'login' ? 'signin' : 'sso';
    const provide = async () => {
      // Not left to the SDK, which then leaves a promise of the base behind, whose rejection would end the process.
      const role = roleWithMfa(source);
      if (role !== undefined) {
        throw new CredentialSourceError(
          role,
          new Error(`it wants a code of the MFA device ${role.mfaSerial}`),
        );
      }
      const { fromIni } = await import('@aws-sdk/credential-provider-ini');
      const init = {
        profile,
        ignoreCache: true,
        timeout: this.#timeout,
        clientConfig: providerConfig(this.#settings, service, this.#transport),
        ...(await this.#roles(source, options)),
      };
      return fromIni(init)({ callerClientConfig: options?.callerClientConfig } as never);
    };
    return { source, provide };
  }

  /** How roles are assumed: by STS in the server's own region, else in that of the call. */
  async #roles(source: Source, options: ProviderOptions | undefined) {
    const config: STSClientConfig = clientConfig(this.#settings, 'sts', this.#transport);
    const region = this.#settings.configuredRegion() ?? (await options?.callerClientConfig?.region?.());
    const assumers = roleAssumers(
      { ...config, ...(region === undefined ? {} : { region }) },
      (arn, request) => {
        const role = roleIn(source, arn);
        this.#asking = role;
        return request.catch((error: unknown) => {
          throw new CredentialSourceError(role, error);
        });
      },
    );
    return { logger: this.#transport.logger, ...assumers };
  }

  /** A source that is passed over may have been meant to sign. */
  #warnOf(passedOver: Source | undefined, signing: Source): void {
    if (passedOver === undefined) return;
    this.#transport.logger.warn(`${passedOver.name} gave no credentials; using ${signing.name} instead`);
  }
}

/** Fails for good: half a configuration is a mistake, and not a wish to have another source sign. */
function lacking(member: string): Link['provide'] {
  return async () => {
    throw new Error(`${member} is not set`);
  };
}

/** The SDK marks the errors after which its chain goes on. */
function mayGoOn(cause: unknown): boolean {
  return (cause as { tryNextLink?: boolean } | undefined)?.tryNextLink === true;
}

/** How the environment calls the members of credentials. */
const VARIABLES = {
  accessKeyId: 'AWS_ACCESS_KEY_ID',
  secretAccessKey: 'AWS_SECRET_ACCESS_KEY',
  sessionToken: 'AWS_SESSION_TOKEN',
};

/**
 * Credentials go into headers, which cannot hold every character, and none of AWS's has one of those.
 *
 * @throws CredentialSourceError
 */
function checked(credentials: AwsCredentialIdentity, source: Source): AwsCredentialIdentity {
  const members = ['accessKeyId', 'secretAccessKey', 'sessionToken'] as const;
  const unfit = members.filter((member) => !/^[!-~]+$/.test(credentials[member] ?? '-'));
  if (unfit.length === 0) return credentials;
  const isVariable = source.kind === 'environment';
  const names = unfit.map((member) => (isVariable ? VARIABLES[member] : member));
  throw new CredentialSourceError(leafOf(source), new UnfitCharacters(names));
}
