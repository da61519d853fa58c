import { pino } from 'pino';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { RefusalLog } from '../../../src/serve/http/refusal-log.ts';

function openLog() {
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const lines: Record<string, unknown>[] = [];
  const log = new RefusalLog(pino({}, { write: (line) => lines.push(JSON.parse(line)) }));
  const refuse = (status: number, times: number): void => {
    for (let index = 0; index < times; index++) log.warn({ status, path: '/' }, 'refused');
  };
  return { lines, refuse };
}

describe('the log of refused requests', () => {
  it('has a hundred lines within a minute, and one with the number of the others', () => {
    const { lines, refuse } = openLog();
    refuse(404, 10_000);
    refuse(401, 5);
    expect(lines).toHaveLength(100);
    expect(lines[0]).toMatchObject({ status: 404, path: '/', msg: 'refused' });
    vi.advanceTimersByTime(60_000);
    expect(lines).toHaveLength(101);
    expect(lines[100]).toMatchObject({ by_status: { 401: 5, 404: 9900 } });
  });

  it('starts again in the next minute', () => {
    const { lines, refuse } = openLog();
    refuse(404, 101);
    vi.advanceTimersByTime(60_000);
    refuse(404, 1);
    vi.advanceTimersByTime(60_000);
    expect(lines.map(({ msg }) => msg).slice(-2)).toEqual(['more requests were refused', 'refused']);
  });
});
