import type { Logger } from 'pino';
import { type ErrorReport, Failure } from '../vocabulary/failure.ts';

/**
 * The report of anything a handler can throw. What is not a failure of EC2 is a fault of ours: its details go to
 * the log and never to the model.
 */
export function reportOf(error: unknown, logger: Logger): ErrorReport {
  if (error instanceof Failure) return error.report;
  logger.error({ err: error }, 'a tool failed');
  return {
    code: 'internal',
    message: 'The server failed at something it should have handled.',
    retryable: false,
    hint: "Look at the gateway with describe_nat_gateway_addresses before trying again. The server's log (stderr) has the details; please report them.",
  };
}
