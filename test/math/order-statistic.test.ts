import { expect, test } from 'vitest';
import { smallest } from '../../engine/math/order-statistic.ts';
import { rngFromSeed } from '../../engine/random/rng.ts';

test('smallest(): the k-th number of the sorted ones, with ties, infinities, and whatever the order', () => {
  const draw = rngFromSeed(568).stream({ purpose: 32 });
  for (let trial = 0; trial < 400; trial++) {
    const n = 1 + draw.below(60);
    const levels = [2, 5, 1e9][draw.below(3)]!;
    const x = Float64Array.from({ length: n }, () => (draw.below(9) === 0 ? Infinity : draw.below(levels)));
    if (trial % 4 === 0) x.sort();
    const sorted = x.slice().sort();
    const k = draw.below(n);
    expect(smallest(x, k)).toBe(sorted[k]);
    expect([...x].sort((a, b) => (a === b ? 0 : a - b))).toEqual([...sorted]);
  }
});
