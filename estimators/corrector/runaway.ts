import type { Denoiser } from '../../engine/diffusion/denoiser.ts';
import type { CorrectorPlan } from './plan.ts';
import { precisionOf, type StepTerms } from './terms.ts';

/** Sizes of a particle, in typical ones, beyond which it has run away. */
const FAR = 10;
/** Mean square of the data per coordinate where no expert tells, as networks are trained on it. */
const USUAL_SECOND_MOMENT = 1;

/** The largest share of particles that had run away at one step, and when. */
export interface Runaway {
  readonly share: number;
  readonly time: number;
}

/** Mean square of the data per coordinate. */
export function secondMomentOf({ moments }: Denoiser): number {
  return moments?.secondMoment ?? USUAL_SECOND_MOMENT;
}

/**
 * Share of the rows of x [K, d] whose root mean square is above 10 sqrt(1 / P + max alpha^2 m), P = sum b_i / v_i and m the mean
 * square of the data: a path that does not exist. 0 where the tails of the target are known to be right.
 */
export function runaways(
  { experts, dimension: d, tailsKnown }: Pick<CorrectorPlan, 'experts' | 'dimension' | 'tailsKnown'>,
  { exponents, variances, signals }: StepTerms,
  x: Float64Array,
): number {
  if (tailsKnown) return 0;
  const data = experts.map((expert, i) => signals[i]! ** 2 * secondMomentOf(expert));
  const noise = variances.includes(0) ? 0 : 1 / precisionOf(exponents, variances);
  const most = FAR * FAR * d * (Math.max(noise, 0) + Math.max(...data));
  let far = 0;
  for (let row = 0; row < x.length; row += d) {
    let square = 0;
    for (let at = row; at < row + d; at++) square += x[at]! * x[at]!;
    if (!(square <= most)) far++;
  }
  return (far * d) / x.length;
}
