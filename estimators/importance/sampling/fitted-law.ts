import type { MultivariateLaw, Rows } from '../../../engine/distribution/multivariate.ts';
import { multivariateMixture } from '../../../engine/distribution/multivariate-mixture.ts';
import { multivariateNormal } from '../../../engine/distribution/multivariate-normal.ts';
import { multivariateStudent } from '../../../engine/distribution/multivariate-student.ts';
import { type Component, fitMixture } from '../../../engine/kernel/mixture-fit.ts';
import { symmetricEigen } from '../../../engine/math/linear-algebra.ts';
import { ess } from '../../../engine/particles/log-weight.ts';

/** What a proposal is fitted from: K normal or Student laws. */
export interface ProposalFamily {
  /** K */
  readonly components: number;
  /** Of freedom of Student laws, above 2; undefined: normal laws. */
  readonly degrees?: number | undefined;
  /** Least variance of a component in any direction. */
  readonly leastVariance?: number;
}

/** A fitted proposal as plain numbers, which go into a snapshot. */
export interface FittedLaw {
  readonly degrees?: number;
  readonly components: readonly {
    readonly weight: number;
    readonly mean: readonly number[];
    readonly covariance: Rows;
  }[];
}

/** Effective points for each number of a component below which weights are tempered before a fit. */
const LEAST_ESS = 4;
/** Most that a variance is widened for having been estimated from few points. */
const WIDEST = 3;

/**
 * Normal or Student laws with the weighted moments of points x [n, d]; a mixture by weighted expectation-maximisation.
 *
 * Weights of which fewer than 4 (d + 1) K count in effect are raised to the largest power at which that many do: a fit to a
 * handful of points would be a spike. From m effective points covariances are shrunk to their diagonal by (d + 1) / m and
 * widened by the factor (1 + 1/m) (m - 1) / (m - d - 2) of the predictive law, at most 3. Undefined when the points
 * have no spread.
 */
export function fitLaw(
  x: Float64Array,
  logWeight: Float64Array,
  { components, degrees, leastVariance = 0 }: ProposalFamily,
): FittedLaw | undefined {
  const d = x.length / logWeight.length;
  const live = liveRows(x, logWeight, d);
  const tempered = temperedLogWeight(live.logWeight, LEAST_ESS * (d + 1) * components);
  if (live.logWeight.length === 0) return undefined;
  const fitted = fitMixture({ x: live.x, logWeight: tempered }, components);
  if (fitted === undefined) return undefined;
  const size = ess(tempered);
  return {
    ...(degrees === undefined ? {} : { degrees }),
    components: fitted.map((component) => ({
      weight: component.weight,
      mean: [...component.mean],
      covariance: rowsOf(raised(steadied(component, d, component.weight * size), d, leastVariance), d),
    })),
  };
}

/** A fitted proposal as a law; Student laws have the fitted covariance. */
export function lawOf({ degrees, components }: FittedLaw): MultivariateLaw {
  const laws = components.map(({ mean, covariance }) =>
    degrees === undefined
      ? multivariateNormal(mean, covariance)
      : multivariateStudent(
          degrees,
          mean,
          covariance.map((row) => row.map((entry) => (entry * (degrees - 2)) / degrees)),
        ),
  );
  if (laws.length === 1) return laws[0]!;
  return multivariateMixture(
    laws,
    components.map(({ weight }) => weight),
  );
}

/** log-weights times the largest power in [0, 1] at which `least` points, or as many as there are, count in effect. */
export function temperedLogWeight(logWeight: Float64Array, least: number): Float64Array {
  const power = (p: number): Float64Array => logWeight.map((l) => (l === -Infinity ? l : p * l));
  if (ess(logWeight) >= least) return logWeight;
  let [low, high] = [0, 1];
  for (let round = 0; round < 30; round++) {
    const middle = (low + high) / 2;
    if (ess(power(middle)) >= least) low = middle;
    else high = middle;
  }
  return power(low);
}

/** The rows that weigh something: expectation-maximisation costs the same for all. */
function liveRows(
  x: Float64Array,
  logWeight: Float64Array,
  d: number,
): { x: Float64Array; logWeight: Float64Array } {
  const rows: number[] = [];
  for (let i = 0; i < logWeight.length; i++) if (logWeight[i]! > -Infinity) rows.push(i);
  const some = new Float64Array(rows.length * d);
  for (const [at, i] of rows.entries()) some.set(x.subarray(i * d, (i + 1) * d), at * d);
  return { x: some, logWeight: Float64Array.from(rows, (i) => logWeight[i]!) };
}

/** The covariance [d, d] of a component, for m points that it was fitted to. */
function steadied({ lower }: Component, d: number, m: number): Float64Array {
  const shrink = Math.min(1, (d + 1) / m);
  const predictive = ((1 + 1 / m) * (m - 1)) / (m - d - 2);
  const widen = m > d + 2 ? Math.min(WIDEST, predictive) : WIDEST;
  return Float64Array.from({ length: d * d }, (_, at) => {
    const [r, c] = [Math.floor(at / d), at % d];
    let entry = 0;
    for (let k = 0; k <= Math.min(r, c); k++) entry += lower[r * d + k]! * lower[c * d + k]!;
    return widen * (r === c ? entry : (1 - shrink) * entry);
  });
}

/** A covariance [d, d] with its eigenvalues raised to `least`. */
function raised(covariance: Float64Array, d: number, least: number): Float64Array {
  if (least === 0) return covariance;
  const { values, vectors } = symmetricEigen(covariance, d);
  return covariance.map((entry, at) => {
    const [r, c] = [Math.floor(at / d), at % d];
    let more = 0;
    for (let j = 0; j < d && values[j]! < least; j++)
      more += (least - values[j]!) * vectors[r * d + j]! * vectors[c * d + j]!;
    return entry + more;
  });
}

/** A symmetric matrix [d, d] as rows. */
function rowsOf(matrix: Float64Array, d: number): number[][] {
  return Array.from({ length: d }, (_, r) =>
    Array.from({ length: d }, (__, c) => matrix[Math.max(r, c) * d + Math.min(r, c)]!),
  );
}
