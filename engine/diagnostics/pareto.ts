import { DegeneracyError } from '../errors.ts';
import { smallest } from '../math/order-statistic.ts';
import { summarise } from '../particles/log-weight.ts';
import { sum } from '../wasm/twins/sums.ts';

/** What a tail shape says about an importance-sampling mean. */
export type TailReading =
  /** k < 0.5: the variance is finite. */
  | 'fine'
  /** k below min(1 - 1/log10 n, 0.7): the smoothed mean is usable at this n. */
  | 'usable'
  /** k below 1: the mean exists, but the estimate is biased at this n. */
  | 'biased'
  /** k >= 1, or too few points to tell: do not trust any mean. */
  | 'no-mean';

/** Generalised Pareto fit to the largest weights, and the weights it smooths. */
export interface ParetoTail {
  /** Shape k of the tail; heavy is positive, the p-th moment exists for k < 1/p. Infinity: could not be fitted. */
  readonly shape: number;
  /** Scale of the tail, in units of the largest weight; NaN when not fitted. */
  readonly scale: number;
  /** Weights in the tail. */
  readonly tail: number;
  readonly reading: TailReading;
  /** Sample size from which an estimate with this shape is usable, 10^(1 / (1 - max(0, k))). */
  readonly neededSize: number;
  /** [n] smoothed weights, sum 1. */
  readonly weight: Float64Array;
  /** Effective sample size of the smoothed weights. */
  readonly ess: number;
}

/** Fewest exceedances a fit is made from. */
const LEAST_TAIL = 5;

/**
 * Pareto-smoothed importance sampling: fit a generalised Pareto law to the largest weights, report its shape as
 * a diagnostic, and replace those weights by the law's quantiles. Give log w for the weights themselves, or
 * log |w h| for the mean of a function h.
 *
 * Equal tail weights have no spread to fit: shape -Infinity, reading 'fine', weights unchanged.
 *
 * @param logWeight [n] natural log, unnormalised. Not modified.
 * @param relativeEss ess / n of the draws themselves, below 1 for a Markov chain. Default 1.
 * @throws DegeneracyError when all are dead; ValueError at NaN or +Infinity.
 * Source: Vehtari, Simpson, Gelman, Yao & Gabry (2024), JMLR 25(72); fit by Zhang & Stephens (2009).
 */
export function paretoSmooth(logWeight: Float64Array, relativeEss = 1): ParetoTail {
  const n = logWeight.length;
  const weight = new Float64Array(n);
  if (summarise('paretoSmooth', logWeight, weight).sum === 0) throw allDead(n);
  return smoothTail(weight, relativeEss);
}

/**
 * `paretoSmooth` of weights [n] as numbers, in units of the largest: above 0 somewhere and nowhere above 1. Written over.
 */
export function smoothTail(weight: Float64Array, relativeEss = 1): ParetoTail {
  const { threshold, tail } = largestOf(weight, relativeEss);
  tail.sort((a, b) => weight[a]! - weight[b]!);
  if (tail.length < LEAST_TAIL) return finish(weight, tooFew(tail.length), tail.length);
  const fit = fitPareto(Float64Array.from(tail, (i) => weight[i]! - threshold));
  tail.forEach((i, j) => {
    weight[i] = Math.min(1, threshold + paretoQuantile((j + 0.5) / tail.length, fit));
  });
  return finish(weight, fit, tail.length);
}

/** Shape of the tail of sizes [n] >= 0, in any units; -Infinity where all are 0. */
export function tailShape(size: Float64Array): number {
  const { threshold, tail } = largestOf(size, 1);
  if (tail.length < LEAST_TAIL) return tooFew(tail.length).shape;
  return fitPareto(Float64Array.from(tail, (i) => size[i]! - threshold).sort()).shape;
}

/**
 * The places of the weights that make the tail, and what they exceed. Weights tied with the threshold exceed it by
 * nothing and carry no information on the tail.
 */
function largestOf(
  weight: Float64Array,
  relativeEss: number,
): { readonly threshold: number; readonly tail: Uint32Array } {
  const n = weight.length;
  const wanted = Math.ceil(Math.min(0.2 * n, 3 * Math.sqrt(n / relativeEss)));
  const threshold = n > wanted ? smallest(weight.slice(), n - wanted - 1) : 0;
  const tail = new Uint32Array(Math.min(n, wanted));
  let count = 0;
  for (let i = 0; i < n; i++) if (weight[i]! > threshold) tail[count++] = i;
  return { threshold, tail: tail.subarray(0, count) };
}

function tooFew(tail: number): ParetoFit {
  return { shape: tail === 0 ? -Infinity : Infinity, scale: Number.NaN };
}

interface ParetoFit {
  readonly shape: number;
  readonly scale: number;
}

/**
 * Posterior mean of a generalised Pareto law under a weak prior. Symbols: x ascending exceedances [M], theta_j
 * candidates for -shape / scale, k(theta) = mean log(1 - theta x), l its profile log-likelihood.
 */
function fitPareto(x: Float64Array): ParetoFit {
  const M = x.length;
  const quartile = x[Math.floor(M / 4 + 0.5) - 1]!;
  const m = 30 + Math.floor(Math.sqrt(M));
  const logs = new Float64Array(M);
  const shapeAt = (theta: number): number => {
    for (let i = 0; i < M; i++) logs[i] = Math.log1p(-theta * x[i]!);
    return sum(logs) / M;
  };
  const theta = new Float64Array(m);
  const l = new Float64Array(m);
  for (let j = 0; j < m; j++) {
    theta[j] = 1 / x[M - 1]! + (1 - Math.sqrt(m / (j + 0.5))) / (3 * quartile);
    const k = shapeAt(theta[j]!);
    l[j] = M * (Math.log(-theta[j]! / k) - k - 1);
  }
  const largest = l.reduce((most, y) => Math.max(most, y), -Infinity);
  const posterior = l.map((y) => Math.exp(y - largest));
  const mean = sum(posterior.map((p, j) => p * theta[j]!)) / sum(posterior);
  const k = shapeAt(mean);
  // The scale belongs to the unshrunk shape; the prior is worth ten observations at k = 1/2.
  return { shape: (M * k + 5) / (M + 10), scale: -k / mean };
}

/** Quantile at p of the exceedances. */
function paretoQuantile(p: number, { shape, scale }: ParetoFit): number {
  const s = -Math.log1p(-p);
  return shape === 0 ? scale * s : (scale * Math.expm1(shape * s)) / shape;
}

function finish(weight: Float64Array, fit: ParetoFit, tail: number): ParetoTail {
  const total = sum(weight);
  for (let i = 0; i < weight.length; i++) weight[i] = weight[i]! / total;
  const heavy = Math.max(0, fit.shape);
  return {
    shape: fit.shape,
    scale: fit.scale,
    tail,
    reading: readTail(fit.shape, weight.length),
    neededSize: heavy < 1 ? 10 ** (1 / (1 - heavy)) : Infinity,
    weight,
    ess: 1 / sum(weight.map((w) => w * w)),
  };
}

function readTail(shape: number, n: number): TailReading {
  if (shape < 0.5) return 'fine';
  if (shape < Math.min(1 - 1 / Math.log10(n), 0.7)) return 'usable';
  return shape < 1 ? 'biased' : 'no-mean';
}

function allDead(n: number): DegeneracyError {
  return new DegeneracyError({
    where: 'paretoSmooth',
    found: `all ${n} log-weights are -Infinity`,
    expected: 'at least one live particle',
  });
}
