import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Backend } from '../../../engine/backend/backend.ts';
import { hostBackend } from '../../../engine/backend/host.ts';
import { run } from '../../../engine/run.ts';
import { normalQuantile } from '../../../engine/wasm/twins/normal.ts';
import { filterBatch } from '../../../estimators/smc/filter/filter-batch.ts';
import type { FilterOptions, FilterResult } from '../../../estimators/smc/filter/filter-types.ts';
import { particleFilter } from '../../../estimators/smc/filter/particle-filter.ts';
import { optimalLookahead, optimalProposal } from '../../../estimators/smc/models/optimal-proposal.ts';
import { stochasticVolatility } from '../../../estimators/smc/models/stochastic-volatility.ts';
import volatility from '../../reference/stochastic-volatility.json' with { type: 'json' };
import { expectMeans, expectRejected, FALSE_ALARM, LawViolation } from '../../support/law.ts';
import { linearCase, modelOf } from '../models/reference-models.ts';

const SEED = 20_260_203;

let backend: Backend;
beforeAll(async () => {
  backend = await hostBackend({ threads: 1 });
});
afterAll(() => backend.dispose());

function filtered(options: FilterOptions): Promise<FilterResult> {
  return run(particleFilter(options), { seed: SEED, backend });
}

/** log Z and every filtered mean against exact values, by the errors of the result: a test of 1 + T d numbers. */
function expectExact(result: FilterResult, logNormalizer: number, mean: readonly number[]): void {
  const z = -normalQuantile(FALSE_ALARM / (mean.length + 1) / 2);
  const degrees = result.runs.ess.length - 1;
  // Student's, by the first terms of the Cornish-Fisher series.
  const limit = z + (z ** 3 + z) / (4 * degrees) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * degrees ** 2);
  const check = (what: string, value: number, exact: number, error: number): void => {
    if (!(Math.abs(value - exact) < limit * error))
      throw new LawViolation(`${what} is ${value}, not ${exact}: ${(value - exact) / error} errors off`);
  };
  const { value, standardError } = result.logNormalizer;
  check('log Z', value, logNormalizer, standardError);
  for (const [t, m] of mean.entries()) check(`mean ${t}`, result.mean[t]!, m, result.meanError[t]!);
}

/** Standard deviation of log Z over runs. */
function spread({ runs: { logNormalizer } }: FilterResult): number {
  const mean = logNormalizer.reduce((sum, x) => sum + x, 0) / logNormalizer.length;
  return Math.sqrt(logNormalizer.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (logNormalizer.length - 1));
}

const lg1 = linearCase('lg1');
const one = modelOf(lg1);
const proposal = optimalProposal(one);
const lookahead = optimalLookahead(one);

// 200 runs: the sd of log Z is known to 5 % (one standard error), log Z itself to sd / 14.
for (const [name, row, more] of [
  ['bootstrap, systematic ESS<N/2', 'bootstrap, systematic ESS<N/2', {}],
  ['bootstrap, multinomial', 'bootstrap, multinomial every step', { scheme: 'multinomial', threshold: 1 }],
  ['guided', 'guided (optimal proposal), systematic ESS<N/2', { proposal }],
  ['fully adapted', 'fully adapted APF, systematic every step', { proposal, lookahead, threshold: 1 }],
] as const) {
  test(`particleFilter(): lg1 by ${name} agrees with Kalman, and its spread with the reference`, async () => {
    const result = await filtered({ model: one, observations: lg1.y, particles: 1000, runs: 200, ...more });
    expectExact(result, lg1.loglik, lg1.filter_mean.flat());
    const known = lg1.monte_carlo_behaviour!.rows[row].sd_logZ;
    expect(Math.abs(spread(result) / known - 1)).toBeLessThan(0.25);
    expectRejected(() => expectExact(result, lg1.loglik + 0.3, lg1.filter_mean.flat()));
  });
}

test('particleFilter(): lg5, guided, agrees with Kalman', async () => {
  const lg5 = linearCase('lg5');
  const five = modelOf(lg5);
  const options = { model: five, observations: lg5.y, particles: 1000, runs: 100 };
  const result = await filtered({ ...options, proposal: optimalProposal(five) });
  expectExact(result, lg5.loglik, lg5.filter_mean.flat());
});

test('particleFilter(): never, ess-triggered and constant resampling agree on a short series', async () => {
  const observations = lg1.y.slice(0, 8);
  const exact = lg1.loglik_increments.slice(0, 8).reduce((sum, x) => sum + x, 0);
  for (const threshold of [0, 0.5, 1]) {
    const result = await filtered({ model: one, observations, particles: 500, runs: 150, threshold });
    expectExact(result, exact, lg1.filter_mean.slice(0, 8).flat());
  }
});

test('particleFilter(): stochastic volatility agrees with quadrature', async () => {
  const { mu, rho, sigma, y, loglik, filter_mean, monte_carlo_behaviour } = volatility;
  const model = stochasticVolatility({ mean: mu, persistence: rho, volatility: sigma });
  const result = await filtered({ model, observations: y, particles: 1000, runs: 200 });
  expectExact(result, loglik, filter_mean);
  const known = monte_carlo_behaviour.rows['bootstrap, systematic ESS<N/2'].sd_logZ;
  expect(Math.abs(spread(result) / known - 1)).toBeLessThan(0.25);
});

test('particleFilter(): the error of a mean falls like N^-1/2', async () => {
  // 250 runs at each of 7 sizes: the slope has a standard error of 0.0122, and is off by 0.003 from terms of 1 / N.
  const observations = lg1.y.slice(0, 8);
  const exact = lg1.filter_mean[7]![0]!;
  const points: { x: number; y: number }[] = [];
  for (let power = 7; power <= 13; power++) {
    const models = Array.from({ length: 250 }, () => one);
    const batch = await run(filterBatch({ models, observations, particles: 2 ** power }), {
      seed: SEED,
      backend,
    });
    const last = batch.mean.subarray(7 * 250);
    const squares = last.reduce((sum, m) => sum + (m - exact) ** 2, 0) / 250;
    points.push({ x: power * Math.LN2, y: 0.5 * Math.log(squares) });
    if (power < 13) continue;
    // An error that stays at any size: 0.004 is caught with 99 % probability here, and would not bend the slope enough.
    const largest = { runs: 250, width: 1, values: last.slice() };
    expectMeans(largest, exact);
    expectRejected(() => expectMeans(largest, exact + 0.0055));
  }
  const [x, y] = (['x', 'y'] as const).map((axis) => points.reduce((sum, p) => sum + p[axis], 0) / 7) as [
    number,
    number,
  ];
  const slope =
    points.reduce((sum, p) => sum + (p.x - x) * (p.y - y), 0) /
    points.reduce((sum, p) => sum + (p.x - x) ** 2, 0);
  expect(Math.abs(slope + 0.5)).toBeLessThan(0.06);
});
