import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, vi } from 'vitest';

/** The variables from which the SDK takes credentials, regions and endpoints. */
const AWS_VARIABLES = [
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_PROFILE',
  'AWS_REGION',
  'AWS_DEFAULT_REGION',
  'AWS_SDK_LOAD_CONFIG',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'AWS_ROLE_ARN',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
  'AWS_ENDPOINT_URL',
  'AWS_ENDPOINT_URL_EC2',
];

/** Gives each test of a file an empty home directory and an environment without AWS configuration. */
export function useAwsHome() {
  let home = '';

  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'home-'));
    for (const variable of AWS_VARIABLES) vi.stubEnv(variable, undefined);
    vi.stubEnv('HOME', home);
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(home, 'credentials'));
    vi.stubEnv('AWS_CONFIG_FILE', join(home, 'config'));
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
  });

  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(home, { recursive: true });
  });

  const path = (file: string): string => join(home, file);
  return {
    path,
    writeConfig: (text: string): void => writeFileSync(path('config'), text),
    /** Gives profile `ops` an access key. */
    writeCredentials: (accessKeyId: string): void =>
      writeFileSync(
        path('credentials'),
        `[ops]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = secret\n`,
      ),
    /** Gives profile `ops` a credential process that runs `script`. */
    writeCredentialProcess: (script: string): void => {
      writeFileSync(path('process.mjs'), script);
      writeFileSync(
        path('config'),
        `[profile ops]\ncredential_process = "${process.execPath}" "${path('process.mjs')}"\n`,
      );
    },
  };
}

/** A target whose credentials come from profile `ops`. */
export const OPS = { target: { credentials: undefined, profile: 'ops' } };
