import { expect, test } from 'vitest';
import { rngFromSeed } from '../../engine/index.ts';
import { logisticGradient, logisticLogDensity } from '../../engine/wasm/twins/logistic.ts';

const SEED = 43;

function draws(n: number, particle: number, scale = 1): Float64Array {
  const { normal } = rngFromSeed(SEED).stream({ purpose: 32, particle });
  return Float64Array.from({ length: n }, () => scale * normal());
}

/** x_k theta_i of data [d, K] and tiles [tiles, d, 8]. */
function marginOf(
  data: Float64Array,
  terms: number,
  k: number,
  theta: Float64Array,
  d: number,
  i: number,
): number {
  let z = 0;
  for (let c = 0; c < d; c++) z += data[c * terms + k]! * theta[(i >> 3) * d * 8 + c * 8 + (i & 7)]!;
  return z;
}

/** The same by the functions of the host. */
function plain(data: Float64Array, terms: number, theta: Float64Array, d: number, i: number): number {
  let sum = 0;
  for (let k = 0; k < terms; k++) {
    const z = marginOf(data, terms, k, theta, d, i);
    sum += Math.min(z, 0) - Math.log1p(Math.exp(-Math.abs(z)));
  }
  return sum;
}

for (const [terms, d, scale] of [
  [1, 1, 1],
  [7, 3, 1],
  [768, 9, 1],
  [768, 9, 30],
  [2500, 4, 0.1],
] as const) {
  const theta = draws(16 * d, 1, scale);
  const data = draws(d * terms, 2);
  const out = new Float64Array(16);
  logisticLogDensity(theta, d, data, terms, 0, terms, out, 0, 2);

  test(`logisticLogDensity, ${terms} data x ${d}, coefficients of size ${scale}: the plain formula within 1e-12 of itself`, () => {
    for (let i = 0; i < 16; i++) {
      const expected = plain(data, terms, theta, d, i);
      expect(Math.abs(out[i]! - expected)).toBeLessThan(1e-12 * Math.abs(expected));
    }
  });

  test(`logisticGradient, ${terms} data x ${d}, coefficients of size ${scale}: sum x / (1 + e^z), and the same log density`, () => {
    const again = new Float64Array(16);
    const gradient = new Float64Array(16 * d).fill(7);
    logisticGradient(theta, d, data, terms, 0, terms, again, gradient, 0, 2);
    expect(again).toEqual(out);
    for (let at = 0; at < 16 * d; at++) {
      const i = 8 * Math.floor(at / (8 * d)) + (at % 8);
      const c = Math.floor(at / 8) % d;
      let expected = 0;
      let size = 0;
      for (let k = 0; k < terms; k++) {
        const x = data[c * terms + k]!;
        const term = x / (1 + Math.exp(marginOf(data, terms, k, theta, d, i)));
        expected += term;
        size += Math.abs(term);
      }
      expect(Math.abs(gradient[at]! - expected)).toBeLessThan(1e-12 * size);
    }
  });
}

test('logisticGradient: the slope of logisticLogDensity, by central differences', () => {
  const [terms, d, step] = [60, 4, 1e-5];
  const theta = draws(8 * d, 3);
  const data = draws(d * terms, 4);
  const gradient = new Float64Array(8 * d);
  logisticGradient(theta, d, data, terms, 0, terms, new Float64Array(8), gradient, 0, 1);
  const at = (c: number, shift: number): Float64Array => {
    const moved = theta.map((value, j) => value + (Math.floor(j / 8) === c ? shift : 0));
    const out = new Float64Array(8);
    logisticLogDensity(moved, d, data, terms, 0, terms, out, 0, 1);
    return out;
  };
  for (let c = 0; c < d; c++) {
    const [up, down] = [at(c, step), at(c, -step)];
    // Third derivatives of 60 terms are below 60, log densities are rounded to 1e-14.
    for (let i = 0; i < 8; i++)
      expect(Math.abs((up[i]! - down[i]!) / (2 * step) - gradient[c * 8 + i]!)).toBeLessThan(1e-8);
  }
});

test('logisticLogDensity and its gradient: margins of 1e4 and beyond are their parts below 0, and slopes 0 or 1', () => {
  const z = [1e4, -1e4, 700, -700, 710, -710, 0, 1e300];
  const theta = Float64Array.from(z);
  const [out, gradient] = [new Float64Array(8), new Float64Array(8)];
  logisticGradient(theta, 1, Float64Array.of(1), 1, 0, 1, out, gradient, 0, 1);
  expect([...out]).toEqual(z.map((value) => (value === 0 ? -Math.LN2 : Math.min(value, 0))));
  for (const [i, slope] of gradient.entries())
    expect(slope).toBeCloseTo(z[i]! > 0 ? 0 : z[i]! < 0 ? 1 : 0.5, 15);
});

test('logisticLogDensity: log(1 + e^-z) of one datum is right within 1e-15, wherever z lies between powers of 2', () => {
  const tiles = 1000;
  const theta = Float64Array.from({ length: 8 * tiles }, (_, i) => 40 * ((i + 0.5) / (8 * tiles)));
  const out = new Float64Array(8 * tiles);
  logisticLogDensity(theta, 1, Float64Array.of(1), 1, 0, 1, out, 0, tiles);
  let worst = 0;
  for (const [i, value] of out.entries())
    worst = Math.max(worst, Math.abs(value + Math.log1p(Math.exp(-theta[i]!))));
  expect(worst).toBeLessThan(1e-15);
});

test('logisticLogDensity: data first..last-1 alone, as if there were no others', () => {
  const [terms, d] = [1200, 3];
  const theta = draws(8 * d, 5);
  const data = draws(d * terms, 6);
  for (const [first, last] of [
    [0, 0],
    [3, 4],
    [100, 1150],
  ] as const) {
    const part = Float64Array.from({ length: d * (last - first) }, (_, j) => {
      const c = Math.floor(j / (last - first));
      return data[c * terms + first + (j % (last - first))]!;
    });
    const [found, expected] = [new Float64Array(8), new Float64Array(8)];
    logisticLogDensity(theta, d, data, terms, first, last, found, 0, 1);
    logisticLogDensity(theta, d, part, last - first, 0, last - first, expected, 0, 1);
    expect(found).toEqual(expected);
  }
});

test('logisticLogDensity: NaN in, NaN out, in its own lane only', () => {
  const theta = new Float64Array(8).fill(1);
  theta[2] = Number.NaN;
  const out = new Float64Array(8);
  logisticLogDensity(theta, 1, Float64Array.of(1, 2), 2, 0, 2, out, 0, 1);
  expect([...out].map(Number.isNaN)).toEqual([false, false, true, false, false, false, false, false]);
});
