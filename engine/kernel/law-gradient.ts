import type { Law } from '../distribution/law.ts';
import type { MultivariateLaw } from '../distribution/multivariate.ts';
import { type MixtureParameters, mixtureParameters } from '../distribution/normal-mixture.ts';
import type { DensityWithGradient } from '../model/log-density.ts';
import type { Density } from '../types.ts';
import { mixtureScore } from '../wasm/twins/mixture.ts';

/*
 * Gradients of the log densities of laws, for moves that need that of a prior.
 */

type Slope = (x: number) => number;

/** d log p(x) / dx inside the support, from the parameters of a law. */
const SLOPES: Readonly<Record<string, (p: Readonly<Record<string, number>>) => Slope>> = {
  uniform: () => () => 0,
  normal:
    ({ mean, sd }) =>
    (x) =>
      (mean! - x) / (sd! * sd!),
  logNormal:
    ({ mu, sigma }) =>
    (x) =>
      -(1 + (Math.log(x) - mu!) / (sigma! * sigma!)) / x,
  exponential:
    ({ rate }) =>
    () =>
      -rate!,
  gamma:
    ({ shape, scale }) =>
    (x) =>
      (shape! - 1) / x - 1 / scale!,
  beta:
    ({ alpha, beta, low, high }) =>
    (x) =>
      (alpha! - 1) / (x - low!) - (beta! - 1) / (high! - x),
  studentT:
    ({ degrees, location, scale }) =>
    (x) =>
      (-(degrees! + 1) * (x - location!)) / (degrees! * scale! * scale! + (x - location!) ** 2),
};

/** A truncated law has the slope of the law that was cut. */
function slopeOf(law: Law): Slope | undefined {
  if (law.base !== undefined) return slopeOf(law.base);
  // The laws of the table have numbers for parameters, no arrays.
  return SLOPES[law.name]?.(law.parameters as Readonly<Record<string, number>>);
}

/**
 * A law with the gradient of its log density: normal laws and their mixtures, and `independent` of normal, log-normal,
 * uniform, exponential, gamma, beta, Student and truncated ones. Undefined for any other density.
 */
export function lawGradient(density: Density): DensityWithGradient | undefined {
  if (!('describe' in density)) return undefined;
  // Laws are densities that can describe themselves.
  const law = density as MultivariateLaw;
  if (law.marginals !== undefined) return ofMarginals(law, law.marginals);
  const mixture = normalParts(law) ? mixtureParameters(law) : undefined;
  return mixture === undefined ? undefined : ofMixture(law, mixture);
}

function normalParts(law: MultivariateLaw): boolean {
  return law.name === 'multivariateNormal' || law.parts?.every((part) => normalParts(part.law)) === true;
}

function ofMixture(law: MultivariateLaw, mixture: MixtureParameters): DensityWithGradient {
  const { dimension: d, components, means, whiten, logConstant } = mixture;
  const logDensity = (x: Float64Array, out: Float64Array): void => law.logDensity(x, out);
  return {
    logDensity,
    gradient(x, out, gradient) {
      mixtureScore(x, d, means, whiten, logConstant, components, out, gradient, 0, x.length / d);
      logDensity(x, out);
    },
  };
}

function ofMarginals(law: MultivariateLaw, laws: readonly Law[]): DensityWithGradient | undefined {
  const slopes = laws.map(slopeOf).filter((slope) => slope !== undefined);
  if (slopes.length < laws.length) return undefined;
  const d = laws.length;
  const logDensity = (x: Float64Array, out: Float64Array): void => law.logDensity(x, out);
  return {
    logDensity,
    gradient(x, out, gradient) {
      logDensity(x, out);
      for (let at = 0; at < x.length; at++) gradient[at] = slopes[at % d]!(x[at]!);
    },
  };
}
