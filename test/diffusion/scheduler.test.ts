import { describe, expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import { mixtureDenoiser } from '../../engine/diffusion/analytic/mixture-denoiser.ts';
import type { Denoiser } from '../../engine/diffusion/denoiser.ts';
import { edmGrid, timeGrid } from '../../engine/diffusion/grids.ts';
import { openDenoiser } from '../../engine/diffusion/open-denoiser.ts';
import { preconditionedDenoiser } from '../../engine/diffusion/preconditioned.ts';
import { scheduler } from '../../engine/diffusion/scheduler.ts';
import type { Scheduler, SchedulerOptions } from '../../engine/diffusion/scheduler-types.ts';
import { rectifiedFlow, veLinear, vpLinear } from '../../engine/diffusion/schedules.ts';
import { ddim } from '../../engine/diffusion/solver/ddim.ts';
import {
  DETERMINISTIC_INTEGRATORS,
  STOCHASTIC_INTEGRATORS,
} from '../../engine/diffusion/solver/integrators.ts';
import { heun } from '../../engine/diffusion/solver/runge-kutta.ts';
import { vpDiscrete } from '../../engine/diffusion/table-schedules.ts';
import { run } from '../../engine/run.ts';
import { reverseDiffusion } from '../../estimators/corrector/reverse-diffusion.ts';

const SEED = 82;
const law = {
  weights: [0.3, 0.7],
  means: [
    [-1, 0],
    [1, 0.5],
  ],
  covariances: [
    [
      [0.2, 0],
      [0, 0.3],
    ],
    [
      [0.1, 0.05],
      [0.05, 0.2],
    ],
  ],
};

type Network = (x: Float64Array, timestep: number) => Promise<Float64Array>;

/** The loop that users write. */
async function loop(steps: Scheduler, network: Network): Promise<Float64Array> {
  let now = await steps.start();
  for (const t of steps.timesteps) {
    const prediction = await network(steps.scaleModelInput(now, t), t);
    ({ previous: now } = await steps.step(prediction, t, now));
  }
  return now;
}

/** What a denoiser predicts, as a network that is told the diffusion time. */
function asNetwork(denoiser: Denoiser): Network {
  return async (x, t) => {
    const out = new Float64Array(x.length);
    await denoiser.predict(x, t, out);
    return out;
  };
}

function make(own: Partial<SchedulerOptions> = {}): Scheduler {
  return scheduler({
    schedule: vpLinear(),
    dimension: 2,
    particles: 5,
    seed: SEED,
    backend: jsBackend(),
    prediction: 'score',
    ...own,
  });
}

describe('the loop of the user is the run of the engine, bit for bit', () => {
  const all = { ...DETERMINISTIC_INTEGRATORS, ...STOCHASTIC_INTEGRATORS };
  test.each(Object.entries(all))('%s', async (_, integrator) => {
    for (const schedule of [vpLinear(), rectifiedFlow()]) {
      const denoiser: Denoiser = { ...mixtureDenoiser(law, schedule), kernels: undefined } as never;
      const { clean: _clean, kernels: _kernels, ...plain } = denoiser;
      const own = { integrator: integrator(), schedule };
      const grid = timeGrid(schedule, { steps: 4, start: 0.9, stop: 0.01 });
      const options = { denoiser: plain, integrator: own.integrator, grid, particles: 5 };
      const { sample } = await run(reverseDiffusion(options), { seed: SEED, backend: jsBackend() });
      const steps = make(own);
      steps.setTimesteps(grid);
      expect(await loop(steps, asNetwork(plain))).toEqual(sample.points);
    }
  });

  test('by counts of steps, into noise 0, and again after setTimesteps', async () => {
    const { clean: _clean, kernels: _kernels, ...denoiser } = mixtureDenoiser(law, veLinear({ end: 20 }));
    const steps = make({ schedule: denoiser.schedule });
    for (const count of [6, 3]) {
      steps.setTimesteps(count);
      const { sample } = await run(reverseDiffusion({ denoiser, steps: count, particles: 5 }), {
        seed: SEED,
        backend: jsBackend(),
      });
      expect(await loop(steps, asNetwork(denoiser))).toEqual(sample.points);
    }
    const grid = edmGrid(denoiser.schedule, { steps: 5 });
    steps.setTimesteps(grid);
    const { sample } = await run(reverseDiffusion({ denoiser, grid, particles: 5 }), {
      seed: SEED,
      backend: jsBackend(),
    });
    expect(await loop(steps, asNetwork(denoiser))).toEqual(sample.points);
  });

  test('for networks in the wrapper of EDM, x scaled and the time as its label', async () => {
    const network: Network = async (x, label) => x.map((value) => Math.tanh(value + label));
    const schedule = veLinear();
    for (const form of ['edm', 've'] as const) {
      const denoiser = preconditionedDenoiser({
        ...{ dimension: 2, schedule, form },
        network: (x, label) => network(x, label as number),
      });
      const grid = edmGrid(schedule, { steps: 5 });
      const { sample } = await run(reverseDiffusion({ denoiser, grid, particles: 5 }), {
        seed: SEED,
        backend: jsBackend(),
      });
      const { prediction: _, ...rest } = { schedule, form, prediction: 0 };
      const steps = scheduler({ ...rest, dimension: 2, particles: 5, seed: SEED, backend: jsBackend() });
      steps.setTimesteps(grid);
      expect(await loop(steps, network)).toEqual(sample.points);
    }
  });
});

describe('conventions', () => {
  test('timesteps: one a step of DDIM, two of Heun but for the last one, as networks are told them', () => {
    const steps = make({ integrator: ddim(), schedule: vpDiscrete(), time: 'index' });
    steps.setTimesteps(timeGrid(vpDiscrete(), { steps: 4, start: 1, stop: 0 }));
    Array.from(steps.timesteps).forEach((t, k) => {
      expect(t).toBeCloseTo([999, 749, 499, 249][k]!, 9);
    });
    expect(Array.from(steps.times)).toEqual([1, 0.75, 0.5, 0.25]);
    const two = make({ integrator: heun(), schedule: veLinear({ end: 4 }), time: 'noise-level' });
    two.setTimesteps(timeGrid(veLinear({ end: 4 }), { steps: 4, stop: 0 }));
    const expected = [4, 3, 3, 2, 2, 1, 1];
    expect(two.timesteps.length).toBe(7);
    two.timesteps.forEach((t, k) => {
      expect(t).toBeCloseTo(expected[k]!, 12);
    });
    expect(two.initNoiseSigma).toBe(4);
  });

  test('the noise of the start has the deviation it says, and clean is E[x_0]', async () => {
    const steps = make({ particles: 400 });
    const x = await steps.start();
    const square = x.reduce((sum, value) => sum + value * value, 0) / x.length;
    // 800 normals: the mean square is off by 5 of its deviations, sqrt(2 / 800), once in 1e6.
    expect(Math.abs(square / steps.initNoiseSigma ** 2 - 1)).toBeLessThan(0.25);
    const denoiser = mixtureDenoiser(law, vpLinear());
    steps.setTimesteps(timeGrid(vpLinear(), { steps: 3, start: 0.5, stop: 0 }));
    const [t] = steps.timesteps;
    const { clean } = await steps.step(await asNetwork(denoiser)(x, t!), t!, x);
    const expected = new Float64Array(x.length);
    const open = openDenoiser({ where: 'test', denoiser, backend: jsBackend() });
    await open.evaluate(x, t!, 400, { clean: expected });
    clean.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i]!, 10);
    });
  });

  test('a row has the noise of its own seed, whatever its neighbours', async () => {
    const denoiser = mixtureDenoiser(law, vpLinear());
    const network = asNetwork(denoiser);
    const own = { integrator: ddim({ eta: 1 }) };
    const together = make({ ...own, particles: 3, seed: [5, 6, 7] });
    together.setTimesteps(4);
    const x = await loop(together, network);
    for (const [i, seed] of [5, 6, 7].entries()) {
      const alone = make({ ...own, particles: 1, seed });
      alone.setTimesteps(4);
      expect(await loop(alone, network)).toEqual(x.slice(2 * i, 2 * i + 2));
    }
  });

  test('x may be changed between two steps: the integrator goes on from there', async () => {
    const network = asNetwork(mixtureDenoiser(law, vpLinear()));
    const grid = timeGrid(vpLinear(), { steps: 4, stop: 0 });
    const [steps, half] = [make({ integrator: ddim() }), make({ integrator: ddim() })];
    steps.setTimesteps(grid);
    half.setTimesteps({ ...grid, points: grid.points.slice(2) });
    let x = await steps.start();
    for (const t of steps.timesteps.slice(0, 2))
      ({ previous: x } = await steps.step(await network(x, t), t, x));
    const moved = Float32Array.from(x, (value) => value + 1);
    const [a, b] = [Float64Array.from(moved), Float64Array.from(moved)];
    let other: Float64Array = b;
    for (const t of half.timesteps)
      ({ previous: other } = await half.step(await network(other, t), t, other));
    let own: Float64Array = a;
    for (const t of steps.timesteps.slice(2))
      ({ previous: own } = await steps.step(await network(own, t), t, own));
    expect(own).toEqual(other);
  });
});

describe('wrong use', () => {
  test('other timesteps, lengths, NaN and options are told', async () => {
    const steps = make();
    steps.setTimesteps(3);
    const x = await steps.start();
    const [first, second] = steps.timesteps;
    await expect(steps.step(x, second!, x)).rejects.toThrow(`expected ${first}, number 0 of \`timesteps\``);
    await expect(steps.step(x.slice(1), first!, x)).rejects.toThrow(
      'scheduler: `prediction` has 9 numbers; expected 10, 5 rows of 2.',
    );
    await expect(steps.step(x.fill(Number.NaN, 4, 5), first!, await steps.start())).rejects.toThrow(
      /score prediction of `denoiser` \(what was handed to step\) is NaN or infinite in 1 of 5 rows at step 0, time 1, first in row 2/,
    );
    steps.setTimesteps(1);
    await steps.step(await steps.start(), steps.timesteps[0]!, await steps.start());
    await expect(steps.step(x, first!, x)).rejects.toThrow(
      'after the last one; expected no more steps. setTimesteps(count) begins anew.',
    );
    expect(() => steps.setTimesteps(0)).toThrow('option `steps` is 0');
    expect(() => make({ seed: [1, 2] })).toThrow('has 2 seeds; expected one, or 5, a seed for each row');
    expect(() => make({ form: 'edm' })).toThrow('options `form` and `prediction` are given together');
    expect(() => steps.scaleModelInput(x, -7)).toThrow('the timestep is -7');
  });
});
