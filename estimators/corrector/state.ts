import type { Place } from '../../engine/model/place.ts';
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

/** A loop and what belongs to it, on the host or on a card. */
export interface CorrectorLoop {
  readonly smc: Smc<CorrectorFields>;
  readonly target: Pick<OpenTarget, 'evaluations' | 'places' | 'notes'>;
  readonly models: readonly Pick<CorrectorModel, 'rateVariance' | 'runaway'>[];
  dispose(): void;
}

export interface CorrectorState extends CorrectorLoop {
  readonly key: readonly [number, number];
  /** Where the particles are. */
  readonly place: Place;
  /** [runs] what the start gave to log Z. */
  readonly starts: number[];
  /** [runs][steps so far] */
  readonly rows: Row[][];
}
