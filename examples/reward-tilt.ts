/** How can a diffusion model be made to please a reward, no more and no less? Five ways, and the exact law exp(reward) q. */
import {
  corrector,
  exactTarget,
  importanceAtEnd,
  mixtureDenoiser,
  quadraticReward,
  reward,
  run,
  steering,
  twisted,
  vpLinear,
} from 'ensample';
import { forestChart, forestRows } from './figures/forest-chart.ts';
import { plusMinus } from './figures/numbers.ts';
import { save } from './figures/page.ts';
import { CONTOURS, sampleChart } from './figures/sample-chart.ts';
import { evenDraws } from './figures/weighted.ts';

const wide = (s: number): number[][] => [0, 1].map((i) => [0, 1].map((j) => (i === j ? s : 0)));
const [x1, x2] = [[-1.5, 1, 0.5] as const, [0.5, -0.5, 2] as const];
const means = x1.map((x, k) => [x, x2[k]!]);
const mixture = { means, covariances: [0.3, 0.25, 0.4].map(wide), weights: [0.5, 0.3, 0.2] };
const denoiser = mixtureDenoiser(mixture, vpLinear());
// What is wanted lies where the model has next to none.
const wanted = quadraticReward([-0.6, 3.2], wide(3));
const settings = { particles: 300, runs: 16, steps: 100 };
const tilted = { ...settings, target: reward(denoiser, wanted) };
const chain = { ...settings, denoiser, reward: wanted };
const corrected = await run(corrector({ ...tilted, weights: 'exact' }), { seed: 7 });
const guided = await run(corrector({ ...tilted, weights: 'none' }), { seed: 7 });
const found = {
  corrected,
  'importance at the end': await run(importanceAtEnd(chain), { seed: 7 }),
  steering: await run(steering(chain), { seed: 7 }),
  twisted: await run(twisted(chain), { seed: 7 }),
  'guidance alone': guided,
};

const exact = exactTarget({ experts: [mixture], exponents: [1], reward: wanted });
const logZ = plusMinus(corrected.logNormalizer.value, corrected.logNormalizer.standardError);
console.log(`log of the mean of exp(reward): ${logZ}, exact ${exact.logNormalizer.toFixed(4)}`);
for (const [c, mean] of exact.mean.entries()) {
  const best = plusMinus(corrected.mean.value[c]!, corrected.mean.standardError[c]!);
  console.log(`mean of x${c + 1}: ${best}, exact ${mean.toFixed(4)}`);
}
const frame = { x: [-2.5, 2.5], y: [0, 4], xLabel: CONTOURS, logDensity: exact.law.logDensity } as const;
save('reward-tilt', 'A reward where the model has next to no points', [
  [
    sampleChart({ ...frame, points: evenDraws(corrected.sample, 4000), caption: 'dots: corrected' }),
    sampleChart({ ...frame, points: evenDraws(guided.sample, 4000), caption: 'dots: guidance alone' }),
  ],
  [0, 1].map((c) =>
    forestChart({
      ...{ rows: forestRows(found, c), exact: exact.mean[c]!, xLabel: `mean of x${c + 1}` },
      caption: 'dots: found, 95 %; line: exact',
    }),
  ),
]);
