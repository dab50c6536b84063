import { log } from './elementary.ts';

/**
 * Log likelihood of a logistic regression and its gradient, eight coefficient vectors side by side.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | theta_i, i = 8 tile + lane | `theta` | [tiles, d, 8] |
 * | x_k, times -1 where the outcome is 0 | `data`, column by column | [d, K] |
 * | K | `terms` | |
 *
 *   z_k = x_k theta,   -log(1 + e^-z) = min(z, 0) - log(1 + e^-|z|),   log L = sum_k -log(1 + e^-z_k)
 *   gradient = sum_k x_k / (1 + e^z_k)
 *
 * over the data first..last-1, in order; one logarithm of a product for a thousand of them. Errors are absolute, some 1e-16
 * for each datum. NaN where a z overflows. `lo` and `hi` count tiles.
 */

/** Coefficient vectors of a tile. */
export const LOGISTIC_TILE = 8;

/** Products of so many factors in (1, 2] stay below 2^1024. */
const FACTORS = 1000;

/** Of the data of one product: z, later 1 / (1 + e^z), and e^-|z|. */
const z = new Float64Array(FACTORS);
const decayed = new Float64Array(FACTORS);

/** out [tiles, 8] = log L. */
export function logisticLogDensity(
  theta: Float64Array,
  d: number,
  data: Float64Array,
  terms: number,
  first: number,
  last: number,
  out: Float64Array,
  lo: number,
  hi: number,
): void {
  for (let i = lo * LOGISTIC_TILE; i < hi * LOGISTIC_TILE; i++) {
    const column = columnOf(i, d);
    let [sum, twice] = [0, 0];
    for (let from = first; from < last; from += FACTORS) {
      const count = Math.min(last - from, FACTORS);
      margins(theta, column, d, data, terms, from, count);
      twice = decayAll(count, twice);
      sum -= logOfProduct(count);
    }
    out[i] = sum + 0.5 * twice;
  }
}

/** The same bits in `out`, and the gradient in `gradient` [tiles, d, 8]. */
export function logisticGradient(
  theta: Float64Array,
  d: number,
  data: Float64Array,
  terms: number,
  first: number,
  last: number,
  out: Float64Array,
  gradient: Float64Array,
  lo: number,
  hi: number,
): void {
  gradient.fill(0, lo * d * LOGISTIC_TILE, hi * d * LOGISTIC_TILE);
  for (let i = lo * LOGISTIC_TILE; i < hi * LOGISTIC_TILE; i++) {
    const column = columnOf(i, d);
    let [sum, twice] = [0, 0];
    for (let from = first; from < last; from += FACTORS) {
      const count = Math.min(last - from, FACTORS);
      margins(theta, column, d, data, terms, from, count);
      twice = decayAll(count, twice);
      sum -= logOfProduct(count);
      for (let k = 0; k < count; k++) z[k] = (z[k]! < 0 ? 1 : decayed[k]!) / (1 + decayed[k]!);
      pull(gradient, column, d, data, terms, from, count);
    }
    out[i] = sum + 0.5 * twice;
  }
}

/** Where the coefficients of vector i start; they are eight apart. */
function columnOf(i: number, d: number): number {
  const lane = i % LOGISTIC_TILE;
  return (i - lane) * d + lane;
}

/** Terms are added in the order of the columns, three at a time. */
function margins(
  theta: Float64Array,
  column: number,
  d: number,
  data: Float64Array,
  terms: number,
  from: number,
  count: number,
): void {
  z.fill(0, 0, count);
  let c = 0;
  for (; c + 3 <= d; c += 3) {
    const at = column + c * LOGISTIC_TILE;
    const t0 = theta[at]!;
    const t1 = theta[at + LOGISTIC_TILE]!;
    const t2 = theta[at + 2 * LOGISTIC_TILE]!;
    const x0 = c * terms + from;
    const x1 = x0 + terms;
    const x2 = x1 + terms;
    for (let k = 0; k < count; k++)
      z[k] = z[k]! + t0 * data[x0 + k]! + t1 * data[x1 + k]! + t2 * data[x2 + k]!;
  }
  for (; c < d; c++) {
    const t0 = theta[column + c * LOGISTIC_TILE]!;
    const x0 = c * terms + from;
    for (let k = 0; k < count; k++) z[k] = z[k]! + t0 * data[x0 + k]!;
  }
}

/** gradient += sum_k x_k z_k */
function pull(
  gradient: Float64Array,
  column: number,
  d: number,
  data: Float64Array,
  terms: number,
  from: number,
  count: number,
): void {
  for (let c = 0; c < d; c++) {
    const at = column + c * LOGISTIC_TILE;
    const x = c * terms + from;
    let sum = gradient[at]!;
    for (let k = 0; k < count; k++) sum += z[k]! * data[x + k]!;
    gradient[at] = sum;
  }
}

/** Adding and subtracting 1.5 * 2^52 rounds to the nearest integer. */
const ROUND = 6755399441055744;
/** Below this 1 + e^x is 1. */
const LEAST = -700;

const powers = /* @__PURE__ */ Float64Array.from({ length: 1024 }, (_, k) => 2 ** -k);

/**
 * e^-|z| within 5e-16 relative: the polynomial of degree 10 that comes nearest to e^r for |r| <= log(2) / 2 (2.2e-16, by
 * Remez' exchange), less than `exp` because it will be added to 1. Returns twice + 2 sum min(z, 0).
 */
function decayAll(count: number, twice: number): number {
  for (let k = 0; k < count; k++) {
    const below = -Math.abs(z[k]!);
    // Half of all signs would be guessed wrong by a branch.
    twice += z[k]! + below;
    const x = Math.max(below, LEAST);
    const n = x * Math.LOG2E + ROUND - ROUND;
    const r = x - n * Math.LN2;
    const s = r * r;
    const q = s * s;
    const high = 2.4801917819867798e-5 + 2.763978468182758e-6 * r + s * 2.748842976426718e-7;
    const middle = 0.001388888849890477 + 0.00019841171345023935 * r;
    const p = 0.04166666666842742 + 0.008333333384696422 * r + s * middle + q * high;
    const low = 1 + 1.0000000000000064 * r + s * (0.49999999999997286 + 0.16666666666557656 * r);
    // NaN has no power, and is NaN all the same.
    decayed[k] = (low + q * p) * powers[-n]!;
  }
  return twice;
}

function logOfProduct(count: number): number {
  let product = 1;
  for (let k = 0; k < count; k++) product *= 1 + decayed[k]!;
  return log(product);
}
