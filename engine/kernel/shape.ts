import { OptionError } from '../errors.ts';
import { cholesky } from '../math/linear-algebra.ts';
import { weightedMean } from '../particles/moments.ts';
import type { MovePopulation } from './kernel.ts';
import { populationMoments } from './population-moments.ts';

/** Place and scale of a target as far as it is known: proposals are mean or x, + lower z. */
export interface Shape {
  /** [d] */
  readonly mean: Float64Array;
  /** [d, d] lower triangular, lower lower' = covariance. */
  readonly lower: Float64Array;
  /** [d] standard deviations; 1 where unknown. */
  readonly spread: Float64Array;
}

/** Mean 0 and the identity. */
export function unitShape(d: number): Shape {
  const lower = new Float64Array(d * d);
  for (let c = 0; c < d; c++) lower[c * d + c] = 1;
  return { mean: new Float64Array(d), lower, spread: new Float64Array(d).fill(1) };
}

/** Weight of the diagonal in a covariance that has no factor of its own. */
const SHRINK = 0.1;
/** Part of the mean variance that is added to the diagonal then. */
const RIDGE = 1e-10;

/**
 * A factor of a covariance [d, d]. A singular one is shrunk: S <- 0.9 S + 0.1 diag(S) + 1e-10 (trace S / d) I. Undefined
 * when there is no spread at all.
 */
export function shapeOf(mean: Float64Array, covariance: Float64Array): Shape | undefined {
  const d = mean.length;
  const spread = new Float64Array(d);
  for (let c = 0; c < d; c++) spread[c] = Math.sqrt(covariance[c * d + c]!) || 1;
  const found = cholesky(covariance, d);
  if (found.kind === 'factor') return { mean, lower: found.lower, spread };
  const shrunk = cholesky(shrink(covariance, d), d);
  return shrunk.kind === 'factor' ? { mean, lower: shrunk.lower, spread } : undefined;
}

function shrink(covariance: Float64Array, d: number): Float64Array {
  let trace = 0;
  for (let c = 0; c < d; c++) trace += covariance[c * d + c]!;
  const shrunk = covariance.map((entry) => (1 - SHRINK) * entry);
  for (let c = 0; c < d; c++) shrunk[c * d + c] = covariance[c * d + c]! + (RIDGE * trace) / d;
  return shrunk;
}

/** The shape of a weighted population; of particles that are dead or all in one place, what was known before. */
export function learnShape(population: MovePopulation, before: Shape): Shape {
  const moments = populationMoments(population);
  return moments === undefined ? before : (shapeOf(moments.mean, moments.covariance) ?? before);
}

/** Standard deviations [d] of a weighted population; of coordinates that have none, what was known before. */
export function learnSpread({ x, logWeight }: MovePopulation, before: Float64Array): Float64Array {
  if (!logWeight.some((value) => value > -Infinity)) return before;
  const d = before.length;
  const mean = weightedMean(x, logWeight);
  const squares = x.map((value, at) => (value - mean[at % d]!) ** 2);
  return weightedMean(squares, logWeight).map((variance, c) => Math.sqrt(variance) || before[c]!);
}

/** out[to..to+d-1] = lower z[at..at+d-1]; `out` is not `z`. */
export function correlateRow(
  lower: Float64Array,
  d: number,
  z: Float64Array,
  at: number,
  out: Float64Array,
  to: number,
): void {
  for (let r = 0; r < d; r++) {
    let sum = 0;
    for (let c = 0; c <= r; c++) sum += lower[r * d + c]! * z[at + c]!;
    out[to + r] = sum;
  }
}

/** out[to..to+d-1] = lower' g[at..at+d-1]: a gradient in the coordinates z of x = lower z. */
export function whitenGradient(
  lower: Float64Array,
  d: number,
  g: Float64Array,
  at: number,
  out: Float64Array,
  to: number,
): void {
  for (let c = 0; c < d; c++) {
    let sum = 0;
    for (let r = c; r < d; r++) sum += lower[r * d + c]! * g[at + r]!;
    out[to + c] = sum;
  }
}

/** |row|^2 of row `at / d`. */
export function squaredNorm(z: Float64Array, at: number, d: number): number {
  let sum = 0;
  for (let c = at; c < at + d; c++) sum += z[c]! * z[c]!;
  return sum;
}

/** A shape as arrays of numbers, for a snapshot. */
export function savedShape({ mean, lower, spread }: Shape): Readonly<Record<string, readonly number[]>> {
  return { mean: [...mean], lower: [...lower], spread: [...spread] };
}

/** @throws OptionError when the saved shape is of another dimension. */
export function restoredShape(saved: unknown, d: number): Shape {
  const mean = savedArray(saved, 'mean', d);
  return { mean, lower: savedArray(saved, 'lower', d * d), spread: savedArray(saved, 'spread', d) };
}

/** @throws OptionError unless `saved` has an array of that name and length. */
export function savedArray(saved: unknown, name: string, length: number): Float64Array {
  const array = (saved as Readonly<Record<string, unknown>> | undefined)?.[name];
  if (Array.isArray(array) && array.length === length) return Float64Array.from(array as number[]);
  throw otherKernel(`\`${name}\` has not ${length} numbers`);
}

/** A snapshot that belongs to another kernel. */
export function otherKernel(found: string): OptionError {
  return new OptionError({
    where: 'restore',
    option: 'kernel',
    value: undefined,
    found: `the saved tuning of a kernel does not fit: ${found}`,
    expected: 'the snapshot of a kernel with the same name, options and dimension',
  });
}
