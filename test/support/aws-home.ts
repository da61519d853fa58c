import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, vi } from 'vitest';

/** Gives each test of a file an empty home directory and an environment without AWS configuration. */
export function useAwsHome() {
  let home = '';

  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'home-'));
    for (const name of Object.keys(process.env)) {
      if (name.startsWith('AWS_')) vi.stubEnv(name, undefined);
    }
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
    /** Writes a file below the home directory and returns its path. */
    write: (file: string, text: string): string => {
      mkdirSync(dirname(path(file)), { recursive: true });
      writeFileSync(path(file), text);
      return path(file);
    },
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
