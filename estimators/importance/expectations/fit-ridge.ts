import { cholesky } from '../../../engine/math/linear-algebra.ts';

const RIDGE = 1e-6;

/** Cholesky factor of a covariance with its ridge; undefined when a coordinate does not vary. */
export function ridged(
  covariance: Float64Array,
  d: number,
  diagonal: boolean,
  absolute: boolean,
): Float64Array | undefined {
  const own = covariance.slice();
  for (let r = 0; r < d; r++) {
    if (diagonal) own.fill(0, r * d, r * d + r);
    own[r * d + r]! += absolute ? RIDGE : RIDGE * own[r * d + r]!;
  }
  const found = cholesky(own, d);
  return found.kind === 'factor' ? found.lower : undefined;
}
