import { expect, test } from 'vitest';
import type { Gpu } from '../../../engine/backend/gpu/types.ts';
import { densityShader } from '../../../engine/backend/wgsl/density.ts';
import { mixtureKernel, mixtureScoreShader } from '../../../engine/backend/wgsl/mixture.ts';
import type { MultivariateLaw } from '../../../engine/distribution/multivariate.ts';
import { multivariateMixture } from '../../../engine/distribution/multivariate-mixture.ts';
import { multivariateNormal } from '../../../engine/distribution/multivariate-normal.ts';
import { mixtureParameters } from '../../../engine/distribution/normal-mixture.ts';
import { rngFromSeed, type Stream } from '../../../engine/random/rng.ts';
import { twins } from '../../../engine/wasm/kernels.ts';
import { describeGpu, withGpu } from '../../support/gpu.ts';

const SEED = 20260303;

/** K components of d numbers with full covariances, a few standard deviations apart; the second has weight 0. */
function someMixture(stream: Stream, d: number, K: number): MultivariateLaw {
  const covariance = (): number[][] => {
    const a = Array.from({ length: d }, () => Array.from({ length: d }, () => stream.normal()));
    return a.map((_, i) =>
      a.map((__, j) => a.reduce((sum, row) => sum + row[i]! * row[j]!, i === j ? 0.5 : 0) / d),
    );
  };
  const component = (): MultivariateLaw =>
    multivariateNormal(
      Array.from({ length: d }, () => 3 * stream.normal()),
      covariance(),
    );
  const weights = Array.from({ length: K }, (_, k) => (K > 1 && k === 1 ? 0 : stream.uniform()));
  return multivariateMixture(Array.from({ length: K }, component), weights);
}

interface Errors {
  readonly logDensity: number;
  readonly score: number;
  readonly alone: number;
}

/** Largest errors of the card against float64 at the same points, each number relative to max(1, `scale`(host)). */
async function errorsAt(
  gpu: Gpu,
  law: MultivariateLaw,
  x: Float32Array,
  scale: (value: number) => number,
): Promise<Errors> {
  const { dimension: d, components, means, whiten, logConstant } = mixtureParameters(law);
  const n = x.length / d;
  const arena = gpu.arena();
  const [points, logDensity, score] = [arena.f32(n * d), arena.f32(n), arena.f32(n * d)];
  const kernel = mixtureKernel({ dimension: d, means, whiten, logConstant }, false);
  const packed = kernel.constants;
  const constants = arena.f32(packed.length);
  gpu.write(points, x);
  gpu.write(constants, packed);
  gpu.run(mixtureScoreShader(d), { x: points, constants, logDensity, score }, {}, n);
  const [density, slope] = [await gpu.read(logDensity), await gpu.read(score)];
  gpu.run(densityShader(kernel, d, 0), { x: points, constants, density: logDensity }, {}, n);
  const only = await gpu.read(logDensity);
  arena.release();
  const [l, s] = [new Float64Array(n), new Float64Array(n * d)];
  twins.mixtureScore(Float64Array.from(x), d, means, whiten, logConstant, components, l, s, 0, n);
  const errors = { logDensity: 0, score: 0, alone: 0 };
  for (let i = 0; i < n; i++) {
    const size = Math.max(1, scale(Math.abs(l[i]!)));
    const length = Math.max(size, Math.hypot(...s.subarray(i * d, i * d + d)));
    errors.logDensity = Math.max(errors.logDensity, Math.abs(density[i]! - l[i]!) / size);
    errors.alone = Math.max(errors.alone, Math.abs(only[i]! - l[i]!) / size);
    for (let j = i * d; j < i * d + d; j++)
      errors.score = Math.max(errors.score, Math.abs(slope[j]! - s[j]!) / length);
  }
  return errors;
}

const CASES = [
  [1, 1],
  [2, 40],
  [5, 7],
  [17, 3],
  [30, 2],
] as const;

describeGpu('mixture', () => {
  test('mixtureScoreShader: log density and score agree with float64 to 1e-5 where the mixture has its mass', () =>
    withGpu(async (gpu) => {
      for (const [d, K] of CASES) {
        const stream = rngFromSeed(SEED).stream({ purpose: 40, particle: d });
        const law = someMixture(stream, d, K);
        const x = new Float64Array(1021 * d);
        law.transport(
          x.map(() => stream.uniform()),
          x,
        );
        const errors = await errorsAt(gpu, law, Float32Array.from(x), (l) => l);
        expect(Math.max(errors.logDensity, errors.score, errors.alone)).toBeLessThan(1e-5);
      }
    }));

  test('mixtureScoreShader: far away, errors are within 1e-5 of the log density, in hundreds there', () =>
    withGpu(async (gpu) => {
      for (const [d, K] of CASES) {
        const stream = rngFromSeed(SEED).stream({ purpose: 41, particle: d });
        const law = someMixture(stream, d, K);
        const x = Float32Array.from({ length: 257 * d }, () => 10 * stream.normal());
        const errors = await errorsAt(gpu, law, x, (l) => l);
        expect(Math.max(errors.logDensity, errors.score, errors.alone)).toBeLessThan(1e-5);
      }
    }));
});
