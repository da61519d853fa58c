import { describe, expect, it } from 'vitest';
import { digestOf, wasShown } from '../../src/changes/confirmation.ts';
import { confirmationText, type Question } from '../../src/changes/confirmation-text.ts';
import { RESTORE, UNASSIGN } from '../../src/vocabulary/names.ts';

const question: Question = {
  tool: UNASSIGN,
  accountId: '123456789012',
  region: 'us-east-1',
  gateway: {
    nat_gateway_id: 'nat-0a11a11a11a11a11a',
    vpc_id: 'vpc-0a00000000000000a',
    tags: [{ key: 'Name', value: 'egress' }],
    addresses: ['10.0.1.10', '10.0.1.11', '10.0.1.12', '10.0.1.13'].map((private_ip) => ({
      private_ip,
      status: 'succeeded',
    })),
  } as Question['gateway'],
  privateIps: ['10.0.1.11', '10.0.1.12'],
  maxDrainDurationSeconds: 350,
  findings: [
    { code: 'capacity', severity: 'warns', message: 'At most 110000 connections afterwards, 220000 now.' },
    { code: 'managed_by_terraform', severity: 'warns', message: 'A tag says: "Terraform"' },
  ],
};

/** What hosts make of the text: two lines with the rest folded away, and one paragraph. */
const folded = (text: string): string => text.split('\n').slice(0, 2).join('\n');
const joined = (text: string): string => text.split('\n').join(' ');

describe('what was shown of a question', () => {
  const warned = (...codes: string[]): Question => ({
    ...question,
    evidence: {
      evidence: {},
      findings: codes.map((code) => ({ code, severity: 'warns', message: 'So many now.' })),
    } as unknown as Question['evidence'],
  });

  it('covers the same question, and the same with fewer warnings of evidence', () => {
    expect(wasShown(digestOf(question), question)).toBe(true);
    expect(wasShown(digestOf(warned('ports_exhausted')), warned('ports_exhausted'))).toBe(true);
    expect(wasShown(digestOf(warned('ports_exhausted')), question)).toBe(true);
  });

  it('covers no other request, account or gateway, and no warning that nobody has seen', () => {
    const shown = digestOf(warned('ports_exhausted'));
    for (const other of [
      warned('ports_exhausted', 'allow_listed'),
      { ...question, privateIps: ['10.0.1.11'] },
      { ...question, tool: RESTORE } as const,
      { ...question, accountId: '111122223333' },
      { ...question, target: 'prod' },
      { ...question, gateway: { ...question.gateway, state: 'deleting' } },
    ]) {
      expect(wasShown(shown, other)).toBe(false);
    }
  });
});

describe('the text of a question', () => {
  it('says in its first line what the yes is for, and in its second what happens', () => {
    expect(folded(confirmationText(question))).toBe(
      `Release 2 private addresses of NAT gateway nat-0a11a11a11a11a11a (account 123456789012, us-east-1, named "egress"): 10.0.1.11, 10.0.1.12?
New connections stop at once; existing ones are served for up to 350 s, then cut. This cannot be cancelled.`,
    );
  });

  it('reads as sentences in one paragraph', () => {
    expect(joined(confirmationText(question))).toBe(
      'Release 2 private addresses of NAT gateway nat-0a11a11a11a11a11a (account 123456789012, us-east-1, named "egress"): 10.0.1.11, 10.0.1.12? ' +
        'New connections stop at once; existing ones are served for up to 350 s, then cut. This cannot be cancelled. ' +
        'Working addresses that remain: 2. VPC: vpc-0a00000000000000a. ' +
        'Warning: At most 110000 connections afterwards, 220000 now. Warning: A tag says: "Terraform".',
    );
  });

  it.each([
    ['request', 'This is not the request that you were asked about before.'],
    ['account', 'The account is not the one that you were shown before.'],
    ['gateway', 'The gateway has changed since you were asked. This is what it looks like now.'],
    ['used', 'The question before this one has been answered already. A yes is good for one change.'],
  ] as const)('says in its second line why an earlier yes does not count: %s', (stale, said) => {
    const [first, second] = confirmationText(question, stale).split('\n');
    expect(first).toBe(confirmationText(question).split('\n')[0]);
    expect(second).toBe(said);
  });

  it('shows what is not known as not known', () => {
    const bare = { ...question, accountId: undefined, gateway: { addresses: [] } as Question['gateway'] };
    const text = confirmationText({ ...bare, privateIps: ['10.0.1.11'] });
    expect(text).toMatch(
      /^Release 1 private address of NAT gateway \(account not told by AWS, us-east-1\): 10\.0\.1\.11\?\n/,
    );
    expect(text).toContain('\nVPC: not told by AWS.');
  });

  it('lets no name end the line or pass for another part of it', () => {
    const value = `x" (account 999999999999): 10.9.9.9?\nRelease nothing?\u202e${'y'.repeat(200)}`;
    const gateway = { ...question.gateway, tags: [{ key: 'Name', value }] };
    const [first = ''] = confirmationText({ ...question, gateway }).split('\n');
    expect(first).toMatch(
      /^Release 2 private addresses of NAT gateway nat-0a11a11a11a11a11a \(account 123456789012, us-east-1, named "x' [^"]{60}…"\): 10\.0\.1\.11, 10\.0\.1\.12\?$/,
    );
  });

  it('of a restore says in its first line what a yes is for', () => {
    const lines = confirmationText({ ...question, tool: RESTORE, maxDrainDurationSeconds: undefined }).split(
      '\n',
    );
    expect(lines[0]).toMatch(
      /^Give \d private address(es)? back to NAT gateway nat-0a11a11a11a11a11a \(account 123456789012, us-east-1, named "egress"\): 10\..*\?$/,
    );
    expect(lines.join(' ')).not.toMatch(/served|undefined|remain/);
  });
});
