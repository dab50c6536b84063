import { jsBackend } from '../../engine/backend/js.ts';
import { gaussianDenoiser, mixtureDenoiser } from '../../engine/diffusion/analytic/mixture-denoiser.ts';
import type { Denoiser } from '../../engine/diffusion/denoiser.ts';
import { timeGrid } from '../../engine/diffusion/grids.ts';
import { scheduler } from '../../engine/diffusion/scheduler.ts';
import { vpLinear } from '../../engine/diffusion/schedules.ts';
import { ddpm } from '../../engine/diffusion/solver/ddpm.ts';
import { type Correction, correct } from '../../estimators/corrector/correct.ts';

/* Loops as users write them, on two classes in one dimension. */

export const schedule = vpLinear();
export const backend = jsBackend();
const both = { means: [[-1], [1.2]], covariances: [[[0.81]], [[1]]], weights: [0.6, 0.4] };
export const unconditional = mixtureDenoiser(both, schedule);
export const conditional = gaussianDenoiser({ mean: [1.2], covariance: [[0.81]] }, schedule);

export async function predict(denoiser: Denoiser, x: Float64Array, time: number): Promise<Float64Array> {
  const out = new Float64Array(x.length);
  await denoiser.predict(x, time, out);
  return out;
}

/** An ancestral loop with the reward of E[x_0], r(x) = slope x. */
export async function steered(
  seed: number,
  n: number,
  ess: number,
  slope: number,
): Promise<{ x: Float64Array; weights: Correction }> {
  const steps = scheduler({
    ...{ schedule, integrator: ddpm(), prediction: 'score', dimension: 1, particles: n, seed, backend },
  });
  steps.setTimesteps(timeGrid(schedule, { steps: 40, stop: 0 }));
  const weights = correct({ particles: n, seed, backend, resample: { ess } });
  let x = await steps.start();
  for (const [k, time] of steps.times.entries()) {
    const { previous, clean } = await steps.step(await predict(unconditional, x, time), time, x);
    const last = k === steps.times.length - 1;
    const looked = last ? previous : clean;
    await weights.weighReward(
      looked.map((value) => slope * value),
      [previous],
      last,
    );
    x = previous;
  }
  return { x, weights };
}
