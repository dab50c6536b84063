import type { PointFailure } from '../../engine/errors.ts';
import type { Place } from '../../engine/model/place.ts';
import type { Info } from '../../engine/sampler.ts';
import type { Analysis, Ready } from './answer.ts';
import type { DesignPlan } from './plan.ts';
import type { Store } from './store.ts';
import type { SumStore } from './sum-store.ts';

/** What a result is made from. */
export interface Finding {
  readonly design: DesignPlan;
  readonly analysis: Analysis;
  readonly store: Store | SumStore;
  readonly ready: Ready;
  /** Base points evaluated in each replicate. */
  readonly filled: readonly number[];
  readonly outputs: readonly string[];
  readonly failures: readonly PointFailure[];
  readonly failed: number;
  readonly info: Omit<Info, 'warnings'>;
  /** Where the model ran. */
  readonly place: Place;
  /** The half-width a finished run was asked for; undefined when none was. */
  readonly until: number | undefined;
}
