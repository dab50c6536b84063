import { describe, expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import { DegeneracyError, OptionError } from '../../engine/errors.ts';
import { normalizedWeight } from '../../engine/particles/log-weight.ts';
import { run } from '../../engine/run.ts';
import { drawLeaves } from '../../estimators/tree/draw.ts';
import { treeSampler } from '../../estimators/tree/tree-sampler.ts';
import type { TreeMode } from '../../estimators/tree/types.ts';
import { expectCounts, expectRejected } from '../support/law.ts';
import { tokenChain } from '../support/tree-chains.ts';

const backend = jsBackend();
const grow = (mode: TreeMode, iterations = 20) =>
  run(treeSampler({ chain: tokenChain(0.5), mode, iterations, inverseTemperature: 1.5 }), {
    seed: 3,
    backend,
  });

/** Draws of each leaf, the light ones together. */
function merged(values: ArrayLike<number>, light: readonly boolean[]): number[] {
  const kept = Array.from(values).filter((_, i) => !light[i]);
  return [...kept, Array.from(values).reduce((sum, x, i) => sum + (light[i] ? x : 0), 0)];
}

describe.each(['ipw', 'precision', 'paper', 'prior'] as const)('drawLeaves() of mode %s', (mode) => {
  test('each leaf comes as often as its weight says', async () => {
    // 20 000 draws: catches a relative error of 20 % in a leaf of weight 0.05 with 99 % probability
    const result = await grow(mode);
    const weight = normalizedWeight(result.sample.logWeight);
    const { leaf } = drawLeaves(result, 20_000);
    const counts = new Float64Array(weight.length);
    for (const i of leaf) counts[i] = counts[i]! + 1;
    const light = Array.from(weight, (w) => w < 0.001);
    expectCounts(merged(counts, light), merged(weight, light));
    const tilted = weight.map((w, i) => w * Math.exp(result.reward[i]! / 4));
    const all = tilted.reduce((sum, w) => sum + w, 0);
    expectRejected(() =>
      expectCounts(
        merged(counts, light),
        merged(
          tilted.map((w) => w / all),
          light,
        ),
      ),
    );
  });
});

test('drawLeaves(): what is drawn are rows of the sample with their rewards', async () => {
  const result = await grow('ipw');
  const { points, shape, leaf, reward, logWeight } = drawLeaves(result, 50);
  expect(shape).toEqual([50, 4]);
  expect(logWeight).toEqual(new Float64Array(50));
  for (const [i, at] of leaf.entries()) {
    expect(points.slice(4 * i, 4 * i + 4)).toEqual(result.sample.points.slice(4 * at, 4 * at + 4));
    expect(reward[i]).toBe(result.reward[at]);
  }
});

test('drawLeaves(): more draws begin with the fewer, and another seed gives others', async () => {
  const result = await grow('precision');
  const some = drawLeaves(result, 40).leaf;
  expect(drawLeaves(result, 100).leaf.slice(0, 40)).toEqual(some);
  expect(drawLeaves(result, 40, 3).leaf).toEqual(some);
  expect(drawLeaves(result, 40, 4).leaf).not.toEqual(some);
});

test('drawLeaves(): leaves without weight are never drawn, wherever they stand', () => {
  const none = -Infinity;
  const sample = {
    points: Float64Array.of(1, 2, 3, 4, 5),
    shape: [5, 1] as const,
    logWeight: Float64Array.of(none, 700, none, 700 - Math.log(3), none),
  };
  const provenance = {
    seed: 0,
    backend: '',
    adapter: '',
    precision: 'float64',
    version: '',
    notes: [],
  } as const;
  const result = { sample, reward: new Float64Array(5), provenance };
  const drawn = drawLeaves(result, 1000).leaf;
  expect([...new Set(drawn)].sort()).toEqual([1, 3]);
  const counts = [drawn.filter((i) => i === 1).length, drawn.filter((i) => i === 3).length];
  expectCounts(counts, [0.75, 0.25]);
  expect(() => drawLeaves(result, 0)).toThrow(OptionError);
  expect(() => drawLeaves(result, 1, -1)).toThrow(OptionError);
  const dead = { ...result, sample: { ...sample, logWeight: new Float64Array(5).fill(none) } };
  expect(() => drawLeaves(dead, 1)).toThrow(
    /drawLeaves: none of 5 leaves has a weight above 0; expected a tree .* Use more iterations/,
  );
  expect(() => drawLeaves(dead, 1)).toThrow(DegeneracyError);
});
