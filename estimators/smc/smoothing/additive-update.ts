import type { Rng } from '../../../engine/random/rng.ts';
import type { AdditiveFunctional } from './additive-functional.ts';
import type { BackwardTally } from './ancestor-draws.ts';
import type { RunFrame } from './run-frame.ts';

/*
 * | symbol | name here | shape |
 * |---|---|---|
 * | tau_t^j = E[S_t given x_t^j, y_0..y_t] | tau | [N, k] |
 * | s_t(x_{t-1}, x_t) | functional.term | [n, k] |
 */

/** One step of the conditional expectations of one run. */
export interface AdditiveStep {
  /** t >= 1 */
  readonly step: number;
  readonly rng: Rng;
  readonly functional: AdditiveFunctional;
  /** Step t - 1. */
  readonly parents: RunFrame;
  /** Step t. */
  readonly children: RunFrame;
  /** Slots at step t that have weight, the first `count`. */
  readonly live: Uint32Array;
  readonly count: number;
  /** [N, k] at step t - 1. */
  readonly before: Float64Array;
  /** [N, k] at step t, for the live slots. */
  readonly tau: Float64Array;
}

export type AdditiveUpdate = (at: AdditiveStep, tally: BackwardTally) => Promise<void>;
