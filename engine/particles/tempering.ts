import { checkOneOf } from '../check.ts';
import { bracketedRoot } from '../math/root.ts';
import { exp } from '../wasm/twins/elementary.ts';
import { sum } from '../wasm/twins/sums.ts';
import { checkSameLength } from './log-weight.ts';

/*
 * How far to temper: particles with weights W and log-likelihoods l get increments w = L^delta, log w = delta l.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | log W | logWeight (unnormalised) | [N] |
 * | l | logLikelihood | [N] |
 * | 1 - lambda | remaining | |
 * | alpha | essFraction | |
 * | C(delta) | effective size | |
 *
 *   CESS: C = N (sum W w)^2 / sum W w^2        ESS: C = (sum W w)^2 / sum (W w)^2
 *
 * Both are the same for equal W. Sources: Del Moral, Doucet & Jasra (2012), Statistics and Computing 22, for the
 * bisection; Zhou, Johansen & Aston (2016), JCGS 25, for CESS.
 */

export interface TemperingOptions {
  /** [N] natural log, unnormalised: the weights carried so far. */
  readonly logWeight: Float64Array;
  /** [N]; -Infinity where the likelihood is 0. */
  readonly logLikelihood: Float64Array;
  /** Largest step, 1 - lambda > 0. */
  readonly remaining: number;
  /** alpha in (0, 1): the effective size to keep, over N. */
  readonly essFraction: number;
  /** Default 'cess'. */
  readonly criterion?: 'cess' | 'ess';
}

/**
 * A step to take. 'step': C(delta) reaches alpha N; 'last': delta is all that remained; 'selection': so many
 * likelihoods are 0 that no delta keeps alpha N, and the particles of positive likelihood are to be selected first,
 * delta = 0; 'none': the weights themselves count for less than alpha N, only with 'ess'.
 */
export interface TemperingStep {
  readonly kind: 'step' | 'last' | 'selection' | 'none';
  readonly delta: number;
  /** C(delta), in particles; of a selection C(0+). */
  readonly size: number;
}

/**
 * The largest delta in (0, remaining] with C(delta) >= alpha N, to the last bits from below. Nothing is modified; 0 times
 * -Infinity is never formed.
 * @throws ShapeError when the lengths differ.
 */
export function temperingStep(options: TemperingOptions): TemperingStep {
  const { logWeight, logLikelihood, remaining, essFraction, criterion = 'cess' } = options;
  const n = logWeight.length;
  checkSameLength('temperingStep', 'logLikelihood', logLikelihood.length, n);
  checkOneOf('temperingStep', 'criterion', criterion, ['cess', 'ess']);
  const size = effectiveSize(logWeight, logLikelihood, criterion);
  const wanted = essFraction * n;
  const all = size(remaining);
  if (all >= wanted) return { kind: 'last', delta: remaining, size: all };
  if (criterion === 'ess' && size(0) < wanted) return { kind: 'none', delta: 0, size: size(0) };
  const limit = size(Number.MIN_VALUE);
  if (limit < wanted) return { kind: 'selection', delta: 0, size: limit };
  const delta = farthest((x) => size(x) - wanted, remaining);
  return { kind: 'step', delta, size: size(delta) };
}

/** Steps below e^-37 of the largest are none. */
const SMALLEST = -37;

/**
 * The largest x in [0, most] with f(x) >= 0 for a falling f with f(0) >= 0 > f(most), to the last bits from below. The
 * root is bracketed in log x, where it takes a dozen points instead of forty halvings, and small ones are as exact.
 */
function farthest(f: (x: number) => number, most: number): number {
  const root = bracketedRoot((y) => f(most * exp(y)), SMALLEST, 0);
  if (Number.isNaN(root)) return 0;
  let x = most * exp(root);
  while (f(x) < 0) x *= 1 - 2 ** -48;
  return x;
}

/** C as a function of delta. */
function effectiveSize(
  logWeight: Float64Array,
  logLikelihood: Float64Array,
  criterion: 'cess' | 'ess',
): (delta: number) => number {
  const n = logWeight.length;
  const weight = carried(logWeight);
  let most = -Infinity;
  for (let i = 0; i < n; i++) if (weight[i]! > 0) most = Math.max(most, logLikelihood[i]!);
  // A dead particle may lie above all others, so its increment could overflow.
  const below = logLikelihood.map((l, i) => (weight[i]! > 0 && l > -Infinity ? l - most : -Infinity));
  const first = new Float64Array(n);
  const second = new Float64Array(n);
  const total = sum(weight);
  return (delta) => {
    for (let i = 0; i < n; i++) {
      const increment = delta === 0 ? 1 : exp(delta * below[i]!);
      const product = weight[i]! * increment;
      first[i] = product;
      second[i] = product * (criterion === 'cess' ? increment : product);
    }
    const mean = sum(first);
    if (!(mean > 0)) return 0;
    const square = (mean * mean) / sum(second);
    return criterion === 'cess' ? (n * square) / total : square;
  };
}

/** exp(log W - max). */
function carried(logWeight: Float64Array): Float64Array {
  let most = -Infinity;
  for (const l of logWeight) most = Math.max(most, l);
  return logWeight.map((l) => (l === -Infinity ? 0 : exp(l - most)));
}
