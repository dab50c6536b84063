import { afterAll, expect, test } from 'vitest';
import { hostBackend } from '../../engine/backend/host.ts';
import { jsBackend } from '../../engine/backend/js.ts';
import { independent } from '../../engine/distribution/multivariate.ts';
import { multivariateNormal } from '../../engine/distribution/multivariate-normal.ts';
import { poisson } from '../../engine/distribution/poisson.ts';
import { OptionError, ValueError } from '../../engine/errors.ts';
import { componentwise } from '../../engine/kernel/componentwise.ts';
import { hmc } from '../../engine/kernel/hmc.ts';
import { independentMoves } from '../../engine/kernel/independent.ts';
import {
  above,
  type ChainStates,
  type KernelChoice,
  type KernelContext,
  tempered,
} from '../../engine/kernel/kernel.ts';
import { mala } from '../../engine/kernel/mala.ts';
import { pcn } from '../../engine/kernel/pcn.ts';
import { randomWalk } from '../../engine/kernel/random-walk.ts';
import { openLogDensity } from '../../engine/model/log-density.ts';
import { rngFromSeed } from '../../engine/random/rng.ts';
import { LIKELIHOOD, PRIOR, SKEWED } from './problems.ts';
import { chainsAt, contextOf, drawsOf, openFor, type Problem, targetOf } from './targets.ts';

const single = await hostBackend({ threads: 1 });
const pair = await hostBackend({ threads: 2 });
afterAll(async () => {
  await single.dispose();
  await pair.dispose();
});

const NORMAL: Problem = {
  ...SKEWED,
  prior: multivariateNormal(
    [1, 0],
    [
      [1, 0.2],
      [0.2, 0.8],
    ],
  ),
};

/** Every kernel with a problem it can move in. */
const KERNELS: readonly (readonly [string, KernelChoice, Problem])[] = [
  ['randomWalk()', randomWalk(), SKEWED],
  ['randomWalk() with scales of its own', randomWalk({ scaleSpread: 0.7 }), SKEWED],
  ['independentMoves()', independentMoves(), SKEWED],
  ['independentMoves() from a mixture', independentMoves({ components: 3 }), SKEWED],
  ['mala()', mala(), SKEWED],
  ['hmc()', hmc(), SKEWED],
  ['componentwise()', componentwise(), SKEWED],
  ['pcn()', pcn(), NORMAL],
];

const N = 200;

/** Two steps of tuning and two moves each; what it leaves. */
async function run(
  choice: KernelChoice,
  problem: Problem,
  more: Partial<KernelContext> = {},
  interrupted = false,
): Promise<{ readonly states: ChainStates; readonly told: unknown }> {
  const target = targetOf(problem);
  const rng = rngFromSeed(5);
  let kernel = openFor(choice, problem, more);
  const states = await chainsAt(drawsOf(problem.prior, N, 3), target, kernel.needs === 'gradient');
  const outcomes: unknown[] = [];
  for (let step = 1; step < 3; step++) {
    kernel.tune({ x: states.x, logWeight: states.logLikelihood.map((l) => 0.2 * l) });
    for (let move = 0; move < 2; move++)
      outcomes.push(await kernel.move(states, target, { rng, step, move }));
    if (!interrupted) continue;
    const saved = JSON.parse(JSON.stringify(kernel.snapshot()));
    kernel.dispose();
    kernel = openFor(choice, problem, more);
    kernel.restore(saved);
  }
  return { states, told: [outcomes, kernel.tuning(), [...kernel.spread]] };
}

test.each(KERNELS)(
  '%s: same bits in JavaScript, in WASM, with two threads, in blocks of any size',
  async (_, choice, problem) => {
    const expected = await run(choice, problem, { backend: jsBackend() });
    for (const more of [{ backend: single }, { backend: pair }, { backend: single, block: 97 }, { block: 1 }])
      expect(await run(choice, problem, more)).toEqual(expected);
  },
);

test.each(KERNELS)(
  '%s: restored from a snapshot it goes on as if it had never stopped',
  async (_, choice, problem) => {
    expect(await run(choice, problem, {}, true)).toEqual(await run(choice, problem));
  },
);

test.each(KERNELS)(
  '%s: what the states hold are the densities of where they are',
  async (_, choice, problem) => {
    const { states } = await run(choice, problem);
    const target = targetOf(problem);
    const again = await chainsAt(states.x, target, states.priorGradient !== undefined);
    expect(again).toEqual(states);
  },
);

test.each(KERNELS)(
  '%s: a snapshot of another dimension or kernel is refused, and one that lacks a part',
  (_, choice, problem) => {
    const kernel = openFor(choice, problem);
    expect(() => kernel.restore({})).toThrow(OptionError);
    const saved = kernel.snapshot();
    kernel.restore(saved);
    expect(() => kernel.restore({ ...saved, kernel: 'Gibbs' })).toThrow(/it is of Gibbs in 2 dimensions/);
    expect(() => kernel.restore({ ...saved, dimension: 3 })).toThrow(OptionError);
    for (const name of Object.keys(saved))
      expect(() => kernel.restore({ ...saved, [name]: [1] })).toThrow(OptionError);
  },
);

test.each(KERNELS)(
  '%s: chains never enter a region of -Infinity, and the likelihood is not asked outside the prior',
  async (_, choice, problem) => {
    const kernel = openFor(choice, problem);
    const base = targetOf(problem);
    // No mass above x_2 = 0.5 by the likelihood, none below x_1 = 0.2 by the prior.
    const target = {
      ...base,
      ...tempered(0.5),
      async logPrior(x: Float64Array, n: number, out: Float64Array, gradient?: Float64Array) {
        await base.logPrior(x, n, out, gradient);
        for (let i = 0; i < n; i++) if (x[2 * i]! < 0.2) out[i] = -Infinity;
      },
      async logLikelihood(x: Float64Array, n: number, out: Float64Array, gradient?: Float64Array) {
        await base.logLikelihood(x, n, out, gradient);
        for (let i = 0; i < n; i++) {
          if (x[2 * i]! < 0.2) throw new Error('asked outside the prior');
          if (x[2 * i + 1]! > 0.5) out[i] = -Infinity;
        }
      },
    };
    const start = drawsOf(problem.prior, N, 3).map((value, at) =>
      at & 1 ? Math.min(value, 0.5) : Math.max(value, 0.2),
    );
    const states = await chainsAt(start, target, kernel.needs === 'gradient');
    const rng = rngFromSeed(6);
    let accepted = 0;
    for (let move = 0; move < 4; move++)
      accepted += (await kernel.move(states, target, { rng, step: 1, move })).accepted;
    expect(accepted).toBeGreaterThan(N / 8);
    expect(states.x.every((value, at) => (at & 1 ? value <= 0.5 : value >= 0.2))).toBe(true);
  },
);

test('a chain outside the target goes in when it can, and stays where it cannot', async () => {
  const target = { ...targetOf(SKEWED), ...above(-1.5) };
  const kernel = openFor(randomWalk(), SKEWED);
  const states = await chainsAt(Float64Array.of(3, 0, 300, 0), target, false);
  const rng = rngFromSeed(8);
  for (let move = 0; move < 30; move++) await kernel.move(states, target, { rng, step: 1, move });
  expect(states.logLikelihood[0]).toBeGreaterThan(-1.5);
  expect(states.x[2]).toBe(300);
});

test('hmc(): chains outside the target stay, even on the doorstep, and spoil no mean', async () => {
  const target = { ...targetOf(SKEWED), ...above(-1.5) };
  const kernel = openFor(hmc({ stepSize: 0.2, steps: 1 }), SKEWED);
  const doorstep = Float64Array.from({ length: 40 }, (_, at) => (at & 1 ? 1 : 1.52));
  const states = await chainsAt(Float64Array.of(...doorstep, 0.5, 0.5), target, true);
  const { acceptance } = await kernel.move(states, target, { rng: rngFromSeed(1), step: 1, move: 0 });
  expect(states.x.subarray(0, 40)).toEqual(doorstep);
  expect(acceptance).toBeGreaterThan(0);
  expect(acceptance).toBeLessThanOrEqual(1 / 21);
});

test('above(): a score at the level is not above it; tempered(): 0 times -Infinity is 0', () => {
  const { factor, slope } = above(2);
  expect([factor(2), factor(2.000001), factor(1), slope]).toEqual([-Infinity, 0, -Infinity, 0]);
  expect([tempered(0).factor(-Infinity), tempered(0.5).factor(-4), tempered(0.5).slope]).toEqual([
    0, -2, 0.5,
  ]);
});

test('proposals that overflow are rejected without asking either density', async () => {
  const kernel = openFor(
    randomWalk({
      scale: 1e308,
      covariance: [
        [1e8, 0],
        [0, 1e8],
      ],
    }),
    SKEWED,
  );
  const base = targetOf(SKEWED);
  const ask = (): void => {
    throw new Error('asked at infinity');
  };
  const states = await chainsAt(Float64Array.of(1, 1, 2, 2), base, false);
  const target = { ...base, logPrior: ask, logLikelihood: ask };
  const outcome = await kernel.move(states, target, { rng: rngFromSeed(1), step: 1, move: 0 });
  expect(outcome).toEqual({ acceptance: 0, accepted: 0, squaredJump: 0 });
});

test('at inverse temperature 0 a likelihood of -Infinity counts for nothing', async () => {
  const nowhere = {
    ...LIKELIHOOD,
    logDensity: (_: Float64Array, out: Float64Array) => void out.fill(-Infinity),
  };
  const problem = { ...SKEWED, likelihood: nowhere, inverseTemperature: 0 };
  const kernel = openFor(randomWalk(), problem);
  const target = targetOf(problem);
  const states = await chainsAt(drawsOf(PRIOR, N, 2), target, false);
  const { acceptance } = await kernel.move(states, target, { rng: rngFromSeed(1), step: 1, move: 0 });
  expect(acceptance).toBeGreaterThan(0.2);
});

test('a log density of NaN ends the move with the point that it was asked for', async () => {
  const signal = new AbortController().signal;
  const source = (x: Float64Array, out: Float64Array): void => {
    for (let i = 0; i < out.length; i++) out[i] = x[2 * i]! > 4 ? Number.NaN : -x[2 * i]!;
  };
  const options = {
    where: 'test',
    option: 'logLikelihood',
    source,
    dimension: 2,
    planned: 1,
    backend: jsBackend(),
    signal,
  };
  const density = await openLogDensity(options);
  const target = { ...targetOf(SKEWED), logLikelihood: density.evaluate };
  const states = await chainsAt(
    drawsOf(PRIOR, N, 3).map((value) => Math.min(value, 3.9)),
    target,
    false,
  );
  const kernel = openFor(randomWalk(), SKEWED);
  const error = await kernel.move(states, target, { rng: rngFromSeed(1), step: 1, move: 0 }).catch((e) => e);
  expect(error).toBeInstanceOf(ValueError);
  expect(error.message).toMatch(/^test: `logLikelihood` is NaN at point \d+ \(x1 = [4-9]/);
  expect(error.point[0]).toBeGreaterThan(4);
});

test.each([
  [() => randomWalk({ scale: 0 }), /`scale` is 0/],
  [() => randomWalk({ scaleSpread: -1 }), /`scaleSpread` is -1/],
  [() => randomWalk({ acceptance: 1 }), /`acceptance` is 1/],
  [() => mala({ stepsize: 1 } as object), /Did you mean stepSize/],
  [() => hmc({ steps: 0 }), /`steps` is 0/],
  [() => pcn({ step: 1.5 }), /`step` is 1.5/],
  [() => independentMoves({ components: 0 }), /`components` is 0/],
  [() => independentMoves({ inflation: Number.NaN }), /`inflation` is NaN/],
  [() => componentwise({ adapt: 1 } as object), /`adapt` is no boolean/],
  [
    () =>
      randomWalk({
        covariance: [
          [1, 2],
          [2, 1],
        ],
      }).open(contextOf(2)),
    /smallest eigenvalue -1/,
  ],
  [
    () => mala().open(contextOf(2, { gradient: false })),
    /mala\(\) moves along gradients.*numericGradient\(f, d\)/,
  ],
  [() => hmc().open(contextOf(2, { gradient: false })), /hmc\(\) moves along gradients/],
  [
    () => pcn().open(contextOf(2, { prior: PRIOR })),
    /pcn\(\) moves along a normal prior, and the prior is independent gamma/,
  ],
  [() => pcn().open(contextOf(2)), /the prior is a function/],
  [
    () => componentwise().open(contextOf(2, { prior: NORMAL.prior })),
    /componentwise\(\) moves coordinate by coordinate/,
  ],
  [() => componentwise().open(contextOf(1, { prior: independent([poisson(3)]) })), /continuous laws/],
])('bad options fail before any work: case %#', (act, message) => {
  expect(act).toThrow(OptionError);
  expect(act).toThrow(message);
});

test('moves beyond the numbers of one step are refused, and so are states without gradients', async () => {
  const target = targetOf(SKEWED);
  const states = await chainsAt(Float64Array.of(1, 1), target, false);
  const at = { rng: rngFromSeed(1), step: 0, move: 2 ** 24 };
  await expect(openFor(randomWalk(), SKEWED).move(states, target, at)).rejects.toThrow(OptionError);
  await expect(openFor(mala(), SKEWED).move(states, target, { ...at, move: 0 })).rejects.toThrow(
    /no gradients/,
  );
});
