import { DegeneracyError } from '../../../engine/errors.ts';
import { type DensityRows, tempered } from '../../../engine/kernel/kernel.ts';
import { temperingStep } from '../../../engine/particles/tempering.ts';
import type { Course } from './moving.ts';

/*
 * gamma_lambda = prior * likelihood^lambda, lambda from 0 to 1.
 *
 * | symbol | name here |
 * |---|---|
 * | lambda | inverse temperature |
 * | log L | logLikelihood, a field of the particles |
 * | alpha | essFraction |
 */

export interface TemperingCourseOptions {
  readonly where: string;
  readonly likelihood: DensityRows;
  readonly essFraction: number;
  /** Inverse temperatures of all steps, the last one 1; undefined: chosen on the way. Equal neighbours: a selection. */
  readonly fixed: readonly number[] | undefined;
}

/** Steps below which tempering makes no headway. */
const LEAST_STEP = 1e-10;

interface Saved {
  readonly lambda: number;
  readonly selected: boolean;
  readonly small: number;
}

/** The course of one run. */
export function temperingCourse(options: TemperingCourseOptions): Course {
  const { where, likelihood, essFraction, fixed } = options;
  let lambda = 0;
  /** Whether points of likelihood 0 were sorted out at lambda = 0. */
  let selected = false;
  /** Steps in a row that were too small. */
  let small = 0;

  const next = (step: number, logWeight: Float64Array, logLikelihood: Float64Array): number => {
    if (fixed !== undefined) return fixed[Math.min(step, fixed.length - 1)]!;
    const remaining = 1 - lambda;
    const { kind, delta, size } = temperingStep({ logWeight, logLikelihood, remaining, essFraction });
    if (kind === 'last') return 1;
    small = kind === 'step' && delta < LEAST_STEP ? small + 1 : 0;
    if (small >= 2) throw stalled(where, lambda, delta, size, logWeight.length);
    return lambda + delta;
  };

  return {
    likelihood,
    staleGradients: false,
    restsUnlessResampled: false,
    get at() {
      return lambda;
    },
    get over() {
      return lambda === 1;
    },
    factor() {
      if (lambda > 0 || !selected) return tempered(lambda);
      return { factor: (logLikelihood) => (logLikelihood > -Infinity ? 0 : -Infinity), slope: 0 };
    },
    aim(step, population, increment) {
      const logLikelihood = population.field('logLikelihood') as Float64Array;
      const chosen = next(step, population.logWeight, logLikelihood);
      const delta = chosen - lambda;
      if (delta === 0) selected = true;
      for (let i = 0; i < increment.length; i++) {
        const l = logLikelihood[i]!;
        increment[i] = l === -Infinity ? -Infinity : delta * l;
      }
      lambda = chosen;
    },
    snapshot: (): Saved => ({ lambda, selected, small }),
    restore(saved) {
      ({ lambda, selected, small } = saved as Saved);
    },
  };
}

function stalled(where: string, lambda: number, delta: number, size: number, n: number): DegeneracyError {
  return new DegeneracyError({
    where,
    found: `tempering stalled at inverse temperature ${lambda}: two steps in a row below ${LEAST_STEP}, the last ${delta} (effective size ${Number(size.toPrecision(3))} of ${n})`,
    expected: 'log likelihoods near enough to each other for a step',
    fix: 'Start from a prior nearer to the likelihood, or divide the likelihood by its scale.',
  });
}
