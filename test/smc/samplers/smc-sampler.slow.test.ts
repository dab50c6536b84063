import { describe, expect, test } from 'vitest';
import { hostBackend } from '../../../engine/backend/host.ts';
import { jsBackend } from '../../../engine/backend/js.ts';
import { combinedLogNormalizer } from '../../../engine/diagnostics/combined-normalizer.ts';
import {
  DegeneracyError,
  discreteUniform,
  gamma,
  gpuBackend,
  gpuKernel,
  hmc,
  iterate,
  mala,
  multivariateNormal,
  normal,
  OptionError,
  pcn,
  pointwise,
  randomWalk,
  resume,
  run,
  type SmcSamplerOptions,
  type SmcSamplerResult,
  smcSampler,
  uniform,
  ValueError,
} from '../../../estimators/index.ts';
import { contract } from '../../contract/sampler.ts';
import { describeGpu } from '../../support/gpu.ts';
import { expectRejected, LawViolation } from '../../support/law.ts';
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
  regressionLikelihood,
  regressionPrior,
} from './problems.ts';

const SEED = 71_003;
/** |z| of a false alarm of 1e-6. */
const Z = 4.892;

const base: SmcSamplerOptions = {
  prior: regressionPrior,
  logLikelihood: regressionLikelihood,
  particles: 128,
  moveCount: 3,
};
const sample = (options: Partial<SmcSamplerOptions> = {}, seed = SEED): Promise<SmcSamplerResult> =>
  run(smcSampler({ ...base, ...options }), { seed, backend: jsBackend() });

/** Likelihood of a prior N(0, I_2), and its log Z: 1 / sqrt(5) e^(-2/5) and 1 / sqrt 2. */
const besideOne = pointwise((x) => -2 * (x[0]! - 1) * (x[0]! - 1) - 0.5 * x[1]! * x[1]!);
const BESIDE_ONE = -0.5 * Math.log(5) - 0.4 - 0.5 * Math.log(2);

/** An estimate lies within Z of its own standard errors of the truth. */
function expectNear(value: number, truth: number, standardError: number, about = ''): void {
  const z = Math.abs(value - truth) / standardError;
  if (!(z < Z)) throw new LawViolation(`${about} ${value}; expected ${truth} (${z.toFixed(2)} errors off)`);
}

contract('smcSampler', () => smcSampler(base), {
  backends: {
    'WASM, 1 thread': () => hostBackend({ threads: 1 }),
    'WASM, 2 threads': () => hostBackend({ threads: 2 }),
  },
  bad: {
    'no likelihood': () => smcSampler({ prior: regressionPrior }),
    'a likelihood and a target': () => smcSampler({ ...base, logTarget: regressionLikelihood }),
    'a single particle': () => smcSampler({ ...base, particles: 1 }),
    'chains that do not divide': () => smcSampler({ ...base, particles: 128, chains: 3 }),
    'one move a chain': () =>
      smcSampler({
        prior: regressionPrior,
        logLikelihood: regressionLikelihood,
        particles: 128,
        chains: 128,
      }),
    'chains with a number of moves': () => smcSampler({ ...base, chains: 16 }),
    'chains with final moves': () =>
      smcSampler({
        prior: regressionPrior,
        logLikelihood: regressionLikelihood,
        particles: 64,
        chains: 8,
        finalMoves: 1,
      }),
    'temperatures that fall': () => smcSampler({ ...base, inverseTemperatures: [0.5, 0.2, 1] }),
    'temperatures that end early': () => smcSampler({ ...base, inverseTemperatures: [0.1, 0.5] }),
    'temperatures from 0': () => smcSampler({ ...base, inverseTemperatures: [0, 1] }),
    'temperatures and a fraction': () => smcSampler({ ...base, inverseTemperatures: [1], essFraction: 0.5 }),
    'a fraction of 1': () => smcSampler({ ...base, essFraction: 1 }),
    'a threshold above 1': () => smcSampler({ ...base, threshold: 2 }),
    'an unknown scheme': () => smcSampler({ ...base, scheme: 'sytematic' as 'systematic' }),
    'a kernel that is none': () => smcSampler({ ...base, moves: 'rwm' as never }),
    'pcn along a prior that is not normal': () =>
      smcSampler({ ...base, prior: { rate: gamma(2, 1) }, moves: pcn() }),
    'mala with a function alone': () => smcSampler({ ...base, moves: mala() }),
    'hmc with a covariance of another dimension': () =>
      smcSampler({ ...base, logLikelihood: logisticLikelihood, moves: hmc({ covariance: [[1]] }) }),
    'inverse temperatures in words': () => smcSampler({ ...base, inverseTemperatures: ['0.5', 1] as never }),
    'a schedule that turns back': () =>
      smcSampler({ ...base, schedule: { targets: [0.5, 0.2, 1], moves: [1, 1, 1], tuning: [{}, {}, {}] } }),
    'a schedule of moves in words': () =>
      smcSampler({ ...base, schedule: { targets: [1], moves: ['a' as never], tuning: [{}] } }),
    'a misspelt option': () => smcSampler({ ...base, particels: 3 } as SmcSamplerOptions),
    'a discrete prior': () => smcSampler({ ...base, prior: { k: discreteUniform(0, 3) } }),
    'a prior that is none': () => smcSampler({ ...base, prior: 3 as never }),
    'an empty schedule': () => smcSampler({ ...base, schedule: { targets: [], moves: [], tuning: [] } }),
    'more memory than there is': () => smcSampler({ ...base, particles: 2 ** 29 }),
  },
});

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

describe('failures', () => {
  test('tempering that makes no headway ends with the effective size, not in an endless loop', async () => {
    const steep = pointwise((x) => -1e14 * Math.abs(x[0]!));
    const stuck = sample({ prior: { x: normal(0, 1) }, logLikelihood: steep });
    await expect(stuck).rejects.toThrow(DegeneracyError);
    await expect(stuck).rejects.toThrow(/stalled at inverse temperature .* \(effective size 6\d of 128\)/);
  });

  test.each([Number.NaN, Infinity])(
    'a log likelihood of %s is an error that names the point',
    async (bad) => {
      const broken = sample({ logLikelihood: pointwise((x) => (x[0]! > 1 ? bad : 0)) });
      const error = await broken.then(
        () => undefined,
        (e: unknown) => e,
      );
      expect(error).toBeInstanceOf(ValueError);
      expect((error as ValueError).point![0]).toBeGreaterThan(1);
    },
  );

  test('moves that need a gradient say how to give one, before the run where that shows', async () => {
    expect(() => smcSampler({ ...base, moves: mala() })).toThrow(/numericGradient/);
    const late = sample({ prior: isotropic(2, 1), logLikelihood: besideOne, moves: mala() });
    await expect(late).rejects.toThrow(OptionError);
  });

  test('a snapshot is refused by other options and by another seed', async () => {
    let bytes = new Uint8Array(0);
    for await (const at of iterate(smcSampler(base), { seed: SEED, backend: jsBackend() })) {
      bytes = new Uint8Array(await at.snapshot());
      break;
    }
    const other = resume(smcSampler({ ...base, particles: 64 }), bytes, { seed: SEED, backend: jsBackend() });
    await expect(other).rejects.toThrow(/other options/);
    const seed = resume(smcSampler(base), bytes, { seed: SEED + 1, backend: jsBackend() });
    await expect(seed).rejects.toThrow(/another seed/);
  });
});

describe('schedules', () => {
  test('a frozen schedule runs the same targets, moves and tuning on other numbers, and is unbiased', async () => {
    const moveCount = 'acceptance';
    const pilot = await sample({ moveCount });
    expect(new Set(pilot.path.moves).size).toBeGreaterThan(2);
    expect(pilot.logNormalizer.unbiased).toBe(false);
    const frozen = await sample({ moveCount, schedule: pilot.schedule });
    expect(frozen.logNormalizer.unbiased).toBe(true);
    expect(frozen.path.inverseTemperature).toEqual(pilot.path.inverseTemperature);
    expect(frozen.path.moves).toEqual(pilot.path.moves);
    expect(frozen.schedule.tuning).toEqual(pilot.schedule.tuning);
    expect(frozen.sample.points).not.toEqual(pilot.sample.points);
    // It goes through JSON.
    const again = await sample({
      moveCount,
      schedule: JSON.parse(JSON.stringify(pilot.schedule)) as typeof pilot.schedule,
    });
    expect(again.logNormalizer.value).toBe(frozen.logNormalizer.value);
  });

  test('unbiased is said of fixed temperatures only with moves that do not learn', async () => {
    const inverseTemperatures = [0.01, 0.1, 1];
    expect((await sample({ inverseTemperatures })).logNormalizer.unbiased).toBe(false);
    expect((await sample({ inverseTemperatures, tune: false })).logNormalizer.unbiased).toBe(true);
    expect(
      (await sample({ inverseTemperatures, tune: false, moveCount: 'acceptance' })).logNormalizer.unbiased,
    ).toBe(false);
    expect(
      (await sample({ inverseTemperatures, tune: false, scheme: 'metropolis' })).logNormalizer.unbiased,
    ).toBe(false);
    expect((await sample({ tune: false })).logNormalizer.unbiased).toBe(false);
  });

  test('final moves change the points of the last target and nothing else', async () => {
    const without = await sample();
    const withMoves = await sample({ finalMoves: 4 });
    expect(withMoves.logNormalizer.value).toBe(without.logNormalizer.value);
    expect(withMoves.sample.logWeight).toEqual(without.sample.logWeight);
    expect(withMoves.sample.points).not.toEqual(without.sample.points);
    expect(withMoves.path.moves.at(-1)).toBe(4);
    expect(without.path.moves.at(-1)).toBe(0);
  });
});

describe('waste-free', () => {
  const options = { prior: regressionPrior, logLikelihood: regressionLikelihood };
  const wasteFree = (particles: number, chains: number): Promise<SmcSamplerResult> =>
    run(smcSampler({ ...options, particles, chains }), { seed: SEED, backend: jsBackend() });

  test('slot p M + m is the state of chain m after p moves: states follow one another along p', async () => {
    const { sample: points } = await wasteFree(400, 8);
    const [d, M] = [5, 8];
    let [still, apart] = [0, 0];
    for (let i = M; i < 400; i++) {
      const same = (j: number): boolean => points.points[i * d] === points.points[j * d];
      if (same(i - M)) still++;
      if (same(i - 1)) apart++;
    }
    // A rejected move leaves its chain where it was: about three of four.
    expect(still).toBeGreaterThan(200);
    expect(apart).toBeLessThan(10);
  });

  test('long chains: the evidence within its own error, and no warning', async () => {
    const result = await wasteFree(5000, 50);
    expect(result.logNormalizer.method).toBe('chains');
    expectNear(
      result.logNormalizer.value,
      regression.log_evidence,
      result.logNormalizer.standardError * 1.25,
      'log Z',
    );
    expect(result.diagnostics.warnings).toEqual([]);
  });

  test('chains of ten warn that their error is too small', async () => {
    const { diagnostics } = await wasteFree(2000, 200);
    expect(diagnostics.warnings.map(({ code }) => code)).toEqual(['chains-too-short']);
  });
});

test('warnings: a path with one step, moves that are never accepted', async () => {
  const { diagnostics } = await sample({ inverseTemperatures: [0.5, 1] });
  expect(diagnostics.warnings.map(({ code }) => code)).toContain('thin-weights');
  const wild = await sample({ tune: false, moves: randomWalk({ scale: 100 }), moveCount: 1 });
  expect(wild.diagnostics.warnings.map(({ code }) => code)).toContain('moves-rejected');
  for (const { message } of [...diagnostics.warnings, ...wild.diagnostics.warnings])
    expect(message.length).toBeLessThanOrEqual(240);
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
