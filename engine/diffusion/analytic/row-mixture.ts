import { HALF_LOG_TWO_PI } from '../../math/gamma.ts';
import { exp, log } from '../../wasm/twins/elementary.ts';
import type { Times } from '../denoiser.ts';
import type { NoiseSchedule } from '../schedule.ts';
import type { NoisedMixture } from './noised-mixture.ts';

/*
 * A noised mixture row by row, each at its own time, along the axes of its components: with U_k the eigenvectors and e_kj
 * the eigenvalues of Sigma_k, c_kj = alpha^2 e_kj + sigma^2 those of C_k, y_k = U_k' (x - alpha mu_k),
 *
 *   v_k = log w_k - sum_j (log(2 pi c_kj) + y_kj^2 / c_kj) / 2       r_k = exp(v_k) / sum_k exp(v_k)
 *   G_k = -U_k (y_k / c_k)                                           s = sum_k r_k G_k
 *   div s = sum_k r_k (|G_k - s|^2 - sum_j 1 / c_kj)
 *   (ds/dx) h = sum_k r_k ((G_k - s) (G_k - s)' h - U_k (U_k' h / c_k))
 *
 * The squares are of differences to s, so that nothing cancels far from all means.
 */

/** Rows of a noised mixture; arrays are filled for rows 0..n-1 of `x` [n, d]. */
export interface RowMixture {
  /** [n, d] */
  score(x: Float64Array, time: Times, out: Float64Array): void;
  /** [n, d]: E[x_0 given x_t], also where there is no signal. */
  clean(x: Float64Array, time: Times, out: Float64Array): void;
  /** [n] */
  logDensity(x: Float64Array, time: Times, out: Float64Array): void;
  /** [n] */
  divergence(x: Float64Array, time: Times, out: Float64Array): void;
  /** [n, d], of `direction` [n, d]. */
  tangent(x: Float64Array, time: Times, direction: Float64Array, out: Float64Array): void;
}

export function rowMixture(mixture: NoisedMixture, schedule: NoiseSchedule): RowMixture {
  const d = mixture.dimension;
  const local = makeLocal(mixture, schedule);
  /** `fill` for every row, after `local` has been set to it. */
  const rows = (x: Float64Array, time: Times, fill: (row: number) => void): void => {
    for (let row = 0; row * d < x.length; row++) {
      local.setTime(typeof time === 'number' ? time : time[row]!);
      local.setPoint(x, row * d);
      fill(row);
    }
  };
  return {
    score: (x, time, out) => rows(x, time, (row) => out.set(local.score(), row * d)),
    clean: (x, time, out) => rows(x, time, (row) => local.clean(out, row * d)),
    logDensity: (x, time, out) =>
      rows(x, time, (row) => {
        out[row] = local.logDensity;
      }),
    divergence: (x, time, out) =>
      rows(x, time, (row) => {
        out[row] = local.divergence();
      }),
    tangent: (x, time, direction, out) => rows(x, time, (row) => local.tangent(direction, out, row * d)),
  };
}

/** One point of a mixture at one time; what it holds is written over by the next. */
interface Local {
  setTime(time: number): void;
  /** The point x[at..at+d-1]. */
  setPoint(x: Float64Array, at: number): void;
  readonly logDensity: number;
  /** [d] */
  score(): Float64Array;
  divergence(): number;
  /** Into out[at..at+d-1]. */
  clean(out: Float64Array, at: number): void;
  /** Of direction[at..at+d-1], into out[at..at+d-1]. */
  tangent(direction: Float64Array, out: Float64Array, at: number): void;
}

function makeLocal(mixture: NoisedMixture, schedule: NoiseSchedule): Local {
  const { dimension: d, components: K, logWeight, means, spread, axes } = mixture;
  /** c_kj, and log w_k - sum_j log(2 pi c_kj) / 2. */
  const variance = new Float64Array(K * d);
  const constant = new Float64Array(K);
  /** y_kj / c_kj, v_k and then r_k, G_k, and s. */
  const pulled = new Float64Array(K * d);
  const share = new Float64Array(K);
  const slope = new Float64Array(K * d);
  const score = new Float64Array(d);
  let [now, signal, logDensity] = [Number.NaN, 1, 0];
  const pull = (): void => slopes(d, axes, pulled, share, slope, score);
  return {
    setTime(time) {
      if (time === now) return;
      now = time;
      signal = schedule.signal(time);
      const noise = schedule.noise(time);
      for (let at = 0; at < K * d; at++) variance[at] = signal * signal * spread[at]! + noise * noise;
      for (let k = 0; k < K; k++)
        constant[k] = logWeight[k]! - d * HALF_LOG_TWO_PI - 0.5 * logProduct(variance, k * d, d);
    },
    setPoint(x, at) {
      for (let k = 0; k < K; k++) {
        share[k] = constant[k]! - 0.5 * project(x, at, signal, d, k, means, axes, variance, pulled);
      }
      logDensity = normalise(share);
    },
    get logDensity() {
      return logDensity;
    },
    score() {
      pull();
      return score;
    },
    divergence() {
      pull();
      let sum = 0;
      for (let k = 0; k < K; k++) {
        if (share[k] === 0) continue;
        let own = 0;
        for (let at = k * d, i = 0; i < d; i++, at++)
          own += (slope[at]! - score[i]!) ** 2 - 1 / variance[at]!;
        sum += share[k]! * own;
      }
      return sum;
    },
    clean: (out, at) => means0(d, signal, mixture, pulled, share, out, at),
    tangent(direction, out, at) {
      pull();
      turn(d, axes, variance, share, slope, score, direction, out, at);
    },
  };
}

/** Fills y_k / c_k of component k; returns sum_j y_kj^2 / c_kj. */
function project(
  x: Float64Array,
  at: number,
  signal: number,
  d: number,
  k: number,
  means: Float64Array,
  axes: Float64Array,
  variance: Float64Array,
  pulled: Float64Array,
): number {
  let square = 0;
  for (let j = 0; j < d; j++) {
    const axis = (k * d + j) * d;
    let y = 0;
    for (let i = 0; i < d; i++) y += axes[axis + i]! * (x[at + i]! - signal * means[k * d + i]!);
    const z = y / variance[k * d + j]!;
    pulled[k * d + j] = z;
    square += y * z;
  }
  return square;
}

/** Numbers v_k into exp(v_k) / sum exp(v); returns log sum exp(v). */
export function normalise(v: Float64Array): number {
  let most = -Infinity;
  for (let k = 0; k < v.length; k++) if (v[k]! > most) most = v[k]!;
  let total = 0;
  for (let k = 0; k < v.length; k++) {
    v[k] = exp(v[k]! - most);
    total += v[k]!;
  }
  for (let k = 0; k < v.length; k++) v[k] = v[k]! / total;
  return most + log(total);
}

/** G_k of components that matter, and s. */
function slopes(
  d: number,
  axes: Float64Array,
  pulled: Float64Array,
  share: Float64Array,
  slope: Float64Array,
  score: Float64Array,
): void {
  score.fill(0);
  for (let k = 0; k < share.length; k++) {
    if (share[k] === 0) continue;
    const own = k * d;
    for (let i = 0; i < d; i++) {
      let sum = 0;
      for (let j = 0; j < d; j++) sum -= axes[(own + j) * d + i]! * pulled[own + j]!;
      slope[own + i] = sum;
      score[i] = score[i]! + share[k]! * sum;
    }
  }
}

/** E[x_0] = sum_k r_k (mu_k + alpha U_k (e_k y_k / c_k)). */
function means0(
  d: number,
  signal: number,
  { means, spread, axes }: NoisedMixture,
  pulled: Float64Array,
  share: Float64Array,
  out: Float64Array,
  at: number,
): void {
  out.fill(0, at, at + d);
  for (let k = 0; k < share.length; k++) {
    const r = share[k]!;
    if (r === 0) continue;
    for (let i = 0; i < d; i++) out[at + i] = out[at + i]! + r * means[k * d + i]!;
    for (let j = 0; j < d; j++) {
      const step = r * signal * spread[k * d + j]! * pulled[k * d + j]!;
      const axis = (k * d + j) * d;
      for (let i = 0; i < d; i++) out[at + i] = out[at + i]! + axes[axis + i]! * step;
    }
  }
}

/** (ds/dx) h of the point whose G and s are given. */
function turn(
  d: number,
  axes: Float64Array,
  variance: Float64Array,
  share: Float64Array,
  slope: Float64Array,
  score: Float64Array,
  direction: Float64Array,
  out: Float64Array,
  at: number,
): void {
  out.fill(0, at, at + d);
  for (let k = 0; k < share.length; k++) {
    const r = share[k]!;
    if (r === 0) continue;
    let along = 0;
    for (let i = 0; i < d; i++) along += (slope[k * d + i]! - score[i]!) * direction[at + i]!;
    for (let i = 0; i < d; i++) out[at + i] = out[at + i]! + r * along * (slope[k * d + i]! - score[i]!);
    for (let j = 0; j < d; j++) {
      const axis = (k * d + j) * d;
      let h = 0;
      for (let i = 0; i < d; i++) h += axes[axis + i]! * direction[at + i]!;
      h *= r / variance[k * d + j]!;
      for (let i = 0; i < d; i++) out[at + i] = out[at + i]! - axes[axis + i]! * h;
    }
  }
}

/** log of the product of `length` positive numbers, with as few logarithms as their size allows. */
function logProduct(values: Float64Array, from: number, length: number): number {
  let sum = 0;
  let product = 1;
  for (let i = 0; i < length; i++) {
    product *= values[from + i]!;
    if (product > 1e-140 && product < 1e140) continue;
    sum += log(product);
    product = 1;
  }
  return sum + log(product);
}
