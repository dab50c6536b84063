import { expect, test } from 'vitest';
import { multivariateMixture } from '../../engine/distribution/multivariate-mixture.ts';
import { multivariateNormal } from '../../engine/distribution/multivariate-normal.ts';
import { independentMoves } from '../../engine/kernel/independent.ts';
import { fitMixture } from '../../engine/kernel/mixture-fit.ts';
import { learnShape, learnSpread, shapeOf, unitShape } from '../../engine/kernel/shape.ts';
import { makeStepSize } from '../../engine/kernel/step-size.ts';
import { rngFromSeed } from '../../engine/random/rng.ts';
import { correlated } from './problems.ts';
import { chainsAt, drawsOf, openFor, targetOf } from './targets.ts';

test('makeStepSize(): log size moves by acceptance minus target, over all moves told, within its bounds', () => {
  const step = makeStepSize({ initial: 2, target: 0.3, adapt: true, most: 2.5 });
  step.tell(0.5, 100);
  step.tell(0.1, 300);
  expect(step.acceptance).toBeCloseTo(0.2, 15);
  step.adapt();
  expect(step.size).toBeCloseTo(2 * Math.exp(-0.1), 14);
  step.adapt();
  expect(step.size).toBeCloseTo(2 * Math.exp(-0.1), 14);
  step.tell(1, 1);
  step.adapt();
  expect(step.size).toBe(2.5);
  const fixed = makeStepSize({ initial: 2, target: 0.3, adapt: false });
  fixed.tell(1, 1);
  fixed.adapt();
  expect(fixed.size).toBe(2);
});

test('shapeOf(): a covariance keeps its factor; a singular one is shrunk towards its diagonal', () => {
  const mean = new Float64Array(2);
  const regular = shapeOf(mean, Float64Array.of(4, 1, 1, 2))!;
  expect([...regular.lower]).toEqual([2, 0, 0.5, Math.sqrt(1.75)]);
  expect([...regular.spread]).toEqual([2, Math.SQRT2]);
  const singular = shapeOf(mean, Float64Array.of(4, 2, 2, 1))!;
  const ridge = (1e-10 * 5) / 2;
  const [a, , b, c] = singular.lower;
  expect(a! * a!).toBeCloseTo(4 + ridge, 13);
  expect(a! * b!).toBeCloseTo(0.9 * 2, 13);
  expect(b! * b! + c! * c!).toBeCloseTo(1 + ridge, 13);
  const flat = shapeOf(mean, Float64Array.of(4, 0, 0, 0))!;
  expect(flat.lower[3]).toBeCloseTo(Math.sqrt(1e-10 * 2), 15);
  expect(shapeOf(mean, new Float64Array(4))).toBeUndefined();
});

test('learnShape(): fewer particles than coordinates, dead ones, and all in one place', () => {
  const d = 6;
  const x = drawsOf(correlated(d).prior, 4, 1);
  x.fill(Number.NaN, 3 * d);
  const logWeight = Float64Array.of(0, -1, -2, -Infinity);
  const shape = learnShape({ x, logWeight }, unitShape(d));
  expect(shape.lower.every(Number.isFinite)).toBe(true);
  expect(shape.lower[d * d - 1]).toBeGreaterThan(0);
  const same = new Float64Array(3 * d).fill(7);
  expect(learnShape({ x: same, logWeight: new Float64Array(3) }, shape)).toBe(shape);
  const spread = learnSpread(
    { x: Float64Array.of(1, 5, 3, 5), logWeight: new Float64Array(2) },
    Float64Array.of(9, 9),
  );
  expect([...spread]).toEqual([1, 9]);
});

const MODES = multivariateMixture(
  [
    multivariateNormal(
      [-4, 1],
      [
        [1, 0.5],
        [0.5, 1],
      ],
    ),
    multivariateNormal(
      [4, -2],
      [
        [0.25, 0],
        [0, 2],
      ],
    ),
  ],
  [0.3, 0.7],
);

test('fitMixture(): two separated modes are found with their weights, means and covariances', () => {
  const n = 9000; // more than are fitted to: every second one counts
  const x = drawsOf(MODES, n, 4);
  // Weights turn the shares 0.3 and 0.7 into 0.6 and 0.4 : 3 w / (3 w + 7) = 0.6.
  const logWeight = Float64Array.from({ length: n }, (_, i) => (x[2 * i]! < 0 ? Math.log(3.5) : 0));
  const [left, right] = fitMixture({ x, logWeight }, 2)!;
  expect(left!.weight).toBeCloseTo(0.6, 1);
  expect(left!.mean[0]).toBeCloseTo(-4, 0);
  expect(right!.mean[1]).toBeCloseTo(-2, 0);
  expect(right!.spread[0]).toBeCloseTo(0.5, 1);
  expect(left!.lower[2]! * left!.lower[0]!).toBeCloseTo(0.5, 0.7);
  expect(left!.weight + right!.weight).toBeCloseTo(1, 14);
});

test('fitMixture(): components that overlap are weighed as they should', () => {
  const one = multivariateNormal([-1.5], [[1]]);
  const law = multivariateMixture([one, multivariateNormal([2], [[0.5]])], [0.8, 0.2]);
  const found = fitMixture({ x: drawsOf(law, 4000, 9), logWeight: new Float64Array(4000) }, 2)!;
  // Other draws end within 0.01 of 0.8; memberships that forget the weights end at 0.52.
  expect(found[0]!.weight).toBeGreaterThan(0.77);
  expect(found[0]!.weight).toBeLessThan(0.83);
});

test('independentMoves(): a mixture moves chains between modes that one normal law seldom joins', async () => {
  const problem = { ...correlated(2), prior: MODES, inverseTemperature: 0 };
  const target = targetOf(problem);
  const acceptances: number[] = [];
  for (const components of [1, 2]) {
    const kernel = openFor(independentMoves({ components }), problem);
    const x = drawsOf(MODES, 1000, 3);
    kernel.tune({ x, logWeight: new Float64Array(1000) });
    const states = await chainsAt(x, target, false);
    acceptances.push(
      (await kernel.move(states, target, { rng: rngFromSeed(1), step: 1, move: 0 })).acceptance,
    );
  }
  expect(acceptances[0]).toBeLessThan(0.5);
  expect(acceptances[1]).toBeGreaterThan(0.9);
});

test('fitMixture(): more components than the particles can feed stay proper laws', () => {
  const x = drawsOf(MODES, 5, 4);
  const found = fitMixture({ x, logWeight: Float64Array.of(0, 0, -Infinity, 0, 0) }, 8)!;
  expect(found.length).toBe(8);
  for (const { lower, weight } of found) {
    expect(lower.every(Number.isFinite) && weight > 0).toBe(true);
    expect(lower[0]! * lower[3]!).toBeGreaterThan(0);
  }
  expect(fitMixture({ x: new Float64Array(6).fill(1), logWeight: new Float64Array(3) }, 2)).toBeUndefined();
});
