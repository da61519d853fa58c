import { stripVTControlCharacters } from 'node:util';
import { withoutSecrets } from '../vocabulary/secrets.ts';
import { boundedText, visibleLine, withStop } from '../vocabulary/text.ts';

/** In characters. */
const LONGEST_TEXT = 2000;

/** `skipped`: another check failed that this one needs. */
export type Status = 'ok' | 'warning' | 'failure' | 'skipped';

/** What one check found. */
export interface Finding {
  status: Status;
  message: string;
  /** The next step. */
  hint?: string | undefined;
  /** Further members of the check in JSON. */
  facts?: Record<string, unknown>;
}

export interface Check extends Finding {
  name: string;
}

export interface Report {
  ok: boolean;
  checks: readonly Check[];
}

/** Whether nothing failed. What was skipped needs something that failed. */
export function reportOn(checks: readonly Check[]): Report {
  return { ok: checks.every(({ status }) => status !== 'failure'), checks: checks.map(safe) };
}

/** The check without secrets and control characters: endpoints and files have a part in its texts. */
function safe({ name, status, message, hint, facts = {} }: Check): Check {
  const cleaned = Object.entries(facts).map(([member, value]) => [
    member,
    typeof value === 'string' ? clean(value) : value,
  ]);
  return {
    ...{ name, status, message: clean(message) },
    hint: hint === undefined ? undefined : clean(hint),
    facts: Object.fromEntries(cleaned),
  };
}

function clean(text: string): string {
  return withoutSecrets(visibleLine(stripVTControlCharacters(boundedText(text, LONGEST_TEXT))));
}

/** The report for programs. */
export function asJson({ ok, checks }: Report): string {
  const members = checks.map(({ name, status, message, hint, facts }) => ({
    ...{ name, status, message, hint },
    ...facts,
  }));
  return `${JSON.stringify({ ok, checks: members }, undefined, 2)}\n`;
}

/** The report for a pipe: a line for each check. */
export function asLines({ checks }: Report): string {
  const lines = checks.map(
    (check) =>
      `${check.status} ${columnsOf(check).join(' ')}: ${check.hint === undefined ? check.message : `${withStop(check.message)} ${check.hint}`}`,
  );
  return `${lines.join('\n')}\n${summaryOf(checks)}\n`;
}

const COLOURS: Readonly<Record<Status, number>> = { ok: 32, warning: 33, failure: 31, skipped: 90 };
const STATUS_WIDTH = 9;

/** The report for a terminal of so many columns: a table with wrapped texts and coloured states. */
export function asTable({ checks }: Report, columns: number): string {
  const names = aligned(checks.map(columnsOf));
  const nameWidth = Math.max(...names.map((name) => name.length)) + 2;
  const indent = STATUS_WIDTH + nameWidth;
  const width = Math.max(columns - indent, 30);
  const lineBreak = `\n${' '.repeat(indent)}`;
  const rows = checks.map(({ status, message, hint }, row) => {
    const name = names[row] ?? '';
    const texts = [...wrapped(message, width), ...(hint === undefined ? [] : wrapped(`→ ${hint}`, width))];
    return coloured(status, status.padEnd(STATUS_WIDTH)) + name.padEnd(nameWidth) + texts.join(lineBreak);
  });
  return `${rows.join('\n')}\n\n${summaryOf(checks)}\n`;
}

/** The name of a check; of a place, target, account and region. */
function columnsOf({ name, facts = {} }: Check): string[] {
  const { target, account_id, region } = facts;
  return name === 'place' ? [target, account_id, region].map(String) : [name];
}

/** The columns of each row as one text. Rows of one column have no part in the widths. */
function aligned(rows: readonly string[][]): string[] {
  const widths = [0, 1].map((column) =>
    Math.max(...rows.filter(({ length }) => length > 1).map((row) => row[column]?.length ?? 0)),
  );
  return rows.map((row) =>
    row.map((text, column) => (column < row.length - 1 ? text.padEnd(widths[column] ?? 0) : text)).join('  '),
  );
}

function coloured(status: Status, text: string): string {
  return `\u001b[${COLOURS[status]}m${text}\u001b[39m`;
}

/** Breaks text at spaces; a longer word has a line of its own. */
function wrapped(text: string, width: number): string[] {
  return text.match(new RegExp(`\\S.{0,${width - 1}}(?= |$)|\\S+`, 'g')) ?? [];
}

function summaryOf(checks: readonly Check[]): string {
  const count = (status: Status, noun: string): string[] => {
    const found = checks.filter((check) => check.status === status).length;
    return found === 0 ? [] : [`${found} ${noun}${found === 1 ? '' : 's'}`];
  };
  const skipped = checks.filter(({ status }) => status === 'skipped').length;
  const found = [...count('failure', 'failure'), ...count('warning', 'warning')];
  const counted = found.length === 0 ? 'No failures and no warnings.' : `${found.join(', ')}.`;
  return skipped === 0 ? counted : `${counted} ${skipped} skipped.`;
}
