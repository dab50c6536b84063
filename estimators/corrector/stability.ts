import { symmetricEigen } from '../../engine/math/linear-algebra.ts';
import { tiltCurvature } from './existence.ts';
import type { CorrectorPlan } from './plan.ts';

/**
 * [N] how stiff the Euler step is, below about 0.3 for a stable one:
 *
 *   h sum_i |b_i| ((g_i^2 + a^2) / 2) / (v_i + alpha_i^2 m_i) + h (a^2 / 2) |Hess rho|
 *
 * with m_i the smallest variance of a component of expert i. NaN where the data or a tilt are not known.
 */
export function stabilities({ terms, experts, tilts, dimension: d }: CorrectorPlan): Float64Array {
  const least = experts.map(({ mixture }) => {
    if (mixture === undefined) return Number.NaN;
    const distinct = new Map(mixture.covariances.map((rows) => [JSON.stringify(rows), rows]));
    const smallest = Array.from(
      distinct.values(),
      (rows) => symmetricEigen(Float64Array.from(rows.flat()), d).values[0]!,
    );
    return Math.min(...smallest);
  });
  return Float64Array.from(terms.slice(0, -1), (at) => {
    let sum = 0;
    for (const [i, b] of at.exponents.entries()) {
      const variance = at.variances[i]! + at.signals[i]! ** 2 * least[i]!;
      sum += (Math.abs(b) * 0.5 * (at.diffusions[i]! + at.noise)) / variance;
    }
    for (const tilt of tilts) sum += 0.5 * at.noise * tiltCurvature(tilt, at.time, d);
    return at.step * sum;
  });
}
