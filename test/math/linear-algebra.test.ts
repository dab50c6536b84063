import { expect, test } from 'vitest';
import {
  product,
  semidefiniteFactor,
  solveCholesky,
  solveLowerColumns,
  transpose,
} from '../../engine/math/linear-algebra.ts';
import { rngFromSeed } from '../../engine/random/rng.ts';

const draw = rngFromSeed(3).stream({ purpose: 32 });
const matrix = (rows: number, columns: number): Float64Array =>
  Float64Array.from({ length: rows * columns }, draw.normal);

function expectNear(found: Float64Array, expected: Float64Array, most = 1e-12): void {
  expect(found.length).toBe(expected.length);
  found.forEach((value, at) => {
    expect(Math.abs(value - expected[at]!)).toBeLessThan(most);
  });
}

test("product and transpose: (a b)' is b' a', entry by entry the sum over the inner index", () => {
  const [a, b] = [matrix(2, 3), matrix(3, 4)];
  const ab = product(a, b, 2, 3, 4);
  expect(ab[1 * 4 + 2]).toBeCloseTo(a[3]! * b[2]! + a[4]! * b[6]! + a[5]! * b[10]!, 14);
  expectNear(transpose(ab, 2, 4), product(transpose(b, 3, 4), transpose(a, 2, 3), 4, 3, 2));
});

test("solveLowerColumns and solveCholesky: L X and L L' X give B back", () => {
  const d = 4;
  const lower = matrix(d, d).map((value, at) => {
    const [i, j] = [Math.floor(at / d), at % d];
    return i === j ? 1 + Math.abs(value) : j < i ? value : 0;
  });
  const b = matrix(d, 3);
  expectNear(product(lower, solveLowerColumns(lower, d, b, 3), d, d, 3), b);
  const square = product(lower, transpose(lower, d, d), d, d, d);
  expectNear(product(square, solveCholesky(lower, d, b, 3), d, d, 3), b);
});

for (const rank of [0, 1, 2, 4]) {
  test(`semidefiniteFactor: a covariance of rank ${rank} is L L' with ${rank} columns, zero above the diagonal`, () => {
    const d = 4;
    for (let trial = 0; trial < 20; trial++) {
      const root = matrix(d, rank);
      // A row without noise now and then, first or last.
      if (trial % 3 === 1) root.fill(0, 0, rank);
      if (trial % 3 === 2) root.fill(0, 3 * rank);
      const a = product(root, transpose(root, d, rank), d, rank, d);
      const found = semidefiniteFactor(a, d);
      if (found === undefined) throw new Error('refused');
      expect(found.rank).toBe(trial % 3 === 0 ? rank : Math.min(rank, 3));
      const { lower } = found;
      expectNear(product(lower, transpose(lower, d, found.rank), d, found.rank, d), a);
      lower.forEach((value, at) => {
        if (at % found.rank > Math.floor(at / found.rank)) expect(value).toBe(0);
      });
    }
  });
}

test('semidefiniteFactor: scales 1e-12 to 1e12 apart hide no rank, and a zero row stays zero', () => {
  const scale = [1e6, 0, 1e-6];
  const a = Float64Array.from({ length: 9 }, (_, at) => scale[Math.floor(at / 3)]! * scale[at % 3]!);
  a[8]! *= 1.25;
  const { lower, rank } = semidefiniteFactor(a, 3)!;
  expect(rank).toBe(2);
  expect(lower[0]).toBeCloseTo(1e6, 8);
  expect([...lower.subarray(1, 4)]).toEqual([0, 0, 0]);
  expect(lower[4]! * 1e6).toBeCloseTo(1, 13);
  expect(Math.abs(lower[5]!) * 1e6).toBeCloseTo(0.5, 13);
});

test('semidefiniteFactor: an indefinite matrix is refused, also one with a zero on the diagonal', () => {
  for (const a of [
    [1, 2, 2, 1],
    [0, 1, 1, 1],
    [0, 1, 1, 0],
    [1, 0, 0, -1e-6],
  ])
    expect(semidefiniteFactor(Float64Array.from(a), 2)).toBeUndefined();
  expect(semidefiniteFactor(Float64Array.of(-1), 1)).toBeUndefined();
});
