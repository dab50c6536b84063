import type { StateArray } from '../array/codec.ts';
import { ShapeError } from '../errors.ts';
import { blockCount, sumBlocks, treeSum } from '../wasm/twins/sums.ts';
import type { Codec, Field, Fields } from './types.ts';

/*
 * Summaries and how two of them become one (scale-out, section 3). A summary of a range has no standard error, and no
 * field for one: ranges of one point set are not replicates.
 */

/** Sums of columns: nodes of the tree of blocks of 1024, if the range is 1024 * 2^m points. */
export function sumOfRange(values: Float64Array, n: number): number {
  const partial = new Float64Array(blockCount(n));
  sumBlocks(values, n, partial, 0, partial.length);
  return treeSum(partial, partial.length);
}

/** left + right, element by element. */
export function mergeSums(left: Float64Array, right: Float64Array): Float64Array {
  return left.map((value, i) => value + right[i]!);
}

/** sum exp(l - max) with its max; max = -Infinity and sum = 0 is neutral. */
export interface LogSum {
  readonly max: number;
  readonly sum: number;
}

/** Nothing yet. */
export const NO_LOG_SUM: LogSum = { max: -Infinity, sum: 0 };

/** Of numbers l whose exponentials are meant. */
export function logSumOfRange(logs: Float64Array, n: number = logs.length): LogSum {
  let max = -Infinity;
  for (let i = 0; i < n; i++) if (logs[i]! > max) max = logs[i]!;
  if (max === -Infinity) return NO_LOG_SUM;
  const scaled = Float64Array.from({ length: n }, (_, i) => Math.exp(logs[i]! - max));
  return { max, sum: sumOfRange(scaled, n) };
}

/** The sum of two, on the scale of the larger maximum. */
export function mergeLogSums(left: LogSum, right: LogSum): LogSum {
  const max = Math.max(left.max, right.max);
  if (max === -Infinity) return NO_LOG_SUM;
  const scaled = (part: LogSum): number => (part.sum === 0 ? 0 : part.sum * Math.exp(part.max - max));
  return { max, sum: scaled(left) + scaled(right) };
}

/** log of the sum: -Infinity for nothing, never NaN. */
export function logOfSum({ max, sum }: LogSum): number {
  return sum === 0 ? -Infinity : max + Math.log(sum);
}

/**
 * Weighted mean and centred sum of products of d numbers, with weights exp(logScale) times what is summed. Chan, Golub
 * and LeVeque (1983).
 */
export interface RangeMoments {
  /** W; 0 is neutral. */
  readonly weight: number;
  /** sum w^2, for the effective sample size W^2 / sum w^2. */
  readonly squares: number;
  /** mu [d] */
  readonly mean: Float64Array;
  /** C [d, d] = sum w (x - mu) (x - mu)' */
  readonly products: Float64Array;
  /** Natural log of the unit of the weights; 0 where they are plain. */
  readonly logScale: number;
}

/** mu = mu_a + d W_b / W, C = C_a + C_b + d d' W_a W_b / W, with d = mu_b - mu_a, on the larger scale. */
export function mergeMoments(left: RangeMoments, right: RangeMoments): RangeMoments {
  if (left.weight === 0) return right;
  if (right.weight === 0) return left;
  const logScale = Math.max(left.logScale, right.logScale);
  const a = rescaled(left, logScale);
  const b = rescaled(right, logScale);
  const weight = a.weight + b.weight;
  const d = a.mean.length;
  const mean = a.mean.map((value, i) => value + ((b.mean[i]! - value) * b.weight) / weight);
  const cross = (a.weight * b.weight) / weight;
  const products = a.products.map((value, at) => {
    const row = Math.floor(at / d);
    const column = at % d;
    const between = (b.mean[row]! - a.mean[row]!) * (b.mean[column]! - a.mean[column]!);
    return value + b.products[at]! + between * cross;
  });
  return { weight, squares: a.squares + b.squares, mean, products, logScale };
}

function rescaled(moments: RangeMoments, logScale: number): RangeMoments {
  if (moments.logScale === logScale) return moments;
  const factor = Math.exp(moments.logScale - logScale);
  return {
    weight: moments.weight * factor,
    squares: moments.squares * factor * factor,
    mean: moments.mean,
    products: moments.products.map((value) => value * factor),
    logScale,
  };
}

/** Rows that follow each other: the right summary begins where the left one ends. Names of the arrays stay. */
export type RowArrays = Readonly<Record<string, StateArray>>;

/** Concatenation by index. */
export function mergeRows<Y extends RowArrays>(left: Y, right: Y): Y {
  const joined = Object.entries(left).map(([name, array]) => {
    const other = right[name]!;
    const both = new (array.constructor as new (length: number) => Float64Array)(array.length + other.length);
    both.set(array as Float64Array);
    both.set(other as Float64Array, array.length);
    return [name, both] as const;
  });
  return Object.fromEntries(joined) as Record<string, StateArray> as Y;
}

/** A codec of named flat arrays of given types. */
export function arraysCodec<Y extends RowArrays>(
  types: {
    readonly [K in keyof Y]: { readonly from: (...numbers: never[]) => Y[K]; readonly prototype: Y[K] };
  },
): Codec<Y> {
  const names = Object.keys(types);
  return {
    encode: (value) =>
      Object.fromEntries(names.map((name): [string, Field] => [name, flat(value[name]!)])) as Fields,
    decode(fields) {
      for (const name of names) {
        const data = Object.hasOwn(fields, name) ? fields[name]!.data : undefined;
        if (data === undefined || Object.getPrototypeOf(data) !== types[name]!.prototype)
          throw badField(name);
      }
      return Object.fromEntries(names.map((name) => [name, fields[name]!.data])) as Record<
        string,
        StateArray
      > as Y;
    },
  };
}

function flat(data: StateArray): Field {
  return { data, shape: [data.length] };
}

function badField(name: string): ShapeError {
  const found = `field ${name} of a summary is missing or has another type`;
  return new ShapeError({ where: 'cluster', found, expected: 'what its work writes' });
}
