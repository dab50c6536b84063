import { normalCdf } from '../math/erfc.ts';
import type { InputSpace } from './inputs.ts';
import { upperQuantile } from './law.ts';

/** The largest float64 below 1. */
const LARGEST = 1 - 2 ** -53;

/**
 * Standard normals z [n, d] to input values x [n, d]: x_c = F_c^{-1}(Phi(z_c)), upper tails by survival probabilities so
 * that they keep their digits. A dependence that cannot correlate normals goes through uniforms, and reaches no further
 * than their last one below 1.
 */
export function toInputs(space: InputSpace, z: Float64Array, n: number, x: Float64Array): void {
  const { dimension: d, dependence, laws } = space;
  if (dependence !== undefined && dependence.correlate === undefined) {
    for (let i = 0; i < n * d; i++) x[i] = Math.min(LARGEST, normalCdf(z[i]!));
    space.transport(x, x, n);
    return;
  }
  x.set(z.subarray(0, n * d));
  dependence?.correlate?.(x, n);
  for (let c = 0; c < d; c++) {
    const law = laws[c]!;
    if (law.name === 'normal') {
      const sd = Math.sqrt(law.variance);
      for (let i = c; i < n * d; i += d) x[i] = law.mean + sd * x[i]!;
      continue;
    }
    for (let i = c; i < n * d; i += d) {
      const p = normalCdf(-Math.abs(x[i]!));
      x[i] = x[i]! < 0 ? law.quantile(p) : upperQuantile(law, p);
    }
  }
}
