import type { Smc } from '../../engine/particles/smc/types.ts';
import type { CorrectorModel } from './model.ts';
import type { OpenTarget } from './open-target.ts';
import type { CorrectorFields } from './plan.ts';

/** What happened at one step of one run. */
export interface Row {
  readonly ess: number;
  readonly resampled: boolean;
  readonly increment: number;
  readonly largestWeight: number;
  readonly rateVariance: number;
}

export interface CorrectorState {
  readonly key: readonly [number, number];
  readonly smc: Smc<CorrectorFields>;
  readonly target: OpenTarget;
  readonly models: readonly CorrectorModel[];
  /** [runs] what the start gave to log Z. */
  readonly starts: number[];
  /** [runs][steps so far] */
  readonly rows: Row[][];
  dispose(): void;
}
