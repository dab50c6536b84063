import { checkNumber, checkOneOf, checkOptionNames, show } from '../check.ts';
import { OptionError } from '../errors.ts';
import { binomial } from './binomial.ts';
import { exponential } from './exponential.ts';
import { gamma } from './gamma.ts';
import type { Law } from './law.ts';
import { logNormalFromMean } from './log-normal.ts';
import { normal } from './normal.ts';
import { perturbedAtoms } from './perturbed-atoms.ts';
import { perturbedInNormals } from './perturbed-normals.ts';
import { perturbedByTilt, standardPoints, tailPower } from './perturbed-tilt.ts';
import { poisson } from './poisson.ts';

/**
 * Where a law is perturbed.
 *
 * - 'inputs': the law nearest in Kullback-Leibler divergence, exp(l_1 x + l_2 x^2 - K) f(x).
 * - 'normals': x = F^-1(Phi(z)) with z normal of another mean and, for a variance, another sd.
 * - 'auto': 'inputs' for laws for which K is finite on both sides of 0, else 'normals'. The choice follows the law and not
 * the direction, so that all perturbations of one law are of one kind.
 */
export type PerturbationSpace = 'auto' | 'inputs' | 'normals';

/** What is to be changed; the mean stays as it is where only a variance is given. */
export interface Perturbation {
  /** The new mean itself, not a shift. */
  readonly mean?: number;
  readonly variance?: number;
  /** Default 'auto'. */
  readonly space?: PerturbationSpace;
}

const OPTIONS: Readonly<Record<keyof Perturbation, true>> = { mean: true, variance: true, space: true };
const SPACES: readonly PerturbationSpace[] = ['auto', 'inputs', 'normals'];
const WHERE = 'perturbed';

/** How fast |x| may grow with log(1 / tail): as log(1 / tail) itself, or its square root; a little more is rounding. */
const EXPONENTIAL_TAIL = 1.04;
const NORMAL_TAIL = 0.53;

/**
 * A law with another mean or variance that is otherwise as near as it can be to the given one.
 *
 * With a mean, f_d(x) = exp(l x - K(l)) f(x) with K'(l) = d; with a variance v at mean m, or both, exp(l_1 x + l_2 x^2 - K) f(x)
 * with moments m and m^2 + v. Normal, exponential, gamma, Poisson and binomial laws stay in their family under a new mean, and
 * normal ones under a new variance. Tails that are too heavy for a finite K (log-normal, Pareto, Student; exponential ones for a
 * variance) are changed in standard-normal space, which `describe` says; a log-normal law stays log-normal.
 * @throws OptionError for a mean outside the support, a variance that no law on the support has, or moments that cannot be
 * reached.
 * Source: Lemaitre, Sergienko, Arnaud, Bousquet, Gamboa & Iooss (2015), J. Stat. Comput. Simul. 85(6), 1200-1223.
 */
export function perturbed(law: Law, to: Perturbation): Law {
  if (!Array.isArray(law?.support) || typeof law.quantile !== 'function') throw noLaw(law);
  checkOptionNames(WHERE, to, Object.keys(OPTIONS));
  const space = checkOneOf(WHERE, 'space', to.space ?? 'auto', SPACES);
  const { mean, variance } = checkMoments(law, to);
  const tail = to.variance === undefined ? EXPONENTIAL_TAIL : NORMAL_TAIL;
  const tilts = space === 'inputs' || (space === 'auto' && (law.discrete || tailPower(law) <= tail));
  const known = closedForm(law, mean, to.variance, tilts);
  if (known !== undefined) return known;
  const found = law.discrete
    ? tilts
      ? perturbedAtoms(law, mean, to.variance)
      : undefined
    : tilts
      ? perturbedByTilt(law, standardPoints(law), mean, to.variance)
      : perturbedInNormals(law, standardPoints(law), mean, to.variance);
  if (found !== undefined) return found;
  const moments = `mean ${mean}${to.variance === undefined ? '' : ` and variance ${variance}`}`;
  throw new OptionError({
    where: WHERE,
    option: to.variance === undefined ? 'mean' : 'variance',
    value: to.variance ?? mean,
    found: `no law near ${law.describe()} has ${moments} (sought in the space of ${tilts ? 'inputs' : 'normals'})`,
    expected: 'moments nearer to its own',
    ...(tilts && !law.discrete ? { fix: "Try space: 'normals'." } : {}),
  });
}

function noLaw(law: unknown): OptionError {
  const found = `\`law\` is ${show(law)}`;
  return new OptionError({
    where: WHERE,
    option: 'law',
    value: law,
    found,
    expected: 'a law such as normal(0, 1)',
  });
}

/** Laws that stay in their family. */
function closedForm(law: Law, mean: number, variance: number | undefined, tilts: boolean): Law | undefined {
  const { parameters } = law;
  const number = (name: string): number => parameters[name] as number;
  switch (law.name) {
    case 'normal':
      return normal(mean, variance === undefined ? number('sd') : Math.sqrt(variance));
    case 'logNormal':
      if (tilts) return undefined;
      return logNormalFromMean(mean, Math.sqrt(variance ?? law.variance * (mean / law.mean) ** 2) / mean);
    case 'exponential':
      return tilts && variance === undefined ? exponential(1 / mean) : undefined;
    case 'gamma':
      return tilts && variance === undefined ? gamma(number('shape'), mean / number('shape')) : undefined;
    case 'poisson':
      return tilts && variance === undefined ? poisson(mean) : undefined;
    case 'binomial':
      return tilts && variance === undefined
        ? binomial(number('trials'), mean / number('trials'))
        : undefined;
    default:
      return undefined;
  }
}

/** Moments that some law on the support has. */
function checkMoments(law: Law, to: Perturbation): { readonly mean: number; readonly variance: number } {
  const [low, high] = law.support;
  if (to.mean === undefined && to.variance === undefined) {
    throw new OptionError({
      where: WHERE,
      option: 'mean',
      value: undefined,
      found: 'neither `mean` nor `variance` is given',
      expected: 'at least one of them',
    });
  }
  if (!Number.isFinite(law.mean) || (to.variance !== undefined && !Number.isFinite(law.variance))) {
    throw new OptionError({
      where: WHERE,
      option: 'law',
      value: law.describe(),
      found: `${law.describe()} has mean ${law.mean} and variance ${law.variance}`,
      expected: `a law with a finite ${Number.isFinite(law.mean) ? 'variance' : 'mean'}`,
    });
  }
  const mean = checkNumber(
    WHERE,
    'mean',
    to.mean ?? law.mean,
    (x) => Number.isFinite(x) && x > low && x < high,
    `a number inside the support, between ${low} and ${high}`,
  );
  const most = (mean - low) * (high - mean);
  const variance = checkNumber(
    WHERE,
    'variance',
    to.variance ?? law.variance,
    (x) => to.variance === undefined || (x > 0 && x < most && Number.isFinite(x)),
    `a number above 0 and below ${most}, the largest on this support at mean ${mean}`,
  );
  return { mean, variance };
}
