import { describe, expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import {
  anneal,
  type CorrectorOptions,
  type CorrectorResult,
  corrector,
  type Denoiser,
  empiricalDenoiser,
  gaussianDenoiser,
  guide,
  linearReward,
  OptionError,
  product,
  quadraticReward,
  rectifiedFlow,
  reward,
  run,
  timeGrid,
  ValueError,
  vpLinear,
} from '../../estimators/index.ts';
import { broad, mixture, narrow, network, vp } from './laws.ts';

const SEED = 20_250_304;
const SMALL = { particles: 200, steps: 6, runs: 2 };

function go(options: CorrectorOptions): Promise<CorrectorResult> {
  return run(corrector(options), { seed: SEED, backend: jsBackend() });
}

describe('targets and options that cannot be', () => {
  const target = anneal(mixture, 2);
  const bad: Readonly<Record<string, readonly [() => unknown, RegExp]>> = {
    'exponents that add up to nothing': [
      () => corrector({ target: product([mixture, network(mixture)], [1, -1]) }),
      /add up to 0/,
    ],
    'exponents that stop adding up on the way': [
      () => corrector({ target: { experts: [mixture], exponents: (t) => [t - 0.2] } }),
      /add up to -/,
    ],
    'a number of exponents that is not that of experts': [
      () => corrector({ target: { experts: [mixture], exponents: [1, 2] } }),
      /1 finite numbers/,
    ],
    'experts of different dimensions': [
      () => corrector({ target: product([mixture, broad]) }),
      /1 dimensions/,
    ],
    'a grid that is not monotone': [
      () => {
        const grid = timeGrid(vp, { steps: 3 });
        const points = [grid.points[0]!, grid.points[2]!, grid.points[1]!];
        return corrector({ target, grid: { ...grid, points } });
      },
      /time 2 of .grid. is .* after/,
    ],
    'a grid of another schedule': [
      () => corrector({ target, grid: timeGrid(vpLinear({ betaEnd: 19 }), { steps: 3 }) }),
      /times of vp-linear\(0.1, 20\)/,
    ],
    'steps and grid': [() => corrector({ target, steps: 3, grid: timeGrid(vp, { steps: 3 }) }), /together/],
    'resampling without noise': [() => corrector({ target, noiseRatio: 0 }), /never separate/],
    'a negative noise ratio': [
      () => corrector({ target, noiseRatio: (t) => t - 0.5 }),
      /noiseRatio` is -0.00/,
    ],
    'an exact start without log densities': [
      () => corrector({ target: anneal(network(mixture), 2), prior: 'exact' }),
      /no log density/,
    ],
    'exact weights without log densities': [
      () => corrector({ target: anneal(network(mixture), 2), weights: 'exact' }),
      /no log density/,
    ],
    'exact weights without noise': [
      () => corrector({ target, weights: 'exact', noiseRatio: 0, resample: { ess: 0 } }),
      /no noise at time 1/,
    ],
    'exact weights after a start that is not': [
      () => corrector({ target, weights: 'exact', prior: 'gaussian' }),
      /exact start/,
    ],
    'exponents that move without log densities, at another noise ratio': [
      () =>
        corrector({ target: { experts: [network(mixture)], exponents: (t) => [2 - t] }, noiseRatio: 0.5 }),
      /noiseRatio is 0.5/,
    ],
    'an affine control for few particles': [
      () => corrector({ target, control: 'affine', particles: 29 }),
      /at least 30 particles/,
    ],
    'an analytic control of unknown moments': [
      () => corrector({ target: anneal(network(mixture), 2), control: 'analytic' }),
      /moments/,
    ],
    'two rules of resampling': [
      () => corrector({ target, resample: { ess: 0.5, every: 2 } as never }),
      /both/,
    ],
    'resampling without weights': [
      () => corrector({ target, weights: 'none', resample: { every: 1 } }),
      /`resample` is given with weights: 'none'/,
    ],
    'a window without width': [
      () => corrector({ target, resample: { ess: 0.5, window: { from: 0.3, to: 0.3 } } }),
      /two different times/,
    ],
    'a last denoising where there is no noise': [
      () => corrector({ target, denoise: true, grid: timeGrid(vp, { steps: 3, stop: 0 }) }),
      /nothing to denoise/,
    ],
    'guidance whose law does not exist': [
      () => corrector({ target: guide(narrow, broad, 2) }),
      /no finite integral at time .*precision along \(1\) is -/,
    ],
    'a reward that grows faster than the law falls': [
      () => corrector({ target: reward(broad, quadraticReward([0], [[-2]])) }),
      /no finite integral/,
    ],
    'a last time at which exact weights have no score': [
      () => corrector({ target: anneal(empiricalDenoiser([[0], [1]], vp), 2), weights: 'exact' }),
      /expert 0 asked at time 0.*'clean', gives no score/,
    ],
    'a noise ratio that would only count as a number': [
      () => corrector({ target, noiseRatio: '1' as never }),
      /noiseRatio` is "1"/,
    ],
    'a window in which no step begins': [
      () => corrector({ target, resample: { ess: 0.5, window: { from: 5, to: 2 } } }),
      /no step begins in the window from time 5 to 2/,
    ],
    'noise that is no function': [() => corrector({ target, noise: 3 as never }), /noise` is 3/],
    'an expert without a schedule': [
      () => corrector({ target: anneal({ ...mixture, schedule: undefined as never }, 2) }),
      /experts\[0\].schedule` is undefined/,
    ],
    'an expert that does not say its dimension': [
      () => corrector({ target: anneal({ ...mixture, dimension: undefined as never }, 2) }),
      /experts\[0\].dimension` is undefined/,
    ],
    'a grid that begins where nothing of the signal is left': [
      () => {
        const flow = rectifiedFlow();
        const own = gaussianDenoiser({ mean: [0], covariance: [[1]] }, flow);
        return corrector({ target: anneal(own, 2), grid: timeGrid(flow, { steps: 5, stop: 0 }) });
      },
      /drift of rectified-flow is infinite at time 1 of the grid/,
    ],
    'tilts that are no list': [
      () => corrector({ target: { experts: [mixture], exponents: [1], tilts: {} as never } }),
      /target.tilts/,
    ],
    'a tilt without its rate': [
      () => {
        const tilt = { value: () => {}, gradient: () => {} };
        return corrector({ target: { experts: [mixture], exponents: [1], tilts: [tilt as never] } });
      },
      /target.tilts\[0\]/,
    ],
    'a reward of another dimension': [
      () => reward(mixture, linearReward([1])),
      /is of 1 numbers; expected 2/,
    ],
    'a reward of single points that does not say so': [
      () => reward(mixture, ((x: Float64Array) => x[0]!) as never),
      /reward` is a function of one argument.*pointwise/,
    ],
    'a ramp that does not end at 1': [
      () => reward(mixture, linearReward([1, 1]), { ramp: (t) => (1 - t) / 2 }),
      /ramp\(0\)` is 0.5/,
    ],
    'a ramp that is not a number on the way': [
      () =>
        corrector({
          target: reward(mixture, linearReward([1, 1]), { ramp: (t) => (t > 0.5 ? Number.NaN : 1) }),
        }),
      /ramp of tilt 0 is NaN .* at time 1/,
    ],
    'a misspelt option of a reward': [
      () => reward(mixture, linearReward([1, 1]), { rmap: 1 } as never),
      /no option `rmap`.*Did you mean ramp/,
    ],
    'an inverse temperature of 0': [() => anneal(mixture, 0), /inverseTemperature/],
    'a product of nothing': [() => product([]), /factors.length/],
    'a factor that is none': [() => guide(mixture, {} as never, 2), /factor 1/],
    'a ramp that is none': [() => reward(mixture, linearReward([1, 1]), { ramp: 3 as never }), /ramp/],
  };
  for (const [what, [call, message]] of Object.entries(bad))
    test(`${what}: an OptionError that says so`, () => {
      expect(call).toThrow(OptionError);
      expect(call).toThrow(message);
    });

  test('experts of different schedules that pass at both ends and fail in between', () => {
    // Towards data q2 is broad again: the guided precision is positive at times 0 and 1 only.
    const slow = gaussianDenoiser(
      { mean: [0], covariance: [[0.25]] },
      vpLinear({ betaStart: 0.1, betaEnd: 30 }),
    );
    const fast = gaussianDenoiser({ mean: [0], covariance: [[0.16]] }, vp);
    expect(() => corrector({ target: product([fast, slow], [1.2, -1]) })).not.toThrow();
    const steep = gaussianDenoiser(
      { mean: [0], covariance: [[0.245]] },
      vpLinear({ betaStart: 0.1, betaEnd: 60 }),
    );
    expect(() => corrector({ target: product([steep, slow], [1.02, -1]) })).toThrow(/no finite integral/);
  });

  test('a start taken for normal refuses a tilt that is there already', async () => {
    const target = reward(mixture, linearReward([1, 1]), { ramp: (t) => 1 - 0.5 * t });
    await expect(go({ target, prior: 'gaussian', ...SMALL })).rejects.toThrow(/first time, 1/);
    expect((await go({ target, ...SMALL })).outcome.kind).toBe('converged');
  });
});

describe('scores that are not finite', () => {
  test('a reward without mass somewhere names the particle, and what takes it', async () => {
    const wall = (x: Float64Array, out: Float64Array): void => {
      for (let i = 0; i < out.length; i++) out[i] = x[i]! > 0 ? -Infinity : 0;
    };
    const failed = go({ target: reward(broad, wall), ...SMALL });
    await expect(failed).rejects.toBeInstanceOf(ValueError);
    await expect(failed).rejects.toThrow(/reward is -Infinity at particle \d+, time 1.*steering\(\)/);
  });

  test('name the expert, the step and how many', async () => {
    const bad: Denoiser = {
      ...network(mixture),
      predict(x, time, out) {
        mixture.predict(x, time, out);
        if ((time as number) < 0.5) for (let row = 0; row < 3; row++) out[2 * row] = Number.NaN;
      },
    };
    const failed = go({ target: product([mixture, bad]), ...SMALL });
    await expect(failed).rejects.toBeInstanceOf(ValueError);
    await expect(failed).rejects.toThrow(
      /experts\[1\]` \(net\) is NaN or infinite in 3 of 200 rows at step 4/,
    );
  });

  test('a weight rate that is not finite names step, time and particle', async () => {
    const nothing = (_x: Float64Array, _time: number, out: Float64Array): void => void out.fill(0);
    const rate = (_x: Float64Array, time: number, out: Float64Array): void => {
      if (time < 0.5) out[7] = Number.NaN;
    };
    const tilt = { value: nothing, gradient: nothing, rate };
    const failed = go({ target: { experts: [mixture], exponents: [1], tilts: [tilt] }, ...SMALL });
    await expect(failed).rejects.toBeInstanceOf(ValueError);
    await expect(failed).rejects.toThrow(
      /rate g is NaN in 1 of 200 particles at step 4, time 0.33.*particle 7/,
    );
  });

  test('a batch of the wrong shape names the expert', async () => {
    const bad: Denoiser = { ...network(mixture), predict: () => [1, 2, 3] };
    await expect(go({ target: anneal(bad, 2), ...SMALL })).rejects.toThrow(
      /experts\[0\]` \(net\) returned 3 numbers/,
    );
  });
});
