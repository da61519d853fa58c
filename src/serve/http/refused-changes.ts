import { randomUUID } from 'node:crypto';
import type { AuditLog } from '../../changes/audit-log.ts';
import { ChangeLimit } from '../../changes/limit.ts';
import type { ChangeTool } from '../../vocabulary/names.ts';
import { boundedText } from '../../vocabulary/text.ts';

/** Records of one caller within an hour. A token that may only read must not fill the disk. */
const RECORDS_AN_HOUR = 1000;

const LONGEST_TEXT = 64;
const MOST_ADDRESSES = 31;

/** Puts changes on record that are refused for lack of a scope, before any tool is called. */
export class RefusedChanges {
  readonly #audit: AuditLog;
  readonly #limit: ChangeLimit;

  constructor(audit: AuditLog, monotonic: () => number) {
    this.#audit = audit;
    this.#limit = new ChangeLimit(RECORDS_AN_HOUR, monotonic);
  }

  /** `given` are the arguments of a call, which nobody has checked. */
  record(principal: string, changes: readonly { tool: ChangeTool; given: unknown }[]): void {
    for (const { tool, given } of changes) {
      if (!this.#limit.take(principal)) return;
      this.#audit.outcome({
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
}

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

function shortText(value: unknown): string | undefined {
  return typeof value === 'string' ? boundedText(value, LONGEST_TEXT) : undefined;
}
