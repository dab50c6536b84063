import { checkCount, checkOptionNames } from '../../engine/check.ts';
import { OptionError, ShapeError } from '../../engine/errors.ts';
import { gammaUpper } from '../../engine/math/incomplete-gamma.ts';
import { rngFromSeed } from '../../engine/random/rng.ts';
import type { BatchFn } from '../../engine/types.ts';
import { exp } from '../../engine/wasm/twins/elementary.ts';
import { classify } from './level-draws.ts';

/*
 * Is q(g given x) the law of the level? Pairs (x, g) are made as in training, x = x_0 + sigma_g e with g drawn evenly. If q is
 * right, then
 *
 *   P(g' <= g - 1 given x) + u q(g given x), u uniform, is uniform;
 *   q(g given x) has mean E sum_g q(g given x)^2;
 *   among all levels that are given a probability near p, a share p are true.
 */

export interface LevelCalibrationOptions {
  /** x [n, d] -> out [n, G], as for `denoisingMcmc`. */
  readonly levelLaw: BatchFn;
  /** [G] */
  readonly levels: ArrayLike<number>;
  /** [m, d] independent points of the data that the classifier was not trained on. */
  readonly points: ArrayLike<number>;
  /** d */
  readonly dimension: number;
  /** Noised copies of each point. Default 1, which the chance below needs to be right. */
  readonly copies?: number;
  /** Default 0. */
  readonly seed?: number;
}

export interface LevelCalibration {
  /** [20] shares of pairs by the place of the true level in its law; 0.05 each when calibrated. */
  readonly places: Float64Array;
  /** Chi-square of that, 19 degrees, and the chance of as much or more under a calibrated law. */
  readonly statistic: number;
  readonly probability: number;
  /** Mean probability of the true level, its mean under a calibrated law, and the standard error of their difference. */
  readonly sharpness: { readonly found: number; readonly expected: number; readonly standardError: number };
  /** [10] Levels by the probability they were given, above 1/2, 1/4, ...: mean of it, share of true ones, and counts. */
  readonly reliability: {
    readonly given: Float64Array;
    readonly found: Float64Array;
    readonly counts: Float64Array;
  };
}

const WHERE = 'levelCalibration';
const PLACES = 20;
const BINS = 10;
/** Pairs of one call. */
const ROWS = 1024;

/**
 * How well a classifier of noise levels is calibrated.
 * @throws OptionError or ShapeError for bad options; ValueError when its probabilities do not sum to 1.
 */
export async function levelCalibration(options: LevelCalibrationOptions): Promise<LevelCalibration> {
  const { levels, points, copies = 1, seed = 0, levelLaw } = options;
  const { d, m } = checkCalibration(options);
  const G = levels.length;
  const all = m * copies;
  const draws = rngFromSeed(seed).stream({ purpose: 32 });
  const tally = emptyTally();
  for (let lo = 0; lo < all; lo += ROWS) {
    const count = Math.min(ROWS, all - lo);
    const x = new Float64Array(count * d);
    const level = Uint32Array.from({ length: count }, () => draws.below(G));
    for (let at = 0; at < x.length; at++) {
      const own = ((lo + Math.floor(at / d)) % m) * d + (at % d);
      x[at] = points[own]! + levels[level[Math.floor(at / d)]!]! * draws.normal();
    }
    const rows = new Float64Array(count * G);
    await classify(levelLaw, x, count, d, G, rows, WHERE, lo);
    for (let i = 0; i < count; i++)
      note(tally, rows.subarray(i * G, (i + 1) * G).map(exp), level[i]!, draws.uniform());
  }
  return told(tally, all);
}

interface Tally {
  readonly places: Float64Array;
  readonly given: Float64Array;
  readonly found: Float64Array;
  readonly counts: Float64Array;
  /** Sums of q(g), of its mean, and of squares of their difference. */
  readonly sums: Float64Array;
}

function emptyTally(): Tally {
  const [given, found, counts] = [new Float64Array(BINS), new Float64Array(BINS), new Float64Array(BINS)];
  return { places: new Float64Array(PLACES), given, found, counts, sums: new Float64Array(3) };
}

/** One pair: probabilities of all levels, the true one, and a uniform. */
function note(tally: Tally, q: Float64Array, level: number, u: number): void {
  let [below, square] = [0, 0];
  for (let g = 0; g < q.length; g++) {
    if (g < level) below += q[g]!;
    square += q[g]! ** 2;
    const bin = Math.min(BINS - 1, Math.floor(-Math.log2(Math.min(1, q[g]!))));
    tally.given[bin]! += q[g]!;
    tally.counts[bin]!++;
    if (g === level) tally.found[bin]!++;
  }
  const place = Math.floor(PLACES * (below + u * q[level]!));
  tally.places[Math.max(0, Math.min(PLACES - 1, place))]!++;
  tally.sums[0]! += q[level]!;
  tally.sums[1]! += square;
  tally.sums[2]! += (q[level]! - square) ** 2;
}

function told({ places, given, found, counts, sums }: Tally, all: number): LevelCalibration {
  const even = all / PLACES;
  const statistic = places.reduce((sum, count) => sum + (count - even) ** 2 / even, 0);
  const [first, second] = [sums[0]! / all, sums[1]! / all];
  const variance = sums[2]! / all - (first - second) ** 2;
  return {
    places: places.map((count) => count / all),
    statistic,
    probability: gammaUpper((PLACES - 1) / 2, statistic / 2),
    sharpness: { found: first, expected: second, standardError: Math.sqrt(variance / all) },
    reliability: {
      given: given.map((sum, bin) => sum / counts[bin]!),
      found: found.map((sum, bin) => sum / counts[bin]!),
      counts,
    },
  };
}

function checkCalibration(options: LevelCalibrationOptions): { readonly d: number; readonly m: number } {
  const names = ['levelLaw', 'levels', 'points', 'dimension', 'copies', 'seed'];
  checkOptionNames(WHERE, options, names);
  const { levelLaw, levels, points, dimension, copies = 1 } = options;
  const d = checkCount(WHERE, 'dimension', dimension, { min: 1 });
  checkCount(WHERE, 'copies', copies, { min: 1 });
  if (typeof levelLaw !== 'function')
    throw new OptionError({
      where: WHERE,
      option: 'levelLaw',
      value: levelLaw,
      found: 'there is no `levelLaw`',
      expected: 'a function (x, out)',
    });
  const level = Array.from(levels ?? []);
  if (level.length < 2 || !level.every((sigma) => sigma > 0 && sigma < Infinity))
    throw new OptionError({
      where: WHERE,
      option: 'levels',
      value: levels,
      found: `\`levels\` is ${level.slice(0, 4).join(', ')}${level.length > 4 ? ', ...' : ''}`,
      expected: 'two or more finite numbers > 0',
    });
  if (points.length > 0 && points.length % d === 0) return { d, m: points.length / d };
  throw new ShapeError({
    where: WHERE,
    found: `\`points\` has ${points.length} numbers`,
    expected: `a multiple of ${d}, at least one point`,
  });
}
