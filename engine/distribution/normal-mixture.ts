import { show } from '../check.ts';
import { OptionError } from '../errors.ts';
import { HALF_LOG_TWO_PI } from '../math/gamma.ts';
import { solveLower } from '../math/linear-algebra.ts';
import { checkWeights } from './categorical.ts';
import { checkParameter } from './law.ts';
import { checkSymmetric, type MultivariateLaw, type Rows } from './multivariate.ts';
import { factor } from './multivariate-normal.ts';

/** A mixture of K normal laws of d numbers, as it is written down. */
export interface NormalMixture {
  /** [K, d], a row for each component. */
  readonly means: Rows;
  /** [K], each [d, d] as rows, symmetric and positive definite. */
  readonly covariances: readonly Rows[];
  /** [K], >= 0 with a positive sum; equal when left out. */
  readonly weights?: readonly number[];
}

/** A mixture of K normal laws of d numbers, as kernels read it. */
export interface MixtureParameters {
  /** d */
  readonly dimension: number;
  /** K */
  readonly components: number;
  /** [K, d] */
  readonly means: Float64Array;
  /** [K, d (d + 1) / 2]: the lower triangle of W_k by rows, W_k' W_k = inverse covariance. */
  readonly whiten: Float64Array;
  /** [K]: log weight - (d / 2) log 2 pi + sum log diag W_k; -Infinity for weight 0. */
  readonly logConstant: Float64Array;
}

/**
 * A mixture of normal laws as the kernels `mixtureScore`, `mixtureLogDensity` and `langevin` read it, on the host and
 * on a graphics card.
 * @param mixture numbers, or a law made of `multivariateNormal` and `multivariateMixture`.
 * @throws OptionError when a law is of another kind, counts or dimensions differ, a weight is bad, or a covariance is
 * not symmetric and positive definite.
 */
export function mixtureParameters(mixture: NormalMixture | MultivariateLaw): MixtureParameters {
  return fromNumbers(mixtureNumbers(mixture));
}

/**
 * A mixture of normal laws as it is written down.
 * @throws OptionError when a law is of another kind.
 */
export function mixtureNumbers(mixture: NormalMixture | MultivariateLaw): NormalMixture {
  return 'means' in mixture ? mixture : numbersOf(mixture);
}

const WHERE = 'mixtureParameters';

function fromNumbers({ means, covariances, weights = means.map(() => 1) }: NormalMixture): MixtureParameters {
  const components = means.length;
  const d = means[0]?.length ?? 0;
  checkCounts(means, covariances, weights, d);
  const total = checkWeights(WHERE, weights);
  const triangle = (d * (d + 1)) / 2;
  const whiten = new Float64Array(components * triangle);
  const logConstant = new Float64Array(components);
  for (let k = 0; k < components; k++) {
    means[k]!.forEach((m, i) => void checkParameter(WHERE, `means[${k}][${i}]`, m));
    const option = `covariances[${k}]`;
    const lower = factor(WHERE, option, checkSymmetric(WHERE, option, covariances[k]!, d), d);
    const own = whiten.subarray(k * triangle, (k + 1) * triangle);
    invertLower(lower, d, own);
    let constant = Math.log(weights[k]! / total) - d * HALF_LOG_TWO_PI;
    for (let i = 0; i < d; i++) constant -= Math.log(lower[i * d + i]!);
    logConstant[k] = constant;
  }
  return { dimension: d, components, means: Float64Array.from(means.flat()), whiten, logConstant };
}

/** The inverse of a lower triangular L [d, d], its lower triangle by rows into `out`. */
export function invertLower(lower: Float64Array, d: number, out: Float64Array): void {
  const column = new Float64Array(d);
  for (let j = 0; j < d; j++) {
    column.fill(0);
    column[j] = 1;
    solveLower(lower, d, column);
    for (let i = j; i < d; i++) out[(i * (i + 1)) / 2 + j] = column[i]!;
  }
}

/** The numbers behind a law; mixtures of mixtures are laid flat. */
function numbersOf(law: MultivariateLaw): NormalMixture {
  const found = flatten(law, 1);
  return {
    means: found.map((part) => Array.from(part.law.mean)),
    covariances: found.map((part) => rows(part.law)),
    weights: found.map((part) => part.weight),
  };
}

type Parts = NonNullable<MultivariateLaw['parts']>;

function flatten(law: MultivariateLaw, weight: number): Parts {
  if (law.parts !== undefined) return law.parts.flatMap((part) => flatten(part.law, weight * part.weight));
  if (law.name === 'multivariateNormal') return [{ law, weight }];
  throw new OptionError({
    where: WHERE,
    option: 'mixture',
    value: law,
    found: `a component is ${law.describe()}`,
    expected: 'normal laws, made by multivariateNormal',
  });
}

function rows({ covariance, dimension: d }: MultivariateLaw): Rows {
  return Array.from({ length: d }, (_, i) => Array.from(covariance.subarray(i * d, (i + 1) * d)));
}

function checkCounts(means: Rows, covariances: readonly Rows[], weights: readonly number[], d: number): void {
  const [K, C, W] = [means.length, covariances.length, weights.length];
  const odd = means.findIndex((mean) => mean.length !== d);
  if (K > 0 && d > 0 && C === K && W === K && odd < 0) return;
  throw new OptionError({
    where: WHERE,
    option: 'means',
    value: means,
    found:
      odd >= 0
        ? `\`means[${odd}]\` is ${show(means[odd])}`
        : `there are ${K} means of ${d} numbers, ${C} covariances and ${W} weights`,
    expected: odd >= 0 ? `${d} numbers, as in means[0]` : 'at least one component, and as many of each',
  });
}
