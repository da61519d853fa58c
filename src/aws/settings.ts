import { loadConfig, loadSharedConfigFiles, NODE_REGION_CONFIG_OPTIONS } from '@smithy/core/config';
import { Failure } from '../vocabulary/failure.ts';
import { REGION } from '../vocabulary/ids.ts';
import type { DescribedTarget } from '../vocabulary/target.ts';
import { boundedText } from '../vocabulary/text.ts';

/** Which EC2 to talk to, and as whom. An absent member is looked up in the environment and in the profile. */
export interface Ec2Target {
  region?: string | undefined;
  profile?: string | undefined;
  endpoint?: string | undefined;
  credentials?: { accessKeyId: string; secretAccessKey: string } | undefined;
  /** Whose sessions sign; the credentials then sign nothing but requests for a session. */
  role?: TargetRole | undefined;
}

/** The role of a target. */
export interface TargetRole {
  arn: string;
  externalId?: string | undefined;
  /** The account that the role has to be in. */
  accountId: string;
  /** Whether changes set `SourceIdentity`, which every role behind this one then has to allow. */
  sourceIdentity?: boolean | undefined;
  /** The name of the target. */
  name: string;
}

/** The same AWS, or embedded endpoint, in the account of a target. */
export function inTarget(ofServer: Ec2Target, target: DescribedTarget): Ec2Target {
  const { name, accountId, roleArn: arn, externalId, profile, regions, sourceIdentity } = target;
  const role = arn === undefined ? undefined : { name, arn, accountId, externalId, sourceIdentity };
  return { ...ofServer, region: regions[0], profile: profile ?? ofServer.profile, role };
}

/** The members of one section of the AWS configuration files. */
export type Section = Readonly<Record<string, string | undefined>>;

/** The service as AWS_ENDPOINT_URL_… and a `services` section name it. */
export type Service = 'ec2' | 'cloudwatch' | 'sts' | 'sso' | 'signin' | 'dynamodb';

/** A value, and the setting it comes from, for messages. */
/** An endpoint that a setting names. */
export interface ConfiguredEndpoint {
  /** Scheme, host and port. */
  origin: string;
  /** The variable, or the member of the profile. */
  from: string;
}

interface Setting {
  value: string;
  from: string;
}

type Files = Awaited<ReturnType<typeof loadSharedConfigFiles>>;

/** What the environment and the AWS configuration files say, for one profile. */
export class Settings {
  /** The profile that `--profile` or AWS_PROFILE names; without one, the files' `default` is read. */
  readonly profile: string | undefined;
  /** Whether the SDK's own look-ups, which know AWS_PROFILE alone, read another profile. */
  readonly isProfileOurs: boolean;
  /** Every profile, as credential providers see it: the credentials file wins. */
  readonly profiles: Readonly<Record<string, Section>>;
  readonly #target: Ec2Target;
  readonly #files: Files;

  constructor(target: Ec2Target, files: Files) {
    const fromEnvironment = process.env.AWS_PROFILE || undefined;
    this.profile = target.profile ?? fromEnvironment;
    this.isProfileOurs = this.profile !== fromEnvironment;
    this.#target = target;
    this.#files = files;
    const names = new Set([...Object.keys(files.configFile), ...Object.keys(files.credentialsFile)]);
    this.profiles = Object.fromEntries(
      [...names].map((name) => [name, { ...files.configFile[name], ...files.credentialsFile[name] }]),
    );
  }

  /**
   * The region for calls that name none, without asking the instance metadata service.
   *
   * @throws Failure `region_unknown` if the setting is not a region
   */
  region(): string | undefined {
    const setting = this.#region;
    if (setting !== undefined && !REGION.test(setting.value)) throw notRegion(setting);
    return setting?.value;
  }

  /** The same, where a setting that is not a region counts as none. */
  configuredRegion(): string | undefined {
    const value = this.#region?.value;
    return value !== undefined && REGION.test(value) ? value : undefined;
  }

  /** The setting that names the region, for messages; absent if none does. */
  get regionFrom(): string | undefined {
    return this.#region?.from;
  }

  /**
   * The endpoint of a service, if one is configured: the variables beat the profile, as in the AWS CLI.
   *
   * @throws Failure `precondition_failed` if the setting is not a URL
   */
  endpoint(service: Service): string | undefined {
    if (this.#target.endpoint !== undefined) return this.#target.endpoint;
    const setting = this.#endpoint(service);
    if (setting === undefined) return undefined;
    const { value, from } = setting;
    const url = URL.canParse(value) ? new URL(value) : undefined;
    if (url === undefined || !/^https?:$/.test(url.protocol) || url.hostname === '') {
      throw misconfigured(
        `${from} is ${shown(value)}, which is not an http or https URL.`,
        `Set ${from} to a URL such as https://ec2.us-east-1.amazonaws.com, or remove it.`,
      );
    }
    for (const { setting: other, is } of [
      this.#flag('use_fips_endpoint'),
      this.#flag('use_dualstack_endpoint'),
    ]) {
      if (is) {
        throw misconfigured(
          `${other} and ${from} exclude each other: an endpoint that is set is used as it is.`,
          `Remove ${other} or ${from}.`,
        );
      }
    }
    return value;
  }

  /** Which setting names the endpoint of a service, if one does that can be understood. */
  configuredEndpoint(service: Service): ConfiguredEndpoint | undefined {
    if (this.#target.endpoint !== undefined) return undefined;
    const { value, from } = this.#endpoint(service) ?? {};
    if (value === undefined || from === undefined || !URL.canParse(value)) return undefined;
    return { origin: new URL(value).origin, from };
  }

  /** @throws Failure `precondition_failed` if it is neither true nor false */
  get useFipsEndpoint(): boolean {
    return this.#flag('use_fips_endpoint').is;
  }

  /** @throws Failure `precondition_failed` if it is neither true nor false */
  get useDualstackEndpoint(): boolean {
    return this.#flag('use_dualstack_endpoint').is;
  }

  get #region(): Setting | undefined {
    return first(
      given(this.#target.region, '--region'),
      variable('AWS_REGION'),
      variable('AWS_DEFAULT_REGION'),
      // The SDK prefers the credentials file here, and the config file elsewhere.
      given(this.profiles[this.#name]?.region, this.#member('region')),
    );
  }

  get #name(): string {
    return this.profile ?? 'default';
  }

  #endpoint(service: Service): Setting | undefined {
    if (this.#flag('ignore_configured_endpoint_urls').is) return undefined;
    const { services, endpoint_url } = this.#section;
    const ofServices =
      services === undefined ? undefined : this.#services(services)[`${service}.endpoint_url`];
    return first(
      variable(`AWS_ENDPOINT_URL_${service.toUpperCase()}`),
      variable('AWS_ENDPOINT_URL'),
      given(ofServices, `endpoint_url of ${service} in [services ${services}]`),
      given(endpoint_url, this.#member('endpoint_url')),
    );
  }

  /** The SDK ignores a section that does not exist, and would send to AWS what was meant for another endpoint. */
  #services(name: string): Section {
    const section = this.#files.configFile[`services.${name}`];
    if (section !== undefined) return section;
    throw misconfigured(
      `${this.#member('services')} names [services ${name}], which ${configFile()} does not have.`,
      `Add [services ${name}], or remove ${this.#member('services')}.`,
    );
  }

  /** A boolean; the SDK takes one that it cannot read for false. */
  #flag(member: string): { is: boolean; setting: string } {
    const setting = first(
      variable(`AWS_${member.toUpperCase()}`),
      given(this.#section[member], this.#member(member)),
    );
    const { value, from } = setting ?? { value: 'false', from: member };
    if (!/^(true|false)$/i.test(value)) {
      throw misconfigured(
        `${from} is ${shown(value)}, which is neither true nor false.`,
        `Set ${from} to true or false, or remove it.`,
      );
    }
    return { is: /^true$/i.test(value), setting: from };
  }

  get #section(): Section {
    const { configFile, credentialsFile } = this.#files;
    return { ...credentialsFile[this.#name], ...configFile[this.#name] };
  }

  #member(name: string): string {
    return `${name} of profile ${this.#name}`;
  }
}

/** Reads the files anew: a login or an edit since the last time counts. */
export async function readSettings(target: Ec2Target): Promise<Settings> {
  return new Settings(target, await loadSharedConfigFiles({ ignoreCache: true }));
}

/** The region of the machine, as its metadata service tells; `undefined` elsewhere. */
export async function regionOfInstance(): Promise<string | undefined> {
  const nothing = (): undefined => undefined;
  const look = loadConfig<string | undefined>({
    environmentVariableSelector: nothing,
    configFileSelector: nothing,
    default: NODE_REGION_CONFIG_OPTIONS.default as () => Promise<string>,
  });
  const region = await look().catch(nothing);
  return region !== undefined && REGION.test(region) ? region : undefined;
}

/** Names of the files, as messages show them. */
export function configFile(): string {
  return process.env.AWS_CONFIG_FILE || '~/.aws/config';
}

export function credentialsFile(): string {
  return process.env.AWS_SHARED_CREDENTIALS_FILE || '~/.aws/credentials';
}

/** The failure of a call for which no region is known. */
export function regionUnknown(): Failure {
  return new Failure({
    code: 'region_unknown',
    message: 'No region is known for this call, and none is guessed.',
    retryable: false,
  });
}

/** The settings that can make an endpoint impossible, for hints. */
export const ENDPOINT_SETTINGS =
  'Correct AWS_USE_FIPS_ENDPOINT (use_fips_endpoint), AWS_USE_DUALSTACK_ENDPOINT (use_dualstack_endpoint) or AWS_ENDPOINT_URL (endpoint_url), of the environment or of the profile.';

/** The failure of a call whose AWS settings cannot be used together, or not at all. */
export function misconfigured(message: string, hint: string): Failure {
  return new Failure({
    code: 'precondition_failed',
    message,
    retryable: false,
    hint: `${hint} The operator of this server has to do that; after a change of the environment, restart the server.`,
  });
}

function notRegion({ value, from }: Setting): Failure {
  return new Failure({
    code: 'region_unknown',
    message: `${from} is ${shown(value)}, which is not an AWS region.`,
    retryable: false,
    hint: `Set ${from} to a region such as us-east-1, without spaces or \${…}, or pass region with the call.`,
  });
}

/** A value that could not be understood; one with an @ may hold a password. */
function shown(value: string): string {
  return value.includes('@') ? 'set to something' : JSON.stringify(boundedText(value, 100));
}

function variable(name: string): Setting | undefined {
  return given(process.env[name], name);
}

function given(value: string | undefined, from: string): Setting | undefined {
  return value === undefined || value === '' ? undefined : { value, from };
}

function first(...settings: readonly (Setting | undefined)[]): Setting | undefined {
  return settings.find((setting) => setting !== undefined);
}
