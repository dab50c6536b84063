import { resample } from '../../engine/particles/resample.ts';
import type { SchemeName } from '../../engine/particles/resampling/scheme.ts';
import type { SmcPopulation } from '../../engine/particles/smc/feynman-kac.ts';
import { PURPOSE } from '../../engine/random/purpose.ts';
import type { Rng, Stream } from '../../engine/random/rng.ts';
import { log } from '../../engine/wasm/twins/elementary.ts';
import { sum } from '../../engine/wasm/twins/sums.ts';
import type { CorrectorFields } from './plan.ts';

/*
 * Birth and death: with dw_i = h g_i and m = mean dw, a particle lives until the sum of max(m - dw_i, 0) passes a clock
 * ~ Exp(1); then it is replaced by one drawn with probability proportional to max(dw_j - m, 0), its excess of this step alone,
 * and gets a new clock. Weights stay equal, and log Z grows by log mean exp(dw).
 *
 * | symbol | name here |
 * |---|---|
 * | what is left on the clock | life, [K] |
 *
 * An excess that is carried over steps would draw parents by their past and be wrong.
 */

export interface Clocks {
  /**
   * Ancestors [K] of the next step from the weights of the last one; `first`: the weights are those of a start or of many steps,
   * and are resampled by the scheme.
   */
  choose(
    step: number,
    population: SmcPopulation<CorrectorFields>,
    logWeight: Float64Array,
    ancestor: Uint32Array,
    first: boolean,
  ): Promise<void>;
  /** What is left on the clocks after `choose`, [K]. */
  readonly life: Float64Array;
}

export function makeClocks(particles: number, scheme: SchemeName): Clocks {
  const life = new Float64Array(particles);
  const excess = new Float64Array(particles);
  return {
    life,
    async choose(step, { rng, backend, field }, logWeight, ancestor, first) {
      if (first) {
        const level = logWeight.every((l) => l === logWeight[0]);
        if (level) for (let i = 0; i < particles; i++) ancestor[i] = i;
        else ancestor.set((await resample({ logWeight, rng, step, scheme, backend })).ancestor);
        for (let i = 0; i < particles; i++) life[i] = clock(streamOf(rng, step, i));
        return;
      }
      const mean = sum(logWeight) / particles;
      const left = field('life')!;
      let total = 0;
      for (let i = 0; i < particles; i++) {
        total += Math.max(logWeight[i]! - mean, 0);
        excess[i] = total;
      }
      for (let i = 0; i < particles; i++) {
        ancestor[i] = i;
        life[i] = left[i]! - Math.max(mean - logWeight[i]!, 0);
        if (life[i]! > 0) continue;
        const stream = streamOf(rng, step, i);
        life[i] = clock(stream);
        ancestor[i] = indexAt(excess, stream.uniform() * total);
      }
    },
  };
}

function streamOf(rng: Rng, step: number, particle: number): Stream {
  return rng.stream({ purpose: PURPOSE.jump, step, particle });
}

function clock(stream: Stream): number {
  return -log(stream.uniform());
}

/** First index whose running sum is above `point`, which rounding may have made the last one: then where that is reached. */
function indexAt(running: Float64Array, point: number): number {
  let [low, high] = [0, running.length - 1];
  const last = running[high]!;
  if (point >= last) return running.indexOf(last);
  while (low < high) {
    const middle = (low + high) >> 1;
    if (running[middle]! > point) high = middle;
    else low = middle + 1;
  }
  return low;
}
