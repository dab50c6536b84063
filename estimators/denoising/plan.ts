import {
  checkCount,
  checkNumber,
  checkOneOf,
  checkOptionNames,
  checkRecord,
  MOST_BYTES,
  show,
  spaced,
} from '../../engine/check.ts';
import type { Denoiser } from '../../engine/diffusion/denoiser.ts';
import { checkDenoiser } from '../../engine/diffusion/open-denoiser.ts';
import type { NoiseSchedule } from '../../engine/diffusion/schedule.ts';
import type { Integrator } from '../../engine/diffusion/solver/program.ts';
import { heun } from '../../engine/diffusion/solver/runge-kutta.ts';
import { digest } from '../../engine/digest.ts';
import { OptionError, ShapeError } from '../../engine/errors.ts';
import { type Descent, planDescent } from './denoise.ts';
import { type LevelLaw, levelLaw } from './level-law.ts';
import type { DenoisingMcmcOptions } from './types.ts';

export const WHERE = 'denoisingMcmc';

/** Checked options with their defaults. */
export interface ChainPlan {
  readonly denoiser: Denoiser;
  readonly mode: 'exact' | 'published';
  readonly levels: Float64Array;
  /** [G] times of the levels, and alpha there. */
  readonly times: Float64Array;
  readonly signals: Float64Array;
  /** [G] normalised, and its logarithm. */
  readonly prior: Float64Array;
  readonly logPrior: Float64Array;
  readonly law: LevelLaw;
  readonly leastVariance: number;
  readonly stepSize: number;
  readonly chains: number;
  readonly kept: number;
  readonly warmup: number;
  readonly skip: number | undefined;
  readonly start: Float64Array | undefined;
  readonly descent: Descent;
  readonly fingerprint: string;
}

const OPTIONS: Readonly<Record<keyof DenoisingMcmcOptions, true>> = {
  denoiser: true,
  levels: true,
  prior: true,
  mode: true,
  chains: true,
  kept: true,
  warmup: true,
  skip: true,
  stepSize: true,
  start: true,
  integrator: true,
  denoiseSteps: true,
  floor: true,
};

/** @throws OptionError or ShapeError for the first option that cannot be used. */
export function checkDenoising(options: DenoisingMcmcOptions): ChainPlan {
  checkOptionNames(WHERE, options, Object.keys(OPTIONS));
  const { denoiser, integrator = heun(), skip } = options;
  checkDenoiser(WHERE, 'denoiser', denoiser);
  const d = denoiser.dimension;
  const mode = checkOneOf(WHERE, 'mode', options.mode ?? 'exact', ['exact', 'published']);
  const levels = checkLevels(options);
  const law = levelLaw(denoiser, levels);
  if (law === undefined) throw unknownLaw(denoiser);
  const prior = checkPrior(options.prior, levels.length);
  const usual = mode === 'exact' ? 1.2 * (2 / d) ** (1 / 3) : 0.5;
  const stepSize = checkPositive('stepSize', options.stepSize ?? usual);
  const chains = checkCount(WHERE, 'chains', options.chains ?? 64, { min: 1, max: 2 ** 24 });
  const kept = checkCount(WHERE, 'kept', options.kept ?? 128, { min: 1, max: 2 ** 24 });
  const warmup = checkCount(WHERE, 'warmup', options.warmup ?? 300, { min: 0, max: 2 ** 24 });
  if (skip !== undefined) checkCount(WHERE, 'skip', skip, { min: 1, max: 2 ** 24 });
  else if (warmup < 8) throw shortWarmup(warmup);
  const cycles = Math.max(warmup, kept * (skip ?? Math.ceil(warmup / 2)));
  checkMemory(chains, 8 * (kept * d + 6 * d + 3 * levels.length) + 4 * cycles);
  const descent = checkDescent(options, integrator, levels);
  const times = levels.map((level) => timeOf(denoiser.schedule, level));
  const plan = {
    ...{ denoiser, mode, levels, times, prior, law, stepSize, chains, kept, warmup, skip, descent },
    signals: times.map((time) => denoiser.schedule.signal(time)),
    logPrior: prior.map(Math.log),
    leastVariance: law.leastVariance,
    start: checkStart(options.start, chains, d),
  };
  return { ...plan, fingerprint: fingerprintOf(plan) };
}

function checkLevels({ denoiser, levels }: DenoisingMcmcOptions): Float64Array {
  const { schedule } = denoiser;
  const most = schedule.noise(schedule.end) / schedule.signal(schedule.end);
  const found = levels === undefined ? usualLevels(denoiser, most) : Float64Array.from(levels);
  const wrong = found.findIndex(
    (level, g) => !(level > (found[g - 1] ?? 0) && level <= most && level < Infinity),
  );
  if (found.length >= 2 && wrong < 0) return found;
  throw new OptionError({
    where: WHERE,
    option: 'levels',
    value: levels,
    found: found.length < 2 ? `\`levels\` has length ${found.length}` : `levels[${wrong}] is ${found[wrong]}`,
    expected: `two or more rising noise levels in (0, ${most}], those of ${schedule.name}`,
  });
}

/** Even in the logarithm, finer in more dimensions, where the law of log sigma given x is narrower. */
function usualLevels({ dimension: d, moments }: Denoiser, most: number): Float64Array {
  let square = 0;
  for (const mean of moments?.mean ?? []) square += mean * mean;
  const spread = Math.sqrt(Math.max(0, d * (moments?.secondMoment ?? 1) - square)) || 1;
  const top = Math.min(2 * spread, most);
  const count = Math.ceil(64 * Math.max(1, Math.sqrt(d / 2)));
  return Float64Array.from({ length: count }, (_, g) => top * 200 ** (g / (count - 1) - 1));
}

function timeOf(schedule: NoiseSchedule, level: number): number {
  return Math.min(schedule.end, schedule.timeOf(-Math.log(level)));
}

function checkPrior(prior: ArrayLike<number> | undefined, count: number): Float64Array {
  const found = prior === undefined ? new Float64Array(count).fill(1) : Float64Array.from(prior);
  if (found.length !== count)
    throw new ShapeError({
      where: WHERE,
      found: `\`prior\` has length ${found.length}`,
      expected: `${count}, one for each level`,
    });
  const total = found.reduce((sum, w) => sum + (w > 0 ? w : Number.NaN), 0);
  if (total > 0 && total < Infinity) return found.map((w) => w / total);
  throw new OptionError({
    where: WHERE,
    option: 'prior',
    value: prior,
    found: `\`prior\` is ${[...found.slice(0, 4)].join(', ')}, ...`,
    expected: 'finite numbers > 0',
  });
}

function checkDescent(
  { denoiser, denoiseSteps = 40, floor }: DenoisingMcmcOptions,
  integrator: Integrator,
  levels: Float64Array,
): Descent {
  const expected = 'a solver: heun(), edmStochastic(), ...';
  checkRecord(WHERE, 'integrator', integrator, expected);
  if (typeof integrator.program !== 'function')
    throw new OptionError({
      where: WHERE,
      option: 'integrator',
      value: integrator,
      found: `option \`integrator\` is ${show(integrator)}`,
      expected,
    });
  checkCount(WHERE, 'denoiseSteps', denoiseSteps, { min: 2, max: 1e6 });
  const least = checkPositive('floor', floor ?? levels[0]! / 25);
  const top = levels[levels.length - 1]!;
  checkNumber(WHERE, 'floor', least, (x) => x < top, `a number below the largest level, ${top}`);
  return planDescent(denoiser.schedule, levels, integrator, denoiseSteps, least);
}

function checkStart(
  start: ArrayLike<number> | undefined,
  chains: number,
  d: number,
): Float64Array | undefined {
  if (start === undefined) return undefined;
  const found = Float64Array.from(start);
  if (found.length !== chains * d)
    throw new ShapeError({
      where: WHERE,
      found: `\`start\` has ${found.length} numbers`,
      expected: `${chains * d}, ${d} for each of ${chains} chains`,
    });
  const wrong = found.findIndex((x) => !Number.isFinite(x));
  if (wrong < 0) return found;
  throw new OptionError({
    where: WHERE,
    option: 'start',
    value: found[wrong],
    found: `\`start\` is ${found[wrong]} in row ${Math.floor(wrong / d)}`,
    expected: 'finite numbers',
  });
}

function checkPositive(option: string, value: number): number {
  return checkNumber(WHERE, option, value, (x) => x > 0 && x < Infinity, 'a finite number > 0');
}

function checkMemory(chains: number, each: number): void {
  if (chains * each <= MOST_BYTES) return;
  throw new OptionError({
    where: WHERE,
    option: 'chains',
    value: chains,
    found: `${spaced(chains)} chains need ${spaced(Number(((chains * each) / 2 ** 30).toPrecision(3)))} GiB`,
    expected: `at most ${MOST_BYTES / 2 ** 30} GiB`,
    fix: `Try chains: ${Math.max(1, Math.floor(MOST_BYTES / each))}, or a smaller \`kept\` or \`skip\`.`,
  });
}

function unknownLaw(denoiser: Denoiser): OptionError {
  return new OptionError({
    where: WHERE,
    option: 'denoiser',
    value: denoiser,
    found:
      'the denoiser has neither `mixture` nor `points`, so the law of the noise level of a point is not known',
    expected: 'one of gaussianDenoiser, mixtureDenoiser, empiricalDenoiser',
  });
}

function shortWarmup(warmup: number): OptionError {
  return new OptionError({
    where: WHERE,
    option: 'warmup',
    value: warmup,
    found: `option \`warmup\` is ${warmup}, and \`skip\` is left to it`,
    expected: 'an integer >= 8',
    fix: 'Try skip: 10.',
  });
}

function fingerprintOf(plan: Omit<ChainPlan, 'fingerprint'>): string {
  const { denoiser, mode, levels, prior, stepSize, chains, kept, warmup, skip, start, descent } = plan;
  const { name, prediction, schedule, dimension, mixture, points } = denoiser;
  const who = [name, prediction, schedule.describe(), dimension, mixture ?? [...points!]];
  const chain = [mode, [...levels], [...prior], stepSize, chains, kept, warmup, skip ?? null];
  const how = [
    descent.integrator.name,
    descent.parties.flat().map(({ points: own }) => own.map((p) => p.time)),
  ];
  return digest(JSON.stringify([WHERE, who, chain, how, start === undefined ? null : [...start]]));
}
