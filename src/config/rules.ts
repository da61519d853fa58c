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
  'auditLog',
] as const satisfies readonly Name[];

/**
 * The rules in force, by the names of their flags, for the log's first line. Hosts may keep variables back from a server:
 * there the line shows that a rule is missing. A list without members limits nothing, and is left out.
 */
export function rulesInForce(settings: Settings): Record<string, unknown> {
  const values = RULES.map((name) => [name, settings[name]] as const);
  const inForce = values.filter(([, value]) => !Array.isArray(value) || value.length > 0);
  return Object.fromEntries(
    inForce.map(([name, value]) => [flagOf(name).replaceAll('-', '_'), value ?? 'stderr']),
  );
}
