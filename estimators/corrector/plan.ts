import { checkCount, checkFlag, checkOneOf, checkOptionNames, show, spaced } from '../../engine/check.ts';
import type { Denoiser } from '../../engine/diffusion/denoiser.ts';
import { describeDenoiser } from '../../engine/diffusion/open-denoiser.ts';
import { describeReward } from '../../engine/diffusion/reward.ts';
import type { NoiseSchedule } from '../../engine/diffusion/schedule.ts';
import { digest } from '../../engine/digest.ts';
import { OptionError } from '../../engine/errors.ts';
import type { SchemeName } from '../../engine/particles/resampling/scheme.ts';
import { SCHEME_NAMES } from '../../engine/particles/resampling/schemes.ts';
import type { NoiseSource } from '../../engine/particles/smc/feynman-kac.ts';
import { checkSmcMemory } from '../../engine/particles/smc/memory.ts';
import { featureWidth } from '../../engine/wasm/twins/corrector.ts';
import { badTarget, checkRamps, checkTarget } from './check-target.ts';
import { checkTails, tailsKnown } from './existence.ts';
import { checkRule, type Rule } from './rule.ts';
import { precisionOf, type StepTerms, stepTerms } from './terms.ts';
import { checkTimes } from './times.ts';
import type { CorrectorControl, CorrectorOptions, RewardTilt, Tilt } from './types.ts';

export const WHERE = 'corrector';

/** Checked options, with their defaults; an expert that stands twice is one with the sum of its exponents. */
export interface CorrectorPlan {
  readonly experts: readonly Denoiser[];
  readonly schedules: readonly NoiseSchedule[];
  readonly tilts: readonly (Tilt | RewardTilt)[];
  readonly dimension: number;
  /** [N + 1] terms of each time. */
  readonly terms: readonly StepTerms[];
  /** Whether exponents change on the way. */
  readonly moving: boolean;
  /** Whether log densities follow their particles by Ito's formula, because experts have none. */
  readonly tracked: boolean;
  readonly particles: number;
  readonly runs: number;
  readonly control: CorrectorControl;
  /** Columns of the features that the control is fitted to. */
  readonly width: number;
  readonly prior: 'exact' | 'gaussian';
  readonly weights: 'left' | 'exact' | 'none';
  readonly rule: Rule;
  readonly scheme: SchemeName;
  readonly denoise: boolean;
  readonly noise: NoiseSource | undefined;
  /** Whether the tails of the target were found to be right; else particles that run away are counted. */
  readonly tailsKnown: boolean;
  readonly fingerprint: string;
}

const OPTIONS: Readonly<Record<keyof CorrectorOptions, true>> = {
  target: true,
  particles: true,
  runs: true,
  steps: true,
  grid: true,
  noiseRatio: true,
  control: true,
  prior: true,
  weights: true,
  resample: true,
  scheme: true,
  denoise: true,
  noise: true,
};

/** @throws OptionError for the first option that cannot be used, or a target that does not exist. */
export function checkCorrector(options: CorrectorOptions): CorrectorPlan {
  checkOptionNames(WHERE, options, Object.keys(OPTIONS));
  const { experts, exponents, tilts } = checkTarget(options.target);
  const d = experts[0]!.dimension;
  const schedules = experts.map(({ schedule }) => schedule);
  const particles = checkCount(WHERE, 'particles', options.particles ?? 4096, { min: 1, max: 2 ** 30 });
  const runs = checkCount(WHERE, 'runs', options.runs ?? 1, { min: 1, max: 2 ** 20 });
  const denoise = checkFlag(WHERE, 'denoise', options.denoise ?? false);
  const times = checkTimes(options, schedules, denoise);
  checkRamps(tilts, times);
  const noiseRatio = checkRatio(options.noiseRatio ?? 1, times);
  const source = { schedules, times, exponents, noiseRatio };
  const terms = times.map((_, index) => stepTerms(source, index));
  terms.forEach(checkExponents);
  const weights = checkOneOf(WHERE, 'weights', options.weights ?? 'left', ['left', 'exact', 'none']);
  const densities = experts.every(({ logDensity }) => logDensity !== undefined);
  const prior = checkPrior(options, densities);
  const moving = terms.some((each) => each.exponentRates.some((rate) => rate !== 0));
  const tracked = moving && !densities;
  if (tracked) checkTracked(terms, schedules, weights);
  if (weights === 'exact') checkExact(experts, prior, terms, denoise);
  const control = checkControl(options, weights, particles, d, experts);
  const rule = checkRule(options.resample, weights, times);
  checkNoise(terms, rule);
  checkTails(experts, terms, tilts);
  checkNoiseSource(options.noise);
  const scheme = checkOneOf(WHERE, 'scheme', options.scheme ?? 'systematic', SCHEME_NAMES);
  const width = featureWidth(columnsOf(control), d);
  const plan = {
    ...{ experts, schedules, tilts, dimension: d, terms, moving, tracked, particles, runs, control, width },
    ...{ prior, weights, rule, scheme, denoise, noise: options.noise },
    tailsKnown: tailsKnown(experts, tilts),
  };
  const fields = correctorFields(plan);
  checkSmcMemory(WHERE, { fields, particles, runs, scheme, noise: options.noise === undefined ? 0 : d });
  return { ...plan, fingerprint: fingerprintOf(plan) };
}

/** The fields of a particle: position, drift and features; what exact weights, tracked densities and clocks need. */
export function correctorFields(
  plan: Pick<CorrectorPlan, 'dimension' | 'width' | 'weights' | 'tracked' | 'experts' | 'rule'>,
): CorrectorFields {
  const { dimension: d, width, weights, tracked, experts, rule } = plan;
  const M = experts.length;
  return {
    x: { components: d },
    u: { components: d },
    features: { components: width },
    ...(weights === 'exact' ? { logTarget: { components: 1 } } : {}),
    ...(tracked ? { scores: { components: M * d }, densities: { components: M } } : {}),
    ...(rule.kind === 'clocks' ? { life: { components: 1 } } : {}),
  };
}

type Float64Field = { readonly components: number };

export type CorrectorFields = {
  readonly x: Float64Field;
  readonly u: Float64Field;
  readonly features: Float64Field;
  readonly [name: string]: Float64Field;
};

function columnsOf(control: CorrectorControl): 'rate' | 'linear' | 'affine' {
  if (control === 'affine') return 'affine';
  return control === 'linear' || control === 'analytic' ? 'linear' : 'rate';
}

/** B > 0 at every time, and a start that has a width. */
function checkExponents({ index, time, total, exponents, variances }: StepTerms): void {
  if (!(total > 0))
    throw badTarget(
      exponents,
      `the exponents add up to ${total} at time ${time}`,
      'a positive sum, without which there is no law',
    );
  if (index > 0 || precisionOf(exponents, variances) > 0) return;
  throw badTarget(
    exponents,
    `the noise of the first time is no normal law: exponents [${exponents.join(', ')}] over variances [${variances.join(', ')}] add up to ${precisionOf(exponents, variances)}`,
    'a positive sum',
  );
}

function checkRatio(
  ratio: number | ((time: number) => number),
  times: readonly number[],
): (time: number) => number {
  const at = typeof ratio === 'function' ? ratio : () => ratio;
  const bad = times.find((time) => !(typeof at(time) === 'number' && at(time) >= 0 && at(time) < Infinity));
  if (bad === undefined) return at;
  throw new OptionError({
    where: WHERE,
    option: 'noiseRatio',
    value: ratio,
    found: `option \`noiseRatio\` is ${show(at(bad))} at time ${bad}`,
    expected: 'a^2 / g^2, a finite number >= 0',
  });
}

function checkPrior({ prior }: CorrectorOptions, densities: boolean): 'exact' | 'gaussian' {
  const found = checkOneOf(WHERE, 'prior', prior ?? (densities ? 'exact' : 'gaussian'), [
    'exact',
    'gaussian',
  ]);
  if (found === 'exact' && !densities) throw noDensity('prior', 'exact', "Use prior: 'gaussian'.");
  return found;
}

function noDensity(option: string, value: string, fix: string): OptionError {
  return new OptionError({
    where: WHERE,
    option,
    value,
    found: `option \`${option}\` is '${value}' with an expert that has no log density`,
    expected: 'experts with log densities, as mixtures have them',
    fix,
  });
}

function checkExact(
  experts: readonly Denoiser[],
  prior: 'exact' | 'gaussian',
  terms: readonly StepTerms[],
  denoise: boolean,
): void {
  const left = "Use weights: 'left'.";
  if (experts.some(({ logDensity }) => logDensity === undefined)) throw noDensity('weights', 'exact', left);
  const still = terms.slice(0, -1).find(({ noise }) => noise === 0);
  const last = terms.at(-1)!;
  const blind = experts.findIndex(
    ({ prediction, kernels }, i) =>
      last.variances[i] === 0 && prediction !== 'score' && kernels === undefined,
  );
  const found =
    prior === 'gaussian'
      ? "a start that is only taken for exact (prior: 'gaussian')"
      : still !== undefined
        ? `no noise at time ${still.time}`
        : denoise
          ? '`denoise`, which has no weight'
          : blind >= 0
            ? `expert ${blind} asked at time ${last.time}, where its prediction, '${experts[blind]!.prediction}', gives no score`
            : undefined;
  if (found === undefined) return;
  throw new OptionError({
    where: WHERE,
    option: 'weights',
    value: 'exact',
    found: `option \`weights\` is 'exact' with ${found}`,
    expected: 'an exact start, noise in every step, and scores at every time',
    fix: blind >= 0 ? "End the grid above time 0, or use weights: 'left'." : left,
  });
}

/** Ito's formula needs no Laplacian only where a = g. */
function checkTracked(
  terms: readonly StepTerms[],
  schedules: readonly NoiseSchedule[],
  weights: 'left' | 'exact' | 'none',
): void {
  if (weights === 'none') return;
  const one = schedules.every((schedule) => schedule.describe() === schedules[0]!.describe());
  const odd = terms.slice(0, -1).find(({ noise, diffusion }) => noise !== diffusion);
  if (one && odd === undefined) return;
  throw new OptionError({
    where: WHERE,
    option: 'target',
    value: terms[0]!.exponents,
    found: one
      ? `exponents change with time, an expert has no log density, and noiseRatio is ${odd!.noise / odd!.diffusion}`
      : 'exponents change with time, an expert has no log density, and schedules differ',
    expected: 'log densities, or noiseRatio 1 and one schedule, where they can be tracked',
    fix: 'Use noiseRatio: 1, or constant exponents.',
  });
}

const CONTROLS: readonly CorrectorControl[] = ['none', 'linear', 'affine', 'analytic', 'transport'];

function checkControl(
  { control }: CorrectorOptions,
  weights: 'left' | 'exact' | 'none',
  particles: number,
  d: number,
  experts: readonly Denoiser[],
): CorrectorControl {
  const enough = particles >= 10 * (d + 1);
  const usual = weights === 'none' ? 'none' : enough ? 'affine' : 'linear';
  const found = checkOneOf(WHERE, 'control', control ?? usual, CONTROLS);
  if (found === 'affine' && !enough) {
    throw new OptionError({
      where: WHERE,
      option: 'control',
      value: control,
      found: `option \`control\` is 'affine' with ${spaced(particles)} particles for ${spaced(d + 1)} terms`,
      expected: `at least ${spaced(10 * (d + 1))} particles`,
      fix: "Use control: 'linear'.",
    });
  }
  const blind = experts.findIndex(({ moments }) => moments === undefined);
  if (found === 'analytic' && blind >= 0) {
    throw new OptionError({
      where: WHERE,
      option: 'control',
      value: control,
      found: `option \`control\` is 'analytic', and expert ${blind} does not say its moments`,
      expected: 'experts with moments',
      fix: "Use control: 'linear'.",
    });
  }
  return found;
}

function checkNoiseSource(noise: unknown): void {
  if (noise === undefined || typeof noise === 'function') return;
  throw new OptionError({
    where: WHERE,
    option: 'noise',
    value: noise,
    found: `option \`noise\` is ${show(noise)}`,
    expected: 'a function (step, run, normals) that fills normals',
  });
}

/** Without noise copies never separate. */
function checkNoise(terms: readonly StepTerms[], rule: Rule): void {
  if (rule.kind === 'never' || terms.slice(0, -1).some(({ noise }) => noise > 0)) return;
  throw new OptionError({
    where: WHERE,
    option: 'noiseRatio',
    value: 0,
    found: 'option `noiseRatio` is 0 with resampling',
    expected: 'noise, without which the copies of a particle never separate',
    fix: 'Use noiseRatio: 1, or resample: { ess: 0 }.',
  });
}

function fingerprintOf(plan: Omit<CorrectorPlan, 'fingerprint'>): string {
  const { experts, tilts, terms, particles, runs, control, prior, weights, rule, scheme, denoise } = plan;
  const who = experts.map(describeDenoiser);
  const how = tilts.map((tilt) => {
    if (!('reward' in tilt)) return 'tilt';
    return [describeReward(tilt.reward), terms.map(({ time }) => tilt.ramp.at(time))];
  });
  const numbers = terms.map(({ time, exponents, noise }) => [time, exponents, noise]);
  const rest = [particles, runs, control, prior, weights, rule.describe, scheme, denoise];
  return digest(JSON.stringify([WHERE, who, how, numbers, rest]));
}
