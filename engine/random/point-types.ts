import { OptionError, ShapeError } from '../errors.ts';
import type { KernelArgs, KernelName } from '../wasm/kernels.ts';
import type { Rng } from './rng.ts';

/** What a point set needs of a backend: its arrays and its kernels. Every `Backend` answers it. */
export interface PointBackend {
  arena(): { u32(length: number): Uint32Array; release(): void };
  dispatch<K extends KernelName>(kernel: K, args: KernelArgs<K>, count: number): Promise<void>;
}

/** Points in the open unit cube, addressed by their index: whoever asks, and in whatever pieces, the bits are the same. */
export interface PointSet {
  /** 'sobol-owen', 'lhs', ... */
  readonly name: string;
  readonly dimension: number;
  /** Points there are: 2^32 of a sequence, or the number a set of fixed size was made for. */
  readonly points: number;
  /** Whether a longer run goes on from a shorter one. False: the set is complete only with all its points. */
  readonly extensible: boolean;
  /**
   * Points first .. first + n - 1 into the first n rows of `out` [n, dimension], never 0 or 1. With a backend
   * its kernels do it, and `out` must come from one of its arenas.
   * @throws OptionError when there are not that many points; ShapeError when `out` is too short.
   */
  fill(out: Float64Array, first: number, n: number, backend?: PointBackend): Promise<void>;
}

/** What every randomised point set is made from. */
export interface PointSetOptions {
  readonly dimension: number;
  readonly rng: Rng;
  /** Number of the randomisation, below 2^32; different numbers give independent ones. Default 0. */
  readonly replicate?: number;
}

/** Options of a point set of fixed size. */
export interface FixedPointSetOptions extends PointSetOptions {
  /** Points of the whole set. */
  readonly points: number;
}

/** Points of a sequence: indices are 32-bit. */
export const SEQUENCE_POINTS: number = 2 ** 32;

/** @throws OptionError, ShapeError as `PointSet.fill` says. */
export function checkFill(
  where: string,
  set: { readonly dimension: number; readonly points: number },
  out: Float64Array,
  first: number,
  n: number,
): void {
  const whole = Number.isInteger(first) && Number.isInteger(n) && first >= 0 && n >= 0;
  if (!whole || first + n > set.points) {
    throw new OptionError({
      where,
      option: 'first',
      value: first,
      found: `${n} points from point ${first} on are asked for`,
      expected: `whole numbers inside the ${set.points} points there are`,
    });
  }
  if (out.length < n * set.dimension) {
    throw new ShapeError({
      where,
      found: `\`out\` has length ${out.length}`,
      expected: `${n * set.dimension}, ${n} points in ${set.dimension} dimensions`,
    });
  }
}

/**
 * Bits b of a place inside a stratum of width 1 / n such that (stratum + v) / n, v = (k + 1/2) / 2^b, stays inside
 * its stratum and below 1 after rounding: stratum + v is exact, and two roundings move it by less than 2^-(b+1).
 */
export function strataBits(n: number): number {
  return 50 - Math.ceil(Math.log2(n));
}
