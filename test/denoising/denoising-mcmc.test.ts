import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { hostBackend } from '../../engine/backend/host.ts';
import { jsBackend } from '../../engine/backend/js.ts';
import { empiricalDenoiser } from '../../engine/diffusion/analytic/empirical-denoiser.ts';
import { mixtureDenoiser } from '../../engine/diffusion/analytic/mixture-denoiser.ts';
import { normalise } from '../../engine/diffusion/analytic/row-mixture.ts';
import { veLinear, vpLinear } from '../../engine/diffusion/schedules.ts';
import { edmStochastic } from '../../engine/diffusion/solver/edm-stochastic.ts';
import { iterate, resume, run } from '../../engine/run.ts';
import { langevinStep, logProposalRatio, stepAt } from '../../estimators/denoising/chain.ts';
import { denoisingMcmc } from '../../estimators/denoising/denoising-mcmc.ts';
import { levelLaw } from '../../estimators/denoising/level-law.ts';
import { checkDenoising } from '../../estimators/denoising/plan.ts';
import type { DenoisingMcmcOptions } from '../../estimators/denoising/types.ts';
import { contract, numbers } from '../contract/sampler.ts';

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
    'more memory than there is': () => denoisingMcmc({ ...quick, kept: 2 ** 20, chains: 2 ** 20 }),
  },
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
