import { expect, test } from 'vitest';
import { multivariateNormal } from '../../engine/distribution/multivariate-normal.ts';
import { normal } from '../../engine/distribution/normal.ts';
import { truncated } from '../../engine/distribution/truncated.ts';
import { componentwise } from '../../engine/kernel/componentwise.ts';
import { hmc } from '../../engine/kernel/hmc.ts';
import { independentMoves } from '../../engine/kernel/independent.ts';
import {
  above,
  type KernelChoice,
  type MarkovKernel,
  type MoveTarget,
  tempered,
} from '../../engine/kernel/kernel.ts';
import { mala } from '../../engine/kernel/mala.ts';
import { makeKernel, type Proposer } from '../../engine/kernel/mover.ts';
import { pcn } from '../../engine/kernel/pcn.ts';
import { randomWalk } from '../../engine/kernel/random-walk.ts';
import { rngFromSeed } from '../../engine/random/rng.ts';
import { expectLaw, expectMeans, expectRejected } from '../support/law.ts';
import { MARGINALS, POSTERIOR, PRIOR, SHAPE, SKEWED } from './problems.ts';
import { chainsAt, contextOf, drawsOf, openFor, targetOf } from './targets.ts';

/*
 * Chains start from the target exactly and must still follow it after some moves. With n = 20 000 chains a distribution
 * function that is off by 0.032 anywhere is caught with 99 % probability, a mean that is off by 0.051 standard deviations
 * likewise; false alarm 1e-6 a call.
 */
const N = 20_000;
const MOVES = 12;
const SEED = 20260101;

const TARGET = targetOf(SKEWED);
const START = drawsOf(POSTERIOR, N, SEED);

async function moved(
  kernel: MarkovKernel,
  target: MoveTarget = TARGET,
  start = START,
): Promise<Float64Array> {
  const states = await chainsAt(Float64Array.from(start), target, kernel.needs === 'gradient');
  const rng = rngFromSeed(SEED + 1);
  for (let move = 0; move < MOVES; move++) await kernel.move(states, target, { rng, step: 1, move });
  kernel.dispose();
  return states.x;
}

function column(x: Float64Array, c: number, d = 2): Float64Array {
  return Float64Array.from({ length: x.length / d }, (_, i) => x[i * d + c]!);
}

function expectTarget(x: Float64Array): void {
  MARGINALS.forEach((law, c) => void expectLaw(column(x, c), law.cdf, { falseAlarm: 2.5e-7 }));
  const [shape, point] = MARGINALS;
  const products = Float64Array.from({ length: N }, (_, i) => x[2 * i]! * x[2 * i + 1]!);
  const squares = Float64Array.from({ length: N }, (_, i) => x[2 * i]! ** 2);
  const values = Float64Array.from({ length: 2 * N }, (_, at) => (at & 1 ? squares : products)[at >> 1]!);
  const expected = [shape.mean * point.mean, shape.variance + shape.mean ** 2];
  expectMeans({ runs: N, width: 2, values }, expected, { falseAlarm: 5e-7 });
}

/** Two normal laws, neither of them the target. */
function learnt(components: number): MarkovKernel {
  const kernel = openFor(independentMoves({ components, inflation: 1.3 }), SKEWED);
  kernel.tune({ x: drawsOf(PRIOR, 1000, SEED + 2), logWeight: new Float64Array(1000) });
  return kernel;
}

test.each<[string, () => MarkovKernel]>([
  ['random walk', () => openFor(randomWalk({ scale: 1.2, covariance: SHAPE }), SKEWED)],
  [
    'random walk with scales of its own',
    () => openFor(randomWalk({ scaleSpread: 1, covariance: SHAPE }), SKEWED),
  ],
  ['independent moves', () => learnt(1)],
  ['independent moves from a mixture', () => learnt(2)],
  ['MALA', () => openFor(mala({ stepSize: 1.1, covariance: SHAPE }), SKEWED)],
  ['HMC', () => openFor(hmc({ stepSize: 0.9, steps: 4, covariance: SHAPE }), SKEWED)],
  ['componentwise Metropolis', () => openFor(componentwise({ scale: 1.5 }), SKEWED)],
])('%s leaves its target in place', async (_, open) => {
  expectTarget(await moved(open()));
});

/** A kernel of the test's own: a shape of 1 and a proposer. */
function twin(
  proposer: Pick<Proposer, 'propose' | 'correction'>,
  needs: KernelChoice['needs'],
): MarkovKernel {
  const spread = Float64Array.of(1, 1);
  const choice: KernelChoice = {
    kind: 'markov-kernel',
    name: 'twin',
    needs,
    options: {},
    open: () => kernel,
  };
  const tuning = { tune() {}, tuning: () => ({}), snapshot: () => ({}), restore() {} };
  const kernel = makeKernel(choice, contextOf(2), { ...proposer, spread: () => spread, tell() {} }, tuning);
  return kernel;
}

/** Independent proposals from N((1, 0), I), with or without the ratio of proposals. */
function ownIndependent(ratio: boolean): MarkovKernel {
  const square = (x: Float64Array, row: number): number =>
    0.5 * ((x[2 * row]! - 1) ** 2 + x[2 * row + 1]! ** 2);
  return twin(
    {
      async propose({ candidates, normals, count, target }) {
        for (let at = 0; at < 2 * count; at++) candidates.x[at] = normals[at]! + (at & 1 ? 0 : 1);
        await candidates.evaluate(target, count);
      },
      correction: ({ states, lo, candidates }, i) =>
        ratio ? square(candidates.x, i) - square(states.x, lo + i) : 0,
    },
    'density',
  );
}

/** MALA of step e = 1 with the drift of the way back on the right side (1), or on the wrong one (-1). */
function ownMala(sign: 1 | -1): MarkovKernel {
  const score = ({ priorGradient, likelihoodGradient }: Scored, at: number): number =>
    priorGradient![at]! + TARGET.slope * likelihoodGradient![at]!;
  return twin(
    {
      async propose({ states, lo, candidates, normals, count, target }) {
        for (let at = 0; at < 2 * count; at++) {
          const from = 2 * lo + at;
          candidates.x[at] = states.x[from]! + 0.5 * score(states, from) + normals[at]!;
        }
        await candidates.evaluate(target, count);
      },
      correction({ states, lo, candidates, normals }, i) {
        let sum = 0;
        for (let at = 2 * i; at < 2 * i + 2; at++) {
          const back = states.x[2 * lo + at]! - candidates.x[at]! - sign * 0.5 * score(candidates, at);
          sum += 0.5 * (normals[at]! ** 2 - back ** 2);
        }
        return sum;
      },
    },
    'gradient',
  );
}

interface Scored {
  readonly priorGradient?: Float64Array | undefined;
  readonly likelihoodGradient?: Float64Array | undefined;
}

test('the law of the target is told from that of moves without the ratio of proposals', async () => {
  expectTarget(await moved(ownIndependent(true)));
  const broken = await moved(ownIndependent(false));
  expectRejected(() => expectTarget(broken));
});

test('the law of the target is told from that of MALA with the wrong sign in its ratio', async () => {
  expectTarget(await moved(ownMala(1)));
  const broken = await moved(ownMala(-1));
  expectRejected(() => expectTarget(broken));
});

test('the law of the target is told from that of another inverse temperature, for each kernel', async () => {
  const hotter = { ...TARGET, ...tempered(0.6) };
  for (const choice of [randomWalk(), mala(), hmc(), componentwise()]) {
    const broken = await moved(openFor(choice, SKEWED), hotter);
    expectRejected(() => expectTarget(broken));
  }
});

const COVARIANCE = [
  [1, 0.6],
  [0.6, 2],
] as const;
const NORMAL_PRIOR = multivariateNormal([0.5, -1], COVARIANCE);

/** N(0.5, -1) with covariance above, restricted to x_1 > 1. */
function restricted(): {
  readonly target: MoveTarget;
  readonly start: Float64Array;
  readonly cut: ReturnType<typeof truncated>;
} {
  const base = targetOf({ ...SKEWED, prior: NORMAL_PRIOR });
  const logLikelihood: MoveTarget['logLikelihood'] = (x, n, out) => {
    for (let i = 0; i < n; i++) out[i] = x[2 * i]!;
  };
  const cut = truncated(normal(0.5, 1), 1, Infinity);
  const z = drawsOf(
    multivariateNormal(
      [0, 0],
      [
        [1, 0],
        [0, 1],
      ],
    ),
    N,
    SEED + 3,
  );
  const start = new Float64Array(2 * N);
  for (let i = 0; i < N; i++) {
    start[2 * i] = cut.quantile(normal(0, 1).cdf(z[2 * i]!));
    // x_2 given x_1 is N(-1 + 0.6 (x_1 - 0.5), 2 - 0.36).
    start[2 * i + 1] = -1 + 0.6 * (start[2 * i]! - 0.5) + Math.sqrt(1.64) * z[2 * i + 1]!;
  }
  return { target: { ...base, ...above(1), logLikelihood }, start, cut };
}

function expectRestricted(x: Float64Array, cut: ReturnType<typeof truncated>): void {
  expectLaw(column(x, 0), cut.cdf, { falseAlarm: 5e-7 });
  const rest = Float64Array.from(
    { length: N },
    (_, i) => (x[2 * i + 1]! + 1 - 0.6 * (x[2 * i]! - 0.5)) / Math.sqrt(1.64),
  );
  expectLaw(rest, normal(0, 1).cdf, { falseAlarm: 5e-7 });
}

test('pCN leaves a normal prior in place that is cut at a level of the score, and never crosses it', async () => {
  const { target, start, cut } = restricted();
  const x = await moved(pcn({ step: 0.7 }).open(contextOf(2, { prior: NORMAL_PRIOR })), target, start);
  expectRestricted(x, cut);
  expect(column(x, 0).every((value) => value > 1)).toBe(true);
  // The prior once more in the ratio: moves towards its middle are taken too often.
  const broken = await moved(ownPcn(), target, start);
  expectRejected(() => expectRestricted(broken, cut));
});

/** pCN that forgets that its proposals keep the prior. */
function ownPcn(): MarkovKernel {
  // L of the covariance above: [1, 0], [0.6, sqrt 1.64].
  const [inner, rest] = [0.6, Math.sqrt(1.64)];
  return twin(
    {
      async propose({ states, lo, candidates, normals, count, target }) {
        for (let i = 0; i < count; i++) {
          const at = 2 * i;
          const rho = Math.sqrt(1 - 0.49);
          const [z, w] = [normals[at]!, inner * normals[at]! + rest * normals[at + 1]!];
          candidates.x[at] = 0.5 + rho * (states.x[2 * lo + at]! - 0.5) + 0.7 * z;
          candidates.x[at + 1] = -1 + rho * (states.x[2 * lo + at + 1]! + 1) + 0.7 * w;
        }
        await candidates.evaluate(target, count);
      },
      correction: () => 0,
    },
    'density',
  );
}

test('a random walk keeps a normal law cut at a level, too', async () => {
  const { target, start, cut } = restricted();
  expectRestricted(
    await moved(randomWalk({ covariance: COVARIANCE }).open(contextOf(2)), target, start),
    cut,
  );
});
