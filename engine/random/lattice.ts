import { checkCount } from '../check.ts';
import { OptionError } from '../errors.ts';
import { latticeGenerator } from './lattice-generator.ts';
import { checkFill, type FixedPointSetOptions, type PointSet, strataBits } from './point-types.ts';
import { PURPOSE } from './purpose.ts';

/** Points x dimension up to which a generating vector is searched for. */
const MOST_ENTRIES = 2 ** 28;
/** The shift is stream sub 2 of the randomisations of quasi-Monte Carlo points. */
const SHIFT = 2;

/**
 * Randomly shifted rank-1 lattice of N points: u_nj = frac(n z_j / N + s_j), s uniform on the unit cube. Integrates
 * the wave exp(2 pi i h.x) exactly unless h.z is a multiple of N; best on smooth periodic integrands. Not
 * extensible: use all N points.
 *
 * z is found by `latticeGenerator`. The shift of coordinate j draws from (particle = j, step = replicate, purpose 7,
 * sub 2) on the grid 2^-b / N, b = 50 - ceil(log2 N), so that n z_j + s_j N is exact.
 * @throws OptionError when points x dimension is above 2^28. Source: Cranley & Patterson (1976).
 */
export async function lattice(options: FixedPointSetOptions): Promise<PointSet> {
  const { rng, replicate = 0 } = options;
  const dimension = checkCount('lattice', 'dimension', options.dimension, { min: 1 });
  const points = checkCount('lattice', 'points', options.points, { min: 1 });
  checkCount('lattice', 'replicate', replicate, { min: 0, max: 2 ** 32 - 1 });
  if (points * dimension > MOST_ENTRIES) throw tooLarge(points, dimension);
  const generator = await latticeGenerator(points, dimension);
  const shift = new Float64Array(dimension);
  const grid = 2 ** strataBits(points);
  for (let c = 0; c < dimension; c++) {
    const stream = rng.stream({ purpose: PURPOSE.scramble, step: replicate, particle: c, sub: SHIFT });
    shift[c] = stream.below(points) + (stream.below(grid) + 0.5) / grid;
  }
  const set = { name: 'lattice', dimension, points, extensible: false };
  return {
    ...set,
    async fill(out, first, n) {
      checkFill('lattice', set, out, first, n);
      for (let c = 0; c < dimension; c++) walk(out, c, dimension, points, generator[c]!, shift[c]!, first, n);
    },
  };
}

/** Coordinate c of points first .. first + n - 1, by adding z modulo N. */
function walk(
  out: Float64Array,
  c: number,
  d: number,
  points: number,
  z: number,
  shift: number,
  first: number,
  n: number,
): void {
  let place = ((first * z) % points) + shift;
  if (place >= points) place -= points;
  for (let i = 0, at = c; i < n; i++, at += d) {
    out[at] = place / points;
    place += z;
    if (place >= points) place -= points;
  }
}

function tooLarge(points: number, dimension: number): OptionError {
  return new OptionError({
    where: 'lattice',
    option: 'points',
    value: points,
    found: `the lattice has ${points} points in ${dimension} dimensions`,
    expected: `points x dimension <= ${MOST_ENTRIES}`,
    fix: "Use Sobol' points, which need no search.",
  });
}
