import type { Stream } from '../../engine/random/rng.ts';

/** Makes the arrays of one call; what it hands out is compared afterwards, element by element. */
export interface Allocator {
  f64(values: ArrayLike<number>): Float64Array;
  u32(values: ArrayLike<number>): Uint32Array;
  u8(values: ArrayLike<number>): Uint8Array;
  /** Room for numbers that are not part of the answer. */
  scratch(length: number): Float64Array;
}

/** One call of a kernel: its arguments without the range, and the number of items the range may cover. */
export interface Call {
  readonly args: readonly unknown[];
  readonly count: number;
}

export type MakeCall = (allocate: Allocator, draw: Stream) => Call;

const SPECIAL = [
  0,
  -0,
  -Infinity,
  Infinity,
  Number.NaN,
  5e-324,
  -5e-324,
  2.2250738585072014e-308,
  1e-310,
  1,
  -1,
  0.5,
  0.075,
  0.925,
  2 ** -53,
  1 - 2 ** -53,
  709,
  709.5,
  709.782712893384,
  709.79,
  710,
  -707.99,
  -708,
  -708.1,
  -745,
  1e300,
  -1e300,
  1.7976931348623157e308,
  Math.SQRT1_2,
  Math.SQRT2,
  1e-12,
] as const;

/** Lengths that are rarely multiples of 2, 4, 8 or 1024. */
export const count = (draw: Stream, most = 70): number => 1 + draw.below(most);

export const word = (draw: Stream): number => draw.below(4294967296);

/** `n` numbers of a law. */
export function numbers(n: number, next: () => number): number[] {
  return Array.from({ length: n }, next);
}

/** Mostly `usual()`, sometimes a value at an edge of float64. */
export function withSpecials(draw: Stream, usual: () => number): () => number {
  return () => (draw.below(6) === 0 ? SPECIAL[draw.below(SPECIAL.length)]! : usual());
}

/** Two words of key and two or more of the counter. */
export const address = (draw: Stream): number[] => [word(draw), word(draw), word(draw), word(draw)];

/** Integer weights with zeros, the last one often among them; at least one is positive. */
export function quanta(draw: Stream, n: number): Float64Array {
  const scale = 2 ** (52 - Math.ceil(Math.log2(n)));
  const dead = draw.below(3) / 3;
  const q = Float64Array.from({ length: n }, () => (draw.uniform() < dead ? 0 : draw.below(scale)));
  q[draw.below(n)] = scale;
  if (draw.below(4) === 0) q.fill(0, draw.below(n));
  if (draw.below(4) === 0) q.fill(0, 0, draw.below(n));
  if (q.every((x) => x === 0)) q[draw.below(n)] = scale;
  return q;
}

/** Inclusive sums. */
export function runningSums(x: Float64Array): Float64Array {
  let total = 0;
  return x.map((value) => {
    total += value;
    return total;
  });
}
