import { expect, test } from 'vitest';
import { jsBackend } from '../../../engine/backend/js.ts';
import { OptionError, ValueError } from '../../../engine/errors.ts';
import { logMeanExp } from '../../../engine/particles/log-weight.ts';
import type { FeynmanKac, SmcPopulation } from '../../../engine/particles/smc/feynman-kac.ts';
import { checkSmcMemory, smcBytes } from '../../../engine/particles/smc/memory.ts';
import { makeSmc } from '../../../engine/particles/smc/smc.ts';
import type { Smc, SmcOptions } from '../../../engine/particles/smc/types.ts';
import { TAG } from '../../../engine/random/purpose.ts';
import { type Rng, rngFromSeed } from '../../../engine/random/rng.ts';
import { expectMeans, expectRejected } from '../../support/law.ts';
import {
  CHAIN,
  type DiscreteFields,
  discreteModel,
  discreteRuns,
  EVIDENCE,
  FIELDS,
  ratios,
} from './discrete.ts';

const SEED = 20_260_101;

/** Runs of the loop with keys of children 0..runs-1. */
function open(
  model: SmcOptions<DiscreteFields>['model'],
  options: Partial<SmcOptions<DiscreteFields>> & { readonly runs?: number } = {},
): Smc<DiscreteFields> {
  const { runs = 1, ...rest } = options;
  const rngs: Rng[] = Array.from({ length: runs }, (_, r) => rngFromSeed(SEED).child(TAG.replicate, r));
  return makeSmc({ where: 'test', backend: jsBackend(), model, rngs, particles: 6, ...rest });
}

async function finish(smc: Smc<DiscreteFields>): Promise<Smc<DiscreteFields>> {
  while (!smc.finished) await smc.advance();
  return smc;
}

/** The chain with the potential of one step replaced. */
function withPotential(
  at: number,
  g: (i: number, old: number) => number,
  more: Partial<FeynmanKac<DiscreteFields>> = {},
): FeynmanKac<DiscreteFields> {
  const model = discreteModel(CHAIN);
  return {
    ...model,
    ...more,
    logPotential(t, run, out, lo, hi) {
      model.logPotential(t, run, out, lo, hi);
      if (t === at) for (let i = lo; i < hi; i++) out[i] = g(i, out[i]!);
    },
  };
}

test('the evidence of the chain by enumeration is that of the reference', () => {
  expect(Math.log(EVIDENCE)).toBeCloseTo(-4.444140364661759, 12);
});

// 1500 runs of 5 particles; Z-hat / Z has sd 0.5 and less: a bias of 9 % is caught with 99 % probability.
for (const threshold of [0, 0.7, 1]) {
  test(`makeSmc(): Z and unnormalised expectations are unbiased, threshold ${threshold}`, async () => {
    const runs = await discreteRuns(discreteModel(CHAIN), 1500, SEED, { particles: 5, threshold });
    if (threshold !== 0.7) expect(runs.resamplings).toBe(threshold * 3 * 1500);
    expectMeans(ratios(runs.logNormalizer, runs.law), [1, 1, 1, 1]);
    // Booking the log-mean weight of every step as it is, without `base`, counts weights twice.
    if (threshold < 1) expectRejected(() => expectMeans(ratios(runs.withoutBase, runs.law), [1, 1, 1, 1]));
    else expect(runs.withoutBase).toEqual(runs.logNormalizer);
  });
}

test('makeSmc(): a lookahead, however wrong, leaves Z and expectations unbiased', async () => {
  const model = discreteModel(CHAIN, [0.2, 3, 1]);
  const runs = await discreteRuns(model, 1500, SEED, { particles: 5, threshold: 0.7 });
  expect(runs.resamplings).toBeGreaterThan(1500);
  expectMeans(ratios(runs.logNormalizer, runs.law), [1, 1, 1, 1]);
  // Ancestors chosen by the lookahead, which the weights do not give back.
  const keeping = { particles: 5, threshold: 1, select: keepingLookahead };
  const broken = await discreteRuns(discreteModel(CHAIN), 1500, SEED, keeping);
  expectRejected(() => expectMeans(ratios(broken.logNormalizer, broken.law), [1, 1, 1, 1]));
});

/** Multinomial ancestors with the weights times eta, whose states then count alike. */
function keepingLookahead(
  step: number,
  population: SmcPopulation<DiscreteFields>,
  ancestor: Uint32Array,
): void {
  const x = population.field('x');
  const weight = population.logWeight.map((l, i) => Math.exp(l) * [0.2, 3, 1][x[i]!]!);
  const total = weight.reduce((sum, w) => sum + w, 0);
  for (let i = 0; i < ancestor.length; i++) {
    let left = population.rng.stream({ purpose: 40, step, particle: i }).uniform() * total;
    let at = 0;
    while (left > weight[at]! && at < weight.length - 1) left -= weight[at++]!;
    ancestor[i] = at;
  }
}

test('makeSmc(): log Z is the sum of increments, and log-mean weights since a resampling add up to it', async () => {
  const smc = open(discreteModel(CHAIN), { threshold: 0.8 });
  let total = 0;
  let since = 0;
  while (!smc.finished) {
    await smc.advance();
    const { increment, resampled, logNormalizer } = smc.runs[0]!;
    total += increment;
    since = (resampled ? 0 : since) + increment;
    expect(logNormalizer).toBeCloseTo(total, 12);
    expect(logMeanExp(smc.particles.logWeight)).toBeCloseTo(since, 12);
  }
  expect(smc.runs[0]!.resamplings).toBeGreaterThan(0);
});

test('makeSmc(): a run among others gives the bits of the same run alone, whatever model the others have', async () => {
  const models = [
    discreteModel(CHAIN),
    discreteModel({ ...CHAIN, first: [0.1, 0.1, 0.8] }),
    discreteModel(CHAIN),
  ];
  const all = await finish(open(models, { runs: 3 }));
  const alone = await finish(open(models[0]!, { runs: 1 }));
  const pair = await finish(open(models[0]!, { runs: 3 }));
  expect(all.runs[0]).toEqual(alone.runs[0]);
  expect(all.runs[2]).toEqual(pair.runs[2]);
  expect(all.population(0).field('x')).toEqual(alone.population(0).field('x'));
  expect(all.eve(2)).toEqual(pair.eve(2));
});

test('makeSmc(): kernels of the potential alone stand in for its function, with the same bits', async () => {
  const plain = discreteModel(CHAIN);
  const never = (): never => {
    throw new Error('the function was called');
  };
  const byKernels: FeynmanKac<DiscreteFields> = {
    ...plain,
    logPotential: never,
    kernels: {
      logPotential(step, run, out, lent) {
        const [features, one] = [lent.f64(run.count), lent.f64(1)];
        one[0] = 1;
        void plain.logPotential(step, run, features, 0, run.count);
        return [{ kernel: 'correctorPotential', args: [features, 1, one, 1, out], over: 'rows' }];
      },
    },
  };
  const options = { runs: 2, threshold: 0.8 };
  const expected = await finish(open(plain, options));
  const found = await finish(open(byKernels, options));
  expect(found.runs).toEqual(expected.runs);
  expect(found.population(1).field('x')).toEqual(expected.population(1).field('x'));
  // What counts the dead looks at the potentials first, so that functions are called.
  await expect(finish(open(byKernels, { ...options, nan: 'dead' }))).rejects.toThrow('was called');
});

test('makeSmc(): T = 0 makes no call of the model and has log Z = 0', async () => {
  const never = (): never => {
    throw new Error('called');
  };
  const smc = open({ fields: FIELDS, steps: 0, init: never, mutate: never, logPotential: never });
  expect(smc.finished).toBe(true);
  expect(smc.runs[0]!.logNormalizer).toBe(0);
});

test('makeSmc(): N = 1 is legal, and log Z is the sum of the potentials met', async () => {
  const smc = open(discreteModel(CHAIN), { particles: 1, threshold: 1 });
  let total = 0;
  while (!smc.finished) {
    await smc.advance();
    total += Math.log(CHAIN.potential[smc.step]![smc.particles.field('x')[0]!]!);
  }
  expect(smc.runs[0]!.logNormalizer).toBeCloseTo(total, 12);
  expect(smc.runs[0]!.ess).toBe(1);
});

test('makeSmc(): when every particle dies the run ends with log Z = -Infinity and weights 0, others go on', async () => {
  const dead = withPotential(2, () => -Infinity);
  const smc = await finish(open([dead, discreteModel(CHAIN)], { runs: 2, threshold: 0.7 }));
  const [first, second] = smc.runs;
  expect(first).toMatchObject({ logNormalizer: -Infinity, collapsedAt: 2, ess: 0, finished: true });
  expect(Array.from(smc.weight(0))).toEqual([0, 0, 0, 0, 0, 0]);
  expect(second!.collapsedAt).toBeUndefined();
  expect(smc.step).toBe(3);
  const alone = await finish(open([discreteModel(CHAIN), discreteModel(CHAIN)], { runs: 2, threshold: 0.7 }));
  expect(second).toEqual(alone.runs[1]);
});

test('makeSmc(): with a floor a collapse counts for it, and the run goes on with equal weights', async () => {
  const dead = withPotential(2, () => -Infinity);
  const smc = await finish(open(dead, { threshold: 0, floor: -7 }));
  const before = open(dead, { threshold: 0, floor: -7 });
  await before.advance();
  await before.advance();
  const last = smc
    .population(0)
    .field('x')
    .map((s) => CHAIN.potential[3]![s]!);
  const mean = last.reduce((sum, g) => sum + g, 0) / last.length;
  expect(smc.runs[0]!.floored).toBe(1);
  expect(smc.runs[0]!.logNormalizer).toBeCloseTo(before.runs[0]!.logNormalizer - 7 + Math.log(mean), 12);
});

test('makeSmc(): NaN, +Infinity and what was not written are ValueErrors with step, particle, run and point', async () => {
  for (const [value, shown] of [
    [Number.NaN, 'NaN'],
    [Infinity, 'Infinity'],
  ] as const) {
    const smc = open(withPotential(1, (i, old) => (i === 4 ? value : old)));
    await smc.advance();
    const error = await smc.advance().catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ValueError);
    expect(error).toMatchObject({ index: 4, point: smc.particles.field('x').slice(4, 5) });
    expect((error as Error).message).toBe(
      `test: the log potential is ${shown} at step 1, particle 4; expected a finite number, or -Infinity for a particle that is impossible. The particle is in \`error.point\`.`,
    );
    expect(() => smc.snapshot()).toThrow('step 1 failed halfway');
  }
  const forgetful = { ...discreteModel(CHAIN), logPotential: () => undefined };
  await expect(open(forgetful, { runs: 2 }).advance()).rejects.toThrow(
    'is NaN at step 0, particle 0 of run 0',
  );
});

test("makeSmc(): nan: 'dead' kills and counts, and the dead stay dead whatever their potential is later", async () => {
  const once = withPotential(1, (i, old) => (i < 2 ? Number.NaN : old));
  const model: typeof once = {
    ...once,
    logPotential(t, run, out, lo, hi) {
      once.logPotential(t, run, out, lo, hi);
      if (t === 2) for (let i = lo; i < Math.min(2, hi); i++) out[i] = Infinity;
    },
  };
  const smc = await finish(open(model, { threshold: 0, nan: 'dead' }));
  expect(smc.runs[0]!.nans).toBe(2);
  expect(Array.from(smc.particles.logWeight.slice(0, 2))).toEqual([-Infinity, -Infinity]);
  expect(smc.runs[0]!.logNormalizer).toBeGreaterThan(-Infinity);
});

test('makeSmc(): a lookahead that is not finite on a live particle is a ValueError', async () => {
  const smc = open(discreteModel(CHAIN, [0, 1, 1]));
  await smc.advance();
  await expect(smc.advance()).rejects.toThrow(/logLookahead is -Infinity at step 0, particle \d/);
});

test('makeSmc(): within a step aim sees the weights and ess it has, calibrate the new ones', async () => {
  const seen: string[] = [];
  const model: FeynmanKac<DiscreteFields> = {
    ...discreteModel(CHAIN),
    aim: (t, at) => void seen.push(`aim ${t} ${at.ess} ${at.logWeight.every((l) => l === 0)}`),
    calibrate: (t, at) => void seen.push(`calibrate ${t} ${at.ess < 6}`),
  };
  await finish(open(model, { threshold: 1 }));
  expect(seen.slice(0, 4)).toEqual(['aim 0 6 true', 'calibrate 0 true', 'aim 1 6 true', 'calibrate 1 true']);
});

test('makeSmc(): chains repeat M ancestors, p major, and a run that is done stays while others go on', async () => {
  const doneAt: FeynmanKac<DiscreteFields> = { ...discreteModel(CHAIN), done: (t) => t === 1 };
  const smc = open([doneAt, discreteModel(CHAIN)], { runs: 2, chains: 2 });
  await smc.advance();
  await smc.advance();
  const own = Array.from(smc.particles.ancestor.slice(6), (a) => a - 6);
  expect(own).toEqual([own[0], own[1], own[0], own[1], own[0], own[1]]);
  const kept = smc.population(0).field('x').slice();
  await finish(smc);
  expect(smc.population(0).field('x')).toEqual(kept);
  expect(smc.runs.map((run) => run.resamplings)).toEqual([1, 3]);
});

for (const history of [{ kind: 'full' }, { kind: 'window', steps: 2 }, { kind: 'paths' }] as const) {
  test(`snapshot(): a restored loop goes on to the same bits, its ${history.kind} history included`, async () => {
    const options = { runs: 2, threshold: 0.8, history };
    const whole = await finish(open(discreteModel(CHAIN), options));
    const first = open(discreteModel(CHAIN), options);
    await first.advance();
    await first.advance();
    const saved = first.snapshot();
    const copy = first.history.copy();
    const before = copy.path(3);
    await finish(first);
    expect(copy.path(3)).toEqual(before);
    const second = open(discreteModel(CHAIN), options);
    await second.advance();
    await second.restore({ header: JSON.parse(JSON.stringify(saved.header)), arrays: saved.arrays });
    expect(second.step).toBe(1);
    await finish(second);
    expect(second.runs).toEqual(whole.runs);
    expect(second.snapshot()).toEqual(whole.snapshot());
    for (let slot = 0; slot < 12; slot++) expect(second.history.path(slot)).toEqual(whole.history.path(slot));
  });
}

test('checkSmcMemory(): counts particles and history, and names the cure', () => {
  const fields = { x: { components: 4 } };
  const size = { fields, particles: 1000, noise: 4, steps: 10 };
  // State 64, log-weight 8, ancestor 4, eves 8, increment and weights 24, normals 32.
  expect(smcBytes(size)).toEqual({ particles: 140_000, history: 0 });
  expect(smcBytes({ ...size, history: { kind: 'full' } }).history).toBe(10 * 1000 * (32 + 12));
  expect(() => checkSmcMemory('filter', { ...size, particles: 1e8 })).toThrow(
    'filter: 100 000 000 particles need 13 GiB; expected at most 3.5 GiB in all. Try particles: 26',
  );
  const long = { ...size, steps: 1e5, history: { kind: 'full' } } as const;
  expect(() => checkSmcMemory('filter', long)).toThrow(
    "filter: a history of kind 'full' would grow to 4.1 GiB; expected at most 3.5 GiB in all. Try history: { kind: 'paths' }.",
  );
  expect(() => checkSmcMemory('filter', { ...long, history: { kind: 'paths' } })).not.toThrow();
});

test('makeSmc(): options that do not fit are OptionErrors before any call of the model', () => {
  const model = discreteModel(CHAIN);
  const bad: Readonly<Record<string, () => unknown>> = {
    particles: () => open(model, { particles: 0 }),
    chains: () => open(model, { chains: 4 }),
    scheme: () => open(model, { scheme: 'systemic' as never }),
    threshold: () => open(model, { threshold: 1.5 }),
    'models for runs': () => open([model], { runs: 2 }),
    'models of other length': () => open([model, { ...model, steps: 3 }], { runs: 2 }),
    memory: () => open(model, { particles: 1e8 }),
  };
  for (const [what, call] of Object.entries(bad)) expect(call, what).toThrow(OptionError);
});
