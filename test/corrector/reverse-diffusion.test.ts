import { afterAll, expect, test } from 'vitest';
import { hostBackend } from '../../engine/backend/host.ts';
import { empiricalDenoiser } from '../../engine/diffusion/analytic/empirical-denoiser.ts';
import { gaussianDenoiser } from '../../engine/diffusion/analytic/mixture-denoiser.ts';
import type { Denoiser } from '../../engine/diffusion/denoiser.ts';
import { gridOf, logSnrGrid } from '../../engine/diffusion/grids.ts';
import { rectifiedFlow, veLinear, vpLinear } from '../../engine/diffusion/schedules.ts';
import { ddim } from '../../engine/diffusion/solver/ddim.ts';
import { dpmSolverPlusPlus } from '../../engine/diffusion/solver/dpm-solver.ts';
import { predictorCorrector } from '../../engine/diffusion/solver/predictor-corrector.ts';
import type { Integrator } from '../../engine/diffusion/solver/program.ts';
import { sdeDpmSolverPlusPlus } from '../../engine/diffusion/solver/sde-dpm-solver.ts';
import { iterate, resume, run } from '../../engine/run.ts';
import { reverseDiffusion } from '../../estimators/corrector/reverse-diffusion.ts';
import type { ReverseDiffusionOptions } from '../../estimators/corrector/reverse-types.ts';
import { contract, numbers } from '../contract/sampler.ts';
import { expectMeans, expectRejected, type Replicates } from '../support/law.ts';

const SEED = 20_260_101;
const backend = await hostBackend({ threads: 1 });
afterAll(() => backend.dispose());

const law = {
  mean: [1, -0.5],
  covariance: [
    [0.8, 0.3],
    [0.3, 0.4],
  ],
};
const vp = vpLinear();
const denoiser = gaussianDenoiser(law, vp);
const small = { denoiser, steps: 4, particles: 30, integrator: sdeDpmSolverPlusPlus() };

contract('reverseDiffusion', () => reverseDiffusion(small), {
  backends: {
    'one thread of WASM': () => hostBackend({ threads: 1 }),
    'two threads': () => hostBackend({ threads: 2 }),
  },
  bad: {
    'no denoiser': () => reverseDiffusion({} as never),
    'no step': () => reverseDiffusion({ denoiser, steps: 0 }),
    'a misspelt option': () => reverseDiffusion({ denoiser, step: 5 } as never),
    'a solver that is a name': () => reverseDiffusion({ denoiser, integrator: 'ddim' as never }),
    'steps and a grid': () => reverseDiffusion({ denoiser, steps: 5, grid: logSnrGrid(vp, { steps: 5 }) }),
    'a grid of another schedule': () => reverseDiffusion({ denoiser, grid: gridOf(veLinear(), [80, 1, 0]) }),
    'a start that is NaN': () => reverseDiffusion({ denoiser, start: [Number.NaN, 0] }),
    'more memory than there is': () => reverseDiffusion({ denoiser, particles: 2 ** 30 }),
  },
});

/** x1, x2, their squares and their product, of every particle. */
async function statistics(integrator: Integrator, particles: number, steps = 80): Promise<Replicates> {
  const method = reverseDiffusion({ denoiser, integrator, particles, steps });
  const { points } = (await run(method, { seed: SEED, backend })).sample;
  const values = new Float64Array(5 * particles);
  for (let i = 0; i < particles; i++) {
    const [a, b] = [points[2 * i]!, points[2 * i + 1]!];
    values.set([a, b, a * a, b * b, a * b], 5 * i);
  }
  return { runs: particles, width: 5, values };
}

const TRUTH = [1, -0.5, 1.8, 0.65, -0.2];

test('reverseDiffusion(): a normal law has the moments it should have', async () => {
  // 10 000 particles: a bias of 0.07 sd is caught with 99 %; those of 80 steps of order 2 are 0.001 and 0.003 sd.
  const n = 10_000;
  expectMeans(await statistics(dpmSolverPlusPlus(), n), TRUTH);
  expectMeans(await statistics(sdeDpmSolverPlusPlus(), n), TRUTH);
  // DDIM with noise takes a fifth off the variances in 40 steps.
  const coarse = await statistics(ddim({ eta: 1 }), n, 40);
  expectRejected(() => expectMeans(coarse, TRUTH));
});

test('reverseDiffusion(): the standard error is that of a mean of independent points', async () => {
  const { estimate, sample, time } = await run(reverseDiffusion({ denoiser, particles: 1000 }), {
    seed: 4,
    backend,
  });
  let squares = 0;
  for (let i = 0; i < 1000; i++) squares += (sample.points[2 * i]! - estimate.value[0]!) ** 2;
  expect(estimate.standardError[0]!).toBeCloseTo(Math.sqrt(squares / 999 / 1000), 12);
  expect(estimate.names).toEqual(['x1', 'x2']);
  expect(time).toBe(1e-4);
});

test('reverseDiffusion(): evaluations are those of the solver, and points of a start go where they go alone', async () => {
  const start = [0.3, -0.1, 1.2, 0.7];
  const both = await run(reverseDiffusion({ denoiser, start, steps: 8 }), { seed: 1, backend });
  const alone = await run(reverseDiffusion({ denoiser, start: start.slice(2), steps: 8 }), {
    seed: 2,
    backend,
  });
  expect(both.sample.points.subarray(2)).toEqual(alone.sample.points);
  expect(both.diagnostics.evaluations).toBe(16);
  expect(both.estimate.standardError.every(Number.isNaN)).toBe(true);
});

test('reverseDiffusion(): a data set comes back, from a schedule without signal at its end, to noise 0', async () => {
  const points = [
    [1, 2],
    [-3, 0.5],
    [0, -1],
  ];
  const data = empiricalDenoiser(points, rectifiedFlow());
  const { sample, time } = await run(reverseDiffusion({ denoiser: data, particles: 50, denoise: true }), {
    seed: 9,
    backend,
  });
  expect(time).toBe(1e-4);
  for (let i = 0; i < 50; i++) {
    const distance = points.map(([a, b]) =>
      Math.hypot(sample.points[2 * i]! - a!, sample.points[2 * i + 1]! - b!),
    );
    expect(Math.min(...distance)).toBeLessThan(1e-9);
  }
});

test('reverseDiffusion(): a jump over the noisiest part is exact for normal laws', async () => {
  const exploding = gaussianDenoiser(law, veLinear());
  const common: ReverseDiffusionOptions = { denoiser: exploding, particles: 100, steps: 40 };
  const whole = await run(reverseDiffusion(common), { seed: 3, backend });
  const method = reverseDiffusion({ ...common, teleport: { moments: law, tolerance: 1e-6 } });
  const jumped = await run(method, { seed: 3, backend });
  expect(jumped.teleported!.error).toBeLessThan(1e-12);
  expect(jumped.teleported!.time).toBeLessThan(0.02);
  const gap = whole.sample.points.map((x, i) => Math.abs(x - jumped.sample.points[i]!));
  expect(Math.max(...gap)).toBeLessThan(0.02);
  expect(whole.teleported).toBeUndefined();
  for await (const at of iterate(method, { seed: 3, backend })) {
    const resumed = await resume(method, await at.snapshot(), { seed: 3, backend });
    expect(numbers(resumed)).toEqual(numbers(jumped));
    break;
  }
});

test('reverseDiffusion(): a start with much signal is warned of, one with points of its own is not', async () => {
  const grid = gridOf(vp, [0.3, 0.2, 0.1]);
  const { diagnostics } = await run(reverseDiffusion({ denoiser, grid, particles: 10 }), {
    seed: 1,
    backend,
  });
  expect(diagnostics.warnings.map(({ code }) => code)).toEqual(['start-not-noise']);
  const { diagnostics: other } = await run(reverseDiffusion({ denoiser, grid, start: [0, 0] }), {
    seed: 1,
    backend,
  });
  expect(other.warnings).toEqual([]);
});

test('reverseDiffusion(): Langevin moves in few dimensions are warned of, in many they are not', async () => {
  const codes = async (d: number): Promise<readonly string[]> => {
    const covariance = Array.from({ length: d }, (_, i) =>
      Array.from({ length: d }, (_, j) => Number(i === j)),
    );
    const normal = gaussianDenoiser({ mean: new Array<number>(d).fill(0), covariance }, vp);
    const method = reverseDiffusion({
      denoiser: normal,
      integrator: predictorCorrector(),
      steps: 2,
      particles: 4,
    });
    return (await run(method, { seed: 1, backend })).diagnostics.warnings.map(({ code }) => code);
  };
  expect(await codes(3)).toEqual(['moves-too-long']);
  expect(await codes(20)).toEqual([]);
});

test('reverseDiffusion(): a denoiser that returns NaN is named, with its step', async () => {
  const broken: Denoiser = {
    name: 'my net',
    dimension: 1,
    schedule: vp,
    prediction: 'noise',
    predict: (x, time, out) => void out.set(x.map((each) => ((time as number) < 0.5 ? Number.NaN : each))),
  };
  await expect(
    run(reverseDiffusion({ denoiser: broken, particles: 5 }), { seed: 1, backend }),
  ).rejects.toThrow(/my net.*step/);
});
