import { OptionError } from '../../../engine/errors.ts';
import { cholesky, product, solveCholesky, transpose } from '../../../engine/math/linear-algebra.ts';
import type { Lookahead, Proposal } from '../state-space.ts';
import { type AffineLaw, affineLaw, drawRows, logDensityRows, shifted } from './affine-law.ts';
import { affineObservation, observationDensity } from './affine-observation.ts';
import type { LinearGaussian, LinearGaussianMatrices } from './linear-gaussian.ts';

/*
 * The laws that a filter of a linear Gaussian model would draw from and look ahead by if it could choose freely:
 *
 *   q_t(x_t | x_{t-1}, y_t) = p(x_t | x_{t-1}, y_t) = N((I - K H)(A x_{t-1} + b) + K (y_t - c), (I - K H) Q)
 *   eta_t(x_t) = p(y_{t+1} | x_t) = N(y_{t+1}; H (A x_t + b) + c, S),   S = H Q H' + R,   K = Q H' S^-1
 *
 * With both, and resampling at every step, all weights are equal. Source: Doucet, Godsill & Andrieu (2000), section II.
 */

/** A law after an observation: its mean is affine in the parent and in y. */
interface Posterior {
  readonly law: AffineLaw;
  /** K [d, k] */
  readonly gain: Float64Array;
  /** (I - K H) shift - K c [d], the shift less K y. */
  readonly shift: Float64Array;
}

/**
 * The optimal proposal of a linear Gaussian model.
 * @throws OptionError when Q or P0 is singular, for then it has no density.
 */
export function optimalProposal(model: LinearGaussian): Proposal {
  const { linear } = model;
  const { dimension: d } = linear;
  const none = new Float64Array(0);
  const start = posterior(linear, 'initialCovariance', linear.initialMean, none);
  const move = posterior(linear, 'transitionCovariance', linear.transitionShift, linear.transition);
  return {
    noise: d,
    initial: (y, z, x) => drawRows(given(start, y), x, z, x),
    logInitial: (y, x, out) => logDensityRows(given(start, y).density!, 0, x, d, x, out),
    transition: (_, y, parent, z, x) => drawRows(given(move, y), parent, z, x),
    logTransition: (_, y, parent, x, out) => logDensityRows(given(move, y).density!, d, parent, d, x, out),
  };
}

/** The exact lookahead of a linear Gaussian model, log p(y_{t+1} | x_t). */
export function optimalLookahead(model: LinearGaussian): Lookahead {
  const { linear } = model;
  const { dimension: d, observed: k, observation: h } = linear;
  const matrix = product(h, linear.transition, k, d, d);
  const moved = product(h, linear.transitionShift, k, d, 1);
  const shift = linear.observationShift.map((c, i) => c + moved[i]!);
  const law = affineObservation(matrix, shift, predictive(linear, linear.transitionCovariance))!;
  return (_, next, x, out) => observationDensity(law, next, x, out);
}

/** H C H' + R [k, k], the covariance of y when that of x is C; positive definite because R is. */
function predictive(linear: LinearGaussianMatrices, covariance: Float64Array): Float64Array {
  const { dimension: d, observed: k, observation: h, observationCovariance: r } = linear;
  const hch = product(product(h, covariance, k, d, d), transpose(h, k, d), k, d, k);
  return hch.map((value, at) => value + r[at]!);
}

function posterior(
  linear: LinearGaussianMatrices,
  option: 'initialCovariance' | 'transitionCovariance',
  shift: Float64Array,
  matrix: Float64Array,
): Posterior {
  const { dimension: d, observed: k, observation: h } = linear;
  const covariance = linear[option];
  const gain = gainOf(linear, covariance);
  // I - K H
  const kept = product(gain, h, d, k, d).map((value, at) => (at % (d + 1) === 0 ? 1 : 0) - value);
  const own = product(kept, shift, d, d, 1);
  const taken = product(gain, linear.observationShift, d, k, 1);
  const law = affineLaw({
    shift: own,
    matrix: product(kept, matrix, d, d, matrix.length / d),
    covariance: josephForm(linear, kept, gain, covariance),
  });
  if (law?.density === undefined) throw singular(option, covariance);
  return { law, gain, shift: own.map((value, i) => value - taken[i]!) };
}

/** K = C H' S^-1 [d, k], by S K' = H C. */
function gainOf(linear: LinearGaussianMatrices, covariance: Float64Array): Float64Array {
  const { dimension: d, observed: k, observation: h } = linear;
  const factor = cholesky(predictive(linear, covariance), k);
  if (factor.kind !== 'factor')
    throw new RangeError('the covariance of an observation is not positive definite');
  return transpose(solveCholesky(factor.lower, k, product(h, covariance, k, d, d), d), k, d);
}

/** (I - K H) C (I - K H)' + K R K', which stays symmetric and positive whatever the rounding; kept = I - K H. */
export function josephForm(
  linear: LinearGaussianMatrices,
  kept: Float64Array,
  gain: Float64Array,
  covariance: Float64Array,
): Float64Array {
  const { dimension: d, observed: k, observationCovariance: r } = linear;
  const prior = product(product(kept, covariance, d, d, d), transpose(kept, d, d), d, d, d);
  const noise = product(product(gain, r, d, k, k), transpose(gain, d, k), d, k, d);
  return symmetric(
    prior.map((value, at) => value + noise[at]!),
    d,
  );
}

/** The mean of a [d, d] and its transpose. */
export function symmetric(a: Float64Array, d: number): Float64Array {
  return a.map((value, at) => 0.5 * (value + a[(at % d) * d + Math.floor(at / d)]!));
}

function given({ law, gain, shift }: Posterior, y: Float64Array): AffineLaw {
  const { dimension: d } = law;
  const pull = product(gain, y, d, y.length, 1);
  return shifted(
    law,
    shift.map((value, i) => value + pull[i]!),
  );
}

function singular(option: string, value: Float64Array): OptionError {
  return new OptionError({
    where: 'optimalProposal',
    option,
    value,
    found: `\`${option}\` of the model is singular`,
    expected: 'a positive definite matrix, for a proposal needs a density',
    fix: 'Filter without a proposal, or give every number of the state some noise.',
  });
}
