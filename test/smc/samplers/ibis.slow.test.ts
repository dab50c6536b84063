import { describe, expect, test } from 'vitest';
import { hostBackend } from '../../../engine/backend/host.ts';
import { jsBackend } from '../../../engine/backend/js.ts';
import { type IbisOptions, type IbisResult, ibis, mala, run, ValueError } from '../../../estimators/index.ts';
import { contract } from '../../contract/sampler.ts';
import { expectRejected, LawViolation } from '../../support/law.ts';
import {
  logistic,
  logisticLikelihood,
  logisticPrior,
  regression,
  regressionPrior,
  regressionTerms,
} from './problems.ts';

const SEED = 88_110;
/** |z| of a false alarm of 1e-6 over the 30 data of the regression. */
const Z = 5.5;

const base: IbisOptions = {
  prior: regressionPrior,
  logLikelihood: regressionTerms,
  terms: regression.y.length,
  particles: 100,
  moveCount: 3,
};
const sample = (options: Partial<IbisOptions> = {}): Promise<IbisResult> =>
  run(ibis({ ...base, ...options }), { seed: SEED, backend: jsBackend() });

contract('ibis', () => ibis(base), {
  backends: { 'WASM, 2 threads': () => hostBackend({ threads: 2 }) },
  bad: {
    'no data': () => ibis({ ...base, terms: 0 }),
    'a batch of 0': () => ibis({ ...base, batch: 0 }),
    'a likelihood that is none': () => ibis({ ...base, logLikelihood: {} as never }),
    'a schedule of other data': () => ibis({ ...base, schedule: { targets: [3], moves: [0], tuning: [{}] } }),
    'a misspelt option': () => ibis({ ...base, term: 3 } as IbisOptions),
  },
});

function expectRunning({ running }: IbisResult, shift = 0): void {
  regression.log_evidence_first_k_rows.forEach((_, k) => {
    const truth = regression.log_evidence_first_k_rows[k + shift];
    if (truth === undefined || Number.isNaN(running.value[k]!)) return;
    const z = Math.abs(running.value[k]! - truth) / running.standardError[k]!;
    if (!(z < Z)) throw new LawViolation(`after ${k + 1} data: ${running.value[k]}, expected ${truth}`);
  });
}

describe('running evidence', () => {
  test('estimates are of the data so far, and none while runs differ in how many those are', async () => {
    const stopped = async (steps: number, options: Partial<IbisOptions>): Promise<IbisResult> =>
      run(ibis({ ...base, ...options }), { seed: SEED, backend: jsBackend(), budget: { steps } });
    const together = await stopped(2, { runs: 2, batch: 5 });
    expect(together.outcome.kind).toBe('unfinished');
    expect(together.estimate.value[0]).toBe(together.running.value.at(-1));
    const apart = await stopped(8, { runs: 8, batch: 'adaptive' });
    expect(apart.estimate.value.every(Number.isNaN)).toBe(true);
    expect(apart.mean.value.every(Number.isNaN)).toBe(true);
    expect(apart.running.value.every(Number.isFinite)).toBe(true);
  });

  test('it is right after every datum, one by one and in adaptive batches', async () => {
    // 30 runs: a bias of 1.5 sd of one run's Z after any datum is caught with 99 % probability
    for (const batch of [1, 'adaptive'] as const) {
      const result = await sample({ runs: 30, batch });
      expect(result.running.value.length).toBe(regression.y.length);
      expectRunning(result);
      expectRejected(() => expectRunning(result, 1));
      expect(result.running.value.at(-1)).toBeCloseTo(result.logNormalizer.value, 9);
    }
  });

  test('posterior means, and few steps in adaptive batches', async () => {
    const { mean, path } = await sample({ runs: 30, batch: 'adaptive' });
    for (const [c, truth] of regression.posterior_mean.entries())
      expect(Math.abs(mean.value[c]! - truth) / mean.standardError[c]!).toBeLessThan(Z);
    expect(path.terms.length).toBeLessThan(20);
    expect(path.terms.at(-1)).toBe(regression.y.length);
  });

  test('batches of a fixed size tell the evidence at their ends', async () => {
    const { running, path } = await sample({ batch: 4, threshold: 1 });
    expect(Array.from(path.terms)).toEqual([4, 8, 12, 16, 20, 24, 28, 30]);
    const known = Array.from(running.value, (value, k) => (Number.isNaN(value) ? -1 : k + 1)).filter(
      (k) => k > 0,
    );
    expect(known).toEqual(Array.from(path.terms));
  });

  test('waste-free chains', async () => {
    const { logNormalizer, diagnostics } = await run(
      ibis({
        prior: regressionPrior,
        logLikelihood: regressionTerms,
        terms: 30,
        particles: 4000,
        chains: 40,
      }),
      { seed: SEED, backend: jsBackend() },
    );
    expect(logNormalizer.method).toBe('chains');
    expect(Math.abs(logNormalizer.value - regression.log_evidence)).toBeLessThan(
      Z * 1.25 * logNormalizer.standardError,
    );
    expect(diagnostics.warnings).toEqual([]);
  });

  test('moves along gradients refresh them as data come in', async () => {
    const result = await run(
      ibis({
        prior: logisticPrior,
        logLikelihood: logisticLikelihood,
        terms: logisticLikelihood.terms,
        moves: mala(),
        particles: 100,
        runs: 12,
        moveCount: 3,
        batch: 'adaptive',
      }),
      { seed: SEED, backend: jsBackend() },
    );
    const { value, standardError } = result.logNormalizer;
    expect(Math.abs(value - logistic.log_evidence) / standardError).toBeLessThan(Z);
    for (const acceptance of result.path.acceptance.slice(0, -1)) expect(acceptance).toBeGreaterThan(0.25);
  });
});

test('particles move only after a resampling, and evaluations count terms', async () => {
  const { path, diagnostics, logNormalizer } = await sample({ threshold: 0 });
  expect(Array.from(path.moves)).toEqual(new Array(30).fill(0));
  expect(diagnostics.evaluations).toBe(100 * 30);
  expect(logNormalizer.unbiased).toBe(false);
  const some = await sample({ batch: 'adaptive' });
  const moves = some.path.terms.reduce((sum, t, i) => sum + t * some.path.moves[i]!, 0);
  // Proposals are evaluated on all data so far; a batch may end by a look at the datum after it.
  const looks = some.diagnostics.evaluations / 100 - moves - 30;
  expect(looks).toBeGreaterThanOrEqual(0);
  expect(looks).toBeLessThan(some.path.terms.length);
});

test('a frozen schedule has the same batches and is unbiased', async () => {
  const pilot = await sample({ batch: 'adaptive' });
  const frozen = await sample({ schedule: pilot.schedule, batch: 'adaptive' });
  expect(pilot.logNormalizer.unbiased).toBe(false);
  expect(frozen.logNormalizer.unbiased).toBe(true);
  expect(frozen.path.terms).toEqual(pilot.path.terms);
  expect(frozen.path.moves).toEqual(pilot.path.moves);
  expect(frozen.running.value.every(Number.isFinite)).toBe(true);
});

test('a likelihood of NaN names the point', async () => {
  const bad = sample({ logLikelihood: (_, out, from) => void out.fill(from === 3 ? Number.NaN : 0) });
  await expect(bad).rejects.toThrow(ValueError);
});
