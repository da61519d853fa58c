import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { closeWithoutAnswer, emptyPage, type Reply, reset } from '../support/ec2-replies.ts';
import { connect, connectToStub, failureReport, readAll, SENTENCE } from '../support/ec2-stub.ts';

// A proxy of this machine must not stand between test and stub.
beforeAll(() => void vi.stubEnv('no_proxy', '*'));
afterAll(() => void vi.unstubAllEnvs());

describe.concurrent('a read whose connection fails', () => {
  it.for<[string, Reply]>([
    ['reset', reset],
    ['closed without an answer', closeWithoutAnswer],
  ])('reports unreachable, not a timeout, when it is %s', async ([, reply], { onTestFinished }) => {
    const { ec2 } = await connectToStub(onTestFinished, reply);
    const report = await failureReport(readAll(ec2));
    expect(report).toMatchObject({ code: 'unreachable', retryable: true });
    expect(report.message).toContain('ECONNRESET');
    expect(report.hint).toMatch(SENTENCE);
  });

  it('reports unreachable and that nothing was sent when it is refused', async ({ onTestFinished }) => {
    const { ec2, stub } = await connectToStub(onTestFinished, emptyPage);
    await stub.close();
    const report = await failureReport(readAll(ec2));
    expect(report).toMatchObject({ code: 'unreachable', retryable: true });
    expect(report.message).toContain('ECONNREFUSED');
    expect(report.message).toContain('Nothing was sent');
    expect(report.hint).toMatch(SENTENCE);
  });

  it('reports unreachable when an HTTPS endpoint does not speak TLS', async ({ onTestFinished }) => {
    const { stub } = await connectToStub(onTestFinished, emptyPage);
    const { ec2 } = connect(onTestFinished, { endpoint: stub.url.replace('http:', 'https:') });
    expect(await failureReport(readAll(ec2))).toMatchObject({ code: 'unreachable' });
  });
});
