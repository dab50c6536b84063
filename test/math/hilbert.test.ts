import { expect, test } from 'vitest';
import { hilbertBits, hilbertIndex } from '../../engine/math/hilbert.ts';
import { floatKeys, radixOrder } from '../../engine/math/radix-order.ts';
import { PURPOSE } from '../../engine/random/purpose.ts';
import { rngFromSeed } from '../../engine/random/rng.ts';

const SEED = 620;

/** Every cell of a grid, [2^(bits d), d]. */
function grid(d: number, bits: number): Uint32Array {
  const side = 2 ** bits;
  const cells = new Uint32Array(side ** d * d);
  for (let i = 0; i < cells.length; i++) cells[i] = Math.floor(Math.floor(i / d) / side ** (i % d)) % side;
  return cells;
}

function index(cells: Uint32Array, d: number, bits: number): { high: Uint32Array; low: Uint32Array } {
  const high = new Uint32Array(cells.length / d);
  const low = new Uint32Array(cells.length / d);
  hilbertIndex(cells.slice(), d, bits, high, low);
  return { high, low };
}

/** Both words as one number. */
function wide({ high, low }: { high: Uint32Array; low: Uint32Array }): bigint[] {
  return Array.from(low, (k, i) => (BigInt(high[i]!) << 32n) | BigInt(k));
}

const GRIDS = [
  [1, 6],
  [2, 1],
  [2, 5],
  [3, 3],
  [4, 2],
  [5, 2],
] as const;

test('hilbertIndex(): every cell once, and each next to the one before', () => {
  for (const [d, bits] of GRIDS) {
    const cells = grid(d, bits);
    const { low } = index(cells, d, bits);
    const visit = new Int32Array(low.length).fill(-1);
    low.forEach((k, cell) => {
      visit[k] = cell;
    });
    expect(visit.includes(-1), `d = ${d}: a cell is missing`).toBe(false);
    let jumps = 0;
    for (let k = 1; k < visit.length; k++) {
      let apart = 0;
      for (let c = 0; c < d; c++)
        apart += Math.abs(cells[visit[k]! * d + c]! - cells[visit[k - 1]! * d + c]!);
      if (apart !== 1) jumps++;
    }
    expect(jumps, `d = ${d}: places that are not next to the one before`).toBe(0);
  }
});

test('hilbertIndex(): a finer grid refines the same curve', () => {
  // All fine cells of one stretch of 2^d places lie in the same coarse cell.
  for (const [d, bits] of [
    [2, 4],
    [3, 3],
  ] as const) {
    const fine = grid(d, bits);
    const stretch = index(fine, d, bits).low.map((k) => Math.floor(k / 2 ** d));
    const where = new Map<number, string>();
    let strays = 0;
    for (let i = 0; i < stretch.length; i++) {
      const coarse = fine
        .subarray(i * d, i * d + d)
        .map((x) => x >> 1)
        .join();
      if ((where.get(stretch[i]!) ?? coarse) !== coarse) strays++;
      where.set(stretch[i]!, coarse);
    }
    expect(strays).toBe(0);
  }
});

test('hilbertIndex(): as many bits as fit, in one word or in two, and different cells have different indices', () => {
  for (const [d, bits] of [
    [2, 16],
    [3, 16],
    [4, 15],
    [31, 2],
    [62, 1],
  ] as const) {
    expect(hilbertBits(d)).toBe(bits);
    const stream = rngFromSeed(SEED).stream({ purpose: 32, step: d });
    const cells = Uint32Array.from({ length: 200 * d }, () => stream.below(2 ** bits));
    const indices = wide(index(cells, d, bits));
    expect(indices.every((k) => k < 1n << BigInt(bits * d))).toBe(true);
    const different = new Set(indices.map((_, i) => cells.subarray(i * d, i * d + d).join()));
    expect(new Set(indices).size).toBe(different.size);
  }
});

test('hilbertIndex(): neighbours along a deep curve are neighbours in space', () => {
  // Of the 2 d cells around a random one, two are its neighbours on the curve: the one before and the one after.
  const stream = rngFromSeed(SEED).stream({ purpose: 32 });
  for (const [d, bits] of [
    [2, 16],
    [3, 16],
    [4, 15],
  ] as const) {
    const cells: number[] = [];
    for (let i = 0; i < 100; i++) {
      const cell = Array.from({ length: d }, () => 1 + stream.below(2 ** bits - 2));
      cells.push(...cell);
      for (let c = 0; c < d; c++)
        for (const step of [-1, 1]) cells.push(...cell.map((x, at) => (at === c ? x + step : x)));
    }
    const big = wide(index(Uint32Array.from(cells), d, bits));
    const around = 2 * d + 1;
    for (let i = 0; i < big.length; i += around) {
      const gaps = big.slice(i + 1, i + around).map((k) => k - big[i]!);
      expect(gaps.filter((gap) => gap === 1n || gap === -1n).length).toBe(2);
    }
  }
});

test('radixOrder(): sorts 64-bit keys, equal ones by index', () => {
  const stream = rngFromSeed(SEED).stream({ purpose: PURPOSE.permutation });
  for (const [n, spread] of [
    [0, 1],
    [1, 1],
    [1000, 7],
    [3000, 2 ** 32],
  ] as const) {
    const high = Uint32Array.from({ length: n }, () => stream.below(spread));
    const low = Uint32Array.from({ length: n }, () => stream.below(spread));
    const order = new Uint32Array(n);
    radixOrder(high, low, order, new Uint32Array(n));
    const wanted = Array.from({ length: n }, (_, i) => i).sort(
      (a, b) => high[a]! - high[b]! || low[a]! - low[b]! || a - b,
    );
    expect([...order]).toEqual(wanted);
  }
});

test('floatKeys(): order numbers by size; 0 and -0 are equal, NaN comes last', () => {
  const x = Float64Array.of(
    3,
    -Infinity,
    Number.NaN,
    0,
    -1e-310,
    5e-324,
    -0,
    Infinity,
    -2.5,
    -Number.MAX_VALUE,
    3,
  );
  const high = new Uint32Array(x.length);
  const low = new Uint32Array(x.length);
  floatKeys(x, high, low);
  const order = new Uint32Array(x.length);
  radixOrder(high, low, order, new Uint32Array(x.length));
  expect([...order]).toEqual([1, 9, 8, 4, 3, 6, 5, 0, 10, 7, 2]);
});
