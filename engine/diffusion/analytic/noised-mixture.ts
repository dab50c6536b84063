import type { MultivariateLaw } from '../../distribution/multivariate.ts';
import { factor } from '../../distribution/multivariate-normal.ts';
import {
  invertLower,
  type MixtureParameters,
  mixtureNumbers,
  mixtureParameters,
  type NormalMixture,
} from '../../distribution/normal-mixture.ts';
import { HALF_LOG_TWO_PI } from '../../math/gamma.ts';
import { symmetricEigen } from '../../math/linear-algebra.ts';

/*
 * A mixture of normal laws under noise: component k of x_t = alpha x_0 + sigma e is N(alpha mu_k, C_k) with
 * C_k = alpha^2 Sigma_k + sigma^2 I, and its weight stays. Exact at noise 0 and at signal 0 as well.
 */

/** A mixture of K normal laws of d numbers, taken apart for noising. */
export interface NoisedMixture {
  readonly numbers: NormalMixture;
  readonly dimension: number;
  readonly components: number;
  /** [K] log of the normalised weights. */
  readonly logWeight: Float64Array;
  /** [K, d] */
  readonly means: Float64Array;
  /** [K, d, d] Sigma_k */
  readonly covariances: Float64Array;
  /** [K, d] eigenvalues of Sigma_k. */
  readonly spread: Float64Array;
  /** [K, d, d] a row for each eigenvector. */
  readonly axes: Float64Array;
}

/**
 * @throws OptionError when a law is of another kind, counts or dimensions differ, a weight is bad, or a covariance is
 * not symmetric and positive definite.
 */
export function noisedMixture(mixture: NormalMixture | MultivariateLaw): NoisedMixture {
  const numbers = mixtureNumbers(mixture);
  const { dimension: d, components, means } = mixtureParameters(numbers);
  const weights = numbers.weights ?? numbers.means.map(() => 1);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const covariances = new Float64Array(components * d * d);
  const spread = new Float64Array(components * d);
  const axes = new Float64Array(components * d * d);
  for (let k = 0; k < components; k++) {
    const own = covariances.subarray(k * d * d, (k + 1) * d * d);
    numbers.covariances[k]!.forEach((row, i) => void own.set(row, i * d));
    const { values, vectors } = symmetricEigen(own, d);
    spread.set(values, k * d);
    for (let j = 0; j < d; j++) for (let i = 0; i < d; i++) axes[(k * d + j) * d + i] = vectors[i * d + j]!;
  }
  const logWeight = Float64Array.from(weights, (weight) => Math.log(weight / total));
  return { numbers, dimension: d, components, logWeight, means, covariances, spread, axes };
}

/** Empty parameters for the kernels, which `noiseParameters` fills. */
export function emptyParameters(
  { dimension: d, components }: NoisedMixture,
  floats: (length: number) => Float64Array,
): MixtureParameters {
  return {
    dimension: d,
    components,
    means: floats(components * d),
    whiten: floats((components * d * (d + 1)) / 2),
    logConstant: floats(components),
  };
}

/** The mixture at a signal and a noise, as the kernels read it, written over `into`. */
export function noiseParameters(
  { dimension: d, components, logWeight, means, covariances }: NoisedMixture,
  signal: number,
  noise: number,
  into: MixtureParameters,
): void {
  const triangle = (d * (d + 1)) / 2;
  const noised = new Float64Array(d * d);
  for (let at = 0; at < means.length; at++) into.means[at] = signal * means[at]!;
  for (let k = 0; k < components; k++) {
    for (let at = 0; at < d * d; at++) noised[at] = signal * signal * covariances[k * d * d + at]!;
    for (let i = 0; i < d; i++) noised[i * (d + 1)] = noised[i * (d + 1)]! + noise * noise;
    const lower = factor('mixtureDenoiser', `covariances[${k}]`, noised, d);
    invertLower(lower, d, into.whiten.subarray(k * triangle, (k + 1) * triangle));
    let constant = logWeight[k]! - d * HALF_LOG_TWO_PI;
    for (let i = 0; i < d; i++) constant -= Math.log(lower[i * (d + 1)]!);
    into.logConstant[k] = constant;
  }
}
