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
import { checkModuleOption } from '../../engine/cluster/made-by-module.ts';
import type { Denoiser } from '../../engine/diffusion/denoiser.ts';
import { checkDenoiser, describeDenoiser } from '../../engine/diffusion/open-denoiser.ts';
import type { Integrator } from '../../engine/diffusion/solver/program.ts';
import { heun } from '../../engine/diffusion/solver/runge-kutta.ts';
import { digest } from '../../engine/digest.ts';
import { OptionError, ShapeError } from '../../engine/errors.ts';
import { type Descent, planDescent, timeOf } from './denoise.ts';
import { type LevelSource, levelLaw, WHERE } from './level-law.ts';
import { checkLevels, checkMode, checkPrior, checkSource } from './level-options.ts';
import type { DenoisingMcmcOptions } from './types.ts';

/** Checked options with their defaults. */
export interface ChainPlan {
  readonly denoiser: Denoiser;
  readonly mode: 'exact' | 'unadjusted' | 'published';
  readonly pick: 'last' | 'min-sigma';
  readonly moves: number;
  readonly levels: Float64Array;
  /** [G] times of the levels, and alpha there. */
  readonly times: Float64Array;
  readonly signals: Float64Array;
  /** [G] normalised, and its logarithm. */
  readonly prior: Float64Array;
  readonly logPrior: Float64Array;
  readonly source: LevelSource;
  readonly leastVariance: number;
  readonly stepSize: number;
  readonly chains: number;
  /** Number of the first chain: 0, or of those that a shard has. */
  readonly first: number;
  readonly kept: number;
  readonly warmup: number;
  readonly skip: number | undefined;
  readonly start: Float64Array | 'noise' | 'denoised';
  readonly descent: Descent;
  /** Sweeps that are denoised together. */
  readonly together: number;
  /** Whether kept states are denoised; else they are left to others. */
  readonly denoises: boolean;
  readonly tweedie: number | undefined;
  readonly clip: readonly [number, number] | undefined;
  readonly fingerprint: string;
}

const OPTIONS: Readonly<Record<keyof DenoisingMcmcOptions, true>> = {
  denoiser: true,
  levelLaw: true,
  levelWindow: true,
  levels: true,
  prior: true,
  mode: true,
  moves: true,
  pick: true,
  chains: true,
  kept: true,
  warmup: true,
  skip: true,
  stepSize: true,
  leastVariance: true,
  start: true,
  integrator: true,
  denoiseSteps: true,
  floor: true,
  tweedie: true,
  clip: true,
  module: true,
};

/** @throws OptionError or ShapeError for the first option that cannot be used. */
export function checkDenoising(options: DenoisingMcmcOptions): ChainPlan {
  checkOptionNames(WHERE, options, Object.keys(OPTIONS));
  const { denoiser, integrator = heun(), skip } = options;
  checkModuleOption(WHERE, options.module);
  checkDenoiser(WHERE, 'denoiser', denoiser);
  const d = denoiser.dimension;
  const levels = checkLevels(options);
  const source = checkSource(options, levels);
  const mode = checkMode(options, source);
  const prior = checkPrior(options.prior, levels.length);
  const pick = checkOneOf(WHERE, 'pick', options.pick ?? 'last', ['last', 'min-sigma']);
  const moves = checkCount(WHERE, 'moves', options.moves ?? 1, { min: 1, max: 2 ** 16 });
  const stepSize = checkPositive('stepSize', options.stepSize ?? USUAL_STEP[mode](d));
  const chains = checkCount(WHERE, 'chains', options.chains ?? 64, { min: 1, max: 2 ** 24 });
  const kept = checkCount(WHERE, 'kept', options.kept ?? 128, { min: 1, max: 2 ** 24 });
  const warmup = checkCount(WHERE, 'warmup', options.warmup ?? 300, { min: 0, max: 2 ** 24 });
  if (skip !== undefined) checkCount(WHERE, 'skip', skip, { min: 1, max: 2 ** 24 });
  else if (warmup < 8) throw shortWarmup(warmup);
  const cycles = Math.max(warmup, kept * (skip ?? Math.ceil(warmup / 2)));
  checkMemory(WHERE, chains, 8 * (kept * d + 7 * d + 8) + 4 * cycles);
  const descent = checkDescent(options, integrator, levels);
  const times = levels.map((level) => timeOf(denoiser.schedule, level));
  const plan = {
    ...{
      denoiser,
      mode,
      pick,
      moves,
      levels,
      times,
      prior,
      source,
      stepSize,
      chains,
      kept,
      warmup,
      skip,
      descent,
    },
    first: 0,
    denoises: true,
    signals: times.map((time) => denoiser.schedule.signal(time)),
    logPrior: prior.map(Math.log),
    leastVariance: checkVariance(options, levels),
    start: checkStart(options.start, chains, d),
    together: Math.min(kept, MOST_TOGETHER, Math.ceil(ROWS / chains)),
    tweedie: checkTweedie(options.tweedie, levels),
    clip: checkClip(options.clip),
  };
  return { ...plan, fingerprint: fingerprintOf(plan) };
}

/** Rows that fill the calls of a denoiser; at most so many sweeps wait for it. */
const ROWS = 1024;
const MOST_TOGETHER = 16;

const USUAL_STEP: Readonly<Record<ChainPlan['mode'], (d: number) => number>> = {
  exact: (d) => 1.2 * (2 / d) ** (1 / 3),
  unadjusted: (d) => 0.4 / Math.sqrt(d),
  published: () => 0.5,
};

function checkVariance({ denoiser, leastVariance }: DenoisingMcmcOptions, levels: Float64Array): number {
  if (leastVariance === undefined) return levelLaw(denoiser, levels)?.leastVariance ?? 0;
  return checkNumber(
    WHERE,
    'leastVariance',
    leastVariance,
    (x) => x >= 0 && x < Infinity,
    'a finite number >= 0',
  );
}

function checkTweedie(tweedie: number | undefined, levels: Float64Array): number | undefined {
  const top = levels[levels.length - 1]!;
  if (tweedie === undefined) return undefined;
  return checkNumber(
    WHERE,
    'tweedie',
    tweedie,
    (x) => x > 0 && x < top,
    `a number > 0 below the largest level, ${top}`,
  );
}

function checkClip(clip: readonly [number, number] | undefined): readonly [number, number] | undefined {
  if (clip === undefined) return undefined;
  const [low, high] = Array.isArray(clip) ? (clip as readonly number[]) : [];
  if (clip.length === 2 && low! < high!) return [low!, high!];
  throw new OptionError({
    where: WHERE,
    option: 'clip',
    value: clip,
    found: `option \`clip\` is ${show(clip)}`,
    expected: 'two rising numbers',
    fix: 'Try clip: [0, 1].',
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
  start: DenoisingMcmcOptions['start'] = 'noise',
  chains: number,
  d: number,
): ChainPlan['start'] {
  if (typeof start === 'string') return checkOneOf(WHERE, 'start', start, ['noise', 'denoised'] as const);
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

/** Memory that chains keep, checked before it is taken. @throws OptionError when it is too much. */
export function checkMemory(where: string, chains: number, each: number): void {
  if (chains * each <= MOST_BYTES) return;
  throw new OptionError({
    where,
    option: 'chains',
    value: chains,
    found: `${spaced(chains)} chains need ${spaced(Number(((chains * each) / 2 ** 30).toPrecision(3)))} GiB`,
    expected: `at most ${MOST_BYTES / 2 ** 30} GiB`,
    fix: `Try chains: ${Math.max(1, Math.floor(MOST_BYTES / each))}, or a smaller \`kept\` or \`skip\`.`,
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
  const { denoiser, mode, levels, prior, stepSize, chains, kept, warmup, skip, start, descent, source } =
    plan;
  const { leastVariance, moves, pick, tweedie = null, clip = null } = plan;
  const law = source.kind === 'heat' ? source.window : source.kind;
  const chain = [
    mode,
    pick,
    moves,
    law,
    leastVariance,
    [...levels],
    [...prior],
    stepSize,
    chains,
    kept,
    warmup,
  ];
  const how = [
    descent.integrator.name,
    descent.parties.flat().map(({ points: own }) => own.map((p) => p.time)),
    ...[tweedie, clip],
  ];
  const begin = typeof start === 'string' ? start : [...start];
  return digest(JSON.stringify([WHERE, describeDenoiser(denoiser), chain, skip ?? null, how, begin]));
}
