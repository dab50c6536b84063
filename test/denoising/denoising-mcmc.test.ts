import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { hostBackend } from '../../engine/backend/host.ts';
import { jsBackend } from '../../engine/backend/js.ts';
import { empiricalDenoiser } from '../../engine/diffusion/analytic/empirical-denoiser.ts';
import { mixtureDenoiser } from '../../engine/diffusion/analytic/mixture-denoiser.ts';
import { normalise } from '../../engine/diffusion/analytic/row-mixture.ts';
import type { Denoiser } from '../../engine/diffusion/denoiser.ts';
import { veLinear, vpLinear } from '../../engine/diffusion/schedules.ts';
import { edmStochastic } from '../../engine/diffusion/solver/edm-stochastic.ts';
import { ValueError } from '../../engine/errors.ts';
import { iterate, resume, run } from '../../engine/run.ts';
import type { BatchFn } from '../../engine/types.ts';
import { langevinStep, logProposalRatio, stepAt } from '../../estimators/denoising/chain.ts';
import { denoisingMcmc } from '../../estimators/denoising/denoising-mcmc.ts';
import { levelLaw } from '../../estimators/denoising/level-law.ts';
import { checkDenoising } from '../../estimators/denoising/plan.ts';
import type { DenoisingMcmcOptions } from '../../estimators/denoising/types.ts';
import { contract, numbers } from '../contract/sampler.ts';
import { expectCounts, expectRejected } from '../support/law.ts';

interface Reference {
  readonly gmm_isotropic: {
    readonly weights: readonly number[];
    readonly means: readonly (readonly number[])[];
    readonly sd: readonly number[];
  };
  readonly sigma_grid: readonly number[];
  readonly x: readonly (readonly number[])[];
  readonly sigma_index: readonly number[];
  readonly log_p_sigma: readonly number[];
  readonly score: readonly (readonly number[])[];
  readonly posterior_sigma_given_x: readonly (readonly number[])[];
  readonly map_index: readonly number[];
  readonly eta: readonly number[];
  readonly noise: readonly (readonly number[])[];
  readonly ula_step: readonly (readonly number[])[];
  readonly mala_log_ratio: readonly number[];
}

const file = join(import.meta.dirname, '../reference/dlg.json');
const reference = JSON.parse(readFileSync(file, 'utf8')) as Reference;
const { weights, means, sd } = reference.gmm_isotropic;
const covariances = sd.map((s) => [
  [s * s, 0],
  [0, s * s],
]);
const mixture = { weights, means, covariances };
const denoiser = mixtureDenoiser(mixture, veLinear());
const levels = reference.sigma_grid;
/** What a network would be: a score and nothing else. */
const scoreAlone: Denoiser = {
  dimension: 2,
  schedule: veLinear(),
  prediction: 'score',
  predict: (x, time, out) => denoiser.predict(x, time, out),
};
/** The best that a classifier of the levels can become. */
const classifier: BatchFn = (x, out) => {
  const law = levelLaw(denoiser, Float64Array.from(levels))!;
  const G = levels.length;
  for (let i = 0; i < out.length / G; i++) {
    const row = out.subarray(i * G, (i + 1) * G);
    law.logDensities(x, 2 * i, row, 0);
    normalise(row);
    row.forEach((p, g) => {
      row[g] = Math.log(p);
    });
  }
};
const quick: DenoisingMcmcOptions = {
  ...{ denoiser, levels, chains: 6, kept: 4, warmup: 4, skip: 2, denoiseSteps: 6 },
};

contract('denoisingMcmc', () => denoisingMcmc({ ...quick, integrator: edmStochastic({ largest: 5 }) }), {
  backends: { 'two threads of WASM': () => hostBackend({ threads: 2 }) },
  bad: {
    'no denoiser': () => denoisingMcmc({} as never),
    'a misspelt option': () => denoisingMcmc({ ...quick, chain: 4 } as never),
    'an unknown mode': () => denoisingMcmc({ ...quick, mode: 'map' as never }),
    'levels that do not rise': () => denoisingMcmc({ ...quick, levels: [1, 0.5] }),
    'levels beyond the schedule': () => denoisingMcmc({ ...quick, levels: [1, 100] }),
    'a prior with a 0': () => denoisingMcmc({ ...quick, levels: [1, 2], prior: [1, 0] }),
    'a start that is NaN': () => denoisingMcmc({ ...quick, chains: 1, start: [0, Number.NaN] }),
    'no warm-up to find `skip` by': () => denoisingMcmc({ denoiser, warmup: 4 }),
    'a denoiser whose law is unknown': () =>
      denoisingMcmc({ denoiser: { dimension: 2, schedule: veLinear(), prediction: 'score', predict() {} } }),
    'a floor above all levels': () => denoisingMcmc({ ...quick, floor: 20 }),
    'no moves': () => denoisingMcmc({ ...quick, moves: 0 }),
    'an unknown pick': () => denoisingMcmc({ ...quick, pick: 'first' as never }),
    'an unknown start': () => denoisingMcmc({ ...quick, start: 'data' as never }),
    'ends to cut at that fall': () => denoisingMcmc({ ...quick, clip: [1, 0] }),
    'a last step above all levels': () => denoisingMcmc({ ...quick, tweedie: 20 }),
    'a law of the levels that is none': () => denoisingMcmc({ ...quick, levelLaw: 'heat' as never }),
    'exact chains by the heat equation': () =>
      denoisingMcmc({ ...quick, levelLaw: 'heat-equation', mode: 'exact' }),
    'a window of one level': () => denoisingMcmc({ ...quick, levelLaw: 'heat-equation', levelWindow: 1 }),
    'exact chains of a score alone': () =>
      denoisingMcmc({ ...quick, denoiser: scoreAlone, levelLaw: classifier, mode: 'exact' }),
    'more memory than there is': () => denoisingMcmc({ ...quick, kept: 2 ** 20, chains: 2 ** 20 }),
  },
});

contract(
  'denoisingMcmc, a score and a classifier',
  () =>
    denoisingMcmc({
      ...{ ...quick, denoiser: scoreAlone, levelLaw: classifier, pick: 'min-sigma', moves: 2, chains: 3 },
      ...{ start: 'denoised', tweedie: 0.1, clip: [-5, 5] },
    }),
  { bad: {} },
);

test('denoisingMcmc: levels and a prior that are no lists are told as they were given', () => {
  const given = (options: object) => () => denoisingMcmc({ ...quick, ...options });
  expect(given({ levels: 3 })).toThrow('option `levels` is 3; expected two or more rising noise levels');
  expect(given({ levels: null })).toThrow('option `levels` is null');
  expect(given({ levels: [3] })).toThrow('`levels` has length 1');
  expect(given({ levels: [1, 2], prior: 2 })).toThrow(
    'option `prior` is 2; expected 2 numbers, one for each',
  );
  expect(given({ levels: [1, 2], prior: [1] })).toThrow('`prior` has length 1; expected 2 numbers');
});

test('levelLaw(): densities and posteriors of the level are those of the reference', () => {
  const law = levelLaw(denoiser, Float64Array.from(levels))!;
  reference.x.forEach((x, row) => {
    const out = new Float64Array(levels.length + 1);
    law.logDensities(Float64Array.from([0, ...x]), 1, out, 1);
    const logDensity = out.subarray(1);
    expect(Math.abs(logDensity[reference.sigma_index[row]!]! - reference.log_p_sigma[row]!)).toBeLessThan(
      1e-10,
    );
    normalise(logDensity);
    reference.posterior_sigma_given_x[row]!.forEach((p, g) => {
      expect(Math.abs(logDensity[g]! - p)).toBeLessThan(1e-10);
    });
    expect(logDensity.indexOf(Math.max(...logDensity))).toBe(reference.map_index[row]);
  });
  expect(law.leastVariance).toBeCloseTo(0.09, 14);
});

test('levelLaw(): a set of points has the densities of its denoiser at every level', () => {
  const data = empiricalDenoiser([...means, [0.5, -0.25]], veLinear());
  const law = levelLaw(data, Float64Array.from(levels))!;
  const x = Float64Array.from(reference.x[1]!);
  const out = new Float64Array(levels.length);
  law.logDensities(x, 0, out, 0);
  const one = new Float64Array(1);
  levels.forEach((level, g) => {
    data.logDensity!(x, level, one);
    expect(Math.abs(out[g]! - one[0]!)).toBeLessThan(1e-10 * Math.abs(one[0]!));
  });
});

test('a cycle: step size, Langevin step and log acceptance are those of the reference', () => {
  const plan = checkDenoising({ denoiser, levels, stepSize: 0.8 });
  reference.x.forEach((point, row) => {
    const g = reference.sigma_index[row]!;
    const x = Float64Array.from(point);
    const score = new Float64Array(2);
    denoiser.predict(x, levels[g]!, score);
    score.forEach((s, c) => {
      expect(Math.abs(s - reference.score[row]![c]!)).toBeLessThan(1e-10);
    });
    const eta = stepAt(plan, 0.8, g);
    expect(Math.abs(eta - reference.eta[row]!)).toBeLessThan(1e-10);
    const proposal = new Float64Array(2);
    langevinStep(eta, x, score, Float64Array.from(reference.noise[row]!), 0, 2, proposal);
    proposal.forEach((p, c) => {
      expect(Math.abs(p - reference.ula_step[row]![c]!)).toBeLessThan(1e-10);
    });
    const proposed = new Float64Array(2);
    denoiser.predict(proposal, levels[g]!, proposed);
    const [here, there] = [new Float64Array(1), new Float64Array(1)];
    denoiser.logDensity!(x, levels[g]!, here);
    denoiser.logDensity!(proposal, levels[g]!, there);
    const ratio = there[0]! - here[0]! + logProposalRatio(eta, x, score, proposal, proposed, 0, 2);
    expect(Math.abs(ratio - reference.mala_log_ratio[row]!)).toBeLessThan(1e-10);
  });
});

test('denoisingMcmc(): a schedule with alpha below 1 is the same chain in x / alpha', async () => {
  const exploding = await run(denoisingMcmc(quick), { seed: 3, backend: jsBackend() });
  const preserving = denoisingMcmc({ ...quick, denoiser: mixtureDenoiser(mixture, vpLinear()) });
  const { sample, chain } = await run(preserving, { seed: 3, backend: jsBackend() });
  sample.points.forEach((x, at) => {
    expect(Math.abs(x - exploding.sample.points[at]!)).toBeLessThan(1e-6);
  });
  expect(chain.histogram).toEqual(exploding.chain.histogram);
});

test('denoisingMcmc(): warm-up ends the adaptation, and evaluations are counted where they are made', async () => {
  const seen: number[] = [];
  for await (const at of iterate(denoisingMcmc(quick), { seed: 1, backend: jsBackend() }))
    seen.push((await at.result()).chain.stepSize);
  expect(new Set(seen.slice(0, 5)).size).toBe(5);
  expect(new Set(seen.slice(4)).size).toBe(1);
  const { chain, diagnostics, sample } = await run(denoisingMcmc(quick), { seed: 1, backend: jsBackend() });
  expect(chain.evaluations.warmup).toBe(2 * 6 * 4);
  expect(chain.evaluations.chain).toBe(2 * 6 * 8);
  expect(diagnostics.evaluations).toBe(48 + 96 + chain.evaluations.denoise);
  expect(sample.shape).toEqual([24, 2]);
  expect(diagnostics.warnings.map(({ code }) => code)).toContain('chains-short');
});

test('denoisingMcmc(): `skip` found in warm-up, and everything else, survives a snapshot at any cycle', async () => {
  const make = () => denoisingMcmc({ denoiser, levels, chains: 4, kept: 4, warmup: 12, denoiseSteps: 4 });
  const whole = await run(make(), { seed: 8, backend: jsBackend() });
  expect(whole.chain.skip).toBeGreaterThan(0);
  for (const stop of [5, 13, 13 + 2 * whole.chain.skip]) {
    for await (const at of iterate(make(), { seed: 8, backend: jsBackend() })) {
      if (at.step < stop) continue;
      const resumed = await resume(make(), await at.snapshot(), { seed: 8, backend: jsBackend() });
      expect(numbers(resumed)).toEqual(numbers(whole));
      break;
    }
  }
});

test('denoisingMcmc(): points of a data set come back', async () => {
  const points = [
    [1, 2],
    [-3, 0.5],
    [0, -1],
  ];
  const data = empiricalDenoiser(points, veLinear());
  const { sample } = await run(denoisingMcmc({ denoiser: data, chains: 20, kept: 3, warmup: 20, skip: 3 }), {
    seed: 5,
    backend: jsBackend(),
  });
  for (let i = 0; i < sample.shape[0]; i++) {
    const gap = points.map(([a, b]) =>
      Math.hypot(sample.points[2 * i]! - a!, sample.points[2 * i + 1]! - b!),
    );
    expect(Math.min(...gap)).toBeLessThan(1e-9);
  }
});

/** Points and levels of a quick run. */
async function quickly(more: Partial<DenoisingMcmcOptions>, seed = 11) {
  return run(denoisingMcmc({ ...quick, ...more }), { seed, backend: jsBackend() });
}

test('denoisingMcmc(): a perfect classifier, or the densities of the denoiser, make the chain of the known law', async () => {
  const known = await quickly({ moves: 2 });
  const preserving = mixtureDenoiser(mixture, vpLinear());
  const { mixture: _, ...densities } = preserving;
  for (const more of [{ levelLaw: classifier }, { denoiser: densities, leastVariance: 0.09 }]) {
    const { sample, chain } = await quickly({ ...more, moves: 2 });
    expect(chain.histogram).toEqual(known.chain.histogram);
    sample.points.forEach((x, at) => {
      expect(Math.abs(x - known.sample.points[at]!)).toBeLessThan(1e-6);
    });
  }
  expect(known.chain.evaluations.chain).toBe(3 * 6 * 8);
});

test('denoisingMcmc(): a classifier is told of the prior, and chains of a score alone say that they are biased', async () => {
  const prior = levels.map((_, g) => (g === 3 ? 1 : 1e-300));
  const { chain, diagnostics } = await quickly({
    denoiser: scoreAlone,
    levelLaw: classifier,
    prior,
    moves: 3,
  });
  expect(chain.histogram[3]).toBeCloseTo(1, 14);
  expect(chain.evaluations.chain).toBe(3 * 6 * 8);
  expect(diagnostics.warnings[0]!.code).toBe('chain-biased');
  expect(diagnostics.warnings.some(({ code }) => code === 'levels-off')).toBe(false);
});

test('denoisingMcmc(): a classifier whose rows do not sum to one is refused with the row and its sum', async () => {
  const off: BatchFn = async (x, out) => {
    await classifier(x, out);
    for (let g = 0; g < levels.length; g++) out[4 * levels.length + g]! += Math.log(0.9);
  };
  const failed = quickly({ levelLaw: off });
  await expect(failed).rejects.toThrow(ValueError);
  await expect(failed).rejects.toThrow(/row 4 sum to 0\.9; expected 1/);
  const unfilled = quickly({ levelLaw: (_, out) => void out.fill(Number.NaN) });
  await expect(unfilled).rejects.toThrow(/row 0 sum to NaN/);
});

test('denoisingMcmc(): by the heat equation, levels of a point that stays follow their law', async () => {
  // Windows of 6 of 12 levels, drawn ten times, and p falls like sigma^-2. Of 3000 chains a share off by 0.13 sd is caught.
  const chains = 3000;
  const fine = Float64Array.from({ length: 12 }, (_, g) => 0.3 * 1.25 ** g);
  const start = Float64Array.from({ length: 2 * chains }, (_, at) => (at % 2 === 0 ? 0.05 : -0.08));
  // The same variance in all directions: then one random direction has the trace of the Jacobian without noise.
  const narrow = [
    [0.0025, 0],
    [0, 0.0025],
  ];
  const round = mixtureDenoiser({ weights: [1], means: [[0, 0]], covariances: [narrow] }, vpLinear());
  const { divergence: _, ...withoutTrace } = round;
  const shares = new Float64Array(12);
  levelLaw(round, fine)!.logDensities(start, 0, shares, 0);
  normalise(shares);
  for (const law of [round, withoutTrace]) {
    const method = denoisingMcmc({
      ...{ denoiser: law, levels: fine, start, chains, kept: 1, warmup: 9, skip: 1, denoiseSteps: 4 },
      ...{ levelLaw: 'heat-equation', levelWindow: 6, mode: 'unadjusted', stepSize: 1e-18 },
    });
    const { chain } = await run(method, { seed: 2, backend: jsBackend() });
    const counts = chain.histogram.map((share) => Math.round(share * chains));
    expectCounts(counts, shares);
    expectRejected(() => expectCounts(counts, [...shares].reverse()));
  }
});

test('denoisingMcmc(): the last step is that of Tweedie, and points are cut after it', async () => {
  const plain = await quickly({});
  const level = 0.2;
  const { sample, chain } = await quickly({ tweedie: level });
  const score = new Float64Array(plain.sample.points.length);
  denoiser.predict(plain.sample.points, level, score);
  sample.points.forEach((y, at) => {
    expect(Math.abs(y - plain.sample.points[at]! - level ** 2 * score[at]!)).toBeLessThan(1e-12);
  });
  expect(chain.evaluations.denoise).toBe(plain.chain.evaluations.denoise + 24);
  const cut = await quickly({ clip: [-3.9, 4] });
  cut.sample.points.forEach((y, at) => {
    expect(y).toBe(Math.min(4, Math.max(-3.9, plain.sample.points[at]!)));
  });
});

test("denoisingMcmc(): 'min-sigma' denoises the least noisy state of a window, from which less is left to do", async () => {
  const [last, lowest] = [await quickly({ skip: 6 }), await quickly({ skip: 6, pick: 'min-sigma' })];
  expect(lowest.chain.histogram).toEqual(last.chain.histogram);
  expect(lowest.chain.evaluations.denoise).toBeLessThan(last.chain.evaluations.denoise);
  expect(lowest.diagnostics.warnings[0]!.code).toBe('chain-biased');
});

test('denoisingMcmc(): a denoised start costs its evaluations, and begins among the data', async () => {
  const { chain } = await quickly({ start: 'denoised' });
  // Heun over 6 steps, the last of them Euler.
  expect(chain.evaluations.start).toBe(6 * 11);
  expect((await quickly({})).chain.evaluations.start).toBe(0);
});

test('denoisingMcmc(): warns of coarse levels, and of chains that hold still', async () => {
  const codes = async (more: Partial<DenoisingMcmcOptions>) =>
    (await quickly(more)).diagnostics.warnings.map(({ code }) => code);
  expect(await codes({ levels: [0.1, 1, 10] })).toContain('levels-coarse');
  expect(await codes({})).not.toContain('levels-coarse');
  const start = new Float64Array(12).fill(-4);
  expect(await codes({ levels: [0.1, 0.11], stepSize: 50, start, skip: 60, warmup: 0 })).toContain(
    'chains-stuck',
  );
});
