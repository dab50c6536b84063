import type { ExpectationsResult } from '../../estimators/index.ts';
import { count, fixed } from './number.ts';

/** How many plain Monte Carlo points one point of the run was worth, for one expectation. */
export interface Gain {
  readonly name: string;
  /** Adapting points counted as lost. */
  readonly gain: number;
}

/**
 * Gains of weights and controls, largest first: plain variance over that of a summand, times the share of the points
 * that stand behind the answer. What scrambled points add is not in it. Empty before the final points.
 */
export function gainsOf(result: ExpectationsResult): readonly Gain[] {
  if (!result.unbiased) return [];
  const final = result.sample.shape[0]!;
  const share = final / (final + adaptingPoints(result));
  return result.diagnosticsOf
    .filter(({ status, varianceRatio }) => status === 'estimated' && varianceRatio > 0)
    .map(({ name, varianceRatio }) => ({ name, gain: share / varianceRatio }))
    .sort((a, b) => b.gain - a.gain);
}

/** Points that adapted the proposal and are left aside. */
export function adaptingPoints({ stages }: ExpectationsResult): number {
  return stages.reduce((sum, { points }) => sum + points, 0);
}

/** A factor in two digits: '0.52', '1.3', '24', '4500', '73 000', '1.2e6'. */
export function factor(value: number): string {
  if (value >= 1e5) return value.toExponential(1).replace('e+', 'e');
  const decimals = Math.max(0, 1 - Math.floor(Math.log10(value)));
  return value >= 100 ? count(Number(value.toPrecision(2))) : fixed(value, Math.min(4, decimals));
}
