import { expect, test } from 'vitest';
import { independent } from '../../engine/distribution/multivariate.ts';
import { multivariateNormal } from '../../engine/distribution/multivariate-normal.ts';
import { normal } from '../../engine/distribution/normal.ts';
import { componentwise } from '../../engine/kernel/componentwise.ts';
import { hmc } from '../../engine/kernel/hmc.ts';
import { independentMoves } from '../../engine/kernel/independent.ts';
import type { KernelChoice } from '../../engine/kernel/kernel.ts';
import { mala } from '../../engine/kernel/mala.ts';
import { pcn } from '../../engine/kernel/pcn.ts';
import { randomWalk } from '../../engine/kernel/random-walk.ts';
import { cholesky } from '../../engine/math/linear-algebra.ts';
import { PURPOSE } from '../../engine/random/purpose.ts';
import { rngFromSeed } from '../../engine/random/rng.ts';
import { MARGINALS, POSTERIOR, PRIOR, SHAPE, SKEWED } from './problems.ts';
import { chainsAt, drawsOf, openFor, type Problem, targetOf } from './targets.ts';

/*
 * One move of each kernel, computed once more from the formulas of the papers in their plain form, in the coordinates x, one
 * chain at a time from the draws at its address.
 */
const N = 40;
const STEP = 3;
const MOVE = 5;
const FIRST = 100;
const RNG = rngFromSeed(7);
const START = drawsOf(POSTERIOR, N, 11);

type Point = readonly [number, number];

/** What a chain draws: two normals and then uniforms of the proposal, uniforms of the acceptance. */
interface Draws {
  readonly z: Point;
  readonly extra: number;
  readonly u: readonly number[];
}

/** A proposal and the log of its ratio. */
type Formula = (x: Point, draws: Draws) => { readonly to: Point; readonly logRatio: number };

function drawsAt(particle: number): Draws {
  const address = { step: STEP, particle, sub: MOVE };
  const proposal = RNG.stream({ purpose: PURPOSE.proposal, ...address });
  const acceptance = RNG.stream({ purpose: PURPOSE.acceptance, ...address });
  const z = [proposal.normal(), proposal.normal()] as const;
  return {
    z,
    extra: proposal.uniform(),
    u: [acceptance.uniform(), acceptance.uniform(), acceptance.uniform()],
  };
}

/** log target of `SKEWED` and its gradient, by hand. */
function logTarget([a, b]: Point): number {
  return a <= 0 ? -Infinity : 2 * Math.log(a) - a - 0.5 * b * b + 0.7 * (-a - 0.5 * (b - 1) ** 2);
}

function score([a, b]: Point): Point {
  return [2 / a - 1 - 0.7, -b + 0.7 * (1 - b)];
}

function plus([a, b]: Point, [c, d]: Point, factor = 1): Point {
  return [a + factor * c, b + factor * d];
}

const [[S11, S12], [, S22]] = SHAPE;
const L11 = Math.sqrt(S11);
const L21 = S12 / L11;
const L22 = Math.sqrt(S22 - L21 * L21);
const DET = S11 * S22 - S12 * S12;

function timesL([a, b]: Point): Point {
  return [L11 * a, L21 * a + L22 * b];
}

function timesS([a, b]: Point): Point {
  return [S11 * a + S12 * b, S12 * a + S22 * b];
}

/** x' S^-1 x */
function mahalanobis([a, b]: Point): number {
  return (S22 * a * a - 2 * S12 * a * b + S11 * b * b) / DET;
}

async function expectMove(
  choice: KernelChoice,
  formula: Formula,
  problem: Problem = SKEWED,
  density = logTarget,
): Promise<void> {
  const target = targetOf(problem);
  const kernel = openFor(choice, problem);
  const states = await chainsAt(Float64Array.from(START), target, kernel.needs === 'gradient');
  const outcome = await kernel.move(states, target, { rng: RNG, step: STEP, move: MOVE, first: FIRST });
  const expected = { accepted: 0, acceptance: 0, squaredJump: 0 };
  for (let i = 0; i < N; i++) {
    const from: Point = [START[2 * i]!, START[2 * i + 1]!];
    const draws = drawsAt(FIRST + i);
    const { to, logRatio } = formula(from, draws);
    const moves = Math.log(draws.u[0]!) < Math.min(0, logRatio);
    expected.acceptance += Math.exp(Math.min(0, logRatio)) / N;
    if (moves) {
      expected.accepted++;
      const [s1, s2] = kernel.spread;
      expected.squaredJump += (((to[0] - from[0]) / s1!) ** 2 + ((to[1] - from[1]) / s2!) ** 2) / N;
    }
    const now = moves ? to : from;
    expect(states.x[2 * i]).toBeCloseTo(now[0], 10);
    expect(states.x[2 * i + 1]).toBeCloseTo(now[1], 10);
    const own = density(now) - density(from);
    const told = states.logPrior[i]! + 0.7 * states.logLikelihood[i]!;
    const before = await chainsAt(Float64Array.of(...from), target, false);
    expect(told - before.logPrior[0]! - 0.7 * before.logLikelihood[0]!).toBeCloseTo(own, 9);
  }
  expect(outcome.accepted).toBe(expected.accepted);
  expect(outcome.acceptance).toBeCloseTo(expected.acceptance, 10);
  expect(outcome.squaredJump).toBeCloseTo(expected.squaredJump, 10);
  // Some of each, or nothing was tested.
  expect(outcome.accepted).toBeGreaterThan(4);
  expect(outcome.accepted).toBeLessThan(N - 1);
}

test('randomWalk(): one move is x + s e^{tau z} L z, accepted by the ratio of targets', async () => {
  const formula =
    (scale: (draws: Draws) => number): Formula =>
    (x, draws) => {
      const to = plus(x, timesL(draws.z), scale(draws));
      return { to, logRatio: logTarget(to) - logTarget(x) };
    };
  await expectMove(
    randomWalk({ scale: 1.3, covariance: SHAPE }),
    formula(() => 1.3),
  );
  const tau = 0.5;
  const quantile = MARGINALS[1];
  const own = (u: number): number => (quantile.quantile(u) - quantile.mean) / Math.sqrt(quantile.variance);
  const choice = randomWalk({ scale: 1.3, covariance: SHAPE, scaleSpread: tau });
  await expectMove(
    choice,
    formula(({ extra }) => 1.3 * Math.exp(tau * own(extra))),
  );
});

test('mala(): one move has the drift of the paper and both proposal densities in its ratio', async () => {
  const e = 1.2;
  const logProposal = (to: Point, from: Point): number =>
    -mahalanobis(plus(plus(to, from, -1), timesS(score(from)), -0.5 * e * e)) / (2 * e * e);
  await expectMove(mala({ stepSize: e, covariance: SHAPE }), (x, { z }) => {
    const to = plus(plus(x, timesS(score(x)), 0.5 * e * e), timesL(z), e);
    const logRatio =
      logTarget(to) === -Infinity
        ? -Infinity
        : logTarget(to) - logTarget(x) + logProposal(x, to) - logProposal(to, x);
    return { to, logRatio };
  });
});

test('hmc(): one move is a leapfrog trajectory with mass matrix S^-1, accepted by its energy', async () => {
  const steps = 3;
  await expectMove(hmc({ stepSize: 0.9, steps, covariance: SHAPE }), (x, { z, extra }) => {
    const e = 0.9 * (0.8 + 0.4 * extra);
    // Momentum p = S^-1 L z ~ N(0, S^-1); velocity S p, kinetic energy p' S p / 2.
    let velocity = timesL(z);
    const energy = (at: Point, v: Point): number => 0.5 * mahalanobis(v) - logTarget(at);
    const before = energy(x, velocity);
    let at = x;
    for (let k = 0; k < steps; k++) {
      velocity = plus(velocity, timesS(score(at)), 0.5 * e);
      at = plus(at, velocity, e);
      if (at[0] <= 0) return { to: at, logRatio: -Infinity };
      velocity = plus(velocity, timesS(score(at)), 0.5 * e);
    }
    return { to: at, logRatio: before - energy(at, velocity) };
  });
});

test('componentwise(): coordinates move along the prior one by one, then all by the likelihood', async () => {
  const laws = PRIOR.marginals!;
  const spread = laws.map(({ variance }) => Math.sqrt(variance));
  await expectMove(componentwise({ scale: 1.4 }), (x, { z, u }) => {
    const to = [0, 1].map((c) => {
      const next = x[c]! + 1.4 * spread[c]! * z[c]!;
      return u[1 + c]! < Math.exp(laws[c]!.logDensity(next) - laws[c]!.logDensity(x[c]!)) ? next : x[c]!;
    }) as unknown as Point;
    const l = ([a, b]: Point): number => -a - 0.5 * (b - 1) ** 2;
    return { to, logRatio: 0.7 * (l(to) - l(x)) };
  });
});

test('pcn(): one move keeps the prior and is accepted by the likelihood alone', async () => {
  const prior = multivariateNormal([1, 0.2], SHAPE);
  const problem: Problem = { ...SKEWED, prior };
  const l = ([a, b]: Point): number => -a - 0.5 * (b - 1) ** 2;
  const logPrior = (x: Point): number => -0.5 * mahalanobis(plus(x, [1, 0.2], -1));
  const formula: Formula = (x, { z }) => {
    const to = plus(plus([1, 0.2], plus(x, [1, 0.2], -1), 0.6), timesL(z), 0.8);
    return { to, logRatio: 0.7 * (l(to) - l(x)) };
  };
  await expectMove(pcn({ step: 0.8 }), formula, problem, (x) => logPrior(x) + 0.7 * l(x));
});

test('pcn(): the same for a prior of independent coordinates', async () => {
  const problem: Problem = { ...SKEWED, prior: independent([normal(1, 2), normal(0.2, 0.5)]) };
  const l = ([a, b]: Point): number => -a - 0.5 * (b - 1) ** 2;
  const logPrior = ([a, b]: Point): number => -0.5 * (((a - 1) / 2) ** 2 + ((b - 0.2) / 0.5) ** 2);
  const formula: Formula = (x, { z }) => {
    const to: Point = [1 + 0.6 * (x[0] - 1) + 0.8 * 2 * z[0], 0.2 + 0.6 * (x[1] - 0.2) + 0.8 * 0.5 * z[1]];
    return { to, logRatio: 0.7 * (l(to) - l(x)) };
  };
  await expectMove(pcn({ step: 0.8 }), formula, problem, (x) => logPrior(x) + 0.7 * l(x));
});

test('independentMoves(): of a mixture, the uniform after the normals chooses the component', async () => {
  const choice = independentMoves({ components: 2 });
  const parts = [
    { weight: 0.8, mean: [1.5, 0.2], lower: [1, 0, 0.3, 0.8] },
    { weight: 0.2, mean: [2, 1], lower: [0.7, 0, -0.2, 0.6] },
  ] as const;
  const fixed: KernelChoice = {
    ...choice,
    open(context) {
      const kernel = choice.open(context);
      const spread = [1, 1];
      const components = parts.map((part) => ({ ...part, spread }));
      kernel.restore({ ...kernel.snapshot(), components });
      return kernel;
    },
  };
  const logProposal = ([a, b]: Point): number => {
    const densities = parts.map(({ weight, mean, lower }) => {
      const first = (a - mean[0]) / lower[0];
      const second = (b - mean[1] - lower[2] * first) / lower[3];
      return (weight / (lower[0] * lower[3])) * Math.exp(-0.5 * (first ** 2 + second ** 2));
    });
    return Math.log(densities[0]! + densities[1]!);
  };
  await expectMove(fixed, (x, { z, extra }) => {
    const { mean, lower } = parts[extra < 0.8 ? 0 : 1];
    const to: Point = [mean[0] + lower[0] * z[0], mean[1] + lower[2] * z[0] + lower[3] * z[1]];
    return { to, logRatio: logTarget(to) - logTarget(x) + logProposal(x) - logProposal(to) };
  });
});

test('independentMoves(): one move is a draw of the fitted law, with both its densities in the ratio', async () => {
  const choice = independentMoves({ inflation: 1.5 });
  const population = drawsOf(POSTERIOR, 30, 5);
  const weight = Float64Array.from({ length: 30 }, (_, i) => 1 + (i % 3));
  const fitted: KernelChoice = {
    ...choice,
    open(context) {
      const kernel = choice.open(context);
      kernel.tune({ x: population, logWeight: weight.map(Math.log) });
      return kernel;
    },
  };
  const total = weight.reduce((a, b) => a + b);
  const mean = [0, 1].map((c) => weight.reduce((sum, w, i) => sum + (w * population[2 * i + c]!) / total, 0));
  const moment = (c: number, e: number): number =>
    weight.reduce(
      (sum, w, i) =>
        sum + (w * (population[2 * i + c]! - mean[c]!) * (population[2 * i + e]! - mean[e]!)) / total,
      0,
    );
  const found = cholesky(Float64Array.of(moment(0, 0), moment(0, 1), moment(1, 0), moment(1, 1)), 2);
  const lower = found.kind === 'factor' ? found.lower.map((entry) => 1.5 * entry) : new Float64Array(4);
  const white = ([a, b]: Point): Point => {
    const first = (a - mean[0]!) / lower[0]!;
    return [first, (b - mean[1]! - lower[2]! * first) / lower[3]!];
  };
  const logProposal = (x: Point): number => -0.5 * (white(x)[0] ** 2 + white(x)[1] ** 2);
  await expectMove(fitted, (x, { z }) => {
    const to: Point = [mean[0]! + lower[0]! * z[0], mean[1]! + lower[2]! * z[0] + lower[3]! * z[1]];
    return { to, logRatio: logTarget(to) - logTarget(x) + logProposal(x) - logProposal(to) };
  });
});
