import { describe, expect, test } from 'vitest';
import { hostBackend } from '../../../engine/backend/host.ts';
import { jsBackend } from '../../../engine/backend/js.ts';
import {
  mala,
  type PersistentOptions,
  type PersistentResult,
  persistentSampler,
  pointwise,
  run,
  uniform,
} from '../../../estimators/index.ts';
import { contract } from '../../contract/sampler.ts';
import { expectRejected, LawViolation } from '../../support/law.ts';
import {
  logistic,
  logisticLikelihood,
  logisticPrior,
  regression,
  regressionLikelihood,
  regressionPrior,
} from './problems.ts';

const SEED = 19_940;
/** |z| of a false alarm of 1e-6, with what 20 runs do to it. */
const Z = 6;

const base: PersistentOptions = {
  prior: regressionPrior,
  logLikelihood: regressionLikelihood,
  particles: 100,
  moveCount: 4,
};
const sample = (options: Partial<PersistentOptions> = {}): Promise<PersistentResult> =>
  run(persistentSampler({ ...base, ...options }), { seed: SEED, backend: jsBackend() });

function expectNear(value: number, truth: number, standardError: number): void {
  const z = Math.abs(value - truth) / standardError;
  if (!(z < Z)) throw new LawViolation(`${value}; expected ${truth} (${z.toFixed(2)} errors off)`);
}

contract('persistentSampler', () => persistentSampler(base), {
  backends: { 'WASM, 2 threads': () => hostBackend({ threads: 2 }) },
  bad: {
    'no likelihood': () => persistentSampler({ prior: regressionPrior }),
    'a fraction of 0': () => persistentSampler({ ...base, essFraction: 0 }),
    'waste-free chains': () => persistentSampler({ ...base, chains: 10 } as PersistentOptions),
  },
});

describe('evidence of a persistent ensemble', () => {
  test('an unfinished run has no evidence and no means, only a path', async () => {
    const method = persistentSampler({ ...base, runs: 2 });
    const half = await run(method, { seed: SEED, backend: jsBackend(), budget: { steps: 3 } });
    expect(half.outcome.kind).toBe('unfinished');
    expect([...half.estimate.value, ...half.mean.value, ...half.covariance].every(Number.isNaN)).toBe(true);
    expect(half.logNormalizer.value).toBe(Number.NaN);
    expect(half.path.logNormalizer.every(Number.isFinite)).toBe(true);
  });

  test('where no point has a likelihood the answer is 0, and does not pass for converged', async () => {
    const nowhere = await sample({ logLikelihood: pointwise(() => Number.NEGATIVE_INFINITY), runs: 2 });
    expect(nowhere.logNormalizer.value).toBe(Number.NEGATIVE_INFINITY);
    expect(nowhere.outcome.kind).toBe('degenerate');
    expect(nowhere.diagnostics.warnings.map(({ code }) => code)).toEqual(['collapse']);
  });

  test('linear regression: log Z and means, from several runs', async () => {
    const result = await sample({ runs: 20, moveCount: 10, particles: 80 });
    const { logNormalizer, mean } = result;
    expectNear(logNormalizer.value, regression.log_evidence, logNormalizer.standardError);
    for (const [c, truth] of regression.posterior_mean.entries())
      expectNear(mean.value[c]!, truth, mean.standardError[c]!);
    expect(logNormalizer.unbiased).toBe(false);
    // The broken twin takes the last generation's evidence for that of the one before.
    expectRejected(() =>
      expectNear(result.path.logNormalizer.at(-2)!, regression.log_evidence, logNormalizer.standardError),
    );
  });

  test('moves along gradients', async () => {
    const options = {
      prior: logisticPrior,
      logLikelihood: logisticLikelihood,
      moves: mala(),
      runs: 12,
      moveCount: 3,
    };
    const { logNormalizer } = await sample(options);
    expectNear(logNormalizer.value, logistic.log_evidence, logNormalizer.standardError);
  });

  test('likelihoods of 0 are sorted out first', async () => {
    const narrow = pointwise((x) => (x[0]! < 0.15 ? Math.log((2 * x[0]!) / 0.15 / 0.15) : -Infinity));
    const { logNormalizer, path } = await sample({
      prior: { u: uniform(0, 1) },
      logLikelihood: narrow,
      runs: 40,
    });
    expect(path.inverseTemperature[0]).toBe(0);
    expectNear(logNormalizer.value, 0, logNormalizer.standardError);
  });

  test('a likelihood of 0 everywhere has log Z = -Infinity', async () => {
    const { logNormalizer, mean } = await sample({ logLikelihood: (_, out) => void out.fill(-Infinity) });
    expect(logNormalizer.value).toBe(-Infinity);
    expect(mean.value.every(Number.isNaN)).toBe(true);
  });
});

test('the sample holds all generations, and the effective size exceeds that of one', async () => {
  const { sample: points, path, diagnostics, logNormalizer } = await sample();
  const generations = path.inverseTemperature.length;
  expect(points.shape).toEqual([100 * generations, 5]);
  expect(diagnostics.ess).toBeGreaterThan(195);
  // One run has no error, and says how to get one.
  expect(logNormalizer.standardError).toBeNaN();
  expect(diagnostics.warnings.map(({ message }) => message)).toEqual([
    expect.stringMatching(/tells no standard error. Use runs: 8/),
  ]);
  expect(diagnostics.evaluations).toBeLessThanOrEqual(100 * (1 + 4 * (generations - 1)));
});
