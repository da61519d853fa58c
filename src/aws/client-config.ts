import type { EC2ClientConfig } from '@aws-sdk/client-ec2';
import type { ProxyAwareHandler } from './proxy.ts';
import type { Service, Settings } from './settings.ts';

/** Of how many regions something is kept: more than AWS has, as callers may name any. */
export const REGIONS_KEPT = 64;

/** What every client of the SDK is made with. */
export interface Transport {
  requestHandler: ProxyAwareHandler;
  logger: NonNullable<EC2ClientConfig['logger']>;
  customUserAgent: [string, string][];
}

/**
 * The configuration of a client for one service, all of it from one profile. What is left out, the SDK looks up by
 * itself, and it takes endpoints from the profile of AWS_PROFILE alone.
 *
 * @throws Failure `precondition_failed` if a setting cannot be understood
 */
export function clientConfig(settings: Settings, service: Service, transport: Transport) {
  const endpoint = settings.endpoint(service);
  return {
    ...transport,
    ...commonConfig(settings),
    ...(endpoint === undefined ? { ignoreConfiguredEndpointUrls: true } : { endpoint }),
  };
}

/**
 * The configuration of the clients that the SDK's credential providers make for themselves. One configuration serves
 * several services there, so that their endpoints are left to the SDK unless it would read another profile.
 *
 * @throws Failure `precondition_failed` if a setting cannot be understood
 */
export function providerConfig(settings: Settings, service: Service, transport: Transport) {
  if (settings.isProfileOurs) return clientConfig(settings, service, transport);
  return { ...transport, ...commonConfig(settings) };
}

function commonConfig(settings: Settings) {
  const { profile, useFipsEndpoint, useDualstackEndpoint } = settings;
  return {
    // Timeouts and attempts are set here, so that the modes of AWS_DEFAULTS_MODE decide nothing.
    defaultsMode: 'standard' as const,
    maxAttempts: 3,
    authSchemePreference: [],
    useFipsEndpoint,
    useDualstackEndpoint,
    ...(profile === undefined ? {} : { profile }),
  };
}
