import { flagOf, type Name, type Settings } from './options.ts';

/** The settings that decide which changes are made and where they are recorded. */
const RULES = [
  'readOnly',
  'restore',
  'confirm',
  'allowAccount',
  'allowRegion',
  'allowGateway',
  'requireTag',
  'protectTag',
  'protectAddress',
  'evidence',
  'minRemaining',
  'maxAddresses',
  'maxChangesPerHour',
  'approvals',
  'allowSelfApproval',
  'stateTable',
  'auditLog',
] as const satisfies readonly Name[];

/**
 * The rules in force, by the names of their flags, for the log's line about the start. Hosts may keep variables back from a server:
 * there the line shows that a rule is missing. What is not set is left out, and so is a list without members.
 */
export function rulesInForce(settings: Settings): Record<string, unknown> {
  const values = RULES.map((name) => [name, settingOf(settings, name)] as const);
  const inForce = values.filter(
    ([, value]) => value !== undefined && (!Array.isArray(value) || value.length > 0),
  );
  return Object.fromEntries(inForce.map(([name, value]) => [flagOf(name).replaceAll('-', '_'), value]));
}

function settingOf(settings: Settings, name: (typeof RULES)[number]): unknown {
  if (name === 'allowSelfApproval') return settings.allowSelfApproval || undefined;
  return settings[name] ?? (name === 'auditLog' ? 'stderr' : undefined);
}
