// The table of docs/credentials.md, from the table of the code. A source or fault without words here is an error of types.
import { FAULTS, type Fault, NEXT_STEPS, REPORTS } from '../src/aws/credential-faults.ts';
import type { Source, SourceKind } from '../src/aws/credential-sources.ts';

/** In the order of the page; the credentials that the program is built with cannot fail. */
const SOURCES: Record<Exclude<SourceKind, 'static'>, string> = {
  environment: 'Environment',
  profile: 'Profile as such',
  profile_keys: 'Keys of a profile',
  credential_process: '`credential_process`',
  sso: 'IAM Identity Center',
  login: '`aws login`',
  web_identity: 'Web identity token',
  role: 'Role (`source_profile`, `credential_source`)',
  target_role: 'Role of a target',
  container: 'Container, EKS Pod Identity',
  instance: 'Instance metadata',
  none: 'No source at all',
};

const WORDS: Record<Fault, string> = {
  absent: 'absent, incomplete, or failed',
  denied: 'denied',
  key_rejected: 'access key not accepted',
  expired: 'expired',
  malformed: 'malformed',
  too_large: 'too large',
  garbled: 'an answer that cannot be read',
  throttled: 'throttled',
  unreachable: 'not reached',
  unavailable: 'a problem of its own',
  hangs: 'no answer in time',
  clock: 'clock differs',
  region_disabled: 'STS off in the region',
};

/** Markdown rows: source, fault, code, whether the same call may succeed later, next step. */
export function credentialsTable(): string {
  const rows = (Object.keys(SOURCES) as (keyof typeof SOURCES)[]).flatMap((kind) =>
    FAULTS.flatMap((fault) => {
      const step = NEXT_STEPS[kind][fault];
      if (step === undefined) return [];
      const { code, retryable } = REPORTS[fault];
      const cells = [
        SOURCES[kind],
        WORDS[fault],
        `\`${code}\``,
        retryable ? 'yes' : 'no',
        step(example(kind)),
      ];
      return [`| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`];
    }),
  );
  return [
    '| Source | What is wrong | `code` | `retryable` | Next step |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}

function example(kind: SourceKind): Source {
  const base: Source = { kind: 'profile_keys', name: 'the access key of profile BASE', profile: 'BASE' };
  return { kind, name: 'the source', profile: 'NAME', target: 'TARGET', roleArn: 'ROLE', base };
}
