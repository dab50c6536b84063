import { normalizedWeight } from '../particles/log-weight.ts';
import type { FieldSpecs } from '../particles/particles.ts';
import type { SchemeName } from '../particles/resampling/scheme.ts';
import { known, type PooledSample, pooledMoments } from '../particles/smc/pooled-moments.ts';
import type { Smc } from '../particles/smc/types.ts';
import type { Estimate, Warning } from '../types.ts';
import { combinedLogNormalizer } from './combined-normalizer.ts';
import { type Families, standardErrorOfMean, varianceOfLogNormalizer } from './genealogy-variance.ts';

/*
 * What R runs of particles tell: over runs by their spread, of a single run by the families of its particles.
 */

/** log of a normalizing constant. */
export interface NormalizerEstimate {
  readonly value: number;
  /** NaN where there is none. */
  readonly standardError: number;
  readonly method: 'replicates' | 'lee-whiteley' | 'heuristic' | 'none';
  readonly warnings: readonly Warning[];
}

/** @param scheme by which ancestors were drawn; undefined where the genealogy tells no variance. */
export function normalizerEstimate<F extends FieldSpecs>(
  smc: Smc<F>,
  scheme: SchemeName | undefined,
): NormalizerEstimate {
  const { value, standardError } = combinedLogNormalizer(
    Float64Array.from(smc.runs, (run) => run.logNormalizer),
  );
  const unknown = Number.isNaN(standardError);
  if (smc.runs.length > 1)
    return { value, standardError, method: unknown ? 'none' : 'replicates', warnings: [] };
  if (value === -Infinity) return { value, standardError: Number.NaN, method: 'none', warnings: [] };
  const weight = normalizedWeight(smc.population(0).logWeight);
  const own = varianceOfLogNormalizer(weight, eves(smc), scheme);
  const error = known(own.standardError);
  return {
    value,
    standardError: error,
    method: Number.isNaN(error) ? 'none' : own.method,
    warnings: own.warnings,
  };
}

export interface MomentEstimate {
  readonly mean: Estimate;
  /** [d, d]; empty beyond 256 dimensions. */
  readonly covariance: Float64Array;
  readonly warnings: readonly Warning[];
}

/** Dimensions up to which covariances are worth their room. */
const MOST_DIMENSIONS = 256;

/**
 * Mean and covariance of a sample of all runs, as many points of each.
 * @param families of the points of a single run; undefined where they tell no error.
 */
export function momentEstimate(
  sample: PooledSample,
  runs: number,
  families: Families | undefined,
): MomentEstimate {
  const [n, d] = sample.shape;
  const ends = Array.from({ length: runs }, (_, r) => ((r + 1) * n) / runs);
  const { mean: value, covariance, standardError } = pooledMoments(sample, ends, d <= MOST_DIMENSIONS);
  const names = coordinates(d);
  if (runs > 1 || families === undefined)
    return { mean: { names, value, standardError }, covariance, warnings: [] };
  const own = standardErrorOfMean(normalizedWeight(sample.logWeight), sample.points, families);
  const mean = { names, value, standardError: own.standardError.map(known) };
  return { mean, covariance, warnings: own.warnings };
}

/** The same of d numbers before there is a sample: NaN. */
export function blankMoments(d: number): MomentEstimate {
  const none = (length: number): Float64Array => new Float64Array(length).fill(Number.NaN);
  const mean = { names: coordinates(d), value: none(d), standardError: none(d) };
  return { mean, covariance: none(d <= MOST_DIMENSIONS ? d * d : 0), warnings: [] };
}

/** The families of a single run, back to its first particles. */
export function eves<F extends FieldSpecs>(smc: Smc<F>): Families {
  return { family: smc.eve(0), resamplings: smc.runs[0]!.resamplings };
}

/** 'x1', 'x2', .. */
export function coordinates(d: number): string[] {
  return Array.from({ length: d }, (_, c) => `x${c + 1}`);
}
