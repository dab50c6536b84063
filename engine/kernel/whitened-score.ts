import { whitenGradient } from './shape.ts';

/** Points with the gradients of their prior and likelihood, [n, d]. */
interface Scored {
  readonly priorGradient?: Float64Array | undefined;
  readonly likelihoodGradient?: Float64Array | undefined;
}

let sum = new Float64Array(16);

/**
 * lower' (prior gradient + slope likelihood gradient) of a row into out[to..to+d-1]: the gradient of the log target in the
 * coordinates z of x = lower z. At slope 0 the likelihood's gradient, which may then be anything, is not read.
 */
export function whitenedScore(
  { priorGradient, likelihoodGradient }: Scored,
  row: number,
  slope: number,
  lower: Float64Array,
  d: number,
  out: Float64Array,
  to: number,
): void {
  if (sum.length < d) sum = new Float64Array(d);
  for (let c = 0; c < d; c++) {
    const prior = priorGradient![row * d + c]!;
    sum[c] = slope === 0 ? prior : prior + slope * likelihoodGradient![row * d + c]!;
  }
  whitenGradient(lower, d, sum, 0, out, to);
}
