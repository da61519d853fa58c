import { randomUUID } from 'node:crypto';
import type { AuditLog } from '../../changes/audit-log.ts';
import type { ChangeTool } from '../../vocabulary/names.ts';
import { boundedIfText } from '../../vocabulary/text.ts';

const LONGEST_TEXT = 64;
const MOST_ADDRESSES = 31;

/** A call that would change something, with arguments that nobody has checked. */
interface Change {
  tool: ChangeTool;
  given: unknown;
}

/** Puts changes on record that are refused for lack of a scope, before any tool is called. */
export function recordRefusedChanges(audit: AuditLog, principal: string, changes: readonly Change[]): void {
  for (const { tool, given } of changes) {
    audit.refusal({
      id: randomUUID(),
      tool,
      principal,
      arguments: named(given),
      outcome: 'refused',
      error: { code: 'policy_denied' },
      reason: 'the token lacks a scope',
    });
  }
}

/** A value as a record has it; nothing of what is no text. */
const shortText = (value: unknown): string | undefined => boundedIfText(value, LONGEST_TEXT);

function named(change: unknown): object {
  const { nat_gateway_id, private_ip_addresses, mode, region } = (change ?? {}) as Record<string, unknown>;
  const addresses = Array.isArray(private_ip_addresses)
    ? private_ip_addresses.slice(0, MOST_ADDRESSES).map(shortText)
    : shortText(private_ip_addresses);
  return {
    nat_gateway_id: shortText(nat_gateway_id),
    private_ip_addresses: addresses,
    mode: shortText(mode),
    region: shortText(region),
  };
}
