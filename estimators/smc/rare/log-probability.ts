import { combinedLogNormalizer } from '../../../engine/diagnostics/combined-normalizer.ts';
import { FEWEST_FAMILIES, varianceOfLogNormalizer } from '../../../engine/diagnostics/genealogy-variance.ts';
import { studentInterval } from '../../../engine/diagnostics/standard-error.ts';
import type { FieldSpecs } from '../../../engine/particles/particles.ts';
import type { SchemeName } from '../../../engine/particles/resampling/scheme.ts';
import type { Smc } from '../../../engine/particles/smc/types.ts';
import { idealError } from './levels.ts';
import type { RareEventResult } from './types.ts';

type LogProbability = RareEventResult['logProbability'];

/**
 * log p of R runs with its error: by their spread, or from the genealogy of a single one while 20 families live.
 * @param survivors of each run the shares that passed its levels.
 * @param scheme by which ancestors were drawn; undefined where the genealogy tells no variance.
 */
export function logProbabilityOf<F extends FieldSpecs>(
  smc: Smc<F>,
  survivors: readonly (readonly number[])[],
  scheme: SchemeName | undefined,
): Omit<LogProbability, 'unbiased'> {
  const logs = Float64Array.from(smc.runs, (run) => run.logNormalizer);
  const ideals = survivors.map((shares) => idealError(shares, smc.count));
  const idealStandardError = Math.sqrt(ideals.reduce((sum, ideal) => sum + ideal * ideal, 0)) / logs.length;
  if (logs.length > 1) {
    const combined = combinedLogNormalizer(logs);
    const told = Number.isNaN(combined.standardError) ? 'none' : 'replicates';
    return { ...combined, method: told, idealStandardError, runs: logs };
  }
  const eves = { family: smc.eve(0), resamplings: smc.runs[0]!.resamplings };
  const found = varianceOfLogNormalizer(smc.weight(0), eves, scheme);
  const known = found.families >= FEWEST_FAMILIES && found.standardError > 0;
  return {
    value: logs[0]!,
    standardError: known ? found.standardError : Number.NaN,
    method: known ? found.method : 'none',
    idealStandardError,
    runs: logs,
  };
}

/** exp of log p and of its interval: Student's over runs, else normal; NaN ends without a standard error. */
export function probabilityOf(
  { value, standardError, method }: Omit<LogProbability, 'unbiased'>,
  runs: number,
  level: number,
): RareEventResult['probability'] {
  const degrees = method === 'replicates' ? runs - 1 : Number.MAX_SAFE_INTEGER;
  const { low, high } = studentInterval({ value, standardError, degrees }, level);
  return { value: Math.exp(value), low: Math.exp(low), high: Math.exp(high), level };
}
