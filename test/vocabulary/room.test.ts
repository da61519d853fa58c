import { expect, it } from 'vitest';
import { kept } from '../../src/vocabulary/room.ts';

it('keeps as many values as there is room for, those that were used last', () => {
  const values = new Map<string, number>();
  let made = 0;
  const at = (key: string) =>
    kept(values, key, 3, () => {
      made += 1;
      return made;
    });
  expect(['a', 'b', 'c', 'a', 'd', 'a', 'b'].map(at)).toEqual([1, 2, 3, 1, 4, 1, 5]);
  expect([...values.keys()]).toEqual(['d', 'a', 'b']);
});
