import { expect, test } from 'vitest';
import { hostBackend, jsBackend, OptionError } from '../../../engine/index.ts';
import type { SmcPopulation } from '../../../engine/particles/smc/feynman-kac.ts';
import { makeSmc } from '../../../engine/particles/smc/smc.ts';
import { rngFromSeed } from '../../../engine/random/rng.ts';
import { quasiRandom } from '../../../estimators/smc/sqmc/quasi-random.ts';
import type { StateFields } from '../../../estimators/smc/state-space.ts';
import { detectableBias, expectMeans, expectRejected } from '../../support/law.ts';
import { type Errors, errorsOf, type Hooks } from './loop.ts';

const SEED = 2015;
const N = 64;

/** A population with the given states [N, d] and log-weights. */
async function population(x: Float64Array, logWeight: Float64Array): Promise<SmcPopulation<StateFields>> {
  const smc = makeSmc<StateFields>({
    where: 'test',
    backend: jsBackend(),
    rngs: [rngFromSeed(SEED)],
    particles: N,
    model: {
      fields: { x: { components: x.length / N } },
      steps: 1,
      init: (run) => run.field('x').set(x),
      mutate: () => {},
      logPotential: (_, __, out) => out.set(logWeight),
    },
  });
  await smc.advance();
  return smc.population(0);
}

function states(d: number): Float64Array {
  const stream = rngFromSeed(SEED).stream({ purpose: 32 });
  return Float64Array.from({ length: N * d }, () => stream.normal());
}

const open = (d: number): ReturnType<typeof quasiRandom<StateFields>> =>
  quasiRandom({ backend: jsBackend(), particles: N, noise: d, field: 'x', dimension: d });

test('quasi-random ancestors: equal weights choose every particle exactly once, in any dimension', async () => {
  for (const d of [1, 2, 5]) {
    const { select } = (await open(d)).hooks;
    const ancestor = new Uint32Array(N);
    const at = await population(states(d), new Float64Array(N).fill(-700));
    await select(3, at, ancestor, at.logWeight);
    expect([...ancestor].sort((a, b) => a - b)).toEqual(Array.from({ length: N }, (_, i) => i));
  }
});

test('quasi-random ancestors: dead particles have no offspring, others within 2 of N times their weight', async () => {
  const { select } = (await open(2)).hooks;
  const logWeight = Float64Array.from({ length: N }, (_, i) => (i % 5 === 0 ? -Infinity : Math.sin(i)));
  const x = states(2).map((v, at) => (Math.floor(at / 2) % 5 === 0 ? Number.NaN : v));
  const ancestor = new Uint32Array(N);
  await select(1, await population(x, logWeight), ancestor, logWeight);
  const total = logWeight.reduce((sum, l) => sum + Math.exp(l), 0);
  const counts = new Uint32Array(N);
  for (const a of ancestor) counts[a]!++;
  counts.forEach((count, i) => {
    const wanted = (N * Math.exp(logWeight[i]!)) / total;
    expect(Math.abs(count - wanted)).toBeLessThan(wanted === 0 ? 1e-9 : 2);
  });
});

test('quasi-random ancestors and noise of one particle come from one point', async () => {
  // In one dimension, equal weights: particle of rank j is chosen by the point with u^0 in [j / N, (j + 1) / N). Points
  // are balanced over pairs (u^0, u^1): in each of the 8 x 8 boxes lies exactly one of the 64.
  const { select, noise } = (await open(1)).hooks;
  const ancestor = new Uint32Array(N);
  const x = Float64Array.from({ length: N }, (_, i) => i);
  const at = await population(x, new Float64Array(N));
  await select(2, at, ancestor, at.logWeight);
  const z = new Float64Array(N);
  await noise(2, at, z);
  const cut = [-1.1503493803760079, -0.6744897501960817, -0.3186393639643752, 0];
  const box = (i: number): number =>
    8 * Math.floor(ancestor[i]! / 8) +
    [...cut, ...cut.slice(0, 3).map((c) => -c)].filter((c) => z[i]! > c).length;
  expect(new Set(Array.from(z, (_, i) => box(i))).size).toBe(N);
});

test('quasi-random filters: the same bits on WASM and threads, and for a run alone or among others', async () => {
  const series = { name: 'lg5', steps: 4, particles: 200, runs: 3, seed: SEED };
  const reference = await errorsOf(series, 'quasi-random');
  for (const threads of [1, 2]) {
    const backend = await hostBackend({ threads });
    expect(await errorsOf({ ...series, backend }, 'quasi-random')).toEqual(reference);
    await backend.dispose();
  }
  const alone = await errorsOf({ ...series, runs: 1 }, 'quasi-random');
  expect(alone.logNormalizer[0]).toBe(reference.logNormalizer[0]);
});

test('quasi-random filters: the normalizing constant is unbiased', async () => {
  // Relative sd of one run is 0.3: a bias of 12 % is caught 99 % of the time.
  const runs = 400;
  expect(0.3 * detectableBias(runs)).toBeLessThan(0.12);
  const ratios = (errors: Errors): { runs: number; width: number; values: Float64Array } => ({
    runs,
    width: 1,
    values: errors.logNormalizer.map(Math.exp),
  });
  const series = { name: 'lg1', steps: 4, particles: N, runs, seed: SEED };
  expectMeans(ratios(await errorsOf(series, 'quasi-random')), 1);
  // The broken twin: everyone gets the parent in the next slot.
  const next = ({ select, noise }: Hooks): Hooks => ({
    noise,
    async select(step, at, ancestor, logWeight) {
      await select(step, at, ancestor, logWeight);
      ancestor.forEach((a, i) => {
        ancestor[i] = (a + 1) % N;
      });
    },
  });
  const broken = ratios(await errorsOf(series, 'quasi-random', next));
  expectRejected(() => expectMeans(broken, 1));
});

test('quasi-random filters: more than 62 dimensions are refused', async () => {
  await expect(open(63)).rejects.toBeInstanceOf(OptionError);
});
