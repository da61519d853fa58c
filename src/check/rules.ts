import type { Settings } from '../config/options.ts';
import { rulesInForce } from '../config/rules.ts';
import type { ConfirmMode } from '../vocabulary/names.ts';
import type { Finding } from './report.ts';

const CONFIRMATION: Readonly<Record<ConfirmMode, string>> = {
  auto: 'auto: a human is asked before a change where the client can ask; where it cannot, the change is made without a question.',
  always: 'always: a human is asked before each change; a client that cannot ask is refused.',
  never: 'never: changes are made without a question.',
};

export function checkConfirmation({ confirm, readOnly }: Settings): Finding {
  const message = readOnly
    ? 'No question is asked, because --read-only refuses every change.'
    : CONFIRMATION[confirm];
  return { status: 'ok', message, facts: { confirm } };
}

/** Rules that limit which gateways may be changed. */
const LIMITS = [
  'read_only',
  'allow_account',
  'allow_region',
  'allow_gateway',
  'require_tag',
  'protect_tag',
  'protect_address',
];

/** Hosts may keep variables back from a server: the list shows a rule that is missing. */
export function checkRules(settings: Settings): Finding {
  const { confirm, audit_log, read_only, restore, ...others } = rulesInForce(settings);
  const rules = {
    ...(read_only === true ? { read_only } : {}),
    ...(restore === true ? {} : { no_restore: true }),
    ...others,
  };
  const shown = Object.entries(rules).map(([name, value]) => {
    const flag = `--${name.replaceAll('_', '-')}`;
    return value === true ? flag : `${flag} ${textOf(value)}`;
  });
  const isLimited = LIMITS.some((name) => name in rules);
  const scope = isLimited ? '' : ' No rule limits which gateways may be changed.';
  return { status: 'ok', message: `In force: ${shown.join(' ')}.${scope}`, facts: { rules } };
}

/** As the command line has it: a comma within a tag is escaped. */
function textOf(value: unknown): string {
  return Array.isArray(value)
    ? value.map((each) => String(each).replaceAll(',', '\\,')).join(',')
    : String(value);
}
