import type { Arena, KernelCall } from '../../engine/backend/backend.ts';
import { cholesky, solveCholesky } from '../../engine/math/linear-algebra.ts';
import type { WeightedMoments } from '../../engine/particles/moments.ts';
import { momentSums } from '../../engine/wasm/twins/corrector.ts';
import { blockCount, treeSum } from '../../engine/wasm/twins/sums.ts';

/*
 * A drift theta_x x + theta_e that costs theta . h in the weight rate, h = (S, d + x . S), with the coefficients that make the
 * weighted variance of g + theta . h least:
 *
 *   A = Cov_W(h, h),   c = -Cov_W(h, g),   (A + 1e-10 tr(A) I) theta = c
 *
 * | symbol | name here |
 * |---|---|
 * | h, g | the columns of the features, g the last one |
 * | theta, with 1 for g | `theta` |
 */

/** Of the trace, added to the diagonal. */
const RIDGE = 1e-10;

/** Coefficients into `theta` [width], whose last number is 1: all others 0 where the h do not vary. */
export function fitControl(covariance: Float64Array, width: number, theta: Float64Array): void {
  const m = width - 1;
  theta.fill(0);
  theta[m] = 1;
  let trace = 0;
  for (let j = 0; j < m; j++) trace += covariance[j * width + j]!;
  if (!(trace > 0)) return;
  const a = new Float64Array(m * m);
  const c = new Float64Array(m);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < m; j++) a[i * m + j] = covariance[i * width + j]!;
    a[i * m + i] = a[i * m + i]! + RIDGE * trace;
    c[i] = -covariance[i * width + m]!;
  }
  const factor = cholesky(a, m);
  if (factor.kind === 'factor') theta.set(solveCholesky(factor.lower, m, c, 1));
}

/** Variance of theta . features. */
export function controlledVariance(covariance: Float64Array, width: number, theta: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < width; i++)
    for (let j = 0; j < width; j++) sum += theta[i]! * covariance[i * width + j]! * theta[j]!;
  // Rounding may leave less than nothing.
  return Math.max(0, sum);
}

/** Weighted moments of features again and again, in two parts, so that the kernel may run along with others. */
export interface FeatureMoments {
  /** The kernel that sums over features [n, width], with weights [n], both of the arena. */
  call(features: Float64Array, weight: Float64Array): KernelCall;
  /** The moments, once it has run; `sum` of the weights. */
  read(sum: number): WeightedMoments;
}

/** In one pass about the first row: the h have mean 0 under a target that the particles follow, and g may have any. */
export function makeFeatureMoments(arena: Arena, n: number, width: number): FeatureMoments {
  const blocks = blockCount(n);
  const size = momentSums(width);
  const shift = arena.f64(width);
  const partial = arena.f64(blocks * size);
  return {
    call(features, weight) {
      for (let c = 0; c < width; c++) shift[c] = Number.isFinite(features[c]!) ? features[c]! : 0;
      return {
        kernel: 'correctorMoments',
        args: [features, width, n, weight, shift, partial],
        over: 'blocks',
      };
    },
    read(sum) {
      const off = Float64Array.from({ length: width }, (_, c) => treeSum(partial, blocks, c, size) / sum);
      const covariance = new Float64Array(width * width);
      for (let c = 0, at = width; c < width; c++) {
        for (let e = c; e < width; e++, at++) {
          const value = treeSum(partial, blocks, at, size) / sum - off[c]! * off[e]!;
          covariance[c * width + e] = value;
          covariance[e * width + c] = value;
        }
      }
      return { mean: off.map((value, c) => value + shift[c]!), covariance };
    },
  };
}
