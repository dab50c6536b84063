import type { Gpu } from '../../engine/backend/gpu/types.ts';
import { orRelease } from '../../engine/or-release.ts';
import { type CardSmc, makeCardSmc } from '../../engine/particles/smc/card-smc.ts';
import { makeTrigger } from '../../engine/particles/trigger.ts';
import type { Rng } from '../../engine/random/rng.ts';
import type { Context } from '../../engine/sampler.ts';
import { type CardFit, makeCardRun } from './card-run.ts';
import { openCardTarget } from './card-target.ts';
import { type CorrectorFields, type CorrectorPlan, correctorFields, WHERE } from './plan.ts';
import type { CorrectorLoop } from './state.ts';

/** The loop of a plan on a card. @throws BackendError when the card cannot hold the particles. */
export async function openOnCard(
  plan: CorrectorPlan,
  { backend, signal }: Context,
  gpu: Gpu,
  rngs: readonly Rng[],
): Promise<CorrectorLoop> {
  const { particles, terms, experts, rule } = plan;
  const target = openCardTarget(plan, gpu);
  const trigger = makeTrigger(WHERE, rule);
  const shared = { plan, gpu, backend, target, trigger };
  const smc = await orRelease(
    async (): Promise<CardSmc<CorrectorFields, CardFit>> =>
      makeCardSmc({
        ...{ where: WHERE, backend, signal, rngs, particles },
        fields: correctorFields(plan),
        steps: terms.length,
        open: (rng) => makeCardRun({ ...shared, rng }),
      }),
    () => target.release(),
  );
  return {
    smc,
    models: rngs.map((_, r) => ({
      get rateVariance() {
        return smc.model(r).rateVariance;
      },
      get runaway() {
        return smc.model(r).runaway;
      },
    })),
    target: {
      places: [],
      notes: [],
      // All steps but the last one ask every expert.
      get evaluations() {
        return rngs.length * particles * experts.length * Math.min(smc.step + 1, terms.length - 1);
      },
    },
    dispose() {
      smc.release();
      target.release();
    },
  };
}
