import type { Frame } from '../../../engine/particles/history.ts';
import { PURPOSE } from '../../../engine/random/purpose.ts';
import type { Rng } from '../../../engine/random/rng.ts';
import type { IndexChooser } from './index-choice.ts';
import type { TransitionDensity, TransitionRows } from './transition-rows.ts';

/** A run whose path is to be drawn backwards. */
export interface BackwardPass {
  /** All steps of all runs. */
  readonly frames: readonly Frame[];
  /** Which run, and its generator. */
  readonly index: number;
  readonly rng: Rng;
  /** B_{T-1} */
  readonly last: number;
  readonly logTransition: TransitionDensity;
}

/**
 * A path [T, d] drawn backwards from B_{T-1}: B_t with probability proportional to W_t^i f_{t+1}(x_{t+1}^{B_{t+1}} given
 * x_t^i). Where no particle can lead to the state (a sum of zeros, by rounding) the ancestor of the run stands in. Draws:
 * purpose 5, particle 0, step t. Right at steps without resampling too: given the rest of the path, each particle of step t
 * is then one of N independent candidates, the old one being among them.
 * Source: Whiteley (2010), in the discussion of Andrieu, Doucet & Holenstein.
 */
export function backwardPath(pass: BackwardPass, rows: TransitionRows, chooser: IndexChooser): Float64Array {
  const { frames, index, rng, last, logTransition } = pass;
  const n = rows.logWeight.length;
  const x = (t: number): Float64Array => frames[t]!.fields.x as Float64Array;
  const d = x(0).length / frames[0]!.logWeight.length;
  const path = new Float64Array(frames.length * d);
  let at = last;
  for (let t = frames.length - 1; t >= 0; t--) {
    const own = x(t).subarray(index * n * d, (index + 1) * n * d);
    if (t + 1 < frames.length) {
      const weight = frames[t]!.logWeight.subarray(index * n, (index + 1) * n);
      rows.weigh(logTransition, t + 1, own, path, weight);
      const u = rng.stream({ purpose: PURPOSE.backward, step: t }).uniform();
      const parent = frames[t + 1]!.ancestor;
      at =
        chooser.choose(rows.logWeight, u) ??
        (parent === undefined ? at : parent[index * n + at]! - index * n);
    }
    path.set(own.subarray(at * d, (at + 1) * d), t * d);
  }
  return path;
}
