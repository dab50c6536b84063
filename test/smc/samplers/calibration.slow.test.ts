import { describe, expect, test } from 'vitest';
import { hostBackend } from '../../../engine/backend/host.ts';
import { jsBackend } from '../../../engine/backend/js.ts';
import {
  ibis,
  type PopulationResult,
  type Rng,
  resample,
  rngFromSeed,
  run,
  smcSampler,
  type TermsFn,
} from '../../../estimators/index.ts';
import { expectCounts, expectRejected } from '../../support/law.ts';
import { gaussianTerms, isotropic, regression, regressionLikelihood, regressionPrior } from './problems.ts';

const SEED = 3_104_771;

describe('simulation-based calibration on two regression coefficients', () => {
  const RANKS = 63;
  const BINS = 16;
  const prior = isotropic(2, 1);
  const X = [1, -0.5, 0.25, 1.5, -1, 0.75].map((x) => [1, x]);
  const USER = 40;

  /** Counts of the rank of each true coefficient among 63 draws of its posterior, [2][16]. */
  async function ranks(
    posterior: (terms: TermsFn, seed: number) => Promise<PopulationResult>,
    sets = 1000,
  ): Promise<readonly Float64Array[]> {
    const cells = [new Float64Array(BINS), new Float64Array(BINS)];
    for (let draw = 0; draw < sets; draw++) {
      const rng = rngFromSeed(SEED).child(2 ** 31, draw);
      const stream = rng.stream({ purpose: USER });
      const truth = [stream.normal(), stream.normal()];
      const y = X.map((row) => row[0]! * truth[0]! + row[1]! * truth[1]! + 0.7 * stream.normal());
      const result = await posterior(gaussianTerms(X, y, 0.49), draw);
      const chosen = await draws(result, rng);
      for (const [c, counts] of cells.entries()) {
        const below = chosen.filter((i) => result.sample.points[2 * i + c]! < truth[c]!).length;
        counts[Math.floor((below * BINS) / (RANKS + 1))]!++;
      }
    }
    return cells;
  }

  async function draws({ sample }: PopulationResult, rng: Rng): Promise<readonly number[]> {
    const { ancestor } = await resample({
      logWeight: sample.logWeight,
      rng,
      particles: RANKS,
      scheme: 'multinomial',
    });
    return Array.from(ancestor);
  }

  const uniform = new Array<number>(BINS).fill(1 / BINS);
  const options = { prior, particles: 200, moveCount: 3 };
  const tempered = (terms: TermsFn, seed: number): Promise<PopulationResult> => {
    const logLikelihood = (x: Float64Array, out: Float64Array): void => void terms(x, out, 0, X.length);
    return run(smcSampler({ ...options, logLikelihood }), { seed, backend: jsBackend() });
  };

  test('tempering', async () => {
    const cells = await ranks(tempered);
    for (const counts of cells) expectCounts(counts, uniform);
  });

  test('data tempering', async () => {
    const cells = await ranks((terms, seed) =>
      run(ibis({ ...options, logLikelihood: terms, terms: X.length }), { seed, backend: jsBackend() }),
    );
    for (const counts of cells) expectCounts(counts, uniform);
  });

  test('the broken twin counts every datum twice, and the ranks of 300 sets show it', async () => {
    const cells = await ranks((terms, seed) => {
      const logLikelihood = (x: Float64Array, out: Float64Array): void => {
        terms(x, out, 0, X.length);
        for (let i = 0; i < out.length; i++) out[i] = 2 * out[i]!;
      };
      return run(smcSampler({ ...options, logLikelihood }), { seed, backend: jsBackend() });
    }, 300);
    for (const counts of cells) expectRejected(() => expectCounts(counts, uniform));
  });
});

describe('waste-free errors of log Z from one run', () => {
  const RUNS = 40;

  /** Mean single-run standard deviation over the spread of the runs. */
  async function ratio(particles: number, chains: number): Promise<number> {
    const backend = await hostBackend({ threads: 1 });
    try {
      const method = smcSampler({
        prior: regressionPrior,
        logLikelihood: regressionLikelihood,
        particles,
        chains,
        runs: RUNS,
      });
      const { runs } = await run(method, { seed: SEED, backend });
      const logs = Array.from(runs.logNormalizer);
      const mean = logs.reduce((sum, l) => sum + l, 0) / RUNS;
      const spread = Math.sqrt(logs.reduce((sum, l) => sum + (l - mean) ** 2, 0) / (RUNS - 1));
      const single = runs.standardError.reduce((sum, s) => sum + s, 0) / RUNS;
      const z = (mean + spread ** 2 / 2 - regression.log_evidence) / (spread / Math.sqrt(RUNS));
      expect(Math.abs(z)).toBeLessThan(5.5);
      return single / spread;
    } finally {
      await backend.dispose();
    }
  }

  // The spread of 40 runs has a standard error of 11.3 %, in logs too: a ratio of 0.8 to 1.25 shows itself as one of
  // exp(-+4.9 0.113) times that, at a false alarm of 1e-6.
  const slack = Math.exp(4.9 * 0.113);

  test('M = 50, P = 100: the true error within 0.8 to 1.25', async () => {
    const found = await ratio(5000, 50);
    expect(found).toBeGreaterThan(0.8 / slack);
    expect(found).toBeLessThan(1.25 * slack);
  });

  test('M = 100, P = 10: far too small, which is why it warns', async () => {
    expect(await ratio(1000, 100)).toBeLessThan(0.8 / slack);
  });
});
