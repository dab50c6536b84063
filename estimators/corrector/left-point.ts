import type { CorrectorPlan } from './plan.ts';
import type { Row } from './state.ts';

/**
 * What weights by the rate at the left end of a step add to log Z, to leading order, from what a run has seen of the rate:
 *
 *   sum_k (h_k^2 / 2) Var_k(g) - (h_k / 2) (E_(k+1)[g] - E_k[g])
 *
 * the left-point rule for d log Z / d tau = E[g] less the trapezoidal one, and the variance that exp(h g) adds. The error of the
 * particles' own law is not in it, so it is known to a factor of about 2 where a control leaves little variance, and worse without.
 * E_N is extrapolated. NaN before the third step.
 */
export function leftPointBias({ terms }: Pick<CorrectorPlan, 'terms'>, rows: readonly Row[]): number {
  const count = rows.length;
  if (count < 3) return Number.NaN;
  // The step added log E[exp(h g)].
  const mean = rows.map(({ increment, rateVariance }, k) => {
    const h = terms[k]!.step;
    return increment / h - 0.5 * h * rateVariance;
  });
  const [last, before] = [terms[count - 1]!.step, terms[count - 2]!.step];
  mean.push(mean[count - 1]! + (last / before) * (mean[count - 1]! - mean[count - 2]!));
  return rows.reduce((sum, { rateVariance }, k) => {
    const h = terms[k]!.step;
    return sum + 0.5 * h * (h * rateVariance - (mean[k + 1]! - mean[k]!));
  }, 0);
}
