import { mixtureDenoiser } from '../../engine/diffusion/analytic/mixture-denoiser.ts';
import type { Reward } from '../../engine/diffusion/reward.ts';
import { vpDiscrete } from '../../engine/diffusion/table-schedules.ts';
import { multivariateMixture } from '../../engine/distribution/multivariate-mixture.ts';
import { multivariateNormal } from '../../engine/distribution/multivariate-normal.ts';
import type { DiffusionChainOptions } from '../../estimators/tree/diffusion-chain.ts';
import reference from '../reference/dts.json' with { type: 'json' };

const { prior } = reference.oned;
const betas = Array.from({ length: 20 }, (_, k) => 0.01 + (0.34 * k) / 19);
const schedule = vpDiscrete({ betas });

/** The reward of `oned`, with its slope. */
const reward: Reward = {
  name: 'a wave on a parabola',
  value(x, out) {
    for (let i = 0; i < out.length; i++) out[i] = 1.2 * Math.sin(2 * x[i]!) + 0.3 * x[i]! - 0.05 * x[i]! ** 2;
  },
  gradient(x, out, gradient) {
    this.value(x, out);
    for (let i = 0; i < out.length; i++) gradient[i] = 2.4 * Math.cos(2 * x[i]!) + 0.3 - 0.1 * x[i]!;
  },
};

/** Problem 'oned' of test/reference/dts.json: three modes on the line, 20 steps, a start from the normal law. */
export const ONED: DiffusionChainOptions = {
  denoiser: mixtureDenoiser(
    {
      means: prior.means.map((m) => [m]),
      covariances: prior.sds.map((s) => [[s * s]]),
      weights: prior.weights,
    },
    schedule,
  ),
  reward,
  steps: 20,
};

/** The law of x at the noisiest time of `oned`. */
export function onedStart(): NonNullable<DiffusionChainOptions['start']> {
  const [alpha, v] = [schedule.signal(1), schedule.noise(1) ** 2];
  const laws = prior.means.map((m, k) =>
    multivariateNormal([alpha * m], [[alpha * alpha * prior.sds[k]! ** 2 + v]]),
  );
  return multivariateMixture(laws, prior.weights);
}
