import { expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import {
  adaptiveMultiple,
  controlledMean,
  controlVariates,
  EngineError,
  importanceSampling,
  monteCarlo,
  multilevel,
  multivariateNormal,
  multivariateStudent,
  normal,
  perturbed,
  pointwise,
  reweight,
  run,
  stratified,
  tailMoments,
  uniform,
} from '../../estimators/index.ts';

const inputs = { x: normal(0, 1) };
const model = pointwise(([x]) => x!);
const law = multivariateNormal([0], [[1]]);
const density = pointwise(([x]) => -0.5 * x! * x!);
const result = await run(monteCarlo({ model, inputs, points: 64 }), { seed: 1, backend: jsBackend() });
const laws = { a: { inputs: { x: normal(1, 1) } } };
const level = (l: number) => ({ model, inputs: 1, cost: 2 ** l });
const weighed = { result, inputs, laws };
const cube = { x: uniform(0, 1), y: uniform(0, 1), z: uniform(0, 1) };

// What a type checker would have said, and options that would do nothing, by the option they are about.
const mistakes: readonly (readonly [option: string, call: () => unknown])[] = [
  ['defensive', () => importanceSampling({ inputs, defensiveLaw: law })],
  ['defensiveLaw', () => importanceSampling({ inputs, defensive: 0.1, defensiveLaw: normal(0, 1) as never })],
  ['normalised', () => importanceSampling({ target: density, proposal: law, normalised: 'yes' as never })],
  ['normalised', () => importanceSampling({ inputs, normalised: false })],
  ['names', () => importanceSampling({ inputs, names: ['a'] })],
  ['names', () => importanceSampling({ target: law, names: 'x' as never })],
  ['outputs', () => importanceSampling({ inputs, model, outputs: 'y' as never })],
  ['fresh', () => adaptiveMultiple({ inputs, fresh: 'no' as never })],
  ['degrees', () => adaptiveMultiple({ inputs, proposal: 'normal', degrees: 5 })],
  ['controls', () => controlVariates({ model, inputs, controls: null as never })],
  ['controls', () => controlVariates({ model, inputs, controls: ['x'] as never })],
  ['ratios', () => controlVariates({ model, inputs, ratios: null as never })],
  ['points', () => stratified({ model, inputs: cube, strata: { x: 1e6, y: 1e6, z: 1e6 } })],
  [
    'pilot',
    () => stratified({ model, inputs, strata: { x: 4 }, points: 100, pilot: 200, allocation: 'neyman' }),
  ],
  ['deepest', () => multilevel({ levels: level, accuracy: 0.1, finest: 5, deepest: 3 })],
  ['rates', () => multilevel({ levels: level, samples: [9, 9], rates: { alpha: 1 } })],
  ['laws', () => reweight({ ...weighed, laws: [laws.a] as never })],
  ['means', () => reweight({ ...weighed, means: 'y' as never })],
  ['quantiles', () => reweight({ ...weighed, quantiles: 0.5 as never })],
  ['probabilities', () => reweight({ ...weighed, probabilities: [{ above: 1 }] as never })],
  ['inputs.x', () => reweight({ ...weighed, inputs: { x: uniform(0, 1) }, laws: { same: {} } })],
  ['result', () => reweight({ ...weighed, result: Promise.resolve(result) as never })],
  [
    'result',
    () =>
      tailMoments({ result: { ...result, sample: { points: result.sample.points } } as never, threshold: 1 }),
  ],
  [
    'perReplicate',
    () =>
      tailMoments({ result: { ...result, design: { perReplicate: 0, independent: true } }, threshold: 1 }),
  ],
  ['y', () => (controlledMean as () => unknown)()],
  ['controls', () => controlledMean(new Float64Array(9), [[1, 2]] as never, [0])],
  ['scale', () => (multivariateStudent as (...a: unknown[]) => unknown)(3, [0])],
  ['location', () => multivariateStudent(3, [], [])],
  ['law', () => perturbed(3 as never, { mean: 1 })],
];

test.each(mistakes)('a mistake with option %s is an error that names it', (option, call) => {
  expect(call).toThrow(EngineError);
  expect(call).toThrow(expect.objectContaining({ option }));
});

test('a model that fails is not told to leave rows out where that is refused', async () => {
  const of = { inputs, points: 64, model: pointwise(() => Number.NaN) };
  const advice = /or give the output a number there with missing: 0\.$/;
  const start = { seed: 1, backend: jsBackend() };
  await expect(run(importanceSampling(of), start)).rejects.toThrow(advice);
  await expect(run(controlVariates(of), start)).rejects.toThrow(advice);
  await expect(run(stratified({ ...of, strata: { x: 2 } }), start)).rejects.toThrow(advice);
});
