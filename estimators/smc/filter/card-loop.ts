import type { Backend } from '../../../engine/backend/backend.ts';
import type { Gpu } from '../../../engine/backend/gpu/types.ts';
import type { CardScheme } from '../../../engine/particles/card-resampler.ts';
import { makeCardSmc } from '../../../engine/particles/smc/card-smc.ts';
import type { Smc } from '../../../engine/particles/smc/types.ts';
import { makeTrigger } from '../../../engine/particles/trigger.ts';
import type { Rng } from '../../../engine/random/rng.ts';
import type { StateFields } from '../state-space.ts';
import type { CardModel } from './card-place.ts';
import { makeCardRun } from './card-run.ts';
import type { FilterPlan } from './filter-plan.ts';

export interface CardLoopOptions {
  readonly plan: FilterPlan;
  readonly model: CardModel;
  readonly gpu: Gpu;
  readonly backend: Backend;
  readonly signal: AbortSignal;
  /** The generators of the runs, one each. */
  readonly rngs: readonly Rng[];
}

/**
 * The loop of a bootstrap filter whose particles are on a graphics card. Moves, log densities, the search for ancestors and
 * the gather are passes there; 4 d + 4 bytes a particle come back after each step, besides 4 for its log density. Departures
 * from the loop on the host: float32 states and log densities.
 * @throws BackendError when the card cannot hold the particles.
 */
export function cardLoop({ plan, model, ...ctx }: CardLoopOptions): Smc<StateFields> {
  const { where, dimension, particles, observations } = plan;
  const { scheme, nan = 'error', floor, history = { kind: 'none' } } = plan.loop;
  const shared = { ...model, ...ctx, where, observations, particles, dimension, nan, floor };
  const trigger = makeTrigger(where, plan.loop);
  return makeCardSmc<StateFields, undefined>({
    ...{ ...ctx, where, particles, history },
    fields: { x: { components: dimension } },
    steps: observations.length,
    // `placeFilter` has refused the other schemes.
    open: (rng) => makeCardRun({ ...shared, rng, trigger, scheme: scheme as CardScheme }),
  });
}
