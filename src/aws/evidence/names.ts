import { canonical, rangesCovering } from '../../nat-gateway/cidr.ts';
import type { Names, Range } from '../../nat-gateway/evidence.ts';
import { boundedText } from '../../vocabulary/text.ts';
import { type EvidenceQuestion, type Gap, outcome, TOO_MUCH } from './look-up.ts';

/** The most ranges that are kept; an account has at most some thousand groups and lists. */
const MOST_RANGES = 20_000;

/** Collects the ranges that cover an address of the gateways, each once, from whatever ranges it is shown. */
export class CoveringRanges {
  /** The addresses that a range covers. */
  readonly #covered = new Map<string, string[]>();
  readonly #found = new Map<string, Range>();
  #isFull = false;

  constructor(gateways: readonly EvidenceQuestion[]) {
    for (const privateIp of new Set(gateways.flatMap(({ privateIps }) => privateIps))) {
      for (const range of rangesCovering(privateIp)) {
        this.#covered.set(range, [...(this.#covered.get(range) ?? []), privateIp]);
      }
    }
  }

  /** Every range that covers one of the addresses. */
  get possible(): string[] {
    return [...this.#covered.keys()];
  }

  /** Keeps the range if it covers an address. Endpoints exist that ignore filters. */
  take(id: string | undefined, cidr: string | undefined): void {
    if (id === undefined || cidr === undefined) return;
    for (const private_ip of this.#covered.get(canonical(cidr) ?? '') ?? []) {
      const key = `${id} ${private_ip} ${cidr}`;
      if (this.#found.has(key)) continue;
      if (this.#found.size === MOST_RANGES) this.#isFull = true;
      else this.#found.set(key, { id: boundedText(id, 256), private_ip, cidr });
    }
  }

  /** What a source says about the addresses of one gateway. */
  namesOf({ privateIps }: EvidenceQuestion, gap: Gap | undefined): Names {
    const ranges = [...this.#found.values()].filter(({ private_ip }) => privateIps.includes(private_ip));
    const unread = gap ?? (this.#isFull || this.#isUnasked(privateIps) ? TOO_MUCH : undefined);
    return { ...outcome(ranges.length > 0, unread), ...(ranges.length > 0 ? { ranges } : {}) };
  }

  /** Whether nothing can be asked about one of the addresses. */
  #isUnasked(privateIps: readonly string[]): boolean {
    return privateIps.some((privateIp) => !this.#covered.has(`${privateIp}/32`));
  }
}
