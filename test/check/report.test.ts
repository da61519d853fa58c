import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { asJson, asLines, asTable, type Check, reportOn } from '../../src/check/report.ts';

const CHECKS: Check[] = [
  { name: 'region', status: 'ok', message: 'us-east-1, from AWS_REGION.', facts: { region: 'us-east-1' } },
  {
    name: 'clock',
    status: 'warning',
    message: 'The clock is 90 s behind.',
    hint: 'Set the clock of this machine (NTP).',
  },
  { name: 'describe', status: 'failure', message: 'A permission is missing.', hint: 'Have it granted.' },
  { name: 'dry_run', status: 'skipped', message: 'Not checked.' },
];

describe('a report', () => {
  it.each([
    ['ok', true],
    ['warning', true],
    ['skipped', true],
    ['failure', false],
  ] as const)('with %s alone has ok: %s', (status, ok) => {
    expect(reportOn([{ name: 'region', status, message: 'x' }]).ok).toBe(ok);
  });

  it('has no secrets, no control characters and no endless text from an endpoint', () => {
    const message = `\u001b[31mred\u001b[0m\r\nsecond \u202eline, aws_secret_access_key=hunter2hunter2, ${'x '.repeat(5000)}`;
    const [check] = reportOn([
      { name: 'a', status: 'ok', message, hint: message, facts: { arn: message } },
    ]).checks;
    for (const text of [check?.message, check?.hint, String(check?.facts?.arn)]) {
      expect(text).toMatch(/^red second line, aws_secret_access_key=\[masked\]/);
      expect(text?.length).toBeLessThan(2100);
    }
  });
});

describe('the report for a pipe', () => {
  it('has a line for each check with its hint, and a summary', () => {
    expect(asLines(reportOn(CHECKS)).split('\n')).toEqual([
      'ok region: us-east-1, from AWS_REGION.',
      'warning clock: The clock is 90 s behind. Set the clock of this machine (NTP).',
      'failure describe: A permission is missing. Have it granted.',
      'skipped dry_run: Not checked.',
      '1 failure, 1 warning. 1 skipped.',
      '',
    ]);
  });

  it('says so when there is nothing to mend', () => {
    expect(asLines(reportOn(CHECKS.slice(0, 1)))).toMatch(/\nNo failures and no warnings\.\n$/);
  });

  it('counts', () => {
    expect(asLines(reportOn([...CHECKS, ...CHECKS]))).toContain('\n2 failures, 2 warnings. 2 skipped.\n');
  });
});

describe('the report for a program', () => {
  it('has the name, status and message of each check, its hint and its facts', () => {
    expect(JSON.parse(asJson(reportOn(CHECKS)))).toEqual({
      ok: false,
      checks: [
        { name: 'region', status: 'ok', message: 'us-east-1, from AWS_REGION.', region: 'us-east-1' },
        {
          name: 'clock',
          status: 'warning',
          message: 'The clock is 90 s behind.',
          hint: 'Set the clock of this machine (NTP).',
        },
        {
          name: 'describe',
          status: 'failure',
          message: 'A permission is missing.',
          hint: 'Have it granted.',
        },
        { name: 'dry_run', status: 'skipped', message: 'Not checked.' },
      ],
    });
  });
});

describe('the report for a terminal', () => {
  it('is an aligned table with hints below, within the width', () => {
    const lines = stripVTControlCharacters(asTable(reportOn(CHECKS), 50)).split('\n');
    expect(lines).toEqual([
      'ok       region    us-east-1, from AWS_REGION.',
      'warning  clock     The clock is 90 s behind.',
      '                   → Set the clock of this machine',
      '                   (NTP).',
      'failure  describe  A permission is missing.',
      '                   → Have it granted.',
      'skipped  dry_run   Not checked.',
      '',
      '1 failure, 1 warning. 1 skipped.',
      '',
    ]);
  });

  it('has a colour for each status', () => {
    const table = asTable(reportOn(CHECKS), 80);
    const colours = [32, 33, 31, 90].filter((colour) => table.includes(`\u001b[${colour}m`));
    expect(colours).toHaveLength(4);
  });
});
