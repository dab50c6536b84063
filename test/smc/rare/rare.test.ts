import { expect, test } from 'vitest';
import { hostBackend } from '../../../engine/backend/host.ts';
import { jsBackend } from '../../../engine/backend/js.ts';
import { normal } from '../../../engine/distribution/normal.ts';
import { DegeneracyError, ModelError } from '../../../engine/errors.ts';
import { pointwise } from '../../../engine/model/model.ts';
import { logMeanExp } from '../../../engine/particles/log-weight.ts';
import { type RunOptions, run } from '../../../engine/run.ts';
import { dynamicSplitting } from '../../../estimators/smc/rare/dynamic-splitting.ts';
import { lastParticle } from '../../../estimators/smc/rare/last-particle.ts';
import { splitting } from '../../../estimators/smc/rare/splitting.ts';
import type { RareEventResult } from '../../../estimators/smc/rare/types.ts';
import { contract } from '../../contract/sampler.ts';
import { EVENTS, RUIN } from './events.ts';

const linear = EVENTS.linear!.options;
const small = { ...linear, particles: 50, runs: 2, moves: 3 };
const backends = {
  'one thread of WASM': () => hostBackend({ threads: 1 }),
  'two threads': () => hostBackend({ threads: 2 }),
};

contract('splitting', () => splitting(small), {
  backends,
  bad: {
    'no event': () => splitting({ ...small, event: {} }),
    'bounds in the wrong order': () => splitting({ ...small, event: { above: 2, below: 1 } }),
    'one particle': () => splitting({ ...small, particles: 1 }),
    'a share of 1': () => splitting({ ...small, share: 1 }),
    'no run': () => splitting({ ...small, runs: 0 }),
    'a misspelt option': () => splitting({ ...small, particle: 5 } as never),
    'a misspelt bound': () => splitting({ ...small, event: { above: 1, bellow: 2 } as never }),
    'an unknown output': () => splitting({ ...small, outputs: ['y'], event: { output: 'z', above: 1 } }),
    'an event that is a number': () => splitting({ ...small, event: 3.5 as never }),
    'more memory than there is': () => splitting({ ...small, particles: 2 ** 30 }),
  },
});

contract('lastParticle', () => lastParticle({ ...small, particles: 10 }), {
  backends,
  bad: { 'all removed at once': () => lastParticle({ ...small, particles: 10, removed: 10 }) },
});

const ruin = { process: RUIN.process, levels: [4, 8, 12, 20], particles: 100, runs: 3 };
contract('dynamicSplitting', () => dynamicSplitting(ruin), {
  backends,
  bad: {
    'no levels': () => dynamicSplitting({ ...ruin, levels: [] }),
    'levels that fall': () => dynamicSplitting({ ...ruin, levels: [4, 3] }),
    'an unknown scheme': () => dynamicSplitting({ ...ruin, scheme: 'best' as never }),
    'no coordinate': () =>
      dynamicSplitting({ ...ruin, process: { ...RUIN.process, coordinate: undefined as never } }),
    'more memory than there is': () => dynamicSplitting({ ...ruin, particles: 2 ** 30 }),
    'no dimension': () => dynamicSplitting({ ...ruin, process: { ...RUIN.process, dimension: 0 } }),
  },
});

const here = { seed: 5, backend: jsBackend() };

test('splitting(): two events that are one give the same bits: above, and below the negative', async () => {
  const negative = pointwise((x) => -x.reduce((sum, v) => sum + v, 0) / Math.sqrt(10));
  const one = await run(splitting(small), here);
  const other = await run(splitting({ ...small, model: negative, event: { below: -3.5 } }), here);
  expect(other.logProbability).toEqual(one.logProbability);
  expect(other.levels.map(({ value }) => -value)).toEqual(one.levels.map(({ value }) => value));
});

test('splitting(): the sample of a finished run lies in the event wherever it has weight', async () => {
  const { sample } = await run(splitting(small), here);
  const [n, d] = sample.shape;
  for (let i = 0; i < n; i++) {
    const sum = sample.points.subarray(i * d, (i + 1) * d).reduce((s, v) => s + v, 0);
    if (sample.logWeight[i]! > -Infinity) expect(sum / Math.sqrt(10)).toBeGreaterThan(3.5);
  }
});

const METHODS: Readonly<Record<string, (options: RunOptions) => Promise<RareEventResult>>> = {
  splitting: (options) => run(splitting(small), options),
  lastParticle: (options) => run(lastParticle({ ...small, particles: 10 }), options),
  dynamicSplitting: (options) => run(dynamicSplitting(ruin), options),
};

for (const [name, answer] of Object.entries(METHODS)) {
  test(`${name}(): no number passes for the probability before all runs have ended`, async () => {
    const { logProbability, probability, estimate, levels } = await answer({
      ...here,
      budget: { steps: 2 },
    });
    expect(logProbability.runs.every(Number.isNaN)).toBe(true);
    expect([logProbability.value, logProbability.idealStandardError, estimate.value[0]]).toEqual([
      NaN,
      NaN,
      NaN,
    ]);
    expect(probability).toEqual({ value: NaN, low: NaN, high: NaN, level: 0.95 });
    expect(logProbability.method).toBe('none');
    expect(levels.length).toBe(2);
  });

  test(`${name}(): the sample counts each run by its probability, whatever share ended in the event`, async () => {
    const { sample, logProbability } = await answer(here);
    const { runs, value } = logProbability;
    const n = sample.logWeight.length / runs.length;
    expect(logMeanExp(sample.logWeight)).toBeCloseTo(value, 12);
    for (const [r, log] of runs.entries())
      expect(logMeanExp(sample.logWeight.subarray(r * n, (r + 1) * n))).toBeCloseTo(log, 12);
  });
}

test('splitting(): one run alone has no error from a genealogy of few families, and says so', async () => {
  const { logProbability, probability, diagnostics } = await run(splitting({ ...small, runs: 1 }), here);
  expect(logProbability.method).toBe('none');
  expect(logProbability.standardError).toBeNaN();
  expect(probability.low).toBeNaN();
  expect(logProbability.idealStandardError).toBeGreaterThan(0);
  expect(diagnostics.warnings.map(({ code }) => code)).toContain('one-replicate');
});

test('splitting(): an output that tells no way to the event is an error', async () => {
  const flat = { ...small, model: pointwise(() => 0), event: { above: 1 } };
  await expect(run(splitting(flat), here)).rejects.toThrow(DegeneracyError);
  await expect(run(splitting(flat), here)).rejects.toThrow(
    'all particles have the same score at the start, 1 short of the event',
  );
});

test('splitting(): a run that starts on one score dies out, and the others go on', async () => {
  // P(x <= 1)^6 = 0.35: so many runs see one score only.
  const model = pointwise((x) => (x[0]! > 2 ? 1 : x[0]! > 1 ? -1 : -2));
  const steps = { model, inputs: { x: normal(0, 1) }, event: { above: 0 }, particles: 6, runs: 20 };
  const { logProbability, outcome } = await run(splitting(steps), here);
  expect(logProbability.runs.some((log) => log === -Infinity)).toBe(true);
  expect(logProbability.value).toBeGreaterThan(-Infinity);
  expect(outcome.kind).toBe('degenerate');
});

test('splitting(): an impossible event ends at `least`, as degenerate', async () => {
  const model = pointwise((x) => Math.tanh(x[0]!));
  const never = splitting({
    ...{ model, inputs: { x: normal(0, 1) }, event: { above: 1 } },
    ...{ particles: 100, runs: 2, least: 1e-6 },
  });
  const { outcome, logProbability, probability } = await run(never, here);
  expect(outcome.kind).toBe('degenerate');
  expect(logProbability.value).toBeLessThan(Math.log(1e-6));
  // A bound has no error.
  expect([logProbability.standardError, probability.high]).toEqual([NaN, NaN]);
});

test('lastParticle(): runs that die out count as 0, as degenerate', async () => {
  const { outcome, logProbability } = await run(
    lastParticle({ ...small, particles: 4, moves: 1, runs: 20 }),
    here,
  );
  expect(outcome.kind).toBe('degenerate');
  expect(logProbability.runs.some((log) => log === -Infinity)).toBe(true);
});

test('splitting(): a model that fails names its inputs', async () => {
  const failing = { ...small, model: pointwise((x) => (x[0]! > 1 ? Number.NaN : x[0]!)) };
  await expect(run(splitting(failing), here)).rejects.toThrow(ModelError);
});

test('splitting(): moves that are refused are a warning with their number', async () => {
  const { diagnostics } = await run(
    splitting({ ...EVENTS.discrete!.options, particles: 100, runs: 2, moves: 2 }),
    here,
  );
  const warning = diagnostics.warnings.find(({ code }) => code === 'moves-refused')!;
  expect(warning.value).toBeLessThan(0.1);
  expect(warning.message.length).toBeLessThanOrEqual(240);
});

test('dynamicSplitting(): a path that neither crosses nor dies is an error', async () => {
  const process = { ...RUIN.process, step: () => {}, dead: () => false };
  const stuck = dynamicSplitting({ ...ruin, process, mostSteps: 100 });
  await expect(run(stuck, here)).rejects.toThrow('path 0 at level 0 neither crossed nor died in 100 steps');
});

test('dynamicSplitting(): a coordinate that is NaN is an error with the state', async () => {
  const process = { ...RUIN.process, coordinate: (x: Float64Array) => (x[0]! > 2 ? NaN : x[0]!) };
  await expect(run(dynamicSplitting({ ...ruin, process }), here)).rejects.toThrow(
    'at level 0 is NaN, in state [3]',
  );
});

test('dynamicSplitting(): levels that no path crosses give probability 0, as degenerate', async () => {
  const { outcome, probability, logProbability } = await run(
    dynamicSplitting({ ...ruin, levels: [1000], particles: 10 }),
    here,
  );
  expect(logProbability.idealStandardError).toBeNaN();
  expect(outcome.kind).toBe('degenerate');
  expect(probability.value).toBe(0);
});
