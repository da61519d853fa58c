import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';

/** Only figures that are the same on every machine are checked. */

interface Row {
  name: string;
  unit: string;
  ours: { median: number; least: number; most: number };
  floor?: { name: string; median: number };
  ratio?: number;
  target?: number;
  met?: boolean;
}

let rows: Row[];

function tokens(name: string): number | undefined {
  return rows.find((row) => row.unit === 'tokens' && row.name === name)?.ours.median;
}

beforeAll(async () => {
  const only = 'start,tokens';
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['bench/run.mjs', '--only', only, '--samples', '1', '--json', '-'],
    { cwd: fileURLToPath(new URL('../../', import.meta.url)) },
  );
  ({ rows } = JSON.parse(stdout));
}, 120_000);

describe('the benchmark', () => {
  it('reports every figure, with a ratio where it has a floor', () => {
    const names = new Set(rows.map(({ name }) => name));
    expect([...names]).toEqual(
      expect.arrayContaining(['start to tools/list', 'memory after tools/list', 'tools/list']),
    );
    for (const { name, ours, floor, ratio, target, met } of rows) {
      expect(ours.least, name).toBeLessThanOrEqual(ours.median);
      expect(ours.most, name).toBeGreaterThanOrEqual(ours.median);
      expect(ratio === undefined, name).toBe(floor === undefined);
      expect(met === undefined, name).toBe(target === undefined);
    }
  });

  it('keeps the texts for models within their token budgets', () => {
    expect(tokens('tools/list: names, descriptions and inputs')).toBeLessThanOrEqual(1400);
    expect(tokens('tools/list')).toBeLessThanOrEqual(3000);
    expect(tokens('describe, one gateway of 5 addresses')).toBeLessThanOrEqual(300);
    expect(tokens('unassign (--evidence off)')).toBeLessThanOrEqual(450);
    expect(tokens('unassign, with evidence')).toBeLessThanOrEqual(700);
    expect(tokens('describe, one gateway, with evidence')).toBeLessThanOrEqual(600);
  });

  it('needs three calls and 1,300 tokens to free an address and tell when it is gone', () => {
    const task = rows.filter(({ name }) => name === 'free an address and tell when it is gone');
    const figures = Object.fromEntries(task.map(({ unit, ours }) => [unit, ours.median]));
    expect(figures.calls).toBe(3);
    expect(figures.tokens).toBeLessThanOrEqual(1300);
  });
});
