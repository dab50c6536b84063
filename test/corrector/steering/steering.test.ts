import { describe, expect, test } from 'vitest';
import { hostBackend } from '../../../engine/backend/host.ts';
import { jsBackend } from '../../../engine/backend/js.ts';
import { mixtureDenoiser } from '../../../engine/diffusion/analytic/mixture-denoiser.ts';
import { baseChain } from '../../../engine/diffusion/base-chain.ts';
import type { Denoiser } from '../../../engine/diffusion/denoiser.ts';
import type { Grid } from '../../../engine/diffusion/grid.ts';
import { timeGrid } from '../../../engine/diffusion/grids.ts';
import { linearReward, quadraticReward, type Reward } from '../../../engine/diffusion/reward.ts';
import { veGeometric, vpLinear } from '../../../engine/diffusion/schedules.ts';
import { dpmSolverPlusPlus2sAncestral } from '../../../engine/diffusion/solver/ancestral.ts';
import { ddim } from '../../../engine/diffusion/solver/ddim.ts';
import { ddpm } from '../../../engine/diffusion/solver/ddpm.ts';
import { eulerMaruyama } from '../../../engine/diffusion/solver/euler-maruyama.ts';
import type { Operation, SolverProgram } from '../../../engine/diffusion/solver/program.ts';
import { multivariateNormal } from '../../../engine/distribution/multivariate-normal.ts';
import { normalCdf } from '../../../engine/math/erfc.ts';
import { integrate } from '../../../engine/math/quadrature.ts';
import { pointwise } from '../../../engine/model/model.ts';
import { iterate, run } from '../../../engine/run.ts';
import type { Sampler } from '../../../engine/sampler.ts';
import { gumbel } from '../../../estimators/corrector/steering/candidates.ts';
import {
  firstMemory,
  logPotential,
  publicPotential,
} from '../../../estimators/corrector/steering/potentials.ts';
import { steering } from '../../../estimators/corrector/steering/steering.ts';
import { svdd } from '../../../estimators/corrector/steering/svdd.ts';
import { das, dps, twisted } from '../../../estimators/corrector/steering/twisted.ts';
import type { ChainOptions, SteeringResult } from '../../../estimators/corrector/steering/types.ts';
import { bestOf, importanceAtEnd } from '../../../estimators/corrector/steering/unguided.ts';
import { contract } from '../../contract/sampler.ts';
import { chainLaw, gainAt, normalChain } from '../../support/chain.ts';
import { expectLaw, expectMeans, expectRejected, type Replicates } from '../../support/law.ts';

const SEED = 7;
const KINDS = ['difference', 'max', 'sum'] as const;
const MIXTURE = {
  weights: [0.5, 0.3, 0.2],
  means: [[-2], [0.5], [2.5]],
  covariances: [[[0.25]], [[0.09]], [[0.49]]],
};
const small = {
  denoiser: mixtureDenoiser(MIXTURE, vpLinear()),
  reward: linearReward([0.7]),
  steps: 4,
  particles: 12,
};
const threads = { wasm: async () => hostBackend() };

contract('steering', () => steering({ ...small, runs: 2, potential: 'max', every: 2 }), {
  backends: threads,
  bad: {
    'a misspelt option': () => steering({ ...small, potentials: 'max' } as ChainOptions),
    'an unknown potential': () => steering({ ...small, potential: 'add' as 'sum' }),
    'a share of particles above 1': () => steering({ ...small, resample: { ess: 2 } }),
    'no reward': () => steering({ ...small, reward: undefined as unknown as Reward }),
    'no denoiser': () => steering({ ...small, denoiser: {} as Denoiser }),
    'no particles': () => steering({ ...small, particles: 0 }),
    'looks that end before they begin': () => steering({ ...small, from: 4, to: 2 }),
    'a reward of another dimension': () => steering({ ...small, reward: linearReward([1, 2, 3, 4]) }),
    'an interval of 0 steps': () => steering({ ...small, every: 0 }),
    'adaptive without compat': () => steering({ ...small, adaptive: true }),
    'a scheme with compat': () => steering({ ...small, compat: 'public', scheme: 'ssp' }),
    'a chain without noise': () => steering({ ...small, integrator: ddim() }),
    'an integrator of two evaluations': () =>
      steering({ ...small, integrator: dpmSolverPlusPlus2sAncestral() }),
    'steps and a grid': () => steering({ ...small, grid: timeGrid(vpLinear(), { steps: 3 }) }),
    'a grid of another schedule': () =>
      importanceAtEnd({ ...small, steps: undefined!, grid: timeGrid(veGeometric(), { steps: 3 }) }),
    'a start of another dimension': () =>
      steering({
        ...small,
        start: multivariateNormal(
          [0, 0],
          [
            [1, 0],
            [0, 1],
          ],
        ),
      }),
    'a negative inverse temperature': () => steering({ ...small, inverseTemperature: -1 }),
  },
});
const released = { ...small, runs: 2, compat: 'public', adaptive: true, inverseTemperature: 2 } as const;
contract(
  'steering as released',
  () => steering({ ...released, potential: 'sum', runs: 6, inverseTemperature: 15 }),
  {
    bad: {},
  },
);
contract('das', () => das({ ...small, reward: pointwise((x) => Math.tanh(x[0]!)) }), {
  backends: threads,
  bad: {
    'a growth of 0': () => das({ ...small, growth: 0 }),
    'an unknown shift': () => twisted({ ...small, shift: 'posterior' as 'score' }),
    'a chain without noise': () => twisted({ ...small, integrator: ddim() }),
  },
});
contract('svdd', () => svdd({ ...small, candidates: 3 }), {
  backends: threads,
  bad: {
    'no candidates': () => svdd({ ...small, candidates: 0 }),
    'a temperature of 0': () => svdd({ ...small, temperature: 0 }),
    'an unknown pick': () => svdd({ ...small, pick: 'best' as 'argmax' }),
  },
});
contract('bestOf', () => bestOf({ ...small, candidates: 3, runs: 2 }), {
  bad: { 'no candidates': () => bestOf({ ...small, candidates: 0 }) },
});

function solve<S>(sampler: Sampler<S, SteeringResult>, seed = SEED): Promise<SteeringResult> {
  return run(sampler, { seed, backend: jsBackend() });
}

describe('potentials', () => {
  /** log of the product of the potentials of a path of rewards, the last one that of its end. */
  function total(
    rewards: readonly number[],
    step: (r: number, atEnd: boolean, memory: Float64Array) => number,
    first: readonly number[],
  ): number {
    const memory = Float64Array.from(first);
    return rewards.reduce((sum, r, s) => sum + step(r, s === rewards.length - 1, memory), 0);
  }

  test.each(KINDS)('%s: their product over a path is exp(reward) of its end, for any estimates', (kind) => {
    for (const path of [
      [1, -2, 0.5, 3],
      [-4, 2, 2, -1],
      [-Infinity, 1, -Infinity, 0.3],
      [2],
      [-1, -Infinity],
    ]) {
      const ours = total(
        path,
        (r, atEnd, memory) => logPotential(kind, r, atEnd, memory, 0),
        firstMemory(kind, false),
      );
      if (path.at(-1) === -Infinity) expect(ours).toBe(-Infinity);
      else expect(ours).toBeCloseTo(path.at(-1)!, 12);
    }
  });

  test('as released, max and sum come to the largest and the sum of all rewards, from 0 on', () => {
    const released = (kind: 'difference' | 'max' | 'sum', path: readonly number[]): number =>
      total(
        path,
        (r, atEnd, memory) => publicPotential(kind, r, atEnd, true, memory, 0),
        firstMemory(kind, true),
      );
    expect(released('difference', [1, -2, 0.5, 3])).toBeCloseTo(3, 12);
    expect(released('max', [1, -2, 4, 3])).toBeCloseTo(4, 12);
    expect(released('max', [-1, -2, -4, -3])).toBeCloseTo(0, 12);
    expect(released('sum', [1, -2, 0.5, 3])).toBeCloseTo(2.5, 12);
    expect(released('difference', [1, 100])).toBeCloseTo(1 + Math.log(1e10), 12);
    // Without resampling only what came after the last potential is divided out: nothing.
    const memory = new Float64Array(3);
    publicPotential('sum', 2, false, false, memory, 0);
    publicPotential('sum', 3, false, false, memory, 0);
    expect(publicPotential('sum', 1, true, false, memory, 0)).toBeCloseTo(6, 12);
  });

  test('candidates are drawn by Gumbel noise', () => {
    for (const u of [1e-9, 0.3, 0.99]) expect(Math.exp(-Math.exp(-gumbel(u)))).toBeCloseTo(u, 12);
  });
});

test.each(KINDS)(
  '%s without resampling: every path has the weight of importance at the end',
  async (kind) => {
    const plain = await solve(importanceAtEnd({ ...small, steps: 9 }));
    const never = { resample: { ess: 0 }, potential: kind };
    const steered = await solve(steering({ ...small, steps: 9, ...never, every: 2, from: 1 }));
    expect(steered.sample.points).toEqual(plain.sample.points);
    for (const [i, l] of plain.sample.logWeight.entries())
      expect(steered.sample.logWeight[i]).toBeCloseTo(l, 10);
    expect(steered.logNormalizer.value).toBeCloseTo(plain.logNormalizer.value, 10);
    expect(steered.evaluations).toEqual({ denoiser: 9 * 12, tangents: 0, reward: 5 * 12 });
    expect(plain.evaluations).toEqual({ denoiser: 9 * 12, tangents: 0, reward: 12 });
  },
);

test('a chain that goes on claims nothing of its log Z', async () => {
  const states = iterate(importanceAtEnd(small), { seed: SEED, backend: jsBackend() });
  const first = await states.next();
  if (first.done) throw new Error('over at once');
  const { logNormalizer } = await first.value.result();
  await states.return(undefined as never);
  expect(logNormalizer).toMatchObject({ value: Number.NaN, claim: 'none' });
  expect(logNormalizer.reason).toMatch(/has not come to its end/);
});

test('one candidate of svdd, and the best of one, are the chain itself', async () => {
  const { points } = (await solve(importanceAtEnd(small))).sample;
  expect((await solve(svdd({ ...small, candidates: 1 }))).sample.points).toEqual(points);
  expect((await solve(bestOf({ ...small, candidates: 1 }))).sample.points).toEqual(points);
});

test('bestOf(): the best of 8 by a rising reward is the largest of 8 draws of the chain, not of 4', async () => {
  // 1000 winners: a cdf that is off by 0.14 is caught 99 % of the time; that of 4 is off by 0.24.
  const options = { ...normalChain(12), reward: linearReward([2]), particles: 1000 };
  const { mean, variance } = chainLaw(options);
  const { sample, logNormalizer, limit, evaluations } = await solve(bestOf({ ...options, candidates: 8 }));
  const cdf = (x: number): number => normalCdf((x - mean) / Math.sqrt(variance));
  expectLaw(sample.points, (x) => cdf(x) ** 8);
  expectRejected(() => expectLaw(sample.points, (x) => cdf(x) ** 4));
  expect(logNormalizer).toMatchObject({ value: Number.NaN, claim: 'none' });
  expect(limit.exact).toBe(false);
  expect(evaluations).toEqual({ denoiser: 12 * 8000, tangents: 0, reward: 8000 });
});

test('svdd(): of two candidates each is taken with probability exp(reward) / sum, not the better one', async () => {
  // Two steps, noise in the first alone: z1 - z2 = delta ~ N(0, 2) moves the chosen one by (delta / 2) tanh of half the gap.
  // 4000 particles: 0.1 sd is caught 99 % of the time; taking the better one is 0.35 sd further.
  const options = { ...normalChain(2), reward: linearReward([3]), particles: 4000, candidates: 2 };
  const { points, moves } = baseChain('test', options);
  const gain = gainAt(points[1]!.signal, points[1]!.noise);
  const gap = 3 * gain * moves[0]!.noise;
  const chosen = integrate(
    (u) => ((Math.exp((-u * u) / 4) / Math.sqrt(4 * Math.PI)) * u * Math.tanh((gap * u) / 2)) / 2,
    -14,
    14,
  );
  const expected = chainLaw(options).mean + gain * moves[0]!.noise * chosen;
  const means = async (pick: 'softmax' | 'argmax'): Promise<Replicates> => {
    const { sample, evaluations } = await solve(svdd({ ...options, pick }));
    // Every candidate is evaluated, and the start; the last step has one and asks nothing.
    expect(evaluations).toEqual({ denoiser: 3 * 4000, tangents: 0, reward: 2 * 4000 });
    return { runs: 4000, width: 1, values: sample.points };
  };
  expectMeans(await means('softmax'), expected);
  const best = await means('argmax');
  expectRejected(() => expectMeans(best, expected));
  expectMeans(best, chainLaw(options).mean + gain * moves[0]!.noise * Math.sqrt(1 / Math.PI));
});

/** (1 + 0.2)^s - 1, at most 1. */
const faded = (s: number): number => (s === 7 ? 1 : Math.min(1.2 ** s - 1, 1));

test.each([
  ['dps by score', 'score', ddpm(), () => 1, dps],
  ['dps by variance', 'variance', eulerMaruyama(), () => 1, dps],
  [
    'twisted',
    'score',
    eulerMaruyama(),
    () => 1,
    (o: ChainOptions) => twisted({ ...o, resample: { ess: 0 } }),
  ],
  ['das', 'variance', ddpm(), faded, (o: ChainOptions) => das({ ...o, growth: 0.2, resample: { ess: 0 } })],
] as const)(
  '%s: a linear reward on normal data moves every path by what recursion says',
  async (_, shift, integrator, gamma, make) => {
    const options = { ...normalChain(7), integrator, reward: linearReward([0.8]), particles: 5 };
    const plain = await solve(importanceAtEnd(options));
    const guided = await solve(make({ ...options, shift, inverseTemperature: 0.5 } as ChainOptions));
    const { points, moves } = baseChain('test', options);
    let off = 0;
    for (const [k, { state, clean, noise }] of moves.entries()) {
      const { signal, noise: sigma } = points[k]!;
      const gain = gainAt(signal, sigma);
      const kappa = shift === 'score' ? (clean * sigma ** 2) / signal : noise ** 2;
      off = (state + clean * gain) * off + (noise > 0 ? kappa * gamma(k + 1) * gain * 0.8 * 0.5 : 0);
    }
    expect(Math.abs(off)).toBeGreaterThan(0.02);
    for (const [i, x] of plain.sample.points.entries())
      expect(guided.sample.points[i]).toBeCloseTo(x + off, 10);
    expect(guided.evaluations.tangents).toBe(6 * 5);
    expect(guided.evaluations.denoiser).toBe(7 * 5 + 6 * 5);
  },
);

test('a reward without gradient is differentiated, which is counted and said', async () => {
  const exact = await solve(das({ ...small, reward: quadraticReward([1], [[2]]) }));
  const plain = await solve(das({ ...small, reward: pointwise((x) => -((x[0]! - 1) ** 2)) }));
  for (const [i, x] of exact.sample.points.entries()) expect(plain.sample.points[i]).toBeCloseTo(x, 6);
  expect(exact.evaluations.reward).toBe(5 * 12);
  expect(plain.evaluations.reward).toBe((3 * 3 + 2) * 12);
  expect(plain.provenance.notes.join()).toContain('differences, 3 evaluations each');
});

test('a reward that is nowhere finite ends the run as degenerate, with log Z = -Infinity', async () => {
  const nowhere: Reward = { value: (_, out) => void out.fill(-Infinity) };
  const result = await solve(steering({ ...small, reward: nowhere }));
  expect(result.outcome.kind).toBe('degenerate');
  expect(result.logNormalizer.value).toBe(-Infinity);
  expect(result.diagnostics.warnings.map(({ code }) => code)).toContain('collapse');
  const nan: Reward = { value: (_, out) => void out.fill(Number.NaN) };
  await expect(solve(steering({ ...small, reward: nan }))).rejects.toThrow(
    /steering: `reward` is NaN at point 0/,
  );
});

test('the released code forgets its weights where half of the particles count, and that is said', async () => {
  const options = { ...released, runs: 1, steps: 12, particles: 60, reward: linearReward([1.2]) };
  const result = await solve(steering(options));
  const { ess, resampled } = result.trace;
  const counts = [...ess].map((each) => each < 30);
  expect(ess.every((each) => each < 30 || each === 60)).toBe(true);
  expect([...resampled]).toEqual([false, ...counts.slice(0, -1)].map(Number));
  expect(new Set(counts.slice(0, -1)).size).toBe(2);
  expect(result.limit.exact).toBe(false);
  expect(result.diagnostics.warnings.map(({ code }) => code)).toContain('weights-dropped');
  const plain = await solve(steering({ ...options, adaptive: false }));
  expect(plain.resamplings).toBe(12);
});

test('an integrator that asks for the noise makes the same chain as one that asks for the data', () => {
  const ask = (grid: Grid): SolverProgram => {
    const program = ddpm().program(grid);
    const steps = program.steps.map(([evaluate, move], k) => {
      const { signal, noise: sigma } = grid.points[k]!;
      const { states, values, ...rest } = move as Extract<Operation, { kind: 'combine' }>;
      const b = values[0]!.factor;
      // E[x_0] = (x - sigma e) / alpha
      const onState = { register: 0, factor: states[0]!.factor + b / signal };
      const onValue = { register: values[0]!.register, factor: (-b * sigma) / signal };
      return [evaluate!, { ...rest, states: [onState], values: [onValue] }];
    });
    return { ...program, steps };
  };
  const wanted = baseChain('test', { ...small, integrator: ddpm() }).moves;
  const found = baseChain('test', {
    ...small,
    integrator: { ...ddpm(), prediction: 'noise', program: ask },
  }).moves;
  for (const [k, { state, clean, noise, pull }] of wanted.entries()) {
    expect(found[k]!.state).toBeCloseTo(state, 10);
    expect(found[k]!.clean).toBeCloseTo(clean, 10);
    expect(found[k]!.pull).toBeCloseTo(pull, 10);
    expect(found[k]!.noise).toBe(noise);
  }
});
