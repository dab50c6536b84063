import { expect, test } from 'vitest';
import {
  relativeVariance,
  standardErrorOfMean,
  varianceOfLogNormalizer,
} from '../../engine/diagnostics/genealogy-variance.ts';
import { hostBackend } from '../../engine/index.ts';
import type { HistoryOptions } from '../../engine/particles/history.ts';
import type { SchemeName } from '../../engine/particles/resampling/scheme.ts';
import { makeSmc } from '../../engine/particles/smc/smc.ts';
import type { Smc } from '../../engine/particles/smc/types.ts';
import { rngFromSeed } from '../../engine/random/rng.ts';
import { bootstrap } from '../../estimators/smc/filter/bootstrap.ts';
import type { StateFields } from '../../estimators/smc/state-space.ts';
import { asymptoticVariance } from './asymptotic-variance.ts';
import { linearCase, modelOf } from './models/reference-models.ts';

// The table of single-run variances on 100 steps of an autoregression seen in noise, N = 1000. One V(1) has a relative
// standard deviation of 0.65, one plain sum of 0.3: 15 % is 5 standard errors over 500 runs, or 7 over 200 runs.
const SEED = 2018;
const N = 1000;
const lg1 = linearCase('lg1');
const EXACT = asymptoticVariance(
  { rho: 0.9, transitionVariance: 1, observationVariance: 1, initialVariance: lg1.P0[0]![0]! },
  lg1.y.map((y) => [y].flat()[0]!),
);

async function filters(
  runs: number,
  scheme: SchemeName,
  threshold: number,
  history: HistoryOptions = { kind: 'none' },
): Promise<Smc<StateFields>> {
  const root = rngFromSeed(SEED);
  const smc = makeSmc({
    where: 'test',
    backend: await hostBackend({ threads: 1 }),
    model: bootstrap(
      modelOf(lg1),
      lg1.y.map((y) => Float64Array.from([y].flat())),
    ),
    rngs: Array.from({ length: runs }, (_, r) => root.child(0, r)),
    particles: N,
    ...{ scheme, threshold, history },
  });
  while (!smc.finished) await smc.advance();
  return smc;
}

/** N V(1) and N sum S^2, averaged over runs. */
function averages(smc: Smc<StateFields>): { corrected: number; plain: number } {
  const total = { corrected: 0, plain: 0 };
  const runs = smc.runs.length;
  for (const [r, { resamplings }] of smc.runs.entries()) {
    const eves = { family: smc.eve(r), resamplings };
    total.corrected += (N * relativeVariance(smc.weight(r), eves)) / runs;
    total.plain += (N * varianceOfLogNormalizer(smc.weight(r), eves, 'systematic').variance) / runs;
  }
  return total;
}

/** Within 15 %. */
function near(value: number, truth: number): boolean {
  return Math.abs(value / truth - 1) < 0.15;
}

test('variance of log Z: V(1) meets the exact asymptotic variance under multinomial resampling, the plain sum does not', async () => {
  const smc = await filters(500, 'multinomial', 1);
  const { corrected, plain } = averages(smc);
  smc.release();
  expect(near(corrected, EXACT.logZ)).toBe(true);
  expect(near(plain, EXACT.logZ)).toBe(false);
  console.info(`multinomial: exact ${EXACT.logZ}, V(1) ${corrected}, sum ${plain}`);
});

test('variance of log Z: under other schemes V(1) is far too small, and the plain sum happens to fit systematic ones', async () => {
  const rows = lg1.monte_carlo_behaviour!.rows;
  for (const [scheme, threshold, runs, sd] of [
    ['systematic', 1, 200, rows['bootstrap, systematic every step'].sd_logZ],
    ['systematic', 0.5, 200, rows['bootstrap, systematic ESS<N/2'].sd_logZ],
    ['residual', 1, 100, undefined],
  ] as const) {
    const smc = await filters(runs, scheme, threshold);
    const { corrected, plain } = averages(smc);
    const truth = sd === undefined ? EXACT.logZ : N * sd ** 2;
    expect(corrected).toBeLessThan(0.75 * truth);
    if (sd !== undefined) expect(near(plain, truth)).toBe(true);
    smc.release();
    console.info(`${scheme} ${threshold}: replicates ${truth}, V(1) ${corrected}, sum ${plain}`);
  }
});

test('standard error of the last mean: lags 20, 10 and 5 meet the exact asymptotic value, lag 0 does not', async () => {
  // 100 runs, each with a relative standard deviation of 0.1 or less: 5 % is 5 standard errors.
  const runs = 100;
  const smc = await filters(runs, 'multinomial', 1, { kind: 'window', steps: 21 });
  const squares = new Map<number, number>();
  const ancestry = new Map([20, 10, 5, 0].map((lag) => [lag, smc.history.ancestry(lag)]));
  const families = (lag: number, r: number): { family: Uint32Array; resamplings: number } => ({
    family: ancestry.get(lag)!.subarray(r * N, r * N + N),
    resamplings: lag,
  });
  for (const [r, { resamplings }] of smc.runs.entries()) {
    const eves = { family: smc.eve(r), resamplings };
    const x = smc.population(r).field('x');
    const { lags, lag, method } = standardErrorOfMean(smc.weight(r), x, eves, (at) => families(at, r));
    // N = 1000 over 100 steps: about nine families are left, so that a lag is chosen.
    expect([method, lag]).toEqual(['lag', lags.find((at) => at.families >= 50)!.lag]);
    const zero = standardErrorOfMean(smc.weight(r), x, families(0, r));
    for (const at of [...lags, { ...zero, lag: 0 }])
      squares.set(at.lag, (squares.get(at.lag) ?? 0) + at.standardError[0]! ** 2 / runs);
  }
  smc.release();
  const ratio = (lag: number): number => Math.sqrt((N * squares.get(lag)!) / EXACT.mean);
  for (const lag of [20, 10, 5]) expect(Math.abs(ratio(lag) - 1), `lag ${lag}`).toBeLessThan(0.05);
  expect(Math.abs(ratio(0) - 1)).toBeGreaterThan(0.05);
  console.info(
    `sd sqrt N: exact ${Math.sqrt(EXACT.mean)}`,
    [...squares].map(([lag, s]) => `lag ${lag}: ${Math.sqrt(N * s)}`),
  );
});
