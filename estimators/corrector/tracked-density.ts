import type { StepTerms } from './terms.ts';

/*
 * log q_i along a path, for experts without log density, by Ito's formula where a = g, so that the Laplacian cancels:
 *
 *   d log q = s . dx + (div f + f . s - (g^2 / 2) |s|^2) d tau,   dx the increment that was taken
 *
 * A left-point sum: log Z that rests on it is approximate.
 */

const LOG_TWO_PI = Math.log(2 * Math.PI);

/** log N(x; 0, v_i I) of every expert into `densities` [K, M]: what is known at the start. */
export function startDensities(at: StepTerms, x: Float64Array, densities: Float64Array): void {
  const M = at.variances.length;
  const K = densities.length / M;
  const d = x.length / K;
  for (let n = 0; n < K; n++) {
    let square = 0;
    for (let c = n * d; c < (n + 1) * d; c++) square += x[c]! * x[c]!;
    for (const [i, v] of at.variances.entries())
      densities[n * M + i] = -0.5 * (d * (LOG_TWO_PI + Math.log(v)) + square / v);
  }
}

/** What paths know of their experts: positions [K, d], scores [K, M d] and log densities [K, M]. */
export interface TrackedPaths {
  readonly x: Float64Array;
  readonly scores: Float64Array;
  readonly densities: Float64Array;
}

/** The log densities after a step from `from` to `x` [K, d], into `densities` [K, M]. */
export function followDensities(
  before: StepTerms,
  from: TrackedPaths,
  x: Float64Array,
  densities: Float64Array,
): void {
  const M = before.drifts.length;
  const K = densities.length / M;
  const d = x.length / K;
  for (let n = 0; n < K; n++) {
    for (let i = 0; i < M; i++) {
      const f = before.drifts[i]!;
      let increment = 0;
      let rate = d * f;
      for (let c = 0; c < d; c++) {
        const s = from.scores[(n * M + i) * d + c]!;
        const at = from.x[n * d + c]!;
        increment += s * (x[n * d + c]! - at);
        rate += f * at * s - 0.5 * before.diffusions[i]! * s * s;
      }
      densities[n * M + i] = from.densities[n * M + i]! + increment + before.step * rate;
    }
  }
}

/** [M, K] of [K, M], or [M, K, d] into [K, M, d] turned round: `out[b, a]` is `rows[a, b]`, blocks of `width`. */
export function turned(
  rows: Float64Array,
  first: number,
  second: number,
  width: number,
  out: Float64Array,
): void {
  for (let a = 0; a < first; a++)
    for (let b = 0; b < second; b++)
      for (let c = 0; c < width; c++) out[(b * first + a) * width + c] = rows[(a * second + b) * width + c]!;
}
