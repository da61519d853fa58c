import { describe, expect, it } from 'vitest';
import { run } from '../support/run.ts';

describe('nat-gateway-mcp iam-policy', () => {
  it("takes the server's own flags, and those that shape the policy count", async () => {
    const args = ['--region', 'eu-west-1', '--profile', 'ops', '--confirm', 'always', '--http', '8080'];
    const { code, stdout } = await run(['iam-policy', ...args, '--allow-region', 'eu-west-1']);
    expect(code).toBe(0);
    expect(stdout).toBe((await run(['iam-policy', '--allow-region', 'eu-west-1'])).stdout);
    expect(stdout).toContain('arn:aws:ec2:eu-west-1:*:natgateway/*');
  });

  it('prints the policies of every target, and names each mistake of a bad file in a line', async () => {
    const { code, stdout, stderr } = await run(['iam-policy', '--targets', 'examples/targets.json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout).targets.map(({ name }: { name: string }) => name)).toHaveLength(10);
    const bad = await run(['iam-policy', '--targets', 'package.json']);
    expect({ code: bad.code, stdout: bad.stdout }).toEqual({ code: 2, stdout: '' });
    const lines = bad.stderr.trimEnd().split('\n');
    expect(lines.length).toBeGreaterThan(5);
    for (const line of lines) expect(line).toMatch(/^nat-gateway-mcp: --targets package\.json: /);
  });
});

describe('nat-gateway-mcp state-table', () => {
  it('prints a template of the table that is named', async () => {
    const { code, stdout } = await run(['state-table', '--state-table', 'nat-state']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      Resources: { State: { Properties: { TableName: 'nat-state' }, DeletionPolicy: 'Retain' } },
    });
    expect((await run(['state-table'])).stdout).toContain('"nat-gateway-mcp"');
  });

  it('is what iam-policy grants access to', async () => {
    const args = ['--state-table', 'nat-state', '--state-region', 'eu-west-1'];
    const { stdout } = await run(['iam-policy', ...args]);
    expect(stdout).toContain('arn:aws:dynamodb:eu-west-1:*:table/nat-state');
  });
});
