import type { Arena, Backend, KernelCall } from '../../engine/backend/backend.ts';
import { ValueError } from '../../engine/errors.ts';
import { controlledVariance, type FeatureMoments, fitControl, makeFeatureMoments } from './control.ts';
import { type CorrectorPlan, WHERE } from './plan.ts';
import { analyticDrift } from './terms.ts';

/** Weighted particles after a step. */
export interface WeightedFeatures {
  /** [K, d] */
  readonly x: Float64Array;
  /** [K, width] in an array of the arena. */
  readonly features: Float64Array;
  /** [K] and their sum. */
  readonly weight: Float64Array;
  readonly sum: number;
}

export interface Calibrate {
  /** What of `fit` may run along with the kernels that make the weights [K]; then it is not run again. */
  along(features: Float64Array, weight: Float64Array): KernelCall;
  /** The control of the step to come into `theta` [width]; returns how much the rate still varies, NaN at the end. */
  fit(step: number, particles: WeightedFeatures, theta: Float64Array): Promise<number>;
}

/** Its `fit` throws a ValueError where rates are not finite, with the step. */
export function makeCalibrate(plan: CorrectorPlan, backend: Backend, arena: Arena): Calibrate {
  const { width, control, experts, particles, terms } = plan;
  let made: FeatureMoments | undefined;
  let summed = false;
  const moments = (): FeatureMoments => {
    made ??= makeFeatureMoments(arena, particles, width);
    return made;
  };
  const along = (features: Float64Array, weight: Float64Array): KernelCall => {
    summed = true;
    return moments().call(features, weight);
  };
  const fit: Calibrate['fit'] = async (step, given, theta) => {
    const done = summed;
    summed = false;
    if (step === terms.length - 1) return Number.NaN;
    if (!done) await backend.chain([moments().call(given.features, given.weight)], particles);
    const { mean, covariance } = moments().read(given.sum);
    if (!Number.isFinite(covariance[width * width - 1]!) || !Number.isFinite(mean[width - 1]!))
      throw badRate(plan, step, given);
    if (control === 'linear' || control === 'affine') fitControl(covariance, width, theta);
    if (control === 'analytic')
      theta[0] = analyticDrift(
        terms[step]!,
        experts.map((expert) => expert.moments!.secondMoment),
      );
    return controlledVariance(covariance, width, theta);
  };
  return { along, fit };
}

function badRate(
  { width, terms, dimension: d, particles }: CorrectorPlan,
  step: number,
  { x, features }: WeightedFeatures,
): ValueError {
  const bad: number[] = [];
  for (let i = 0; i < particles; i++) if (!Number.isFinite(features[(i + 1) * width - 1]!)) bad.push(i);
  const index = bad[0] ?? 0;
  const rate = features[(index + 1) * width - 1];
  return new ValueError({
    where: WHERE,
    found: `the weight rate g is ${rate} in ${bad.length} of ${particles} particles at step ${step}, time ${terms[step]!.time}, first in particle ${index}`,
    expected: 'finite numbers',
    fix: 'The path of the target may not exist there, or the step is too long. The particle is in error.point.',
    index,
    point: Float64Array.from(x.subarray(index * d, (index + 1) * d)),
  });
}
