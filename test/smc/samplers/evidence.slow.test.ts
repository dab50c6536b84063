import { describe, expect, test } from 'vitest';
import { hostBackend } from '../../../engine/backend/host.ts';
import { jsBackend } from '../../../engine/backend/js.ts';
import { combinedLogNormalizer } from '../../../engine/diagnostics/combined-normalizer.ts';
import {
  gamma,
  gpuBackend,
  gpuKernel,
  hmc,
  iterate,
  mala,
  multivariateNormal,
  pcn,
  pointwise,
  run,
  type SmcSamplerResult,
  smcSampler,
  uniform,
} from '../../../estimators/index.ts';
import { describeGpu } from '../../support/gpu.ts';
import { expectRejected } from '../../support/law.ts';
import { BESIDE_ONE, base, besideOne, expectNear, SEED, sample } from './base.ts';
import {
  bimodal,
  bimodalLikelihood,
  bimodalPrior,
  counts,
  countsLikelihood,
  isotropic,
  logistic,
  logisticLikelihood,
  logisticPrior,
  regression,
} from './problems.ts';

describe('evidence', () => {
  const lambdas = regression.log_Z_of_lambda.map((row) => row[0]!);

  test('linear regression: log Z is right at every fixed inverse temperature', async () => {
    // 40 runs: a bias of 1.15 sd of one run's Z at any temperature is caught with 99 % probability
    const options = { inverseTemperatures: lambdas, runs: 40 };
    let row = 0;
    const first: number[] = [];
    for await (const at of iterate(smcSampler({ ...base, ...options }), {
      seed: SEED,
      backend: jsBackend(),
    })) {
      const { runs } = await at.result();
      const logNormalizer = combinedLogNormalizer(runs.logNormalizer);
      const truth = regression.log_Z_of_lambda[row++]![1]!;
      expectNear(logNormalizer.value, truth, logNormalizer.standardError, `lambda ${lambdas[row - 1]}:`);
      first.push(logNormalizer.value);
    }
    expect(row).toBe(lambdas.length);
    // The broken twin ends one temperature early.
    const [six, seven] = first.slice(6);
    expectRejected(() => expectNear(six!, regression.log_evidence, 0.1));
    expect(seven).toBeLessThan(six!);
  });

  test('an unfinished run has no evidence and no means, only a path', async () => {
    for (const options of [{ inverseTemperatures: [0.001, 0.1, 1], tune: false }, { runs: 3 }]) {
      const method = smcSampler({ ...base, ...options });
      const half = await run(method, { seed: SEED, backend: jsBackend(), budget: { steps: 2 } });
      const { estimate, logNormalizer, mean, covariance, path, runs } = half;
      expect(half.outcome.kind).toBe('unfinished');
      for (const numbers of [estimate.value, estimate.standardError, mean.value, covariance])
        expect(numbers.every(Number.isNaN)).toBe(true);
      expect(logNormalizer).toEqual({ value: NaN, standardError: NaN, method: 'none', unbiased: false });
      expect(path.inverseTemperature.at(-1)).toBeLessThan(1);
      expect(runs.logNormalizer.every(Number.isFinite)).toBe(true);
    }
  });

  test('linear regression: adaptive temperatures, means and covariance', async () => {
    const result = await sample({ runs: 16, moveCount: 10 });
    const { logNormalizer, mean, covariance, path } = result;
    expectNear(logNormalizer.value, regression.log_evidence, logNormalizer.standardError, 'log Z');
    expect(logNormalizer.method).toBe('replicates');
    for (const [c, truth] of regression.posterior_mean.entries())
      expectNear(mean.value[c]!, truth, mean.standardError[c]!, `mean ${c}`);
    for (const [c, truth] of regression.posterior_cov_diag.entries())
      expect(covariance[c * 6]! / truth, `variance ${c}`).toBeGreaterThan(0.8);
    expect(path.inverseTemperature.at(-1)).toBe(1);
    for (const ess of path.ess.slice(0, -1)) expect(ess).toBeCloseTo(64, 6);
  });

  test('gamma-Poisson: a prior on the half line by name, without resampling, sometimes and always', async () => {
    const options = {
      prior: { rate: gamma(2, 1 / 1.5) },
      logLikelihood: countsLikelihood,
      runs: 30,
      moveCount: 3,
    };
    for (const threshold of [0, 0.5, 1]) {
      const { logNormalizer, mean } = await sample({ ...options, threshold });
      expectNear(
        logNormalizer.value,
        counts.log_evidence,
        logNormalizer.standardError,
        `threshold ${threshold}`,
      );
      expectNear(
        mean.value[0]!,
        counts.posterior_shape / counts.posterior_rate,
        mean.standardError[0]!,
        'mean',
      );
      expect(mean.names).toEqual(['rate']);
    }
  });

  test('logistic regression by MALA and HMC', async () => {
    for (const moves of [mala(), hmc()]) {
      const options = { prior: logisticPrior, logLikelihood: logisticLikelihood, moves, moveCount: 2 };
      const { logNormalizer, mean } = await sample({ ...options, runs: 12, particles: 100 });
      expectNear(logNormalizer.value, logistic.log_evidence, logNormalizer.standardError, moves.name);
      for (const [c, truth] of logistic.posterior_mean.entries())
        expectNear(mean.value[c]!, truth, mean.standardError[c]!, `${moves.name}, mean ${c}`);
    }
  });

  test('a geometric path between two densities is the same mechanism', async () => {
    const target = multivariateNormal(
      [1, -1],
      [
        [0.5, 0.2],
        [0.2, 0.4],
      ],
    );
    const logTarget = (x: Float64Array, out: Float64Array): void => {
      target.logDensity(x, out);
      for (let i = 0; i < out.length; i++) out[i] = out[i]! + 3;
    };
    const { logLikelihood: _, ...rest } = base;
    const method = smcSampler({ ...rest, prior: isotropic(2, 4), logTarget, runs: 40 });
    const { logNormalizer, mean } = await run(method, { seed: SEED, backend: jsBackend() });
    expectNear(logNormalizer.value, 3, logNormalizer.standardError, 'log Z');
    expectNear(mean.value[0]!, 1, mean.standardError[0]!, 'mean');
  });

  test('pCN moves of a Gaussian prior reach the same evidence', async () => {
    const options = { prior: isotropic(2, 1), logLikelihood: besideOne, moves: pcn(), runs: 30 };
    const { logNormalizer } = await sample(options);
    expectNear(logNormalizer.value, BESIDE_ONE, logNormalizer.standardError, 'log Z');
  });
});

test('bimodal: both modes live and keep their weights at N = 2000', async () => {
  const options = {
    prior: bimodalPrior,
    logLikelihood: bimodalLikelihood,
    particles: 2000,
    runs: 12,
    moveCount: 5,
  };
  const { sample: points, logNormalizer } = await sample(options);
  const share = Float64Array.from({ length: options.runs }, (_, r) =>
    upperShare(points, r, options.particles),
  );
  const mean = share.reduce((sum, s) => sum + s, 0) / options.runs;
  const sd = Math.sqrt(share.reduce((sum, s) => sum + (s - mean) ** 2, 0) / (options.runs - 1));
  // |t| at 11 degrees of freedom: 9.1 for 1e-6
  expect(Math.abs(mean - bimodal.posterior_weight_of_mode_at_plus4)).toBeLessThan(
    (9.1 * sd) / Math.sqrt(options.runs),
  );
  for (const s of share) expect(s).toBeGreaterThan(0.5);
  expectNear(logNormalizer.value, bimodal.log_evidence, 2 * logNormalizer.standardError, 'log Z');
});

function upperShare({ points, logWeight }: SmcSamplerResult['sample'], r: number, n: number): number {
  const most = Math.max(...logWeight.subarray(r * n, (r + 1) * n));
  let [above, total] = [0, 0];
  for (let i = r * n; i < (r + 1) * n; i++) {
    const w = Math.exp(logWeight[i]! - most);
    total += w;
    if (points[2 * i]! > 0) above += w;
  }
  return above / total;
}

describe('likelihoods of 0', () => {
  /** Uniform on (0, 1), likelihood 1 / 0.15 on (0, 0.15) times a slope: Z = 1. */
  const narrow = pointwise((x) => (x[0]! < 0.15 ? Math.log((2 * x[0]!) / 0.15 / 0.15) : -Infinity));
  const options = { prior: { u: uniform(0, 1) }, logLikelihood: narrow, runs: 60, moveCount: 4 };

  test('a selection step sorts them out, and the evidence counts it', async () => {
    const result = await sample(options);
    expect(result.path.inverseTemperature[0]).toBe(0);
    expectNear(result.logNormalizer.value, 0, result.logNormalizer.standardError, 'log Z');
    expectNear(result.mean.value[0]!, 0.1, result.mean.standardError[0]!, 'mean');
    // Without it the first step would have to lose 85 % of the particles at once: the fixed path does.
    const fixed = await sample({ ...options, inverseTemperatures: [0.3, 1] });
    expect(fixed.path.ess[0]).toBeLessThan(0.3 * 128);
    expectNear(fixed.logNormalizer.value, 0, fixed.logNormalizer.standardError, 'log Z');
  });

  test('none of positive likelihood: log Z is -Infinity, weights are 0, and the outcome says so', async () => {
    const never = await sample({ ...options, runs: 1, logLikelihood: (_, out) => void out.fill(-Infinity) });
    expect(never.logNormalizer.value).toBe(-Infinity);
    expect(never.outcome.kind).toBe('degenerate');
    expect(never.diagnostics.warnings.map(({ code }) => code)).toEqual(['collapse']);
    expect(Array.from(never.sample.logWeight)).toEqual(new Array(128).fill(-Infinity));
    expect(never.mean.value).toEqual(Float64Array.of(Number.NaN));
  });
});

describe('a likelihood as a kernel', () => {
  const kernel = gpuKernel((x) => -2 * (x[0]! - 1) * (x[0]! - 1) - 0.5 * x[1]! * x[1]!, { dims: 2 });
  const options = { prior: isotropic(2, 1), logLikelihood: kernel, particles: 256, moveCount: 3 };

  test('on the host it is a model like any other, also in workers', async () => {
    const there = await hostBackend({ threads: 2 });
    try {
      const one = await run(smcSampler(options), { seed: SEED, backend: jsBackend() });
      const two = await run(smcSampler(options), { seed: SEED, backend: there });
      expect(two.logNormalizer.value).toBe(one.logNormalizer.value);
      const many = await run(smcSampler({ ...options, particles: 64, runs: 30 }), {
        seed: SEED,
        backend: jsBackend(),
      });
      expectNear(many.logNormalizer.value, BESIDE_ONE, many.logNormalizer.standardError, 'log Z');
    } finally {
      await there.dispose();
    }
  });

  describeGpu('on the card', () => {
    test('it agrees with the host within the spread of its runs, and says where it ran', async () => {
      const backend = await gpuBackend({ allowSoftware: true });
      try {
        const method = smcSampler({ ...options, particles: 128, runs: 8 });
        const there = await run(method, { seed: SEED, backend });
        const here = await run(method, { seed: SEED, backend: jsBackend() });
        expect(there.provenance.precision).toBe('float32');
        expectNear(there.logNormalizer.value, BESIDE_ONE, there.logNormalizer.standardError * 1.8, 'log Z');
        expectNear(
          there.logNormalizer.value,
          here.logNormalizer.value,
          here.logNormalizer.standardError,
          'log Z',
        );
      } finally {
        await backend.dispose();
      }
    });
  });
});
