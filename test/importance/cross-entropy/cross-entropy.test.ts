import { expect, test } from 'vitest';
import { hostBackend } from '../../../engine/backend/host.ts';
import { jsBackend } from '../../../engine/backend/js.ts';
import { normal } from '../../../engine/distribution/normal.ts';
import { DegeneracyError, ModelError } from '../../../engine/errors.ts';
import { pointwise } from '../../../engine/model/model.ts';
import { iterate, resume, run } from '../../../engine/run.ts';
import { crossEntropy } from '../../../estimators/importance/cross-entropy/cross-entropy.ts';
import type { CrossEntropyOptions } from '../../../estimators/importance/cross-entropy/cross-entropy-types.ts';
import { contract } from '../../contract/sampler.ts';

const SEED = 20_261_129;
const backend = jsBackend();
const gauss = normal(0, 1);
const base = {
  model: pointwise(([a, b]) => a! + b!),
  inputs: { a: gauss, b: gauss },
  event: { above: 5 },
  stagePoints: 200,
  points: 512,
} satisfies CrossEntropyOptions;

contract('crossEntropy', () => crossEntropy(base), {
  backends: { 'WASM, two threads': () => hostBackend({ threads: 2 }) },
  bad: {
    'an event without bounds': () => crossEntropy({ ...base, event: {} }),
    'an event of no output': () =>
      crossEntropy({ ...base, outputs: ['y'], event: { output: 'z', above: 1 } }),
    'no inputs': () => crossEntropy({ ...base, inputs: {} }),
    'components: 0': () => crossEntropy({ ...base, components: 0 }),
    'share: 1': () => crossEntropy({ ...base, share: 1 }),
    'defensive: 1': () => crossEntropy({ ...base, defensive: 1 }),
    'stagePoints: 3': () => crossEntropy({ ...base, stagePoints: 3 }),
    'points: 1': () => crossEntropy({ ...base, points: 1 }),
    'level: 0': () => crossEntropy({ ...base, level: 0 }),
    'an unknown option': () => crossEntropy({ ...base, particles: 100 } as never),
  },
});

test('crossEntropy(): both modes of |x| > 4 are found, by a mixture and by one wide normal law', async () => {
  const p = 2 * gauss.survival(4);
  for (const components of [1, 2]) {
    const method = crossEntropy({
      model: pointwise(([a]) => Math.abs(a!)),
      inputs: { a: gauss, b: gauss },
      event: { above: 4 },
      components,
    });
    const { logProbability, probability, outcome, weights, levels } = await run(method, {
      seed: SEED,
      backend,
    });
    expect(outcome.kind).toBe('converged');
    expect(Math.abs(logProbability.value - Math.log(p))).toBeLessThan(5 * logProbability.standardError);
    expect(probability.low < p && p < probability.high).toBe(true);
    expect(logProbability.standardError).toBeLessThan(components === 1 ? 0.12 : 0.06);
    expect(weights.ess).toBeGreaterThan(100);
    expect(levels.at(-1)!.value).toBe(4);
  }
});

test('crossEntropy(): an event that is rarer than its levels, or impossible, has no number and is degenerate', async () => {
  const impossible = crossEntropy({
    ...base,
    model: pointwise(([a]) => Math.min(a!, 2)),
    event: { above: 3 },
  });
  const result = await run(impossible, { seed: SEED, backend });
  expect(result.outcome).toMatchObject({ kind: 'degenerate', ess: 0 });
  expect(result.logProbability).toMatchObject({ value: Number.NaN, method: 'none' });
  expect(result.diagnostics.warnings.map(({ code }) => code)).toEqual(['event-unseen']);
});

test('crossEntropy(): below 50 effective points of the event there is no interval', async () => {
  const { outcome, logProbability, probability, weights } = await run(crossEntropy({ ...base, points: 60 }), {
    seed: SEED,
    backend,
  });
  expect(weights.ess).toBeLessThan(50);
  expect(outcome.kind).toBe('degenerate');
  expect([logProbability.standardError, probability.low]).toEqual([Number.NaN, Number.NaN]);
});

test('crossEntropy(): a score that never varies, and a model that fails, are told', async () => {
  const flat = crossEntropy({ ...base, model: pointwise(() => 0) });
  await expect(run(flat, { seed: 1, backend })).rejects.toThrow(DegeneracyError);
  const broken = crossEntropy({ ...base, model: pointwise(() => Number.NaN) });
  await expect(run(broken, { seed: 1, backend })).rejects.toThrow(ModelError);
});

test('crossEntropy(): a snapshot of another event is refused', async () => {
  let bytes = new Uint8Array(0);
  for await (const at of iterate(crossEntropy(base), { seed: 5, backend }))
    bytes = new Uint8Array(await at.snapshot());
  const other = crossEntropy({ ...base, event: { above: 4 } });
  await expect(resume(other, bytes, { seed: 5, backend })).rejects.toThrow(/another event/);
});
