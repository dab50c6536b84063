import { checkSameLength } from '../particles/log-weight.ts';
import type { SchemeName } from '../particles/resampling/scheme.ts';
import type { Warning } from '../types.ts';
import { exp, log } from '../wasm/twins/elementary.ts';
import { sum } from '../wasm/twins/sums.ts';

/*
 * Variances from one run of a particle filter or SMC sampler, read off its genealogy.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | w, W = w / sum w | weight (any positive scale) | [N] |
 * | E_i | family: label of the ancestor that particle i descends from | [N] |
 * | r | resamplings between that ancestor and now | |
 * | S_k = sum of W_i over E_i = k | shares | |
 * | phi, m = sum W phi | values, value | [N, k], [k] |
 *
 *   relative variance of Z-hat   V(1) = 1 - (N/(N-1))^(r+1) (1 - sum_k S_k^2)
 *   variance of sum W phi        (N/(N-1))^(r+1) sum_k (sum over E_i = k of W_i (phi_i - m))^2
 *
 * Sources: Lee & Whiteley (2018), Biometrika 105(3), theorem 1; Chan & Lai (2013), Annals of
 * Statistics 41(6), for the centred form without the factor; Olsson & Douc (2019), Bernoulli 25(2), for the lag.
 * Departures: the lag version carries the factor of the resamplings inside its window.
 */

/** Which particles share an ancestor, at step 0 (eves) or some steps back. */
export interface Families {
  /** [N] one label for each ancestor. Any numbers; memory is taken for the range they span. */
  readonly family: Uint32Array;
  /** r, resamplings between that ancestor and now. */
  readonly resamplings: number;
}

/** Fewer living families than this tell little about a variance. */
export const FEWEST_FAMILIES = 20;
/** Lags tried, longest first, and the distinct ancestors a lag should leave. */
export const LAGS: readonly number[] = [20, 10, 5];
export const LAG_FAMILIES = 50;

/** Variance of one log normalizing constant from the run that gave it. */
export interface LogNormalizerVariance {
  /** Of log Z-hat, i.e. the relative variance of Z-hat. NaN where there is none; may be negative, see `negative`. */
  readonly variance: number;
  /** Its square root; NaN when negative or absent. */
  readonly standardError: number;
  /** 'lee-whiteley' is consistent; 'heuristic' (the uncorrected sum) only happens to fit; 'none': variance is NaN. */
  readonly method: 'lee-whiteley' | 'heuristic' | 'none';
  /** Ancestors at step 0 with living descendants. */
  readonly families: number;
  /** Whether the estimate came out below 0, as an unbiased estimate of something small may. */
  readonly negative: boolean;
  readonly warnings: readonly Warning[];
}

/** Standard errors of k weighted means from the run that gave them. */
export interface MeanError {
  /** sum W phi, [k]; NaN when all particles are dead. */
  readonly value: Float64Array;
  /** [k]; NaN where there is none, never 0 because of one surviving family. */
  readonly standardError: Float64Array;
  /** 'genealogy': since step 0; 'lag': ancestors `lag` steps back; 'none': NaN. */
  readonly method: 'genealogy' | 'lag' | 'none';
  /** Steps looked back; NaN unless the method is 'lag'. */
  readonly lag: number;
  /** Families that the estimate rests on. */
  readonly families: number;
  /** The estimates at every lag that was remembered, longest first. */
  readonly lags: readonly LagError[];
  readonly warnings: readonly Warning[];
}

export interface LagError {
  readonly lag: number;
  readonly standardError: Float64Array;
  readonly families: number;
}

/**
 * Variance of log Z-hat by the rule of the library: V(1) under multinomial resampling, and under any other while
 * nothing has been resampled yet; else the uncorrected sum of S_k^2, labelled 'heuristic' (V(1) is far too small
 * there; replicate runs are the sure way). No estimate for N = 1, for a single surviving family, for dead particles,
 * or without a scheme (points that are not independent).
 *
 * @param weight [N] not negative, any scale.
 * @param eves families since step 0.
 * @param scheme how ancestors were drawn; undefined: not independently.
 */
export function varianceOfLogNormalizer(
  weight: Float64Array,
  eves: Families,
  scheme: SchemeName | undefined,
): LogNormalizerVariance {
  const { squares, families } = familyShares(weight, eves.family);
  if (scheme === undefined || families < 2) return noVariance(families);
  const exact = scheme === 'multinomial' || eves.resamplings === 0;
  const variance = exact ? 1 - correction(weight.length, eves.resamplings) * (1 - squares) : squares;
  return {
    variance,
    standardError: variance >= 0 ? Math.sqrt(variance) : Number.NaN,
    method: exact ? 'lee-whiteley' : 'heuristic',
    families,
    negative: variance < 0,
    warnings: [
      ...(variance < 0 ? [negativeVariance(variance)] : []),
      ...(families < FEWEST_FAMILIES ? [fewFamilies(families, 'Use more particles, or replicates.')] : []),
    ],
  };
}

/** Unbiased for something small, V(1) falls below 0 now and then; clamped it would claim to know the answer exactly. */
function negativeVariance(variance: number): Warning {
  return {
    code: 'negative-variance',
    message: `The variance of log Z, estimated from one run without bias, came out below 0 (${variance.toPrecision(2)}), so no standard error is given. Use replicates, or more particles.`,
    value: variance,
    threshold: 0,
  };
}

/**
 * V(1) as it stands, without any guard: Z-hat^2 V(1) is unbiased for Var(Z-hat) under multinomial resampling. NaN for
 * N = 1 or dead particles. Source: Lee & Whiteley (2018), theorem 1.
 */
export function relativeVariance(weight: Float64Array, { family, resamplings }: Families): number {
  return 1 - correction(weight.length, resamplings) * (1 - familyShares(weight, family).squares);
}

/**
 * Standard errors of weighted means: from the genealogy since step 0 while at least 20 families of it live, else from
 * the ancestors `lag` steps back, lag being the longest of 20, 10 and 5 with 50 distinct ones (5 when none has), with
 * the warning `variance-from-few-families`. The centred form is fit for every unbiased scheme.
 *
 * @param weight [N] not negative, any scale.
 * @param values [N, k] row-major; rows of weight 0 are not read.
 * @param eves families since step 0.
 * @param lagged families so many steps back, `eves` when there were fewer steps; undefined when forgotten. Left out where no
 *   method could remember them.
 */
export function standardErrorOfMean(
  weight: Float64Array,
  values: Float64Array,
  eves: Families,
  lagged?: (lag: number) => Families | undefined,
): MeanError {
  const value = meansOf(weight, values);
  const full = errorOver(weight, values, value, eves);
  const lags = LAGS.flatMap((lag) => {
    const families = lagged?.(lag);
    return families === undefined ? [] : [{ lag, ...errorOver(weight, values, value, families) }];
  });
  if (full.families >= FEWEST_FAMILIES)
    return { value, ...full, method: 'genealogy', lag: Number.NaN, lags, warnings: [] };
  const best = lags.find((at) => at.families >= LAG_FAMILIES) ?? lags.at(-1);
  const advice = lagged === undefined ? 'Use more particles, or runs side by side.' : lagAdvice(best);
  const warnings = [fewFamilies(full.families, advice)];
  if (best === undefined || best.families < full.families)
    return {
      value,
      ...full,
      method: full.families < 2 ? 'none' : 'genealogy',
      lag: Number.NaN,
      lags,
      warnings,
    };
  return { value, ...best, method: best.families < 2 ? 'none' : 'lag', lags, warnings };
}

function lagAdvice(best: LagError | undefined): string {
  if (best === undefined) return 'Keep a window of 20 steps, or use more particles.';
  return `The standard error looks ${best.lag} steps back instead (${best.families} families).`;
}

function fewFamilies(families: number, advice: string): Warning {
  return {
    code: 'variance-from-few-families',
    message: `All particles descend from ${families} of the first ones, too few for a variance. ${advice}`,
    value: families,
    threshold: FEWEST_FAMILIES,
  };
}

function noVariance(families: number): LogNormalizerVariance {
  const { NaN: none } = Number;
  return { variance: none, standardError: none, method: 'none', families, negative: false, warnings: [] };
}

/** (N/(N-1))^(r+1); Infinity for N = 1. */
function correction(n: number, resamplings: number): number {
  return n === 1 ? Infinity : exp((resamplings + 1) * log(n / (n - 1)));
}

/** Sum over families of the squared share, and the number of families with any weight. */
function familyShares(weight: Float64Array, family: Uint32Array): { squares: number; families: number } {
  checkSameLength('varianceOfLogNormalizer', 'family', family.length, weight.length);
  const shares = familySums(family, weight);
  const total = sum(weight);
  let families = 0;
  for (let k = 0; k < shares.length; k++) {
    if (shares[k]! > 0) families++;
    const share = shares[k]! / total;
    shares[k] = share * share;
  }
  return { squares: sum(shares), families };
}

/** Least label and range of labels. */
function labelRange(family: Uint32Array): readonly [least: number, count: number] {
  let least = 4294967295;
  let most = 0;
  for (let i = 0; i < family.length; i++) {
    least = Math.min(least, family[i]!);
    most = Math.max(most, family[i]!);
  }
  return [least, family.length === 0 ? 0 : most - least + 1];
}

/** Sums of a term over each family, [range of labels]. */
function familySums(family: Uint32Array, term: Float64Array): Float64Array {
  const [least, count] = labelRange(family);
  const sums = new Float64Array(count);
  for (let i = 0; i < family.length; i++) {
    const at = family[i]! - least;
    sums[at] = sums[at]! + term[i]!;
  }
  return sums;
}

function errorOver(
  weight: Float64Array,
  values: Float64Array,
  mean: Float64Array,
  { family, resamplings }: Families,
): { standardError: Float64Array; families: number } {
  const n = weight.length;
  const k = mean.length;
  const total = sum(weight);
  const factor = correction(n, resamplings);
  const { families } = familyShares(weight, family);
  const [least, count] = labelRange(family);
  const sums = new Float64Array(count);
  const standardError = new Float64Array(k).fill(Number.NaN);
  for (let c = 0; c < k && families >= 2; c++) {
    sums.fill(0);
    for (let i = 0; i < n; i++) {
      const at = family[i]! - least;
      if (weight[i]! > 0) sums[at] = sums[at]! + weight[i]! * (values[i * k + c]! - mean[c]!);
    }
    for (let at = 0; at < count; at++) sums[at] = (sums[at]! / total) ** 2;
    standardError[c] = Math.sqrt(factor * sum(sums));
  }
  return { standardError, families };
}

/** sum W phi, [k]. */
function meansOf(weight: Float64Array, values: Float64Array): Float64Array {
  const n = weight.length;
  const k = values.length / n;
  checkSameLength('standardErrorOfMean', 'values', values.length, n * Math.floor(k));
  const total = sum(weight);
  const terms = new Float64Array(n);
  const means = new Float64Array(k);
  for (let c = 0; c < k; c++) {
    for (let i = 0; i < n; i++) terms[i] = weight[i]! > 0 ? weight[i]! * values[i * k + c]! : 0;
    means[c] = sum(terms) / total;
  }
  return means;
}
