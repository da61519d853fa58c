import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Ec2Target, TargetRole } from '../../src/aws/settings.ts';
import type { Timeouts } from '../../src/vocabulary/timeouts.ts';
import { accepted, dryRunPassed, emptyPage, XML } from './ec2-replies.ts';
import { connect } from './ec2-stub.ts';

/** STS and EC2 in one loopback server that records what reaches it, and `connectEc2` with a target's role. */

export const ACCOUNT = '111122223333';
export const ROLE: TargetRole = {
  arn: `arn:aws:iam::${ACCOUNT}:role/nat-operator`,
  accountId: ACCOUNT,
  name: 'prod',
};

export interface SeenRequest {
  action: string;
  accessKeyId: string;
  /** Of the signature. */
  region: string;
  form: Record<string, string>;
}

type Respond = (response: ServerResponse, request: SeenRequest) => void;

/** A session's credentials, whose key is its number. */
export function session(
  number: number,
  {
    name = '',
    account = ACCOUNT,
    seconds = 3600,
  }: { name?: string; account?: string; seconds?: number } = {},
): Respond {
  const expiration = new Date(Date.now() + seconds * 1000).toISOString();
  const credentials = `<Credentials><AccessKeyId>ASIA${number}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken><Expiration>${expiration}</Expiration></Credentials>`;
  const user = `<AssumedRoleUser><Arn>arn:aws:sts::${account}:assumed-role/nat-operator/${name}</Arn><AssumedRoleId>AROA:${name}</AssumedRoleId></AssumedRoleUser>`;
  return (response) =>
    void response
      .writeHead(200, XML)
      .end(
        `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>${credentials}${user}</AssumeRoleResult></AssumeRoleResponse>`,
      );
}

/** STS's refusal of one action on the role. */
export function refusing(action: string): Respond {
  const message = `User: arn:aws:iam::999999999999:user/server is not authorized to perform: ${action} on resource: ${ROLE.arn}`;
  return (response) =>
    void response
      .writeHead(403, XML)
      .end(
        `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>${message}</Message></Error><RequestId>sts-1</RequestId></ErrorResponse>`,
      );
}

const fakeEc2: Respond = (response, request) => {
  const { form, action } = request;
  const reply = action.startsWith('Describe') ? emptyPage : form.DryRun === 'true' ? dryRunPassed : accepted;
  reply(response, request as never);
};

export async function startRoleStub(
  finish: (cleanUp: () => void | Promise<void>) => void,
  role: Partial<TargetRole> = {},
  timeouts: Partial<Timeouts> = {},
  target: Ec2Target = {},
) {
  const seen: SeenRequest[] = [];
  const assumed = () => seen.filter(({ action }) => action === 'AssumeRole');
  const answers: { sts: Respond; ec2: Respond } = {
    sts: (response, request) =>
      session(assumed().length, { name: request.form.RoleSessionName ?? '' })(response, request),
    ec2: fakeEc2,
  };
  const server = createServer(async (incoming, response) => {
    let body = '';
    for await (const chunk of incoming) body += chunk;
    const form = Object.fromEntries(new URLSearchParams(body));
    const scope = /Credential=([^/]+)\/[^/]+\/([^/]+)\//.exec(incoming.headers.authorization ?? '');
    const { Action: action = '' } = form;
    const request = { action, accessKeyId: scope?.[1] ?? '', region: scope?.[2] ?? '', form };
    seen.push(request);
    (action === 'AssumeRole' ? answers.sts : answers.ec2)(response, request);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  finish(async () => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const connected = connect(finish, { endpoint, ...target, role: { ...ROLE, ...role } }, timeouts);
  return {
    ...connected,
    answers,
    seen,
    assumed,
    ofEc2: () => seen.filter((each) => !assumed().includes(each)),
  };
}
