import { checkCount, checkOneOf } from '../check.ts';
import { philoxBlock } from '../wasm/twins/philox.ts';
import { sobolPoints as fillPoints } from '../wasm/twins/sobol.ts';
import { directionNumbers, SOBOL_DIMENSIONS } from './directions.ts';
import { checkFill, type PointSet, type PointSetOptions, SEQUENCE_POINTS } from './point-types.ts';
import { PURPOSE } from './purpose.ts';
import { channel, type Rng } from './rng.ts';

/**
 * How a Sobol' sequence is randomised. 'owen': nested uniform scramble in hash form, the default; 'lms': random
 * lower-triangular matrix and digital shift (Matousek 1998); 'shift': digital shift alone, less accurate;
 * 'none': the bare sequence, for tests only (its first point is at the origin, half a step off).
 */
export type SobolScramble = 'owen' | 'lms' | 'shift' | 'none';

export interface SobolPointsOptions extends PointSetOptions {
  /** Default 'owen'. */
  readonly scramble?: SobolScramble;
}

const SCRAMBLES: readonly SobolScramble[] = ['owen', 'lms', 'shift', 'none'];
/** Modes of the kernel. */
const MODE = { none: 0, owen: 1, lms: 2, shift: 2 } as const;

/** A randomised Sobol' sequence as the numbers from which any device makes its points, see the kernel `sobolWords`. */
export interface SobolSequence {
  /** 'sobol-owen', ... */
  readonly name: string;
  readonly dimension: number;
  /** Direction numbers, [dimension, 32]. */
  readonly directions: Uint32Array;
  /** Words of the scramble, [dimension, 4]. */
  readonly words: Uint32Array;
  /** 0 bare, 1 hash form of Owen's scramble, 2 digital shift. */
  readonly mode: number;
}

/**
 * The numbers behind `sobolPoints` with the same options.
 * @throws OptionError as `sobolPoints`.
 */
export async function sobolSequence(options: SobolPointsOptions): Promise<SobolSequence> {
  const { rng, replicate = 0 } = options;
  const dimension = checkCount('sobolPoints', 'dimension', options.dimension, {
    min: 1,
    max: SOBOL_DIMENSIONS,
    fix: "Use Latin hypercube points (design: 'lhs') for more.",
  });
  checkCount('sobolPoints', 'replicate', replicate, { min: 0, max: 2 ** 32 - 1 });
  const scramble = checkOneOf('sobolPoints', 'scramble', options.scramble ?? 'owen', SCRAMBLES);
  const directions = await directionNumbers(dimension);
  const words =
    scramble === 'lms'
      ? scrambleDirections(directions, dimension, rng, replicate)
      : scrambleWords(dimension, rng, replicate);
  return { name: `sobol-${scramble}`, dimension, directions, words, mode: MODE[scramble] };
}

/**
 * Sobol' points in Gray-code order from index 0, randomised: each point is uniform on the unit cube, and every block
 * of 2^k points that starts at a multiple of 2^k is a net. Never skip points; extend by going on.
 *
 * Above 256 dimensions a larger table is imported first.
 * @throws OptionError above 21 201 dimensions, the end of the table.
 * Source: Joe & Kuo (2008) for the directions; Owen (1995), Matousek (1998), Burley (2020) for the scrambles.
 */
export async function sobolPoints(options: SobolPointsOptions): Promise<PointSet> {
  return pointsOf(await sobolSequence(options));
}

function pointsOf({ name, dimension, directions, words, mode }: SobolSequence): PointSet {
  const set = { name, dimension, points: SEQUENCE_POINTS, extensible: true };
  return {
    ...set,
    async fill(out, first, n, backend) {
      checkFill('sobolPoints', set, out, first, n);
      if (backend === undefined) {
        fillPoints(directions, words, mode, dimension, out, first, 0, n);
        return;
      }
      const arena = backend.arena();
      try {
        const v = arena.u32(directions.length);
        const w = arena.u32(words.length);
        v.set(directions);
        w.set(words);
        await backend.dispatch('sobolPoints', [v, w, mode, dimension, out, first], n);
      } finally {
        arena.release();
      }
    },
  };
}

/** Words of the hash scramble, [d, 4]: the block at (particle = coordinate, step = replicate, purpose 7, sub 0). */
export function scrambleWords(dimension: number, rng: Rng, replicate: number): Uint32Array {
  const words = new Uint32Array(4 * dimension);
  const last = channel(PURPOSE.scramble);
  for (let c = 0; c < dimension; c++) {
    philoxBlock(c, replicate, 0, last, rng.key[0], rng.key[1], words.subarray(4 * c, 4 * c + 4));
  }
  return words;
}

const MATRIX_BLOCKS = 9;

/**
 * Random linear scramble: multiplies the bits of every direction number in place by a unit lower-triangular matrix
 * (the highest bit first), one matrix a coordinate, and returns the words of the shift, [d, 4] with the shift first.
 *
 * Words 0..31 of the stream at (coordinate, replicate, purpose 7, sub 1) hold column k of the matrix below its
 * diagonal, word 32 is the shift. Source: Matousek (1998).
 */
function scrambleDirections(
  directions: Uint32Array,
  dimension: number,
  rng: Rng,
  replicate: number,
): Uint32Array {
  const shifts = new Uint32Array(4 * dimension);
  const column = new Uint32Array(4 * MATRIX_BLOCKS);
  const last = channel(PURPOSE.scramble, 1);
  for (let c = 0; c < dimension; c++) {
    for (let b = 0; b < MATRIX_BLOCKS; b++) {
      philoxBlock(c, replicate, b, last, rng.key[0], rng.key[1], column.subarray(4 * b, 4 * b + 4));
    }
    for (let k = 0; k < 32; k++) {
      const diagonal = (1 << (31 - k)) >>> 0;
      column[k] = diagonal | (column[k]! & (diagonal - 1));
    }
    for (let at = 32 * c; at < 32 * c + 32; at++) directions[at] = multiply(column, directions[at]!);
    shifts[4 * c] = column[32]!;
  }
  return shifts;
}

/** Sum over GF(2) of the columns that the bits of x select, the highest bit first. */
function multiply(column: Uint32Array, x: number): number {
  let y = 0;
  for (let left = x; left !== 0; ) {
    const k = Math.clz32(left);
    y ^= column[k]!;
    left = (left & ~(1 << (31 - k))) >>> 0;
  }
  return y;
}
