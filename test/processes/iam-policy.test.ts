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
});
