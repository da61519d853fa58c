import type { State } from '../changes/state.ts';
import { causeOfState, ERRORS, Failure } from '../vocabulary/failure.ts';
import type { Finding } from './report.ts';

const UNREACHABLE =
  'Until it answers, the server makes no change. Check the network to it, --state-region, --state-endpoint, and the load on the table.';

/** Writes an item to the table that replicas share, and reads another, as the server does. */
export async function checkStateTable(table: string, opened: Promise<State>): Promise<Finding> {
  const state = await opened;
  try {
    await Promise.all([state.check(), state.limit.secondsLeft(undefined)]);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const { message, hint, ...report } = error.report;
    throw new Failure({
      ...report,
      message: causeOfState(message),
      // The general hint leads here.
      hint: hint === ERRORS.state_unavailable.nextStep ? UNREACHABLE : hint,
    });
  } finally {
    await state.close();
  }
  return {
    status: 'ok',
    message: `${table} can be read and written, and its clock is within 5 s of that of this machine.`,
    facts: { table },
  };
}
