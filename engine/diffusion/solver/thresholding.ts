import { checkNumber, checkOptionNames } from '../../check.ts';
import type { Source } from '../../types.ts';
import { noiseFrom } from './operations.ts';
import type { Integrator, Operation, RowChange } from './program.ts';
import { checkClean, type Evaluate, predictionOf, rewritten } from './rewrite.ts';

/*
 * Dynamic thresholding, for data in [-c, c] and guided models that leave it:
 *
 *   S = max(c, quantile_q of |x_0| over the coordinates of a particle),   x_0 <- c clip(x_0, -S, S) / S
 *
 * | symbol | name here |
 * |---|---|
 * | q | quantile |
 * | c | bound |
 *
 * It breaks orders of convergence and exactness by design: never for sampling from a law that is known. Differs from the
 * paper: the factor c, which is 1 there.
 */

const SAHARIA: Source = {
  authors: 'Saharia, C., Chan, W., Saxena, S., Li, L., Whang, J., Denton, E. et al.',
  year: 2022,
  title: 'Photorealistic Text-to-Image Diffusion Models with Deep Language Understanding',
  reference: 'NeurIPS 35, arXiv:2205.11487',
};

export interface ThresholdOptions {
  /** q in (0, 1]. Default 0.995. */
  readonly quantile?: number;
  /** c: the data lie in [-c, c]. Default 1. */
  readonly bound?: number;
}

/**
 * A solver that keeps every E[x_0] within the bounds of the data. Saharia et al. (2022), section 2.3.
 * @throws OptionError when the solver works with the noise.
 */
export function thresholded(integrator: Integrator, options: ThresholdOptions = {}): Integrator {
  const where = 'thresholded';
  checkOptionNames(where, options, ['quantile', 'bound']);
  const { quantile = 0.995, bound = 1 } = options;
  checkNumber(where, 'quantile', quantile, (q) => q > 0 && q <= 1, 'a number in (0, 1]');
  checkNumber(where, 'bound', bound, (c) => c > 0 && c < Infinity, 'a number > 0');
  checkClean(where, integrator);
  const change = threshold(quantile, bound);
  const after = (operation: Operation): Operation[] =>
    operation.kind === 'evaluate' && predictionOf(integrator, operation) === 'clean'
      ? [operation, { kind: 'change', value: operation.value, change }, ...noiseAgain(operation)]
      : [operation];
  return rewritten(integrator, 'thresholded', [SAHARIA], (program) => ({
    ...program,
    steps: program.steps.map((step) => step.flatMap(after)),
  }));
}

/** e of the changed x_0, where the evaluation told e too. */
function noiseAgain({ state, at, value, other }: Evaluate): Operation[] {
  return other === undefined ? [] : [noiseFrom(other, state, value, at)];
}

/** Of [n, d] rows: linear interpolation between order statistics, the first at 0 and the last at 1. */
function threshold(quantile: number, bound: number): RowChange {
  return {
    name: `threshold(${quantile}, ${bound})`,
    apply(value, [n, d]) {
      const sizes = new Float64Array(d);
      const place = quantile * (d - 1);
      const below = Math.floor(place);
      for (let i = 0; i < n; i++) {
        for (let c = 0; c < d; c++) sizes[c] = Math.abs(value[i * d + c]!);
        sizes.sort();
        const next = sizes[Math.min(below + 1, d - 1)]!;
        const limit = Math.max(bound, sizes[below]! + (place - below) * (next - sizes[below]!));
        for (let at = i * d; at < (i + 1) * d; at++)
          value[at] = (bound * Math.min(limit, Math.max(-limit, value[at]!))) / limit;
      }
    },
  };
}
