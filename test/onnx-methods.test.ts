import { afterAll, expect, test } from 'vitest';
import { jsBackend } from '../engine/backend/js.ts';
import type { Denoiser } from '../engine/diffusion/denoiser.ts';
import { timeGrid } from '../engine/diffusion/grids.ts';
import { onnxDenoiser } from '../engine/diffusion/onnx-denoiser.ts';
import { linearReward } from '../engine/diffusion/reward.ts';
import { scheduler } from '../engine/diffusion/scheduler.ts';
import { veLinear } from '../engine/diffusion/schedules.ts';
import { ddpm } from '../engine/diffusion/solver/ddpm.ts';
import { eulerMaruyama } from '../engine/diffusion/solver/euler-maruyama.ts';
import { run } from '../engine/run.ts';
import type { Result, Sampler } from '../engine/sampler.ts';
import { correct } from '../estimators/corrector/correct.ts';
import { corrector } from '../estimators/corrector/corrector.ts';
import { guide, reward as rewarded } from '../estimators/corrector/presets.ts';
import { reverseDiffusion } from '../estimators/corrector/reverse-diffusion.ts';
import { steering } from '../estimators/corrector/steering/steering.ts';
import { twisted } from '../estimators/corrector/steering/twisted.ts';
import { bestOf } from '../estimators/corrector/steering/unguided.ts';
import { denoisingMcmc } from '../estimators/denoising/denoising-mcmc.ts';
import { diffusionChain } from '../estimators/tree/diffusion-chain.ts';
import { treeSampler } from '../estimators/tree/tree-sampler.ts';
import { onnxFile, tinyNetwork } from './support/onnx-model.ts';

/*
 * Every method on a network of a file, and on the same network as a plain function: what the float32 of the one turns over
 * short runs stays far below the steps of a sampler.
 */

const schedule = veLinear({ end: 3 });
const { graph, predict } = tinyNetwork({ classes: 2 });
const base = await onnxDenoiser({
  ...{ model: onnxFile(graph), schedule, prediction: 'noise', time: 'log-snr', threads: 1 },
  condition: { y: 0 },
});
const hold = base.network.hold();
afterAll(hold);

function plain(y: number): Denoiser {
  return {
    // For the same steps of derivatives.
    ...{ dimension: 2, schedule, prediction: 'noise', precision: 'float32' },
    predict: async (x, time) =>
      Array.from({ length: x.length / 2 }, (_, i) => {
        const t = typeof time === 'number' ? time : time[i]!;
        return predict(x.subarray(2 * i, 2 * i + 2), schedule.logSnr(t), y);
      }).flat(),
  };
}

const reward = linearReward([0.5, -0.3]);
const chain = { reward, particles: 6, grid: timeGrid(schedule, { steps: 5, stop: 0.01 }) };
const levels = [0.1, 0.4, 1, 2];

/** By what each needs beside predictions. */
const METHODS: Readonly<Record<string, (of: (y: number) => Denoiser) => Sampler<unknown, Result>>> = {
  'plain sampling: nothing': (of) =>
    reverseDiffusion({ denoiser: of(0), grid: chain.grid, particles: 6 }) as Sampler<unknown, Result>,
  'FKC guidance: scores of both classes': (of) =>
    corrector({ target: guide(of(0), of(1), 1.5), particles: 8, grid: chain.grid }) as Sampler<
      unknown,
      Result
    >,
  'FKC reward: gradients of the reward': (of) =>
    corrector({
      target: rewarded(of(0), reward),
      particles: 8,
      grid: chain.grid,
    }) as Sampler<unknown, Result>,
  'FK steering: rewards of estimates': (of) =>
    steering({ ...chain, denoiser: of(0) }) as Sampler<unknown, Result>,
  'best of n: rewards at the end': (of) =>
    bestOf({ ...chain, denoiser: of(0), candidates: 3 } as never) as Sampler<unknown, Result>,
  'TDS: derivatives of estimates, by differences of two evaluations': (of) =>
    twisted({ ...chain, denoiser: of(0) }) as Sampler<unknown, Result>,
  'DTS: rewards at the end, rows at levels of their own': (of) =>
    treeSampler({
      ...{ chain: diffusionChain({ denoiser: of(0), reward, grid: chain.grid }), iterations: 24 },
    }) as Sampler<unknown, Result>,
  'DLG: a law of the level, here by the heat equation': (of) =>
    denoisingMcmc({
      ...{ denoiser: of(0), levelLaw: 'heat-equation', mode: 'unadjusted', levels },
      ...{ chains: 2, kept: 2, warmup: 3, skip: 1, denoiseSteps: 4 },
    } as never) as Sampler<unknown, Result>,
};

test.each(Object.entries(METHODS))('%s', async (name, make) => {
  const backend = jsBackend();
  const own = await run(
    make((y) => base.conditioned({ y })),
    { seed: 4, backend },
  );
  const twin = await run(make(plain), { seed: 4, backend });
  const { points, logWeight } = own.sample;
  expect(points.length).toBeGreaterThan(0);
  // TDS takes derivatives by differences of two evaluations, which bring out the rounding of float32: over seeds 4 to 6 its log
  // weights are 0.004 apart (0.034 with the steps of float64), those of the other methods 4e-7.
  const [most, mostWeight] = name.startsWith('TDS') ? [1e-4, 0.02] : [1e-5, 1e-5];
  points.forEach((value, i) => {
    expect(Math.abs(value - twin.sample.points[i]!)).toBeLessThan(most);
  });
  logWeight.forEach((value, i) => {
    expect(Math.abs(value - twin.sample.logWeight[i]!)).toBeLessThan(mostWeight);
  });
  expect(own.diagnostics.evaluations).toBe(twin.diagnostics.evaluations);
  expect(own.provenance.notes.join()).toContain(' ran on cpu by onnxruntime-node ');
});

/** A loop of the user's own over the network `of(y)`, [log weights, points]. */
const LOOPS: Readonly<Record<string, (of: (y: number) => Denoiser) => Promise<readonly Float64Array[]>>> = {
  'FK steering: rewards of estimates, and resampling': (of) => ownLoop(of(0), () => true),
  'best of n: rewards at the end': (of) => ownLoop(of(0), (last) => last),
  'FKC guidance: scores of both classes': async (of) => {
    const exponents = [-0.5, 1.5];
    const loop = scheduler({ ...LOOP, prediction: 'noise', integrator: eulerMaruyama() });
    loop.setTimesteps(chain.grid);
    const weights = correct({ particles: 6, backend: jsBackend() });
    let x = await loop.start();
    for (const [k, t] of loop.timesteps.entries()) {
      const [time, next] = [loop.times[k]!, loop.times[k + 1] ?? chain.grid.points.at(-1)!.time];
      const predictions = await Promise.all([0, 1].map((y) => predictionOf(of(y), x, time)));
      const guided = x.map(
        (_, i) => exponents[0]! * predictions[0]![i]! + exponents[1]! * predictions[1]![i]!,
      );
      const { previous } = await loop.step(guided, t, x);
      const { ancestor } = await weights.weighGuidance({ schedule, time, next, exponents, predictions, x }, [
        previous,
      ]);
      loop.gather(ancestor);
      x = previous;
    }
    return [weights.logWeight, x];
  },
};
const LOOP = { schedule, dimension: 2, particles: 6, seed: 2, backend: jsBackend() } as const;

async function predictionOf(denoiser: Denoiser, x: Float64Array, time: number): Promise<Float64Array> {
  const out = new Float64Array(x.length);
  return Float64Array.from((await denoiser.predict(x, time, out)) ?? out);
}

/** @param looks whether a step weighs. */
async function ownLoop(
  denoiser: Denoiser,
  looks: (last: boolean) => boolean,
): Promise<readonly Float64Array[]> {
  const loop = scheduler({ ...LOOP, prediction: 'noise', integrator: ddpm() });
  loop.setTimesteps(chain.grid);
  const weights = correct({ particles: 6, resample: { ess: 0.99 }, backend: jsBackend() });
  let x = await loop.start();
  for (const [k, t] of loop.timesteps.entries()) {
    const { previous, clean } = await loop.step(await predictionOf(denoiser, x, loop.times[k]!), t, x);
    const last = k === loop.timesteps.length - 1;
    const value = new Float64Array(6);
    await reward.value(last ? previous : clean, value);
    if (looks(last)) loop.gather((await weights.weighReward(value, [previous], last)).ancestor);
    x = previous;
  }
  return [weights.logWeight, x];
}

test.each(Object.entries(LOOPS))("in a loop of one's own with scheduler and correct, %s", async (_, go) => {
  const [own, twin] = [await go((y) => base.conditioned({ y })), await go(plain)];
  for (const [k, values] of own.entries()) {
    expect(new Set(values).size).toBeGreaterThan(k);
    for (const [i, value] of values.entries()) expect(Math.abs(value - twin[k]![i]!)).toBeLessThan(1e-5);
  }
});

test('no run but ours holds the session at the end', () => {
  expect(base.network.open).toBe(true);
  hold();
  expect(base.network.open).toBe(false);
});
