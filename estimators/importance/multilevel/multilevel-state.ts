import type { Evaluator } from '../../../engine/model/evaluator.ts';
import type { LevelMoments } from './level-moments.ts';
import type { CheckedLevel } from './multilevel-plan.ts';

/** One level and what its samples told so far. */
export interface LevelState {
  readonly level: CheckedLevel;
  readonly evaluator: Evaluator;
  target: number;
  moments: LevelMoments;
}

/** The levels so far. */
export interface MultilevelState {
  readonly key: readonly [number, number];
  readonly levels: LevelState[];
  /** How it ended: 'bias' when no deeper level was allowed, 'samples' when a level would need more than 2^32. */
  end: 'open' | 'reached' | 'bias' | 'samples';
}
