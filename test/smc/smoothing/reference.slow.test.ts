import { describe, expect, test } from 'vitest';
import { hostBackend } from '../../../engine/backend/host.ts';
import { studentInterval } from '../../../engine/diagnostics/standard-error.ts';
import { run } from '../../../engine/run.ts';
import {
  type AdditiveResult,
  additiveSmoother,
  kalmanSmoother,
  linearGaussian,
  optimalLookahead,
  optimalProposal,
  particleSmoother,
  type SmoothedCurve,
  type SmoothedRuns,
  type SmootherMethod,
  type SmootherResult,
  stochasticVolatility,
  twoFilterSmoother,
} from '../../../estimators/index.ts';
import volatility from '../../reference/stochastic-volatility.json' with { type: 'json' };
import {
  columnMoments,
  expectCoverage,
  expectMeans,
  expectRejected,
  type Replicates,
} from '../../support/law.ts';
import { linearCase, modelOf } from '../models/reference-models.ts';

const seed = 660_301;
const backend = await hostBackend({ threads: 1 });
const lg1 = linearCase('lg1');
const model = modelOf(lg1);
const functional = {
  names: ['product'],
  term: (_: number, parent: Float64Array, x: Float64Array, out: Float64Array) => {
    for (let i = 0; i < x.length; i++) out[i] = parent[i]! * x[i]!;
  },
};

/** A series with the exact answers to it. */
interface Series {
  readonly observations: readonly (readonly number[])[];
  readonly logNormalizer: number;
  /** E[sum of x_{t-1} x_t | y] */
  readonly sum: number;
}

const whole: Series = { observations: lg1.y, logNormalizer: lg1.loglik, sum: 244.08829604382802 };

/** The first observations of lg1, by the exact smoother. */
function first(steps: number): Series {
  const observations = lg1.y.slice(0, steps);
  const { mean, crossCovariance, logNormalizer } = kalmanSmoother(model, observations);
  let sum = 0;
  for (let t = 1; t < steps; t++) sum += mean[t - 1]! * mean[t]! + crossCovariance[t - 1]!;
  return { observations, logNormalizer, sum };
}

const paths = (method: SmootherMethod, { observations }: Series, particles: number, runs: number) => {
  const options = { model, observations, particles, runs, functional, method };
  return run(particleSmoother(options), { seed, backend }) as Promise<SmootherResult>;
};
const online = (
  method: 'paris' | 'forward-only',
  { observations }: Series,
  particles: number,
  runs: number,
) => {
  const options = { model, observations, particles, runs, functional, method };
  return run(additiveSmoother(options), { seed, backend }) as Promise<AdditiveResult>;
};

/** Errors of the sum in the runs, plain and weighted by Z over its exact value. */
function errors(
  { logNormalizer, functional: sums }: SmoothedRuns,
  series: Series,
): {
  readonly weighted: Replicates;
  readonly mean: number;
  readonly sd: number;
  /** Of `mean`. */
  readonly error: number;
} {
  const runs = sums.length;
  const plain = sums.map((value) => value - series.sum);
  const weighted = plain.map((off, r) => Math.exp(logNormalizer[r]! - series.logNormalizer) * off);
  const { mean, sd } = columnMoments({ runs, width: 1, values: plain });
  const replicates = { runs, width: 1, values: weighted };
  return { weighted: replicates, mean: mean[0]!, sd: sd[0]!, error: sd[0]! / Math.sqrt(runs) };
}

/*
 * Z times the error of a run has mean 0 whatever the method, exactly: that is the sharp test. The plain mean is off by
 * the bias of the filter, which is of order T / N.
 */
describe('the sum of x_{t-1} x_t on lg1', () => {
  // 200 particles: mean error and sd of a table from 200 runs; its means are known to sd / sqrt 200, its sds to 5 %. 100 runs here
  // catch a bias of 0.75 sd of a weighted error with 99 % probability; a transition that is too wide has 0.86, on half of the data.
  const runs = 100;
  for (const [method, bias, spread] of [
    ['genealogy', -0.5, 13.3],
    ['mcmc', -0.43, 4.31],
    ['rejection', -0.45, 4.26],
  ] as const) {
    test(`${method}: unbiased when weighted by Z; bias and spread as measured elsewhere`, async () => {
      const { weighted, mean, sd, error } = errors((await paths(method, whole, 200, runs)).runs, whole);
      expectMeans(weighted, 0, { about: `${method}, weighted by Z` });
      expect(Math.abs(mean - bias)).toBeLessThan(4.892 * Math.hypot(error, spread / Math.sqrt(200)));
      // Both standard deviations have a relative error of 1 / sqrt(2 runs).
      expect(Math.abs(sd / spread - 1)).toBeLessThan(4.892 * Math.sqrt(1 / (2 * runs) + 1 / 400));
    });
  }

  // The methods of order N^2 on less. 120 runs: a bias of 0.7 sd of a weighted error is caught with 99 % probability.
  test('exact, PaRIS and forward-only: unbiased when weighted by Z; forward-only has the least noise', async () => {
    const half = first(50);
    const [exact, paris, forwardOnly] = [
      errors((await paths('exact', half, 80, 120)).runs, half),
      errors((await online('paris', half, 80, 120)).runs, half),
      errors((await online('forward-only', half, 80, 120)).runs, half),
    ];
    for (const { weighted } of [exact, paris, forwardOnly]) expectMeans(weighted, 0);
    expect(forwardOnly.sd).toBeLessThan(exact.sd);
    expect(forwardOnly.sd).toBeLessThan(paris.sd);
    // 3.65 to 4.26 and 4.86 in the table at 200 particles; relative errors of 6 %, 6 %, 5 % and 5 %.
    expect(Math.abs(forwardOnly.sd / exact.sd / (3.65 / 4.26) - 1)).toBeLessThan(4.892 * 0.11);
    expect(Math.abs(forwardOnly.sd / paris.sd / (3.65 / 4.86) - 1)).toBeLessThan(4.892 * 0.11);
  });

  test('a fully adapted auxiliary filter is smoothed without bias', async () => {
    const half = first(50);
    const adapted = { proposal: optimalProposal(model), lookahead: optimalLookahead(model) };
    const options = {
      model,
      observations: half.observations,
      particles: 80,
      runs: 120,
      functional,
      ...adapted,
    };
    const { runs } = await run(particleSmoother(options), { seed, backend });
    expectMeans(errors(runs, half).weighted, 0);
  });

  test('the bias falls like 1 / N', async () => {
    const half = first(50);
    const small = errors((await paths('mcmc', half, 20, 1000)).runs, half);
    const large = errors((await paths('mcmc', half, 80, 400)).runs, half);
    // The bias at 20 particles is some seven standard errors. One that stayed the same at 80 would be told apart.
    expect(small.mean).toBeLessThan(-4.892 * small.error);
    expect(Math.abs(small.mean - 4 * large.mean)).toBeLessThan(
      4.892 * Math.hypot(small.error, 4 * large.error),
    );
    expectMeans(small.weighted, 0);
  });

  test('a smoother that takes the transition too wide is told apart', async () => {
    // Backward draws by a law of twice the variance: the neighbours are less alike.
    const wide = linearGaussian({
      ...{ transition: 0.9, transitionCovariance: 2, observationCovariance: 1, initialCovariance: 1 },
    });
    const half = first(50);
    const wrong = { ...model, logTransition: wide.logTransition! };
    const options = { model: wrong, observations: half.observations, particles: 200, runs: 100, moves: 2 };
    const { runs } = await run(particleSmoother({ ...options, functional }), { seed, backend });
    expectRejected(() => expectMeans(errors(runs, half).weighted, 0));
  });

  test('two filters: bias of order 1 / N, and no more noise than paths', async () => {
    const reversed = {
      logPrior: (_: number, x: Float64Array, out: Float64Array) => model.logInitial!(x, out),
      initial: model.initial,
      transition: model.transition,
    };
    const options = { model, observations: lg1.y, functional, reversed, particles: 200, runs: 100 };
    const { runs } = await run(twoFilterSmoother(options), { seed, backend });
    const { mean, sd, error } = errors(runs, whole);
    // 300 runs gave -1.43 +- 0.21, and 60 with 1600 particles -0.18 +- 0.17.
    expect(Math.abs(mean + 1.43)).toBeLessThan(4.892 * Math.hypot(error, 0.21));
    expect(sd).toBeLessThan(4.31 * (1 + 4.892 * 0.09));
  });
});

/** Z times the error of the smoothed means of each run, and of those of their squares. */
function weightedErrors(
  { runs: { logNormalizer, mean } }: SmootherResult,
  exact: { readonly logNormalizer: number; readonly mean: ArrayLike<number> },
): Replicates {
  const width = exact.mean.length;
  const z = logNormalizer.map((logZ) => Math.exp(logZ - exact.logNormalizer));
  const values = mean.map((value, at) => z[Math.floor(at / width)]! * (value - exact.mean[at % width]!));
  return { runs: logNormalizer.length, width, values };
}

describe('smoothed means and variances', () => {
  test('stochastic volatility, against quadrature', async () => {
    const { mu, rho, sigma, y, loglik, smooth_mean, smooth_var } = volatility;
    const returns = stochasticVolatility({ mean: mu, persistence: rho, volatility: sigma });
    const options = { model: returns, observations: y, particles: 200, paths: 100, runs: 160, moves: 2 };
    const result = await run(particleSmoother(options), { seed, backend });
    // 160 runs: a bias of 0.65 sd of a run in any one of 100 means is caught with 99 % probability.
    expectMeans(weightedErrors(result, { logNormalizer: loglik, mean: smooth_mean }), new Float64Array(100));
    for (let t = 0; t < 100; t++) {
      const [off, error] = [result.variance.value[t]! - smooth_var[t]!, result.variance.standardError[t]!];
      // 100 variances at 1e-6 in all, Student with some 150 degrees of freedom: |t| < 5.9.
      expect(Math.abs(off)).toBeLessThan(5.9 * error);
    }
  });

  test('lg5, five numbers a state', async () => {
    const lg5 = linearCase('lg5');
    const five = modelOf(lg5);
    const exact = kalmanSmoother(five, lg5.y);
    const options = { model: five, observations: lg5.y, particles: 200, paths: 100, runs: 100 };
    const result = await run(particleSmoother(options), { seed, backend });
    const seen = weightedErrors(result, exact);
    expectMeans(seen, new Float64Array(seen.width));
  });
});

describe('standard errors from runs', () => {
  // 1000 smoothers of 8 runs: 95 % intervals cover 913 to 980 times.
  test('intervals cover smoothed means and variances', async () => {
    const short = linearGaussian({
      ...{ transition: 0.8, transitionCovariance: 0.5, observationCovariance: 1, initialCovariance: 1 },
    });
    const y = [0.5, -0.4, 1.2];
    const exact = kalmanSmoother(short, y);
    const RUNS = 8;
    const method = particleSmoother({ model: short, observations: y, particles: 40, runs: RUNS });
    const hits = { mean: 0, variance: 0 };
    const covers = ({ value, standardError }: SmoothedCurve, t: number, truth: number): boolean => {
      const estimate = { value: value[t]!, standardError: standardError[t]!, degrees: RUNS - 1 };
      const { low, high } = studentInterval(estimate);
      return low <= truth && truth <= high;
    };
    for (let r = 0; r < 1000; r++) {
      const { mean, variance } = await run(method, { seed: seed + r, backend });
      if (covers(mean, 1, exact.mean[1]!)) hits.mean++;
      if (covers(variance, 1, exact.covariance[1]!)) hits.variance++;
    }
    expectCoverage(hits.mean);
    expectCoverage(hits.variance);
  });
});
