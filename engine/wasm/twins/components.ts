import { exp } from './elementary.ts';
import { BLOCK } from './sums.ts';

/**
 * All components of a mixture of normal laws, and of one law more, at each point: component k given by its mean mu_k [d],
 * the lower triangle of W_k by rows (W_k' W_k = inverse covariance) and c_k, the log of its density at the mean.
 *
 *   z_k = W_k (x - mu_k)     v_k = c_k - |z_k|^2 / 2     v_K = extra     top = max_k v_k     scaled_k = exp(v_k - top)
 *
 * Every sum runs over rows, then over columns. Where all v are -Infinity, scaled is 0 and top the lowest number.
 */

/** Below every v_k, and harmless when it is subtracted from -Infinity. */
const LOWEST = -Number.MAX_VALUE;

/**
 * scaled [n, K + 1] and top [n] of rows lo..hi-1 of `x` [n, d]; `means` [K, d], `whiten` [K, d (d + 1) / 2],
 * `constants` [K], `extra` [n].
 */
export function componentDensities(
  x: Float64Array,
  d: number,
  means: Float64Array,
  whiten: Float64Array,
  constants: Float64Array,
  components: number,
  extra: Float64Array,
  scaled: Float64Array,
  top: Float64Array,
  lo: number,
  hi: number,
): void {
  const width = components + 1;
  for (let i = lo; i < hi; i++) {
    const at = i * d;
    const row = i * width;
    let largest = LOWEST;
    let w = 0;
    for (let k = 0; k < components; k++) {
      let square = 0;
      for (let r = 0; r < d; r++) {
        let z = whiten[w++]! * (x[at]! - means[k * d]!);
        for (let c = 1; c <= r; c++) z += whiten[w++]! * (x[at + c]! - means[k * d + c]!);
        square += z * z;
      }
      const v = constants[k]! - 0.5 * square;
      scaled[row + k] = v;
      if (v > largest) largest = v;
    }
    scaled[row + components] = extra[i]!;
    if (extra[i]! > largest) largest = extra[i]!;
    for (let k = 0; k < width; k++) scaled[row + k] = exp(scaled[row + k]! - largest);
    top[i] = largest;
  }
}

/** Lanes of a sum over components. */
const a = new Float64Array(8);

/**
 * Loss of shares and its slopes over the rows of block b, with m_i = tiny + sum_k share_k ratio_ik:
 * sum_i q_i ratio_ik / m_i^2 and, last, sum_i q_i / m_i into `partial` [blocks, K + 1]; `ratio` is [n, K], `roughness` q [n].
 * Rows with q = 0 are skipped.
 */
export function shareBlocks(
  ratio: Float64Array,
  width: number,
  n: number,
  roughness: Float64Array,
  share: Float64Array,
  tiny: number,
  partial: Float64Array,
  lo: number,
  hi: number,
): void {
  const eights = width - (width % 8);
  for (let b = lo; b < hi; b++) {
    const own = b * (width + 1);
    partial.fill(0, own, own + width + 1);
    let loss = 0;
    const to = Math.min(n, (b + 1) * BLOCK);
    for (let i = b * BLOCK; i < to; i++) {
      const q = roughness[i]!;
      if (q === 0) continue;
      const at = i * width;
      a.fill(0);
      for (let k = 0; k < eights; k += 8)
        for (let j = 0; j < 8; j++) a[j] = a[j]! + share[k + j]! * ratio[at + k + j]!;
      const even = a[0]! + a[4]! + (a[2]! + a[6]!);
      const odd = a[1]! + a[5]! + (a[3]! + a[7]!);
      let m = tiny + (even + odd);
      for (let k = eights; k < width; k++) m += share[k]! * ratio[at + k]!;
      loss += q / m;
      const pull = q / m / m;
      for (let k = 0; k < width; k++) partial[own + k] = partial[own + k]! + pull * ratio[at + k]!;
    }
    partial[own + width] = loss;
  }
}
