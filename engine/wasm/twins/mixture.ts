import { exp, log } from './elementary.ts';

/**
 * Log density and score of a mixture of normal laws, component k given by its mean mu_k [d], the lower triangle of
 * W_k by rows (W_k' W_k = inverse covariance) and c_k = log weight - (d / 2) log 2 pi + sum log diag W_k:
 *
 *   z_k = W_k (x - mu_k)        v_k = c_k - |z_k|^2 / 2        m = max_k v_k        e_k = exp(v_k - m)
 *   log density = m + log sum_k e_k
 *   score       = -sum_k e_k W_k' z_k / sum_k e_k
 *
 * A component of weight 0 has c_k = -Infinity. Where |z|^2 overflows for every component the log density is
 * -Infinity and the score NaN; both are NaN for a NaN in x. Every sum runs over k, then over rows, then over columns.
 */

/** Below every v_k, and harmless when it is subtracted from -Infinity. */
const LOWEST = -Number.MAX_VALUE;

/** v_k [K] and z_k [K, d] of one point; they grow as needed. */
let v = new Float64Array(64);
let z = new Float64Array(256);

function makeRoom(d: number, components: number): void {
  if (v.length < components) v = new Float64Array(components);
  if (z.length < components * d) z = new Float64Array(components * d);
}

/** Fills `v` and `z` for the point x[at..at+d-1]; returns m. */
function exponents(
  x: Float64Array,
  at: number,
  d: number,
  means: Float64Array,
  whiten: Float64Array,
  logConstant: Float64Array,
  components: number,
): number {
  let largest = LOWEST;
  let w = 0;
  for (let k = 0; k < components; k++) {
    const own = k * d;
    let square = 0;
    for (let i = 0; i < d; i++) {
      let sum = whiten[w++]! * (x[at]! - means[own]!);
      for (let j = 1; j <= i; j++) sum += whiten[w++]! * (x[at + j]! - means[own + j]!);
      z[own + i] = sum;
      square += sum * sum;
    }
    v[k] = logConstant[k]! - 0.5 * square;
    if (v[k]! > largest) largest = v[k]!;
  }
  return largest;
}

/**
 * Log density [n] and score [n, d] of rows lo..hi-1 of `x` [n, d]; `means` [K, d], `whiten` [K, d (d + 1) / 2],
 * `logConstant` [K]. `score` is not `x`.
 */
export function mixtureScore(
  x: Float64Array,
  d: number,
  means: Float64Array,
  whiten: Float64Array,
  logConstant: Float64Array,
  components: number,
  logDensity: Float64Array,
  score: Float64Array,
  lo: number,
  hi: number,
): void {
  makeRoom(d, components);
  for (let row = lo; row < hi; row++) {
    const at = row * d;
    const m = exponents(x, at, d, means, whiten, logConstant, components);
    let total = 0;
    let w = 0;
    score.fill(0, at, at + d);
    for (let k = 0; k < components; k++) {
      const e = exp(v[k]! - m);
      total += e;
      for (let i = 0; i < d; i++) {
        const t = e * z[k * d + i]!;
        for (let j = 0; j <= i; j++) score[at + j] = score[at + j]! - whiten[w++]! * t;
      }
    }
    for (let j = 0; j < d; j++) score[at + j] = score[at + j]! / total;
    logDensity[row] = m + log(total);
  }
}

/** Log density [n] of rows lo..hi-1 alone; the same bits as those of `mixtureScore`. */
export function mixtureLogDensity(
  x: Float64Array,
  d: number,
  means: Float64Array,
  whiten: Float64Array,
  logConstant: Float64Array,
  components: number,
  logDensity: Float64Array,
  lo: number,
  hi: number,
): void {
  makeRoom(d, components);
  for (let row = lo; row < hi; row++) {
    const m = exponents(x, row * d, d, means, whiten, logConstant, components);
    let total = 0;
    for (let k = 0; k < components; k++) total += exp(v[k]! - m);
    logDensity[row] = m + log(total);
  }
}
