import { type ErrorReport, Failure } from '../vocabulary/failure.ts';
import type { Check, Finding } from './report.ts';

/** The longest time of one check, in milliseconds: more than a region, credentials, a read and a dry run take at most. */
export const LONGEST_CHECK = 45_000;

/** Thrown by a check that needs something which another check has found missing. */
export class Skipped extends Error {}

/** The value, for a check that is skipped where there is none. */
export async function needed<T>(value: Promise<T>, what: string): Promise<T> {
  try {
    return await value;
  } catch {
    throw new Skipped(`Not checked, because ${what}.`);
  }
}

/** Runs one check. Whatever it throws is its finding, so that no failure hides the other checks. */
export async function bounded(
  name: string,
  run: () => Finding | Promise<Finding>,
  longest = LONGEST_CHECK,
): Promise<Check> {
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<Finding>((resolve) => {
    const message = `There was no result within ${longest / 1000} s.`;
    timer = setTimeout(() => resolve({ status: 'failure', message, hint: 'Check the network.' }), longest);
  });
  try {
    // A check that does not end must not keep the others from being told.
    return { name, ...(await Promise.race([Promise.resolve().then(run), tooLong])) };
  } catch (error) {
    return { name, ...findingFrom(error) };
  } finally {
    clearTimeout(timer);
  }
}

function findingFrom(error: unknown): Finding {
  if (error instanceof Skipped) return { status: 'skipped', message: error.message };
  if (error instanceof Failure) return failed(error.report);
  return { status: 'failure', message: `This check failed: ${(error as Error).message}` };
}

/** The finding of a failure. Messages and hints are worded for callers of a tool; here no call follows. */
export function failed({ code, message, hint, aws_code, request_id }: ErrorReport): Finding {
  return {
    status: 'failure',
    message: message.replace(/ Nothing was sent\.$/, ''),
    hint: hint.replace(/ Then call again\.|,? (?:then|and) call again\b|; no restart is needed\b/g, ''),
    facts: { code, aws_code, request_id },
  };
}
