import { expect, test } from 'vitest';
import { makeParticles } from '../../../engine/particles/particles.ts';
import type { SmcRun } from '../../../engine/particles/smc/feynman-kac.ts';
import {
  type Backend,
  hostBackend,
  jsBackend,
  linearGaussian,
  multivariateNormal,
  optimalLookahead,
  optimalProposal,
  perParticle,
  rngFromSeed,
  type StateSpaceModel,
  stochasticVolatility,
} from '../../../estimators/index.ts';
import type { StateFields } from '../../../estimators/smc/state-space.ts';
import { splitBackend } from '../../support/split-backend.ts';
import { linearCase, modelOf } from './reference-models.ts';

const SEED = 17;
const RNG = rngFromSeed(SEED);

function draws(n: number, particle: number): Float64Array {
  const { normal } = RNG.stream({ purpose: 32, particle });
  return Float64Array.from({ length: n }, normal);
}

/** Noise that leaves the second number of the state to the first: Q has rank 2 of 3, P0 rank 1. */
const tracking = linearGaussian({
  transition: [
    [1, 0.5, 0],
    [0, 1, 0],
    [0.1, 0, 0.7],
  ],
  transitionShift: [0.1, 0, -0.2],
  transitionCovariance: [
    [1, 0.5, 0],
    [0.5, 0.25, 0],
    [0, 0, 2],
  ],
  observation: [[1, 0, 1]],
  observationCovariance: 0.5,
  initialMean: [1, 2, 3],
  initialCovariance: [
    [0, 0, 0],
    [0, 4, 2],
    [0, 2, 1],
  ],
});

const MODELS: Readonly<Record<string, StateSpaceModel>> = {
  'linear Gaussian, d = 1': modelOf(linearCase('lg1')),
  'linear Gaussian, d = 5': modelOf(linearCase('lg5')),
  'linear Gaussian with singular noise': tracking,
  'stochastic volatility': stochasticVolatility({ mean: -1.02, persistence: 0.9702, volatility: 0.178 }),
};

/** A run as the loop makes it, outside of the loop. */
async function openRun(backend: Backend, model: StateSpaceModel, n: number): Promise<SmcRun<StateFields>> {
  const fields: StateFields = { x: { components: model.dimension } };
  const particles = makeParticles({ backend, particles: n, fields });
  particles.field('x').set(draws(n * model.dimension, 1));
  await particles.select();
  particles.advance();
  return {
    index: 0,
    count: n,
    rng: RNG.child(0, 3),
    backend,
    signal: new AbortController().signal,
    resampled: false,
    normals: new Float64Array(0),
    field: (name) => particles.field(name),
    parent: (name) => particles.parent(name),
  };
}

function normalsOf(run: SmcRun<StateFields>, purpose: number, step: number, noise: number): Float64Array {
  const z = new Float64Array(run.count * noise);
  for (let i = 0; i < run.count; i++) {
    const stream = run.rng.stream({ purpose, step, particle: i });
    for (let c = 0; c < noise; c++) z[i * noise + c] = stream.normal();
  }
  return z;
}

const BACKENDS: Readonly<Record<string, () => Backend | Promise<Backend>>> = {
  JavaScript: jsBackend,
  'pieces of a range': () => splitBackend(7),
  WebAssembly: () => hostBackend({ threads: 1 }),
};

for (const [name, model] of Object.entries(MODELS)) {
  for (const [host, make] of Object.entries(BACKENDS)) {
    test(`${name}: kernels in ${host} give the bits of the plain functions`, async () => {
      const n = 1_237;
      const { dimension: d, noise = d, observed = 1 } = model;
      const backend = await make();
      const run = await openRun(backend, model, n);
      const expected = new Float64Array(n * d);
      const lent = backend.arena();
      await backend.chain(model.kernels!.initial(run, lent), n);
      model.initial(normalsOf(run, 0, 0, noise), expected);
      expect(run.field('x')).toEqual(expected);
      await backend.chain(model.kernels!.transition(5, run, lent), n);
      model.transition(5, run.parent('x'), normalsOf(run, 1, 5, noise), expected);
      expect(run.field('x')).toEqual(expected);
      const out = lent.f64(n);
      const y = draws(observed, 2);
      await backend.chain(model.kernels!.logObservation(5, y, run, out, lent), n);
      const plain = new Float64Array(n);
      model.logObservation(5, y, expected, plain);
      expect(out).toEqual(plain);
      await backend.dispose();
    });
  }
}

/** Log density of N(mean, covariance) at x. */
function logNormal(mean: number[], covariance: number[][], x: readonly number[]): number {
  const out = new Float64Array(1);
  multivariateNormal(mean, covariance).logDensity(Float64Array.from(x), out);
  return out[0]!;
}

const plane = {
  transition: [
    [0.8, 0.3],
    [-0.2, 0.5],
  ],
  transitionShift: [0.3, -0.5],
  transitionCovariance: [
    [1, 0.3],
    [0.3, 0.5],
  ],
  observation: [[1, 0.5]],
  observationShift: 2,
  observationCovariance: 0.7,
  initialMean: [1, 2],
  initialCovariance: [
    [2, 0.5],
    [0.5, 1],
  ],
};
const planeModel = linearGaussian(plane);

function one(f: (out: Float64Array) => void): number {
  const out = new Float64Array(1);
  f(out);
  return out[0]!;
}

test('linearGaussian: densities are those of the normal laws that define it', () => {
  const [parent, x, y] = [Float64Array.of(0.4, -1), Float64Array.of(1.5, 0.2), Float64Array.of(3)];
  const moved = [0.8 * 0.4 - 0.3 + 0.3, -0.2 * 0.4 - 0.5 - 0.5];
  expect(one((out) => planeModel.logInitial!(x, out))).toBeCloseTo(
    logNormal(plane.initialMean, plane.initialCovariance, [...x]),
    13,
  );
  expect(one((out) => planeModel.logTransition!(1, parent, x, out))).toBeCloseTo(
    logNormal(moved, plane.transitionCovariance, [...x]),
    13,
  );
  expect(one((out) => planeModel.logObservation(1, y, x, out))).toBeCloseTo(
    logNormal([1.5 + 0.1 + 2], [[0.7]], [3]),
    13,
  );
  expect(planeModel.logTransitionBound!(1)).toBeCloseTo(
    logNormal([0, 0], plane.transitionCovariance, [0, 0]),
    13,
  );
});

test('linearGaussian: a state from normals z has mean A x + b and the covariance whose root z is given', () => {
  const n = 3;
  const z = Float64Array.of(0, 0, 1, 0, 0, 1);
  const x = new Float64Array(2 * n);
  planeModel.transition(
    1,
    Float64Array.from({ length: 2 * n }, (_, at) => (at % 2 === 0 ? 1 : 2)),
    z,
    x,
  );
  const mean = [0.8 + 0.6 + 0.3, -0.2 + 1 - 0.5];
  expect(x[0]).toBeCloseTo(mean[0]!, 14);
  expect(x[1]).toBeCloseTo(mean[1]!, 14);
  const root = [1, 2].map((i) => [x[2 * i]! - x[0]!, x[2 * i + 1]! - x[1]!]);
  for (let c = 0; c < 2; c++)
    for (let e = 0; e < 2; e++)
      expect(root[0]![c]! * root[0]![e]! + root[1]![c]! * root[1]![e]!).toBeCloseTo(
        plane.transitionCovariance[c]![e]!,
        14,
      );
});

test('linearGaussian: with a singular covariance there is no density, only as many normals as needed', () => {
  expect(tracking.noise).toBe(2);
  expect(tracking.logTransition).toBeUndefined();
  expect(tracking.logTransitionBound).toBeUndefined();
  expect(tracking.logInitial).toBeUndefined();
  expect(() => optimalProposal(tracking)).toThrow(/`initialCovariance` of the model is singular/);
  // Along the null direction nothing moves: x_0 - 2 x_1 of the noise is 0.
  const x = new Float64Array(30);
  tracking.transition(1, new Float64Array(30), draws(20, 4), x);
  for (let i = 0; i < 10; i++) expect(x[3 * i]! - 0.1 - 2 * x[3 * i + 1]!).toBeCloseTo(0, 14);
});

test('optimalProposal: q f g is consistent with Bayes, f(x|p) g(y|x) = q(x|p, y) eta(p) for every x', () => {
  const { logInitial, logTransition } = planeModel;
  const proposal = optimalProposal(planeModel);
  const lookahead = optimalLookahead(planeModel);
  const y = Float64Array.of(2.7);
  const [points, parents] = [draws(40, 5), draws(40, 6)];
  const column = (f: (out: Float64Array) => void): Float64Array => {
    const out = new Float64Array(20);
    f(out);
    return out;
  };
  const g = column((out) => planeModel.logObservation(3, y, points, out));
  const f = column((out) => logTransition!(3, parents, points, out));
  const q = column((out) => proposal.logTransition(3, y, parents, points, out));
  const eta = column((out) => lookahead(2, y, parents, out));
  for (let i = 0; i < 20; i++) expect(f[i]! + g[i]! - q[i]! - eta[i]!).toBeCloseTo(0, 12);
  // At the start the same holds with one constant, p(y_0) = N(y; H m0 + c, H P0 H' + R).
  const prior = column((out) => logInitial!(points, out));
  const q0 = column((out) => proposal.logInitial(y, points, out));
  const evidence = logNormal([1 + 1 + 2], [[2 + 0.5 + 0.25 + 0.7]], [2.7]);
  for (let i = 0; i < 20; i++) expect(prior[i]! + g[i]! - q0[i]! - evidence).toBeCloseTo(0, 12);
});

test('optimalProposal: draws have the law of its density', () => {
  const proposal = optimalProposal(planeModel);
  const y = Float64Array.of(-1);
  // x = m + L z, so log q(x) = constant - |z|^2 / 2: the differences of log q are those of |z|^2.
  const z = draws(40, 7);
  const [x, parents, q] = [new Float64Array(40), draws(40, 8), new Float64Array(20)];
  for (const start of [true, false]) {
    if (start) proposal.initial(y, z, x);
    else proposal.transition(1, y, parents, z, x);
    if (start) proposal.logInitial(y, x, q);
    else proposal.logTransition(1, y, parents, x, q);
    const constants = q.map((value, i) => value + 0.5 * (z[2 * i]! ** 2 + z[2 * i + 1]! ** 2));
    for (const value of constants) expect(value).toBeCloseTo(constants[0]!, 12);
  }
});

test('stochasticVolatility: densities are those of the normal laws that define it', () => {
  const model = stochasticVolatility({ mean: -1, persistence: 0.9, volatility: 0.2 });
  const x = Float64Array.of(-0.4);
  expect(one((out) => model.logInitial!(x, out))).toBeCloseTo(logNormal([-1], [[0.04 / 0.19]], [-0.4]), 13);
  expect(one((out) => model.logTransition!(1, Float64Array.of(-2), x, out))).toBeCloseTo(
    logNormal([-1.9], [[0.04]], [-0.4]),
    13,
  );
  expect(one((out) => model.logObservation(1, Float64Array.of(0.3), x, out))).toBeCloseTo(
    logNormal([0], [[Math.exp(-0.4)]], [0.3]),
    13,
  );
  expect(model.logTransitionBound!(1)).toBeCloseTo(logNormal([0], [[0.04]], [0]), 13);
});

const bad = (change: object) => () => linearGaussian({ ...plane, ...change });

test('linearGaussian: what does not fit is refused, with the option and what was expected', () => {
  expect(bad({ transition: [[1, 2]] })).toThrow(/`transition` has 2 entries in row 0; expected 1 row of 1/);
  expect(bad({ transition: undefined })).toThrow(/`transition` is undefined; expected a number, or an array/);
  expect(bad({ transition: [] })).toThrow(/`transition` is an array of 0/);
  expect(bad({ observation: [[1, Number.NaN]] })).toThrow(/`observation` has NaN at row 0, column 1/);
  expect(bad({ initialMean: [1] })).toThrow(/`initialMean` has 1 number; expected 2 finite numbers/);
  expect(
    bad({
      transitionCovariance: [
        [1, 2],
        [2, 1],
      ],
    }),
  ).toThrow(/`transitionCovariance` is not positive semi/);
  expect(
    bad({
      transitionCovariance: [
        [1, 2],
        [1, 4],
      ],
    }),
  ).toThrow(/is 1 at \(1, 0\) and 2 at \(0, 1\)/);
  expect(bad({ observationCovariance: 0 })).toThrow(/`observationCovariance` is not positive definite/);
  expect(bad({ transitions: 1 })).toThrow(/Did you mean transition\?/);
});

test('stochasticVolatility: a persistence of 1 or a volatility of 0 is refused', () => {
  const good = { mean: 0, persistence: 0.9, volatility: 1 };
  expect(() => stochasticVolatility({ ...good, persistence: 1 })).toThrow(/`persistence` is 1/);
  expect(() => stochasticVolatility({ ...good, volatility: 0 })).toThrow(/`volatility` is 0/);
  expect(() => stochasticVolatility({ ...good, mean: Infinity })).toThrow(/`mean` is Infinity/);
});

test('perParticle: the same model one particle at a time has the same draws and densities', () => {
  const model = perParticle({
    dimension: 2,
    observed: 1,
    initial: (z, x) => {
      x[0] = 2 * z[0]!;
      x[1] = 1 + z[1]!;
    },
    transition: (step, parent, z, x) => {
      x[0] = parent[0]! + step * z[0]!;
      x[1] = parent[1]! - z[1]!;
    },
    logObservation: (_, y, x) => -0.5 * (y[0]! - x[0]! * x[1]!) ** 2,
    logInitial: (x) => x[0]! + 10 * x[1]!,
    logTransition: (step, parent, x) => step + parent[0]! - 2 * x[1]!,
    logTransitionBound: (step) => 3 * step,
  });
  const z = draws(8, 9);
  const x = new Float64Array(8);
  model.initial(z, x);
  expect(x).toEqual(z.map((value, at) => (at % 2 === 0 ? 2 * value : 1 + value)));
  const [next, out] = [new Float64Array(8), new Float64Array(4)];
  model.transition(3, x, z, next);
  expect(next).toEqual(z.map((value, at) => (at % 2 === 0 ? x[at]! + 3 * value : x[at]! - value)));
  model.logObservation(3, Float64Array.of(0.5), next, out);
  expect(out).toEqual(out.map((_, i) => -0.5 * (0.5 - next[2 * i]! * next[2 * i + 1]!) ** 2));
  model.logInitial!(x, out);
  expect(out).toEqual(out.map((_, i) => x[2 * i]! + 10 * x[2 * i + 1]!));
  model.logTransition!(3, x, next, out);
  expect(out).toEqual(out.map((_, i) => 3 + x[2 * i]! - 2 * next[2 * i + 1]!));
  expect(model.logTransitionBound!(4)).toBe(12);
});

test('perParticle: a number that is not written is NaN, never that of the particle before', () => {
  const model = perParticle({
    initial: (z, x) => {
      if (z[0]! > 0) x[0] = 1;
    },
    transition: () => {},
    logObservation: () => 0,
  });
  const x = new Float64Array(3);
  model.initial(Float64Array.of(1, -1, 1), x);
  expect([...x]).toEqual([1, Number.NaN, 1]);
  model.transition(1, x, x, x);
  expect(x.every(Number.isNaN)).toBe(true);
  expect(model.logTransition).toBeUndefined();
});

test('perParticle: a function that is missing or misspelt is refused by name', () => {
  const good = { initial: () => {}, transition: () => {}, logObservation: () => 0 };
  expect(() => perParticle({ ...good, transition: undefined as never })).toThrow(/`transition` is undefined/);
  expect(() => perParticle({ ...good, noise: 0 })).toThrow(/`noise` is 0/);
  expect(() => perParticle({ ...good, logTransitions: 1 } as never)).toThrow(/Did you mean logTransition/);
});
