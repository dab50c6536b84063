import { expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import { gaussianDenoiser, mixtureDenoiser } from '../../engine/diffusion/analytic/mixture-denoiser.ts';
import type { Denoiser } from '../../engine/diffusion/denoiser.ts';
import { type ReferenceFlowOptions, referenceFlow } from '../../engine/diffusion/reference-flow.ts';
import { rectifiedFlow, vpLinear } from '../../engine/diffusion/schedules.ts';
import { interpolationWeights, lagrangePolynomial } from '../../engine/diffusion/solver/interpolation.ts';
import { phi } from '../../engine/diffusion/solver/phi.ts';
import { DegeneracyError, OptionError, ShapeError } from '../../engine/errors.ts';
import reference from '../reference/integrators.json' with { type: 'json' };
import { type Problem, problemGrid } from '../support/diffusion.ts';

const backend = jsBackend();

test('referenceFlow(): the exact ends of the reference, on every schedule', async () => {
  for (const problem of reference.problems as unknown as readonly Problem[]) {
    const { schedule, points } = problemGrid(problem);
    const denoiser = mixtureDenoiser(problem.gmm, schedule);
    const x = Float64Array.from(problem.x_start.flat());
    const [from, to] = [points[0]!.time, points.at(-1)!.time];
    const end = await referenceFlow({ denoiser, x, from, to, backend });
    const away = problem.exact_flow_end.flat().map((want, i) => Math.abs(end[i]! - want));
    // The tolerance of a step, 1e-12 of a v that begins near 150, shrinks with it.
    expect(Math.max(...away), problem.id).toBeLessThan(3e-11);
    expect(Array.from(x)).toEqual(problem.x_start.flat());
  }
});

test('referenceFlow(): a normal law is scaled by its standard deviation, there and back', async () => {
  const schedule = vpLinear();
  const { kernels: _, ...law } = gaussianDenoiser({ mean: [0.7], covariance: [[0.36]] }, schedule);
  let calls = 0;
  const denoiser: Denoiser = {
    ...law,
    predict(x, time, out) {
      calls++;
      return law.predict(x, time, out);
    },
  };
  const spread = (t: number): number => Math.hypot(0.6 * schedule.signal(t), schedule.noise(t));
  const x = new Float64Array([0.3, -2, 0]);
  const there = await referenceFlow({ denoiser, x, from: 0.8, to: 0.01, backend });
  const exact = Array.from(x, (each) => {
    const z = (each - 0.7 * schedule.signal(0.8)) / spread(0.8);
    return 0.7 * schedule.signal(0.01) + z * spread(0.01);
  });
  exact.forEach((want, i) => {
    // 1e-12 of the largest v, 50 at the start.
    expect(Math.abs(there[i]! - want)).toBeLessThan(1e-11);
  });
  // A log-SNR of 6.4 apart.
  expect(calls).toBeLessThan(900);
  const back = await referenceFlow({ denoiser, x: there, from: 0.01, to: 0.8, backend });
  back.forEach((each, i) => {
    // Two dozen steps, each within 1e-12 of v = 50, and alpha = 0.04.
    expect(Math.abs(each - x[i]!)).toBeLessThan(5e-11);
  });
  const still = await referenceFlow({ denoiser, x, from: 0.5, to: 0.5, backend });
  still.forEach((each, i) => {
    expect(Math.abs(each - x[i]!)).toBeLessThan(1e-15);
  });
});

test('referenceFlow(): refuses ends without signal or noise, and says when no step is short enough', async () => {
  const denoiser = gaussianDenoiser({ mean: [0], covariance: [[1]] }, rectifiedFlow());
  const flow = (extra: Partial<ReferenceFlowOptions>): Promise<Float64Array> =>
    referenceFlow({ denoiser, x: new Float64Array(2), from: 0.9, to: 0.1, backend, ...extra });
  await expect(flow({ from: 1 })).rejects.toThrow(/`from` is 1, where .* is -Infinity/);
  await expect(flow({ to: 0 })).rejects.toThrow(OptionError);
  await expect(flow({ tolerance: 0 })).rejects.toThrow(OptionError);
  await expect(flow({ x: new Float64Array(0) })).rejects.toThrow(ShapeError);
  let calls = 0;
  const rough: Denoiser = {
    ...{ dimension: 1, schedule: denoiser.schedule, prediction: 'clean' },
    predict: (_x, _time, out) => void out.fill((calls++ * 0.618) % 1),
  };
  await expect(flow({ denoiser: rough })).rejects.toThrow(DegeneracyError);
});

/** phi_k(z) = int_0^1 exp((1 - s) z) s^(k-1) / (k-1)! ds, by its series in integers of 60 digits. */
function exactPhi(k: number, z: number): number {
  const unit = 10n ** 60n;
  const scaled = (BigInt(Math.round(z * 2 ** 40)) * unit) / 2n ** 40n;
  let term = unit;
  for (let j = 2; j <= k; j++) term /= BigInt(j);
  let sum = term;
  for (let j = 1; j < 300; j++) {
    term = (term * scaled) / unit / BigInt(j + k);
    sum += term;
  }
  return Number(sum / 10n ** 30n) / 1e30;
}

test('phi(): all digits of the functions of exponential integrators', () => {
  for (const z of [-9, -2.5, -1, -0.75, -0.25, -(2 ** -20), 0, 2 ** -30, 0.25, 0.75, 1, 2.5, 6])
    for (let k = 0; k <= 4; k++)
      expect(Math.abs(phi(k, z) / exactPhi(k, z) - 1), `phi_${k}(${z})`).toBeLessThan(4e-15);
});

test('interpolationWeights(): integrals of polynomials through the nodes are exact', () => {
  const nodes = [0, -0.7, -2.1, 1];
  expect(lagrangePolynomial([0, 1, 3], 1)).toEqual([-0, 1.5, -0.5]);
  // int_0^1 s^k ds
  const moments = [1, 1 / 2, 1 / 3, 1 / 4];
  const weights = interpolationWeights(moments, nodes);
  moments.forEach((moment, k) => {
    expect(weights.reduce((sum, w, j) => sum + w * nodes[j]! ** k, 0)).toBeCloseTo(moment, 13);
  });
});
