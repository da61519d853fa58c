import { describe, expect, it } from 'vitest';
import { callerOf } from '../../src/serve/http/access-token.ts';
import { documents } from '../support/docs.ts';
import { settings } from '../support/option-cases.ts';
import { commandsOf } from '../support/shell-words.ts';

/** The flags and the claims that docs/authorization.md shows for each issuer fit together. */

interface Example {
  flags: string[];
  claims: Record<string, unknown>;
}

function examples(): [string, Example][] {
  const document = documents().find(({ path }) => path === 'docs/authorization.md');
  const sections = document?.text.split(/^## /m) ?? [];
  return sections.flatMap((section) => {
    const [title = ''] = section.split('\n');
    const [, sh = ''] = /^```sh\n(.*?)^```/ms.exec(section) ?? [];
    const [, json = '{}'] = /^```json\n(.*?)^```/ms.exec(section) ?? [];
    const flags = commandsOf(sh).find(([program]) => program === 'nat-gateway-mcp');
    return flags === undefined ? [] : [[title, { flags: flags.slice(1), claims: JSON.parse(json) }]];
  });
}

describe('docs/authorization.md', () => {
  it('has an example for each issuer', () => {
    expect(examples().map(([title]) => title)).toEqual([
      'Amazon Cognito',
      'Microsoft Entra ID',
      'Okta',
      'Keycloak',
      'Auth0',
    ]);
  });

  it.each(examples())('shows for %s claims that its flags accept', (title, { flags, claims }) => {
    const { oauthIssuer, oauthAudience, oauthScopePrefix, oauthClientId } = settings(flags);
    expect(claims.iss).toBe(oauthIssuer);
    const caller = callerOf(
      claims,
      { alg: 'RS256' },
      {
        issuer: oauthIssuer ?? '',
        audience: oauthAudience ?? '',
        clientIds: oauthClientId,
        scopePrefix: oauthScopePrefix ?? '',
      },
    );
    const scopes = title.startsWith('Microsoft') ? ['nat:read', 'nat:write'] : ['nat:read'];
    expect(caller).toEqual({ principal: `${oauthIssuer}#${claims.sub}`, scopes });
  });
});
