import { essOf, perplexity, summarise } from '../particles/log-weight.ts';
import { type ParetoTail, smoothTail } from './pareto.ts';

/** How far weighted points can be trusted for a mean. */
export interface WeightDiagnostics {
  /** Effective sample size of Kish, (sum w)^2 / sum w^2; 0 when all are dead. */
  readonly ess: number;
  /** exp of the entropy of the weights, in particles. */
  readonly perplexity: number;
  /** Largest weight as a share of all. */
  readonly largestShare: number;
  /** Fit to the largest weights; undefined when all are dead. */
  readonly tail: ParetoTail | undefined;
}

/**
 * Diagnostics of the weights themselves or, with `values`, of the summands w |h| of the mean of a function h.
 *
 * @param logWeight [n] natural log, unnormalised.
 * @param values [n] h at each point.
 * @param relativeEss ess / n of the draws themselves, below 1 for a Markov chain. Default 1.
 * @throws ValueError at NaN or +Infinity.
 */
export function weightDiagnostics(
  logWeight: Float64Array,
  values?: Float64Array,
  relativeEss = 1,
): WeightDiagnostics {
  const own = values === undefined ? logWeight : logWeight.map((w, i) => w + Math.log(Math.abs(values[i]!)));
  const weight = new Float64Array(own.length);
  const summary = summarise('weightDiagnostics', own, weight);
  if (summary.sum === 0) return { ess: 0, perplexity: 0, largestShare: Number.NaN, tail: undefined };
  return {
    ess: essOf(summary),
    perplexity: perplexity(own),
    largestShare: 1 / summary.sum,
    tail: smoothTail(weight, relativeEss),
  };
}
