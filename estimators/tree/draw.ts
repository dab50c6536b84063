import { checkCount } from '../../engine/check.ts';
import { DegeneracyError } from '../../engine/errors.ts';
import { normalizedWeight } from '../../engine/particles/log-weight.ts';
import { PURPOSE } from '../../engine/random/purpose.ts';
import { rngFromSeed } from '../../engine/random/rng.ts';
import type { Sample } from '../../engine/sampler.ts';
import type { TreeResult } from './types.ts';

/** Leaves of a tree that all count alike. */
export interface DrawnLeaves extends Sample {
  /** [n] row of each in the `sample` of the tree. */
  readonly leaf: Uint32Array;
  /** [n] */
  readonly reward: Float64Array;
}

/**
 * Independent draws of leaves, with replacement, each with probability proportional to its weight: what a descent by values
 * comes to, since the chances along a path telescope to the weight of the leaf. The law by which the tree grew has no part
 * in it. No evaluations.
 *
 * @param count n, how many. Draw i depends on the seed and i alone, so more draws begin with the fewer.
 * @param seed default: that of the run.
 * @throws OptionError for a bad count or seed; DegeneracyError when no leaf has any weight.
 */
export function drawLeaves(
  { sample, reward, provenance }: Pick<TreeResult, 'sample' | 'reward' | 'provenance'>,
  count: number,
  seed: number = provenance.seed,
): DrawnLeaves {
  checkCount('drawLeaves', 'count', count, { min: 1, max: 2 ** 31 });
  const rng = rngFromSeed(seed);
  const { points, shape, logWeight } = sample;
  const d = shape[1];
  const cumulative = cumulativeWeight(logWeight);
  const drawn: DrawnLeaves = {
    points: new Float64Array(count * d),
    shape: [count, d],
    logWeight: new Float64Array(count),
    leaf: new Uint32Array(count),
    reward: new Float64Array(count),
  };
  for (let i = 0; i < count; i++) {
    const u = rng.stream({ purpose: PURPOSE.resampling, particle: i }).uniform();
    const at = firstAbove(cumulative, u);
    drawn.leaf[i] = at;
    drawn.reward[i] = reward[at]!;
    for (let c = 0; c < d; c++) drawn.points[i * d + c] = points[at * d + c]!;
  }
  return drawn;
}

/** [n] in [0, 1]; exactly 1 from the last leaf that has weight on, so that none after it is ever drawn. */
function cumulativeWeight(logWeight: Float64Array): Float64Array {
  const cumulative = normalizedWeight(logWeight);
  let last = -1;
  for (let i = 0; i < cumulative.length; i++) {
    if (cumulative[i]! > 0) last = i;
    if (i > 0) cumulative[i] = cumulative[i]! + cumulative[i - 1]!;
  }
  if (last >= 0) return cumulative.fill(1, last);
  throw new DegeneracyError({
    where: 'drawLeaves',
    found: `none of ${cumulative.length} leaves has a weight above 0`,
    expected: 'a tree with a leaf whose reward is above -Infinity',
    fix: 'Use more iterations, or a reward that is finite where the chain goes.',
  });
}

/** Least i with cumulative[i] > u. */
function firstAbove(cumulative: Float64Array, u: number): number {
  let low = 0;
  let high = cumulative.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (cumulative[middle]! > u) high = middle;
    else low = middle + 1;
  }
  return low;
}
