import { checkCount, checkOneOf } from '../check.ts';
import { uniform } from '../wasm/twins/philox.ts';
import { latinHypercube } from './latin-hypercube.ts';
import { lattice } from './lattice.ts';
import { checkFill, type PointSet, type PointSetOptions, SEQUENCE_POINTS } from './point-types.ts';
import { PURPOSE } from './purpose.ts';
import { channel } from './rng.ts';
import { type SobolPointsOptions, sobolPoints } from './sobol.ts';

export type { PointSet } from './point-types.ts';

/** The point sets by the name a user gives. */
export type PointSetName = 'sobol' | 'lattice' | 'lhs' | 'iid' | 'antithetic';

const NAMES: readonly PointSetName[] = ['sobol', 'lattice', 'lhs', 'iid', 'antithetic'];
const OPEN = { sobol: sobolPoints, lattice, lhs: latinHypercube, iid, antithetic } as const;

/** A named point set; `points` is read by 'lattice' and 'lhs', `scramble` by 'sobol'. */
export interface NamedPointSetOptions extends SobolPointsOptions {
  readonly name: PointSetName;
  /** Points of the whole set. */
  readonly points: number;
}

/**
 * The point set of that name: `sobolPoints`, `lattice`, `latinHypercube`, `iid` or `antithetic`.
 * @throws OptionError as they do.
 */
export async function openPointSet(options: NamedPointSetOptions): Promise<PointSet> {
  const name = checkOneOf('openPointSet', 'name', options.name, NAMES);
  return OPEN[name](options);
}

/**
 * Independent uniform points: point i draws from (particle = i, step = replicate, purpose 11, sub 0).
 * @throws OptionError for a dimension below 1.
 */
export function iid(options: PointSetOptions): PointSet {
  const { rng, replicate = 0 } = options;
  const dimension = checkCount('iid', 'dimension', options.dimension, { min: 1 });
  checkCount('iid', 'replicate', replicate, { min: 0, max: 2 ** 32 - 1 });
  const set = { name: 'iid', dimension, points: SEQUENCE_POINTS, extensible: true };
  const last = channel(PURPOSE.design);
  return {
    ...set,
    async fill(out, first, n, backend) {
      checkFill('iid', set, out, first, n);
      const [k0, k1] = rng.key;
      if (backend === undefined) uniform(out, dimension, k0, k1, first, replicate, last, 0, n);
      else await backend.dispatch('uniform', [out, dimension, k0, k1, first, replicate, last], n);
    },
  };
}

/**
 * Independent pairs: points 2 j and 2 j + 1 are u_j and 1 - u_j, u_j drawn as point j of `iid`. The grid of uniforms is
 * symmetric, so 1 - u is exact and never 0 or 1.
 * @throws OptionError for a dimension below 1. Source: Hammersley & Morton (1956).
 */
export function antithetic(options: PointSetOptions): PointSet {
  const pairs = iid(options);
  const { dimension: d } = pairs;
  const set = { name: 'antithetic', dimension: d, points: SEQUENCE_POINTS, extensible: true };
  return {
    ...set,
    async fill(out, first, n, backend) {
      checkFill('antithetic', set, out, first, n);
      const pair = Math.floor(first / 2);
      await pairs.fill(out, pair, Math.ceil((first + n) / 2) - pair, backend);
      // From the last row down: row i comes from a row that is not behind it.
      for (let i = n - 1; i >= 0; i--) {
        const from = d * (Math.floor((first + i) / 2) - pair);
        const mirrored = (first + i) % 2 === 1;
        for (let c = 0; c < d; c++) out[i * d + c] = mirrored ? 1 - out[from + c]! : out[from + c]!;
      }
    },
  };
}

/** Whether n is 1, 2, 4, 8, ... */
export function isPowerOfTwo(n: number): boolean {
  return n >= 1 && neighbouringPowers(n)[0] === n;
}

/** The largest power of two <= n and the smallest >= n, for n >= 1. */
export function neighbouringPowers(n: number): readonly [number, number] {
  let below = 1;
  while (below * 2 <= n) below *= 2;
  return [below, below === n ? below : below * 2];
}
