import type { GatewayKey, Remembered, State } from '../changes/state.ts';
import { Failure } from '../vocabulary/failure.ts';

/** What is remembered of changes, for calls that only read: they go on without a state that cannot be read. */

/** Where nothing is remembered. */
export const NOTHING_REMEMBERED: Remembered = {
  drains: new Map(),
  isReleased: () => false,
  givenBackAt: () => undefined,
  judge: (gateway) => gateway,
  forget: () => {},
};

/** What is remembered of a gateway. */
export function recall({ changes }: State, gateway: GatewayKey): Promise<Remembered> {
  return changes.of(gateway).catch(nothingIf(NOTHING_REMEMBERED));
}

/** What is remembered of each gateway of a region. */
export function recallRegion({ changes }: State, region: string): Promise<(id: string) => Remembered> {
  return changes.in(region).catch(nothingIf(() => NOTHING_REMEMBERED));
}

/** The answer of a state that cannot be read. */
export function nothingIf<T>(nothing: T) {
  return (error: unknown): T => {
    if (error instanceof Failure && error.report.code === 'state_unavailable') return nothing;
    throw error;
  };
}
