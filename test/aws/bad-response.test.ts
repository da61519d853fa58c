import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { answer, ec2Error, html, type Reply, resetWithinBody } from '../support/ec2-replies.ts';
import { connect, connectToStub, failureReport, readAll, SENTENCE } from '../support/ec2-stub.ts';

describe.concurrent('a read whose answer is not EC2 XML', () => {
  it.for<[string, Reply]>([
    ['503 in HTML', html(503)],
    ['502 in HTML', html(502)],
    ['200 in HTML', html(200)],
    ['200 without a body', answer(200, '')],
    ['200 of another shape', answer(200, '<Something><else/></Something>')],
    ['200 with an error in it', ec2Error(200, 'InternalError')],
    ['200 that is not XML', answer(200, '{"ok":true}')],
    ['403 without a body', answer(403, '')],
    ['404 without a body', answer(404, '')],
    ['504 without a body', answer(504, '')],
    ['400 without a code', answer(400, '<Response><Errors/></Response>')],
  ])('reports bad_response for %s', async ([, reply], { onTestFinished }) => {
    const { ec2 } = await connectToStub(onTestFinished, reply);
    const report = await failureReport(readAll(ec2));
    expect(report).toMatchObject({ code: 'bad_response', retryable: true });
    expect(report.aws_code).toBeUndefined();
    expect(report.hint).toMatch(SENTENCE);
    expect(report.hint).toContain('AWS_ENDPOINT_URL');
  });

  it.for<[string, Reply]>([
    ['200 without a body', answer(200, '')],
    ['403 without a body', answer(403, '')],
  ])('reports the request id of %s', async ([, reply], { onTestFinished }) => {
    const { ec2 } = await connectToStub(onTestFinished, reply);
    expect((await failureReport(readAll(ec2))).request_id).toBe('request-1');
  });

  it('reports bad_response when the body is cut off by a reset', async ({ onTestFinished }) => {
    const { ec2 } = await connectToStub(onTestFinished, resetWithinBody);
    expect(await failureReport(readAll(ec2))).toMatchObject({ code: 'bad_response', retryable: true });
  });

  it('reports bad_response when the endpoint does not speak HTTP', async ({ onTestFinished }) => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end('220 mail.example.com ESMTP\r\n'));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { ec2 } = connect(onTestFinished, { endpoint });
    expect(await failureReport(readAll(ec2))).toMatchObject({ code: 'bad_response', retryable: true });
  });
});
