import { describe, expect, it, onTestFinished } from 'vitest';
import { ec2Error } from '../../support/ec2-replies.ts';
import { BY, neverAborted, permitFor, REQUEST, readAll } from '../../support/ec2-stub.ts';
import { ACCOUNT, ROLE, refusing, session, startRoleStub } from '../../support/role-stub.ts';

const POLICY =
  '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:DescribeNatGateways","Resource":"*","Condition":{"StringEquals":{"ec2:Region":"us-east-1"}}},{"Effect":"Allow","Action":"ec2:UnassignPrivateNatGatewayAddress","Resource":"arn:aws:ec2:us-east-1:111122223333:natgateway/nat-0123456789abcdef0"}]}';

describe('a change in the role of a target', () => {
  it('has one session, for this action on this gateway, which signs dry run and real call', async () => {
    const { ec2, seen } = await startRoleStub(onTestFinished);
    expect(await ec2.unassign.send(await permitFor(ec2))).toMatchObject({ kind: 'accepted' });
    expect(seen.map(({ action, accessKeyId, form }) => [action, accessKeyId, form.DryRun])).toEqual([
      ['AssumeRole', 'AKIAFIRST', undefined],
      ['UnassignPrivateNatGatewayAddress', 'ASIA1', 'true'],
      ['UnassignPrivateNatGatewayAddress', 'ASIA1', 'false'],
    ]);
    expect(seen[0]?.form).toEqual({
      Action: 'AssumeRole',
      Version: '2011-06-15',
      RoleArn: ROLE.arn,
      RoleSessionName: `nat-gateway-mcp-${BY.id}`,
      DurationSeconds: '900',
      Policy: POLICY,
      'Tags.member.1.Key': 'nat-gateway-mcp:caller',
      'Tags.member.1.Value': 'token:alice',
      'Tags.member.2.Key': 'nat-gateway-mcp:attempt',
      'Tags.member.2.Value': BY.id,
    });
  });

  it('tags its session with the people who approved it', async () => {
    const { ec2, assumed } = await startRoleStub(onTestFinished);
    const by = { ...BY, approvers: ['token:ann', 'https://idp.example#bob'] };
    const dryRun = await ec2.unassign.dryRun(REQUEST, neverAborted, by);
    const [request] = assumed();
    const approvers_tag = request?.form['Tags.member.3.Value'];
    expect(request?.form['Tags.member.3.Key']).toBe('nat-gateway-mcp:approvers');
    expect(approvers_tag).toMatch(/^token:ann https:\/\/idp\.example_bob=[0-9a-f]{32}$/);
    expect(dryRun.signer?.session).toMatchObject({ approvers_tag });
  });

  it('sends external id and source identity where the target has them', async () => {
    const { ec2, assumed } = await startRoleStub(onTestFinished, { externalId: 'x-1', sourceIdentity: true });
    const dryRun = await ec2.unassign.dryRun(REQUEST, neverAborted, BY);
    const [request] = assumed();
    expect(request?.form).toMatchObject({ ExternalId: 'x-1' });
    expect(request?.form.SourceIdentity).toMatch(/^token_alice=[0-9a-f]{32}$/);
    expect(dryRun.signer?.session).toEqual({
      name: `nat-gateway-mcp-${BY.id}`,
      source_identity: request?.form.SourceIdentity,
      caller_tag: 'token:alice',
      mapped: true,
    });
  });

  it('tells who signs without asking STS', async () => {
    const { ec2, seen } = await startRoleStub(onTestFinished);
    const name = `nat-gateway-mcp-${BY.id}`;
    expect(await ec2.unassign.dryRun(REQUEST, neverAborted, BY)).toMatchObject({
      passed: true,
      accountId: ACCOUNT,
      signer: {
        access_key_id: 'ASIA1',
        account_id: ACCOUNT,
        arn: `arn:aws:sts::${ACCOUNT}:assumed-role/nat-operator/${name}`,
        provider: 'target_role',
        session: { name, caller_tag: 'token:alice' },
      },
    });
    expect(seen.map(({ action }) => action)).not.toContain('GetCallerIdentity');
  });

  it('names the partition of its region', async () => {
    const arn = `arn:aws-cn:iam::${ACCOUNT}:role/nat-operator`;
    const { ec2, assumed } = await startRoleStub(onTestFinished, { arn });
    await ec2.unassign.dryRun({ ...REQUEST, region: 'cn-north-1' }, neverAborted, BY);
    const [request] = assumed();
    expect(request?.region).toBe('cn-north-1');
    expect(request?.form.Policy).toContain('"arn:aws-cn:ec2:cn-north-1:111122223333:natgateway/');
  });

  it('assigns with a session for that alone', async () => {
    const { ec2, assumed } = await startRoleStub(onTestFinished);
    await ec2.assign.dryRun(REQUEST, neverAborted, BY);
    expect(assumed()[0]?.form.Policy).toBe(POLICY.replace('ec2:Unassign', 'ec2:Assign'));
  });

  it('keeps its key when reads have got other credentials between dry run and real call', async () => {
    const { ec2, answers, seen } = await startRoleStub(onTestFinished);
    const permit = await permitFor(ec2);
    const { ec2: working } = answers;
    answers.ec2 = (response, request) => {
      answers.ec2 = working;
      ec2Error(400, 'ExpiredToken')(response, request as never);
    };
    await readAll(ec2);
    expect(await ec2.unassign.send(permit)).toMatchObject({ kind: 'accepted' });
    const keys = seen.filter(({ action }) => action.startsWith('Unassign')).map((each) => each.accessKeyId);
    expect(keys).toEqual(['ASIA1', 'ASIA1']);
  });

  it('is not signed anew when its session has expired: AWS refuses it', async () => {
    const { ec2, answers, assumed } = await startRoleStub(onTestFinished);
    answers.sts = session(1, { seconds: -60 });
    const permit = await permitFor(ec2);
    answers.sts = session(2);
    answers.ec2 = (response, request) => ec2Error(400, 'ExpiredToken')(response, request as never);
    expect(await ec2.unassign.send(permit)).toMatchObject({
      kind: 'refused',
      error: { code: 'credentials_expired' },
    });
    expect(assumed()).toHaveLength(1);
  });

  it('gets a session of its own in each of 30 attempts at once', async () => {
    const { ec2, seen } = await startRoleStub(onTestFinished);
    const attempts = Array.from({ length: 30 }, async (_, index) => {
      const dryRun = await ec2.unassign.dryRun(REQUEST, neverAborted, { ...BY, id: `${BY.id}-${index}` });
      return dryRun.passed ? ec2.unassign.send(dryRun.permit) : dryRun;
    });
    const answers = await Promise.all(attempts);
    expect(answers.every((each) => 'kind' in each && each.kind === 'accepted')).toBe(true);
    const uses = new Map<string, number>();
    for (const { action, accessKeyId } of seen) {
      if (action !== 'AssumeRole') uses.set(accessKeyId, (uses.get(accessKeyId) ?? 0) + 1);
    }
    expect([uses.size, ...new Set(uses.values())]).toEqual([30, 2]);
  });

  it('is refused where the session is in another account, and nothing is sent to EC2', async () => {
    const { ec2, answers, ofEc2 } = await startRoleStub(onTestFinished);
    answers.sts = session(1, { account: '999999999999' });
    expect(await ec2.unassign.dryRun(REQUEST, neverAborted, BY)).toMatchObject({
      passed: false,
      error: {
        code: 'precondition_failed',
        message: `The role ${ROLE.arn} of target prod is in account 999999999999; the target names ${ACCOUNT}. Nothing was sent.`,
      },
    });
    expect(ofEc2()).toEqual([]);
  });

  it.each(['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity'])(
    'is refused with the name of %s where STS refuses that, and where to allow it',
    async (action) => {
      const { ec2, answers, ofEc2 } = await startRoleStub(onTestFinished, { sourceIdentity: true });
      answers.sts = refusing(action);
      const dryRun = await ec2.unassign.dryRun(REQUEST, neverAborted, BY);
      expect(dryRun).toMatchObject({
        passed: false,
        aws_code: 'AccessDenied',
        error: { code: 'not_authorized', retryable: false },
      });
      const { message = '', hint = '' } = 'error' in dryRun ? dryRun.error : {};
      expect(message).toContain(`The role ${ROLE.arn} of target prod gave no credentials: User: `);
      expect(message).toContain(`is not authorized to perform: ${action} on`);
      expect(hint).toContain(`Have ${action} on ${ROLE.arn} allowed in the role's trust policy and in`);
      expect(ofEc2()).toEqual([]);
    },
  );

  it('has no session for a gateway id with a wildcard', async () => {
    const { ec2, seen } = await startRoleStub(onTestFinished);
    const change = { ...REQUEST, natGatewayId: 'nat-*' };
    await expect(ec2.unassign.dryRun(change, neverAborted, BY)).rejects.toThrow('one action on one gateway');
    expect(seen).toEqual([]);
  });
});
