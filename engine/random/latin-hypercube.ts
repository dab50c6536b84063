import { checkCount } from '../check.ts';
import { OptionError } from '../errors.ts';
import { uniform } from '../wasm/twins/philox.ts';
import { randomPermutation } from './permutation.ts';
import { checkFill, type FixedPointSetOptions, type PointSet, strataBits } from './point-types.ts';
import { PURPOSE } from './purpose.ts';
import { channel, type Rng } from './rng.ts';

/** Entries of the permutations, points x dimension: 4 bytes each. */
const MOST_ENTRIES = 2 ** 29;
/** Jitter is stream sub 1 of the designs; sub 0 is for independent points. */
const JITTER = 1;

/**
 * Latin hypercube of N points: u_nj = (pi_j(n) + v_nj) / N with independent random permutations pi_j and uniform v_nj,
 * so each coordinate has one point in each of its N equal strata. Not extensible: use all N points.
 *
 * pi_j draws from (particle = coordinate, step = replicate, purpose 6), v_nj from (particle = point, step = replicate,
 * purpose 11, sub 1), cut to a grid of 2^-50 / N so that rounding cannot leave the stratum. Keeps
 * 4 N bytes a coordinate, made at the first `fill`.
 * @throws OptionError when points x dimension is above 2^29. Source: McKay, Beckman & Conover (1979).
 */
export function latinHypercube(options: FixedPointSetOptions): PointSet {
  const { rng, replicate = 0 } = options;
  const dimension = checkCount('latinHypercube', 'dimension', options.dimension, { min: 1 });
  const points = checkCount('latinHypercube', 'points', options.points, { min: 1 });
  checkCount('latinHypercube', 'replicate', replicate, { min: 0, max: 2 ** 32 - 1 });
  if (points * dimension > MOST_ENTRIES) throw tooLarge(points, dimension);
  const set = { name: 'lhs', dimension, points, extensible: false };
  const jitter = channel(PURPOSE.design, JITTER);
  let strata: Uint32Array | undefined;
  return {
    ...set,
    async fill(out, first, n, backend) {
      checkFill('latinHypercube', set, out, first, n);
      const [k0, k1] = rng.key;
      if (backend === undefined) uniform(out, dimension, k0, k1, first, replicate, jitter, 0, n);
      else await backend.dispatch('uniform', [out, dimension, k0, k1, first, replicate, jitter], n);
      strata ??= drawStrata(points, dimension, rng, replicate);
      place(out, strata, points, dimension, first, n);
    },
  };
}

/** One permutation of 0..points-1 a coordinate, [dimension, points]. */
function drawStrata(points: number, dimension: number, rng: Rng, replicate: number): Uint32Array {
  const strata = new Uint32Array(points * dimension);
  for (let c = 0; c < dimension; c++) {
    const stream = rng.stream({ purpose: PURPOSE.permutation, step: replicate, particle: c });
    randomPermutation(strata.subarray(c * points, (c + 1) * points), stream);
  }
  return strata;
}

/** Rows whose part of `out` stays in cache while the coordinates pass over it. */
const TILE = 256;

/** Moves uniforms in `out` [n, d] into their strata. */
function place(
  out: Float64Array,
  strata: Uint32Array,
  points: number,
  d: number,
  first: number,
  n: number,
): void {
  const grid = 2 ** strataBits(points);
  const step = 1 / grid; // a power of two: multiplying is exact
  for (let from = 0; from < n; from += TILE) {
    const to = Math.min(n, from + TILE);
    for (let c = 0; c < d; c++) {
      const column = c * points + first;
      for (let i = from, at = from * d + c; i < to; i++, at += d) {
        out[at] = (strata[column + i]! + (Math.floor(out[at]! * grid) + 0.5) * step) / points;
      }
    }
  }
}

function tooLarge(points: number, dimension: number): OptionError {
  const gigabytes = (points * dimension * 4) / 2 ** 30;
  return new OptionError({
    where: 'latinHypercube',
    option: 'points',
    value: points,
    found: `${points} points in ${dimension} dimensions need ${gigabytes.toPrecision(3)} GiB for the permutations`,
    expected: 'at most 2 GiB',
    fix: `Try points: ${Math.max(1, Math.floor(MOST_ENTRIES / dimension))}.`,
  });
}
