import { describe, expect, test } from 'vitest';
import { timeGrid } from '../../engine/diffusion/grids.ts';
import { scheduler } from '../../engine/diffusion/scheduler.ts';
import { dpmSolverPlusPlus } from '../../engine/diffusion/solver/dpm-solver.ts';
import { heun } from '../../engine/diffusion/solver/runge-kutta.ts';
import { SCHEME_NAMES } from '../../engine/particles/resampling/schemes.ts';
import { correct } from '../../estimators/corrector/correct.ts';
import { backend, predict, schedule, steered, unconditional } from '../support/own-loop.ts';

test('without resampling the weight of a path is exp(r) of its end, whatever was said on the way', async () => {
  const { x, weights } = await steered(3, 50, 0, 0.7);
  weights.logWeight.forEach((value, i) => {
    expect(value).toBeCloseTo(0.7 * x[i]!, 12);
  });
  const mean = x.reduce((sum, value) => sum + Math.exp(0.7 * value), 0) / 50;
  expect(weights.logNormalizer).toBeCloseTo(Math.log(mean), 12);
});

describe('what follows', () => {
  test('rows of any type follow their particle, and the sum of weights is carried by log Z', async () => {
    const weights = correct({ particles: 4, seed: 1, backend, resample: { ess: 1 } });
    const [x, names] = [Float32Array.of(0, 1, 10, 11, 20, 21, 30, 31), Uint8Array.of(0, 1, 2, 3)];
    const { ancestor, resampled, ess } = await weights.weigh([-Infinity, 0, -Infinity, 0], [x, names]);
    expect(resampled).toBe(true);
    expect(ess).toBeCloseTo(2, 12);
    expect(Array.from(ancestor)).toEqual([1, 1, 3, 3]);
    expect(Array.from(names)).toEqual([1, 1, 3, 3]);
    expect(Array.from(x)).toEqual([10, 11, 10, 11, 30, 31, 30, 31]);
    expect(weights.logNormalizer).toBeCloseTo(Math.log(0.5), 12);
    await weights.weigh([0.3, 0.3, 0.3, 0.3]);
    expect(weights.logNormalizer).toBeCloseTo(Math.log(0.5) + 0.3, 12);
  });

  test.each(SCHEME_NAMES)(
    '%s: every row becomes that of its ancestor before, in whatever order',
    async (scheme) => {
      for (const slope of [-0.9, 0.9]) {
        const n = 16;
        const weights = correct({ particles: n, seed: 1, scheme, backend, resample: { ess: 1 } });
        const x = Float64Array.from({ length: 2 * n }, (_, at) => at);
        const { ancestor, resampled } = await weights.weigh(
          Array.from({ length: n }, (_, i) => slope * Math.abs(i - 6)),
          [x],
        );
        expect(resampled).toBe(true);
        expect(Array.from(x)).toEqual(Array.from(ancestor).flatMap((a) => [2 * a, 2 * a + 1]));
      }
    },
  );

  test('a multistep integrator goes on from the history of the ancestors', async () => {
    const grid = timeGrid(schedule, { steps: 5, stop: 0.01 });
    const make = () => {
      const steps = scheduler({
        ...{
          schedule,
          integrator: dpmSolverPlusPlus(),
          prediction: 'score',
          dimension: 1,
          particles: 3,
          backend,
        },
      });
      steps.setTimesteps(grid);
      return steps;
    };
    const ancestor = Uint32Array.of(2, 0, 0);
    const turned = (x: Float64Array): Float64Array => Float64Array.from(ancestor, (a) => x[a]!);
    const go = async (before: boolean): Promise<Float64Array> => {
      const steps = make();
      const start = Float64Array.of(0.5, -0.2, 1.4);
      let x = await steps.start(before ? turned(start) : start);
      for (const [k, time] of steps.times.entries()) {
        if (k === 3 && !before) {
          x = turned(x);
          steps.gather(ancestor);
        }
        ({ previous: x } = await steps.step(await predict(unconditional, x, time), time, x));
      }
      return x;
    };
    expect(await go(false)).toEqual(await go(true));
    const two = scheduler({ ...{ schedule, integrator: heun(), dimension: 1, particles: 3, backend } });
    two.setTimesteps(grid);
    const x = await two.start();
    await two.step(x, two.timesteps[0]!, x);
    expect(() => two.gather(ancestor)).toThrow(
      'heun is between two evaluations of a step; expected resampling between two steps.',
    );
  });

  test('bad use is told', async () => {
    expect(() => correct({ particles: 0 })).toThrow('option `particles` is 0');
    expect(() => correct({ particles: 4, resample: { ess: 2 } })).toThrow('a share from 0 to 1');
    const weights = correct({ particles: 4, backend });
    await expect(weights.weigh([1, 2])).rejects.toThrow('correct: the potential has 2 numbers; expected 4.');
    await expect(weights.weigh([0, 0, 0, 0], [new Float64Array(6)])).rejects.toThrow(
      'expected a multiple of 4',
    );
    expect(() => weights.weigh([0, Number.NaN, 0, 0])).toThrow('the log potential of particle 1 is NaN');
    await expect(correct({ particles: 2, backend }).weigh([-Infinity, -Infinity])).rejects.toThrow();
    const odd = {
      schedule,
      time: 0.5,
      next: 0.6,
      exponents: [1],
      predictions: [[0, 0, 0, 0]],
      x: [0, 0, 0, 0],
    };
    await expect(weights.weighGuidance(odd)).rejects.toThrow(
      'option `next` is 0.6; expected a time before 0.5',
    );
  });
});
