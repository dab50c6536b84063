import { expect, test } from 'vitest';
import { OptionError } from '../../engine/errors.ts';
import { makeHilbertOrder } from '../../engine/particles/hilbert-order.ts';
import { rngFromSeed } from '../../engine/random/rng.ts';

const SEED = 5150;

function normals(n: number): Float64Array {
  const stream = rngFromSeed(SEED).stream({ purpose: 32 });
  return Float64Array.from({ length: n }, () => stream.normal());
}

function orderOf(x: Float64Array, d: number, weight = new Float64Array(x.length / d).fill(1)): Uint32Array {
  const order = new Uint32Array(weight.length);
  makeHilbertOrder(weight.length, d)(x, weight, order);
  return order;
}

test('Hilbert order: in one dimension it is the order by size, ties by slot', () => {
  const x = Float64Array.of(2, -1, 2, 0, -1);
  expect([...orderOf(x, 1)]).toEqual([1, 4, 3, 0, 2]);
});

test('Hilbert order: a permutation whose neighbours are close, far closer than by the first coordinate', () => {
  const n = 1024;
  for (const d of [2, 3, 5]) {
    const x = normals(n * d);
    const step = (order: Uint32Array): number => {
      let total = 0;
      for (let j = 1; j < n; j++) {
        let square = 0;
        for (let c = 0; c < d; c++) square += (x[order[j]! * d + c]! - x[order[j - 1]! * d + c]!) ** 2;
        total += Math.sqrt(square);
      }
      return total / (n - 1);
    };
    const order = orderOf(x, d);
    expect(new Set(order).size).toBe(n);
    const byFirst = Uint32Array.from({ length: n }, (_, i) => i).sort((a, b) => x[a * d]! - x[b * d]!);
    expect(step(order)).toBeLessThan(step(byFirst) / 2);
  }
});

test('Hilbert order: units do not matter, and neither do particles without weight', () => {
  const x = normals(600);
  const order = orderOf(x, 2);
  expect(
    orderOf(
      x.map((v, i) => (i % 2 === 0 ? 1024 * v : v / 64)),
      2,
    ),
  ).toEqual(order);
  const more = Float64Array.of(...x, Number.NaN, Infinity, 1e300, -5);
  const weight = new Float64Array(302).fill(1).fill(0, 300);
  expect([...orderOf(more, 2, weight)].filter((i) => i < 300)).toEqual([...order]);
});

test('Hilbert order: particles that are all alike stay in their slots', () => {
  expect([...orderOf(new Float64Array(12).fill(0.1), 3)]).toEqual([0, 1, 2, 3]);
});

test('Hilbert order: more than 62 dimensions are refused', () => {
  expect(() => makeHilbertOrder(4, 63)).toThrow(OptionError);
});
