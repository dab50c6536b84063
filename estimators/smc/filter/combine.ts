import { combinedLogNormalizer } from '../../../engine/diagnostics/combined-normalizer.ts';
import { normalizedWeight } from '../../../engine/particles/log-weight.ts';
import { exp, log } from '../../../engine/wasm/twins/elementary.ts';
import type { FilterStep } from './filter-types.ts';
import { cells, type RowLayout } from './row.ts';

/*
 * R runs as one: run r counts for its share p_r = Z_r / sum of Z. Means are sum p_r m_r, with the jackknife over runs for
 * error: without run r the mean is off by p_r (m_r - m) / (1 - p_r).
 */

/** One step of R runs, from its row and that of the step before. */
export function combinedStep(
  layout: RowLayout,
  names: readonly string[],
  step: number,
  row: Float64Array,
  before: Float64Array | undefined,
): FilterStep {
  const column = (name: Parameters<typeof cells>[2]): Float64Array => cells(layout, row, name);
  const logs = column('logNormalizer');
  const share = normalizedWeight(logs);
  const earlier = before === undefined ? logs.map(() => 0) : cells(layout, before, 'logNormalizer');
  const mean = weighted(share, column('mean'));
  const expectation = weighted(share, column('expectation'));
  return {
    step,
    logNormalizer: combinedLogNormalizer(logs).value,
    increment: mixedIncrement(normalizedWeight(earlier), column('increment')),
    ess: pooledEss(share, column('ess')),
    resampled: column('resampled').reduce((sum, flag) => sum + flag, 0),
    families: column('families').reduce((sum, count) => sum + count, 0),
    mean,
    meanError: errors(share, column('mean'), mean, column('meanError')),
    covariance: pooledCovariance(share, column('covariance'), column('mean'), mean),
    expectations: {
      names,
      value: expectation,
      standardError: errors(share, column('expectation'), expectation, column('expectationError')),
    },
  };
}

/** log sum p_r exp(increment_r) over the shares before the step. */
function mixedIncrement(share: Float64Array, increment: Float64Array): number {
  let most = -Infinity;
  for (let r = 0; r < share.length; r++) if (share[r]! > 0) most = Math.max(most, increment[r]!);
  if (most === -Infinity) return -Infinity;
  let total = 0;
  for (let r = 0; r < share.length; r++) if (share[r]! > 0) total += share[r]! * exp(increment[r]! - most);
  return most + log(total);
}

/** sum p_r m_r over rows [R, k]; NaN when no run is alive. A run without share may hold NaN. */
function weighted(share: Float64Array, values: Float64Array): Float64Array {
  const k = values.length / share.length;
  const out = new Float64Array(k).fill(share.some((p) => p > 0) ? 0 : Number.NaN);
  for (let r = 0; r < share.length; r++)
    if (share[r]! > 0) for (let c = 0; c < k; c++) out[c] = out[c]! + share[r]! * values[r * k + c]!;
  return out;
}

/** The jackknife over two runs or more; the error of the one run there is, else. */
function errors(
  share: Float64Array,
  values: Float64Array,
  mean: Float64Array,
  own: Float64Array,
): Float64Array {
  const runs = share.length;
  if (runs === 1) return own.length === mean.length ? own.slice() : mean.map(() => Number.NaN);
  return mean.map((m, c) => {
    let squares = 0;
    for (let r = 0; r < runs; r++)
      if (share[r]! > 0) squares += ((share[r]! * (values[r * mean.length + c]! - m)) / (1 - share[r]!)) ** 2;
    const error = Math.sqrt((squares * (runs - 1)) / runs);
    return error > 0 && error < Infinity ? error : Number.NaN;
  });
}

/** Covariance within runs and between them, [d, d]. */
function pooledCovariance(
  share: Float64Array,
  within: Float64Array,
  means: Float64Array,
  mean: Float64Array,
): Float64Array {
  const d = mean.length;
  const out = weighted(share, within);
  if (out.length === 0) return out;
  for (let r = 0; r < share.length; r++) {
    if (share[r] === 0) continue;
    for (let c = 0; c < d; c++)
      for (let e = 0; e < d; e++)
        out[c * d + e] =
          out[c * d + e]! + share[r]! * (means[r * d + c]! - mean[c]!) * (means[r * d + e]! - mean[e]!);
  }
  return out;
}

/** Effective size of all runs together, (sum p)^2 / sum of p_r^2 / ess_r. */
function pooledEss(share: Float64Array, ess: Float64Array): number {
  let squares = 0;
  for (let r = 0; r < share.length; r++) if (share[r]! > 0) squares += share[r]! ** 2 / ess[r]!;
  return squares === 0 ? 0 : 1 / squares;
}
