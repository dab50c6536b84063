import { describe, expect, test } from 'vitest';
import { timeGrid } from '../../engine/diffusion/grids.ts';
import { quadratureTarget } from '../../engine/diffusion/quadrature-target.ts';
import { scheduler } from '../../engine/diffusion/scheduler.ts';
import { eulerMaruyama } from '../../engine/diffusion/solver/euler-maruyama.ts';
import { correct } from '../../estimators/corrector/correct.ts';
import { backend, conditional, predict, schedule, steered, unconditional } from '../support/own-loop.ts';

/** Of Student's law with 15 degrees of freedom, two sides together 1e-6. */
const MOST = 7.6;

/** Guidance of strength w in a loop by hand, corrected; the share above 1.2 and log Z. */
async function guided(
  seed: number,
  w: number,
  n: number,
  rate = 1,
): Promise<{ share: number; logZ: number }> {
  const steps = scheduler({
    ...{
      schedule,
      integrator: eulerMaruyama(),
      prediction: 'score',
      dimension: 1,
      particles: n,
      seed,
      backend,
    },
  });
  steps.setTimesteps(timeGrid(schedule, { steps: 60, stop: 0 }));
  const weights = correct({ particles: n, seed, backend });
  let x = await steps.start();
  for (const [k, time] of steps.times.entries()) {
    const predictions = [await predict(unconditional, x, time), await predict(conditional, x, time)];
    const combined = predictions[0]!.map((u, i) => u + w * (predictions[1]![i]! - u));
    const { previous } = await steps.step(combined, time, x);
    const exponents = [1 - w, w];
    const next = time - rate * (time - (steps.times[k + 1] ?? 0));
    await weights.weighGuidance({ schedule, time, next, exponents, prediction: 'score', predictions, x }, [
      previous,
    ]);
    x = previous;
  }
  const all = weights.logWeight.map((value) => Math.exp(value));
  const total = all.reduce((sum, value) => sum + value, 0);
  const share = all.reduce((sum, value, i) => sum + (x[i]! > 1.2 ? value : 0), 0) / total;
  return { share, logZ: weights.logNormalizer };
}

function meanAndError(values: readonly number[]): readonly [number, number] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  return [mean, Math.sqrt(variance / values.length)];
}

describe('guidance in a loop by hand, corrected', () => {
  const w = 1.6;
  const exact = quadratureTarget({
    experts: [unconditional, conditional],
    exponents: [1 - w, w],
    low: [-6],
    high: [10],
  });

  test('log Z and shares are those of the product, within the error of 16 runs', async () => {
    const found = [];
    for (let seed = 0; seed < 16; seed++) found.push(await guided(seed, w, 400));
    const [logZ, error] = meanAndError(found.map((each) => each.logZ));
    const [share, shareError] = meanAndError(found.map((each) => each.share));
    expect(Math.abs(logZ - exact.logNormalizer)).toBeLessThan(MOST * error);
    expect(Math.abs(share - exact.masses(0, [1.2])[1]!)).toBeLessThan(MOST * shareError);
    const wrong = await guided(0, w, 400, 0.5);
    // Half of the rate must not pass: log Z would be off by 0.2.
    expect(Math.abs(wrong.logZ - exact.logNormalizer)).toBeGreaterThan(MOST * error);
  });
});

test('with resampling Z is the mean of exp(r) over the loop without it', async () => {
  const [slope, runs] = [1.2, 16];
  const plain = (await steered(99, 6000, 0, slope)).x.map((value) => Math.exp(slope * value));
  const [expected, plainError] = meanAndError([...plain]);
  const found = [];
  for (let seed = 0; seed < runs; seed++)
    found.push(Math.exp((await steered(seed, 400, 0.7, slope)).weights.logNormalizer));
  const [mean, error] = meanAndError(found);
  expect(Math.abs(mean - expected)).toBeLessThan(MOST * Math.hypot(error, plainError));
});
