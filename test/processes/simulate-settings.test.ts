import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DESCRIBE, UNASSIGN } from '../../src/vocabulary/names.ts';
import { startServer } from '../support/server-process.ts';
import { EGRESS } from '../support/session.ts';

const ELSEWHERE = 'http://127.0.0.1:9';

/** Settings for AWS that would lead a client astray, as members of profile default and as variables. */
const SETTINGS: [string, Record<string, string>, string][] = [
  [
    'an endpoint',
    { AWS_ENDPOINT_URL: ELSEWHERE, AWS_ENDPOINT_URL_EC2: ELSEWHERE, AWS_ENDPOINT_URL_STS: ELSEWHERE },
    `endpoint_url = ${ELSEWHERE}`,
  ],
  ['an endpoint that is no URL', { AWS_ENDPOINT_URL: 'localhost:1' }, 'endpoint_url = localhost:1'],
  ['a services section that does not exist', {}, 'services = gone'],
  ['FIPS', { AWS_USE_FIPS_ENDPOINT: 'true' }, 'use_fips_endpoint = true'],
  ['dual stack', { AWS_USE_DUALSTACK_ENDPOINT: 'true' }, 'use_dualstack_endpoint = true'],
  [
    'booleans that are none',
    { AWS_USE_FIPS_ENDPOINT: 'yes', AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'yes' },
    'use_dualstack_endpoint = yes',
  ],
  [
    'modes and attempts',
    { AWS_DEFAULTS_MODE: 'bogus', AWS_RETRY_MODE: 'bogus', AWS_MAX_ATTEMPTS: 'many' },
    'defaults_mode = bogus\nretry_mode = bogus\nmax_attempts = many',
  ],
  ['a region', { AWS_REGION: 'us-east-1 ', AWS_DEFAULT_REGION: 'nowhere' }, 'region = nowhere'],
  [
    'credentials',
    { AWS_ACCESS_KEY_ID: 'AKIA\n', AWS_SECRET_ACCESS_KEY: 's', AWS_SESSION_TOKEN: ' ' },
    'credential_process = exit 3',
  ],
  ['a profile that does not exist', { AWS_PROFILE: 'gone' }, ''],
  [
    'ways to sign',
    {
      AWS_AUTH_SCHEME_PREFERENCE: 'sigv4a',
      AWS_SIGV4A_SIGNING_REGION_SET: '*',
      AWS_ACCOUNT_ID_ENDPOINT_MODE: 'required',
      AWS_DISABLE_CLOCK_SKEW_CORRECTION: 'bogus',
    },
    'auth_scheme_preference = sigv4a',
  ],
  [
    'a name for the user agent',
    { AWS_SDK_UA_APP_ID: 'x'.repeat(200), AWS_EXECUTION_ENV: 'a\nb' },
    'sdk_ua_app_id = y',
  ],
];

describe('a server with --simulate', () => {
  it.for(SETTINGS)('is deaf to %s', async ([, environment, members], { onTestFinished }) => {
    const home = mkdtempSync(join(tmpdir(), 'simulate-'));
    onTestFinished(() => rmSync(home, { recursive: true }));
    const config = join(home, 'config');
    writeFileSync(config, `[default]\n${members}\n`);
    const server = startServer(['--simulate'], {
      ...environment,
      HOME: home,
      AWS_CONFIG_FILE: config,
      AWS_SHARED_CREDENTIALS_FILE: config,
    });
    const { result: listing } = await server.call(DESCRIBE, {});
    expect(listing.structuredContent).toMatchObject({ region: 'us-east-1', account_id: '123456789012' });
    const change = { nat_gateway_id: EGRESS, private_ip_addresses: ['10.0.1.11'], mode: 'dry_run' };
    const { result } = await server.call(UNASSIGN, change);
    expect(result.structuredContent).toMatchObject({ outcome: 'dry_run_passed' });
  });
});
