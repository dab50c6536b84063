import { checkCount } from '../check.ts';
import { ShapeError } from '../errors.ts';
import type { Warning } from '../types.ts';
import { sum } from '../wasm/twins/sums.ts';
import { initialMonotoneSum } from './autocorrelation.ts';

/*
 * Variances from one run of a waste-free SMC sampler: M chains of P positions whose N = M P states are all kept.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | w | weight (any positive scale), the increments of one step | [P, M], chain m at position p has index p M + m |
 * | v | longRunVariance of w along p, pooled over m | |
 * | phi, m = sum W phi | values, value | [P M, k], [k] |
 *
 *   Var(log Z-hat) ~ sum over steps of v_t / (N mean(w_t)^2)
 *   Var(sum W phi) ~ v of w (phi - m) / (N mean(w)^2)
 *
 * At a step whose points are independent (step 0, or after moves that keep single points) M = N and P = 1: v is the
 * plain variance.
 *
 * Sources: Dau & Chopin (2022), J. R. Stat. Soc. B 84(1); Geyer (1992), section 3.3, for the sequence.
 */

/** Long-run variance of chains along their positions. */
export interface LongRunVariance {
  /** v: the variance of the mean of all is v / (M P). 0 for a constant. */
  readonly variance: number;
  /** Lags summed. */
  readonly lags: number;
}

/** Variance of an average over chains, and how far it looked. */
export interface ChainVariance {
  /** Not NaN for live chains; below 0 only by estimation error of chains that alternate. */
  readonly variance: number;
  readonly lags: number;
}

/** Means over chains with their standard errors. */
export interface ChainMeans {
  /** sum W phi, [k] */
  readonly value: Float64Array;
  /** [k] */
  readonly standardError: Float64Array;
  /** Largest number of lags summed. */
  readonly lags: number;
}

/**
 * Long-run variance by the initial monotone sequence: autocovariances pooled over chains (divisor P M, centred at the
 * mean of all); pairs c_2k + c_2k+1 summed while positive, each held at or below the one before.
 * @param values [P, M], position major.
 * @param chains M. With P = 1 the variance (divisor M).
 * @throws ShapeError unless `values` is whole rows.
 */
export function longRunVariance(values: Float64Array, chains: number): LongRunVariance {
  const positions = positionsOf('longRunVariance', values.length, chains);
  const n = values.length;
  const mean = sum(values) / n;
  const centred = values.map((x) => x - mean);
  const products = new Float64Array(n);
  // Position major, so all pairs of one lag, of all chains, are one shifted product.
  const autocovariance = (lag: number): number => {
    const shift = lag * chains;
    for (let i = shift; i < n; i++) products[i - shift] = centred[i]! * centred[i - shift]!;
    return sum(products, n - shift) / n;
  };
  const variance = autocovariance(0);
  if (positions === 1) return { variance, lags: 0 };
  const { total, lags } = initialMonotoneSum(autocovariance, positions);
  return { variance: lags === 0 ? variance : 2 * total - variance, lags };
}

/**
 * What one step adds to the variance of log Z-hat: v / (N mean(w)^2). Sum it over the steps. NaN when all are dead.
 * @param weight [P, M] increments of the step, not negative, any scale.
 * @param chains M; N for independent points.
 */
export function logNormalizerStepVariance(weight: Float64Array, chains: number): ChainVariance {
  const n = weight.length;
  const mean = sum(weight) / n;
  const { variance, lags } = longRunVariance(weight, chains);
  return { variance: variance / (n * mean * mean), lags };
}

/**
 * Weighted means of the points of one step and their standard errors along the chains.
 * @param weight [P, M] weights of the points (increments of the step), any scale.
 * @param values [P M, k] row-major; rows of weight 0 are not read.
 * @throws ShapeError when the arrays do not fit together.
 */
export function chainMeans(weight: Float64Array, values: Float64Array, chains: number): ChainMeans {
  const n = weight.length;
  positionsOf('chainMeans', n, chains);
  const k = positionsOf('chainMeans', values.length, n);
  const total = sum(weight);
  const value = new Float64Array(k);
  const standardError = new Float64Array(k);
  let lags = 0;
  for (let c = 0; c < k; c++) {
    const over = (about: number): Float64Array =>
      weight.map((w, i) => (w > 0 ? w * (values[i * k + c]! - about) : 0));
    value[c] = sum(over(0)) / total;
    const spread = longRunVariance(over(value[c]!), chains);
    standardError[c] = (Math.sqrt(spread.variance) * Math.sqrt(n)) / total;
    lags = Math.max(lags, spread.lags);
  }
  return { value, standardError, lags };
}

/**
 * The warning `chains-too-short`, if one is due: a step summed more than P / 4 lags, or its chains moved fewer than 10
 * times each. The variances above are then too small, by threefold when chains of 10 mix in 100.
 * @param positions P
 * @param lags the most lags summed at any step.
 * @param acceptance the least mean acceptance rate of any step, 0..1.
 */
export function chainsTooShort(positions: number, lags: number, acceptance: number): Warning | undefined {
  checkCount('chainsTooShort', 'positions', positions, { min: 1 });
  const moves = acceptance * positions;
  if (lags <= positions / 4 && moves >= LEAST_MOVES) return undefined;
  const why =
    moves < LEAST_MOVES
      ? `moved ${Number(moves.toPrecision(2))} times each; expected at least ${LEAST_MOVES}`
      : `remember ${lags} steps; expected at most ${Math.floor(positions / 4)}`;
  return {
    code: 'chains-too-short',
    message: `Chains of ${positions} ${why}, so standard errors of this run are too small. Use fewer, longer chains.`,
    value: moves < LEAST_MOVES ? moves : lags,
    threshold: moves < LEAST_MOVES ? LEAST_MOVES : positions / 4,
  };
}

const LEAST_MOVES = 10;

function positionsOf(where: string, length: number, row: number): number {
  const count = length / row;
  if (Number.isInteger(count) && count >= 1) return count;
  throw new ShapeError({
    where,
    found: `${length} values`,
    expected: `whole rows of ${row}`,
  });
}
