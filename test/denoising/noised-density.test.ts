import { expect, test } from 'vitest';
import { hostBackend } from '../../engine/backend/host.ts';
import { jsBackend } from '../../engine/backend/js.ts';
import { gammaQuantile } from '../../engine/math/gamma-quantile.ts';
import { gammaLower, gammaUpper } from '../../engine/math/incomplete-gamma.ts';
import { run } from '../../engine/run.ts';
import type { NoisedDensityOptions } from '../../estimators/denoising/noised-density.ts';
import { noisedDensityMcmc } from '../../estimators/denoising/noised-density-mcmc.ts';
import { cutLevel } from '../../estimators/denoising/noised-density-run.ts';
import { contract } from '../contract/sampler.ts';

/** Two normal laws at -2 and 2, weights 0.3 and 0.7, sd 0.5, times 5. */
const logDensity = {
  logDensity(x: Float64Array, out: Float64Array) {
    this.gradient(x, out, new Float64Array(x.length));
  },
  gradient(x: Float64Array, out: Float64Array, gradient: Float64Array) {
    for (let i = 0; i < out.length; i++) {
      const [a, b] = [x[2 * i]!, x[2 * i + 1]!];
      const right = 1 / (1 + (0.3 / 0.7) * Math.exp(-16 * a));
      const own =
        a >= 0 ? -2 * (a - 2) ** 2 + Math.log(0.7 / right) : -2 * (a + 2) ** 2 + Math.log(0.3 / (1 - right));
      out[i] = own - 2 * b * b + Math.log(5);
      gradient[2 * i] = -4 * (a + 2 - 4 * right);
      gradient[2 * i + 1] = -4 * b;
    }
  },
};
const start = Float64Array.from({ length: 12 }, (_, at) => (at % 2 === 0 ? -2 : 0));
const quick: NoisedDensityOptions = {
  ...{ logDensity, dimension: 2, noise: [0.05, 10], start, chains: 6, variance: 0.25 },
  ...{ kept: 8, warmup: 4 },
};

contract('noisedDensityMcmc', () => noisedDensityMcmc(quick), {
  backends: { 'two threads of WASM': () => hostBackend({ threads: 2 }) },
  bad: {
    'a density without gradient': () => noisedDensityMcmc({ ...quick, logDensity: (() => {}) as never }),
    'noise that falls': () => noisedDensityMcmc({ ...quick, noise: [1, 0.5] }),
    'a misspelt option': () => noisedDensityMcmc({ ...quick, chain: 2 } as never),
    'no chains': () => noisedDensityMcmc({ ...quick, chains: 0 }),
    'a variance of 0': () => noisedDensityMcmc({ ...quick, variance: 0 }),
    'more memory than there is': () => noisedDensityMcmc({ ...quick, kept: 2 ** 20, chains: 2 ** 20 }),
  },
});

test('noisedDensityMcmc(): a start of the wrong length, or where there is no density, is refused', async () => {
  expect(() => noisedDensityMcmc({ ...quick, start: [0, 0] })).toThrow('12 finite numbers');
  const nowhere = { ...logDensity, gradient: (_: unknown, out: Float64Array) => void out.fill(-Infinity) };
  const failed = run(noisedDensityMcmc({ ...quick, logDensity: nowhere }), { seed: 1, backend: jsBackend() });
  await expect(failed).rejects.toThrow('-Infinity where chain 0 begins');
});

test('noisedDensityMcmc(): two evaluations a cycle, and one to begin with', async () => {
  const { diagnostics } = await run(noisedDensityMcmc(quick), { seed: 1, backend: jsBackend() });
  expect(diagnostics.evaluations).toBe(6 * (1 + 2 * 12));
});

test('cutLevel(): inverts the law of sigma cut to a range, far out in either tail as well', () => {
  for (const [shape, half, low, high] of [
    [1, 0.5, 0.1, 5],
    [16, 900, 0.5, 8],
    [16, 0.01, 0.5, 8],
    [0.5, 1e-6, 0.01, 1],
    [1500, 40, 0.05, 3],
  ] as const) {
    const quantile = gammaQuantile(shape);
    const tail = gammaLower(shape, half / low ** 2) < 0.5 ? gammaLower : gammaUpper;
    const at = (sigma: number) => tail(shape, half / sigma ** 2);
    for (const u of [0.1, 0.5, 0.9]) {
      const sigma = cutLevel(quantile, shape, half, low, high, u);
      expect(sigma > low && sigma < high).toBe(true);
      expect((at(sigma) - at(high)) / (at(low) - at(high))).toBeCloseTo(u, 9);
    }
  }
});
