import { describe, expect, it } from 'vitest';
import { configure } from '../../src/config/configure.ts';
import { flagOf, OPTION_NAMES, type Settings } from '../../src/config/options.ts';
import { rulesInForce } from '../../src/config/rules.ts';
import { OPTION_CASES, type OptionName } from '../support/option-cases.ts';

function rules(args: readonly string[], environment: Record<string, string> = {}): object {
  const invocation = configure(args, environment);
  return invocation.command === 'serve' ? rulesInForce(invocation.settings) : {};
}

/** Options of the group that decide about the way of a question, and not whether a change is made. */
const NO_RULES: readonly OptionName[] = ['confirmationKey'];

describe('the rules in force', () => {
  it('are all that the help lists under what may be changed', () => {
    const from = OPTION_NAMES.indexOf('confirm');
    const inGroup = OPTION_NAMES.slice(from, OPTION_NAMES.indexOf('stateTable'));
    const settings = Object.fromEntries(OPTION_CASES.map(({ name, value }) => [name, value]));
    const shown = rulesInForce(settings as unknown as Settings);
    const missing = inGroup.filter((name) => !(flagOf(name).replaceAll('-', '_') in shown));
    expect(missing).toEqual(NO_RULES);
  });

  it('tell how many people approve, and whether their own requests', () => {
    const args = ['--http=0', '--confirm=never', '--token-file=t.json', '--approvals=2'];
    expect(rules(args)).toMatchObject({ approvals: 2 });
    expect(rules(args)).not.toHaveProperty('allow_self_approval');
    expect(rules([...args, '--allow-self-approval'])).toMatchObject({ allow_self_approval: true });
  });

  it('are those that always hold, by default', () => {
    expect(rules([])).toEqual({
      read_only: false,
      restore: true,
      confirm: 'auto',
      evidence: 'auto',
      min_remaining: 1,
      max_addresses: 7,
      max_changes_per_hour: 20,
      audit_log: 'stderr',
    });
  });

  it('are everything that flags and variables set', () => {
    const args = ['--confirm=always', '--allow-account=123456789012', '--allow-region=us-east-1,eu-west-1'];
    args.push('--allow-gateway=nat-0a11a11a11a11a11a', '--require-tag=a=b', '--protect-tag=env=prod');
    args.push('--protect-address=10.0.1.13', '--evidence=require');
    args.push('--audit-log=/var/log/nat.jsonl', '--max-changes-per-hour=5', '--state-table=nat');
    expect(rules(args, { NAT_GATEWAY_MCP_READ_ONLY: 'true' })).toEqual({
      read_only: true,
      restore: true,
      confirm: 'always',
      allow_account: ['123456789012'],
      allow_region: ['us-east-1', 'eu-west-1'],
      allow_gateway: ['nat-0a11a11a11a11a11a'],
      require_tag: ['a=b'],
      protect_tag: ['env=prod'],
      protect_address: ['10.0.1.13'],
      evidence: 'require',
      min_remaining: 1,
      max_addresses: 7,
      max_changes_per_hour: 5,
      state_table: 'nat',
      audit_log: '/var/log/nat.jsonl',
    });
  });
});
