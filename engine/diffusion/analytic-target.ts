import { checkList, checkOptionNames, show } from '../check.ts';
import { checkParameter } from '../distribution/law.ts';
import type { MultivariateLaw, Rows } from '../distribution/multivariate.ts';
import { multivariateMixture } from '../distribution/multivariate-mixture.ts';
import { multivariateNormal } from '../distribution/multivariate-normal.ts';
import {
  type MixtureParameters,
  mixtureParameters,
  type NormalMixture,
} from '../distribution/normal-mixture.ts';
import { OptionError } from '../errors.ts';
import { normalCdf } from '../math/erfc.ts';
import { HALF_LOG_TWO_PI } from '../math/gamma.ts';
import { cholesky, product, solveCholesky, symmetricEigen } from '../math/linear-algebra.ts';
import type { Denoiser } from './denoiser.ts';
import { multiply, type NormalTerm, powerTermCount, powerTerms } from './normal-terms.ts';
import type { Reward } from './reward.ts';

/*
 * The law prod q_i^b_i exp(r) in closed form, for normal mixtures q_i and a linear or quadratic r: what correctors
 * and steering should give.
 *
 * | symbol | name here |
 * |---|---|
 * | q_i | experts |
 * | b_i | exponents |
 * | r | reward |
 * | log Z = log of the integral of the product | logNormalizer |
 *
 * Every power of a mixture is expanded into products of its components; each product is a normal function
 * exp(c + e'x - x'Px/2), to which a reward adds its own terms.
 */

/** A law made of normal ones: numbers, a law, or a denoiser that knows its data law. */
export type NormalExpert = NormalMixture | MultivariateLaw | Denoiser;

export interface TargetFactors {
  readonly experts: readonly NormalExpert[];
  /** b_i, one for each expert. */
  readonly exponents: readonly number[];
  readonly reward?: Reward;
}

/** A law of d numbers and the constant by which it was divided. */
export interface TargetMoments {
  readonly dimension: number;
  readonly logNormalizer: number;
  /** [d] */
  readonly mean: Float64Array;
  /** [d, d] */
  readonly covariance: Float64Array;
  /** [cuts + 1] masses of the intervals into which rising `cuts` divide a coordinate. */
  masses(coordinate: number, cuts: readonly number[]): Float64Array;
}

export interface ExactTarget extends TargetMoments {
  /** Components of a share below 1e-16 of the largest are left out. */
  readonly mixture: NormalMixture;
  /** The same as a law, with its log density and draws. */
  readonly law: MultivariateLaw;
}

const WHERE = 'exactTarget';
/** Products of components, beyond which expansion is no way. */
const MOST_TERMS = 100_000;
/** Shares of the largest component below which others are rounding. */
const LEAST_SHARE = 1e-16;

/**
 * The law prod q_i^b_i exp(r), normalised. A single normal law may have any exponent, a mixture a whole one from 0; the
 * reward is made by `linearReward` or `quadraticReward`.
 * @throws OptionError when there is no closed form, or when a product of components has no finite integral, with the
 * direction in which it has none.
 */
export function exactTarget(factors: TargetFactors): ExactTarget {
  // Tilts of a corrector's target would be left out in silence.
  checkOptionNames(WHERE, factors, ['experts', 'exponents', 'reward']);
  const { experts, exponents } = checkFactors(WHERE, factors);
  const d = experts[0]!.dimension;
  const origin = originOf(experts, d);
  const terms = experts.map((expert, i) => expertTerms(seenFrom(origin, expert), exponents[i]!, i));
  checkTermCount(experts, exponents);
  const reward = rewardTerm(factors.reward, origin);
  const all = [...terms, [reward]].reduce((left, right) => multiply(left, right));
  const components = all.map((term) => normalise(term, origin));
  const largest = Math.max(...components.map(({ logMass }) => logMass));
  const mass = components.map(({ logMass }) => Math.exp(logMass - largest));
  const total = mass.reduce((sum, each) => sum + each, 0);
  const kept = components.filter((_, k) => mass[k]! > LEAST_SHARE);
  const weights = kept.map(({ logMass }) => Math.exp(logMass - largest) / total);
  const mixture = {
    means: kept.map(({ mean }) => mean),
    covariances: kept.map(({ covariance }) => covariance),
    weights,
  };
  const law = multivariateMixture(
    kept.map(({ mean, covariance }) => multivariateNormal(mean, covariance)),
    weights,
  );
  return {
    dimension: d,
    logNormalizer: largest + Math.log(total),
    mean: law.mean,
    covariance: law.covariance,
    mixture,
    law,
    masses: (coordinate, cuts) => massesOf(mixture, coordinate, cuts),
  };
}

/** What the factors are in numbers. @throws OptionError when they do not fit together. */
export function checkFactors(
  where: string,
  { experts, exponents }: TargetFactors,
): { readonly experts: readonly MixtureParameters[]; readonly exponents: readonly number[] } {
  checkList(where, 'experts', experts, 'a list of at least one normal mixture');
  checkList(where, 'exponents', exponents, 'a list of numbers, one for each expert');
  const opened = experts.map((expert, i) => mixtureParameters(numbersOf(where, expert, i)));
  const odd = opened.findIndex(({ dimension }) => dimension !== opened[0]!.dimension);
  exponents.forEach((b, i) => void checkParameter(where, `exponents[${i}]`, b));
  if (opened.length > 0 && odd < 0 && exponents.length === opened.length)
    return { experts: opened, exponents };
  throw new OptionError({
    where,
    option: odd < 0 ? 'exponents' : 'experts',
    value: odd < 0 ? exponents : experts[odd],
    found:
      odd < 0
        ? `there are ${experts.length} experts and ${exponents.length} exponents`
        : `expert ${odd} has dimension ${opened[odd]!.dimension}`,
    expected:
      odd < 0 ? 'at least one expert, and as many exponents' : `${opened[0]!.dimension}, as expert 0 has`,
  });
}

function numbersOf(where: string, expert: NormalExpert, i: number): NormalMixture | MultivariateLaw {
  if (!('schedule' in expert)) return expert;
  const { mixture, name } = expert;
  if (mixture !== undefined) return mixture;
  throw new OptionError({
    where,
    option: 'experts',
    value: expert,
    found: `expert ${i} (${name ?? show(expert)}) does not tell its data law`,
    expected: 'normal mixtures, or denoisers made of them',
  });
}

/** The middle of all components, from where squares stay small. */
function originOf(experts: readonly MixtureParameters[], d: number): Float64Array {
  const means = experts.map((expert) => expert.means);
  const count = means.reduce((n, each) => n + each.length, 0) / d;
  const origin = new Float64Array(d);
  for (const own of means) {
    for (let at = 0; at < own.length; at++) origin[at % d] = origin[at % d]! + own[at]! / count;
  }
  return origin;
}

function seenFrom(origin: Float64Array, expert: MixtureParameters): MixtureParameters {
  return { ...expert, means: expert.means.map((m, at) => m - origin[at % origin.length]!) };
}

function expertTerms(expert: MixtureParameters, b: number, i: number): readonly NormalTerm[] {
  const live = expert.logConstant.reduce((n, constant) => n + (constant > -Infinity ? 1 : 0), 0);
  if (live === 1 || (Number.isInteger(b) && b >= 0)) {
    if (powerTermCount(live, b) <= MOST_TERMS) return powerTerms(expert, b);
    throw tooMany(powerTermCount(live, b));
  }
  throw new OptionError({
    where: WHERE,
    option: 'exponents',
    value: b,
    found: `expert ${i} is a mixture of ${live} normal laws with exponent ${b}`,
    expected:
      'a whole exponent from 0, or a single normal law: other powers of a mixture have no closed form',
    fix: 'In one or two dimensions quadratureTarget gives the numbers.',
  });
}

function checkTermCount(experts: readonly MixtureParameters[], exponents: readonly number[]): void {
  const counts = experts.map(({ components }, i) => powerTermCount(components, exponents[i]!));
  const count = counts.reduce((all, each) => all * each, 1);
  if (count > MOST_TERMS) throw tooMany(count);
}

function tooMany(count: number): OptionError {
  return new OptionError({
    where: WHERE,
    option: 'exponents',
    value: count,
    found: `there are ${count.toPrecision(3)} products of components`,
    expected: `at most ${MOST_TERMS}`,
  });
}

function rewardTerm(reward: Reward | undefined, origin: Float64Array): NormalTerm {
  const d = origin.length;
  const none = { log: 0, precision: new Float64Array(d * d), linear: new Float64Array(d) };
  if (reward === undefined) return none;
  const { form } = reward;
  if (form === undefined) {
    throw new OptionError({
      where: WHERE,
      option: 'reward',
      value: reward,
      found: 'the reward has no known form',
      expected: 'one made by linearReward or quadraticReward',
      fix: 'In one or two dimensions quadratureTarget takes any.',
    });
  }
  const length = form.kind === 'linear' ? form.slope.length : form.center.length;
  if (length !== d) {
    throw new OptionError({
      where: WHERE,
      option: 'reward',
      value: reward,
      found: `the reward is of ${length} numbers`,
      expected: `${d}, as the experts`,
    });
  }
  if (form.kind === 'linear') {
    const linear = Float64Array.from(form.slope);
    return { ...none, log: dot(linear, origin), linear };
  }
  const precision = Float64Array.from(form.matrix.flat());
  const center = Float64Array.from(form.center, (m, c) => m - origin[c]!);
  const linear = product(precision, center, d, d, 1);
  return { log: -dot(center, linear) / 2, precision, linear };
}

interface Component {
  /** log of the integral of the term. */
  readonly logMass: number;
  readonly mean: number[];
  readonly covariance: Rows;
}

/** exp(c + e'x - x'Px/2) as a multiple of a normal law. @throws OptionError unless P is positive definite. */
function normalise({ log, precision, linear }: NormalTerm, origin: Float64Array): Component {
  const d = origin.length;
  const factor = cholesky(precision, d);
  if (factor.kind !== 'factor') throw notNormalisable(precision, d);
  const { lower } = factor;
  const identity = new Float64Array(d * d);
  for (let i = 0; i < d; i++) identity[i * d + i] = 1;
  const inverse = solveCholesky(lower, d, identity, d);
  const mean = solveCholesky(lower, d, linear, 1);
  let logMass = log + dot(linear, mean) / 2 + d * HALF_LOG_TWO_PI;
  for (let i = 0; i < d; i++) logMass -= Math.log(lower[i * d + i]!);
  // Rounding leaves the inverse a little lopsided.
  const entry = (i: number, j: number): number => (inverse[i * d + j]! + inverse[j * d + i]!) / 2;
  const range = Array.from({ length: d }, (_, i) => i);
  const covariance = range.map((i) => range.map((j) => (i < j ? entry(i, j) : entry(j, i))));
  return { logMass, mean: Array.from(mean, (m, c) => m + origin[c]!), covariance };
}

function notNormalisable(precision: Float64Array, d: number): OptionError {
  const { values, vectors } = symmetricEigen(precision, d);
  const direction = Array.from({ length: d }, (_, i) => Number(vectors[i * d]!.toPrecision(3)));
  return new OptionError({
    where: WHERE,
    option: 'exponents',
    value: values[0],
    found: `a product of components has precision ${Number(values[0]!.toPrecision(4))} along (${direction.join(', ')})`,
    expected: 'a positive one in every direction: the product has no finite integral',
    fix: 'Lower the exponents of narrow laws in the denominator, or curve the reward downwards.',
  });
}

function massesOf(mixture: NormalMixture, coordinate: number, cuts: readonly number[]): Float64Array {
  const ends = checkCuts(WHERE, mixture.means[0]!.length, coordinate, cuts);
  const mass = new Float64Array(cuts.length + 1);
  mixture.means.forEach((mean, k) => {
    const sd = Math.sqrt(mixture.covariances[k]![coordinate]![coordinate]!);
    const below = ends.map((end) => normalCdf((end - mean[coordinate]!) / sd));
    for (let j = 0; j < mass.length; j++)
      mass[j] = mass[j]! + mixture.weights![k]! * (below[j + 1]! - below[j]!);
  });
  return mass;
}

/** The cuts between -Infinity and Infinity. @throws OptionError unless they rise, along one of d coordinates. */
export function checkCuts(where: string, d: number, coordinate: number, cuts: readonly number[]): number[] {
  const ends = [-Infinity, ...cuts, Infinity];
  const rising = ends.every((end, j) => j === 0 || end > ends[j - 1]!);
  if (rising && Number.isInteger(coordinate) && coordinate >= 0 && coordinate < d) return ends;
  throw new OptionError({
    where: `${where}().masses`,
    option: rising ? 'coordinate' : 'cuts',
    value: rising ? coordinate : cuts,
    found: rising ? `coordinate ${show(coordinate)}` : `cuts ${cuts.join(', ')}`,
    expected: rising ? `one of 0 to ${d - 1}` : 'finite numbers that rise',
  });
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
