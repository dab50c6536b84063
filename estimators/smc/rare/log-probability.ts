import { combinedLogNormalizer } from '../../../engine/diagnostics/combined-normalizer.ts';
import { FEWEST_FAMILIES, varianceOfLogNormalizer } from '../../../engine/diagnostics/genealogy-variance.ts';
import { normalInterval, studentInterval } from '../../../engine/diagnostics/standard-error.ts';
import type { FieldSpecs } from '../../../engine/particles/particles.ts';
import type { SchemeName } from '../../../engine/particles/resampling/scheme.ts';
import type { Smc } from '../../../engine/particles/smc/types.ts';
import type { Warning } from '../../../engine/types.ts';
import { idealError } from './levels.ts';
import type { RareEventResult } from './types.ts';

type LogProbability = RareEventResult['logProbability'];

/** How far one run came. */
export interface RunEnd {
  /** Shares that passed its levels. */
  readonly shares: readonly number[];
  /** Whether it got to its end; there is no probability of the event before. */
  readonly ended: boolean;
}

/** Where nothing tells an error. */
export const WITHOUT_ERROR: { readonly standardError: number; readonly method: 'none' } = {
  standardError: Number.NaN,
  method: 'none',
};

/**
 * log p of R runs with its error: by their spread, or from the genealogy of a single one while 20 families live. NaN
 * while a run is under way.
 * @param scheme by which ancestors were drawn; undefined where the genealogy tells no variance.
 */
export function logProbabilityOf<F extends FieldSpecs>(
  smc: Smc<F>,
  ends: readonly RunEnd[],
  scheme: SchemeName | undefined,
): Omit<LogProbability, 'unbiased'> {
  const { NaN: none } = Number;
  const runs = Float64Array.from(smc.runs, (run, r) => (ends[r]!.ended ? run.logNormalizer : none));
  if (runs.some(Number.isNaN)) return { value: none, ...WITHOUT_ERROR, idealStandardError: none, runs };
  const { value, standardError } = combinedLogNormalizer(runs);
  if (value === -Infinity) return { value, ...WITHOUT_ERROR, idealStandardError: none, runs };
  const squares = ends.reduce((sum, { shares }) => sum + idealError(shares, smc.count) ** 2, 0);
  const told = { value, idealStandardError: Math.sqrt(squares) / runs.length, runs };
  if (runs.length > 1)
    return Number.isNaN(standardError)
      ? { ...told, ...WITHOUT_ERROR }
      : { ...told, standardError, method: 'replicates' };
  const eves = { family: smc.eve(0), resamplings: smc.runs[0]!.resamplings };
  const found = varianceOfLogNormalizer(smc.weight(0), eves, scheme);
  return found.families >= FEWEST_FAMILIES && found.standardError > 0
    ? { ...told, standardError: found.standardError, method: found.method }
    : { ...told, ...WITHOUT_ERROR };
}

/** A single run whose genealogy tells no error. */
export function oneRun({ value, method, runs }: Omit<LogProbability, 'unbiased'>): Warning[] {
  if (runs.length > 1 || method !== 'none' || !(value < 0 && value > -Infinity)) return [];
  const message =
    'This one run tells no standard error of log p. Use runs: 8 or more, with fewer particles each.';
  return [{ code: 'one-replicate', message, value: 1, threshold: 2 }];
}

/** exp of log p and of its interval: Student's over runs, else normal; NaN ends without a standard error. */
export function probabilityOf(
  { value, standardError, method, runs }: Omit<LogProbability, 'unbiased'>,
  level: number,
): RareEventResult['probability'] {
  const { low, high } =
    method === 'replicates'
      ? studentInterval({ value, standardError, degrees: runs.length - 1 }, level)
      : normalInterval(value, standardError, level);
  return { value: Math.exp(value), low: Math.exp(low), high: Math.min(1, Math.exp(high)), level };
}
