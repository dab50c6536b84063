import { checkCount, checkNumber, checkOptionNames, show } from '../../engine/check.ts';
import { checkModuleOption } from '../../engine/cluster/made-by-module.ts';
import { OptionError, ShapeError } from '../../engine/errors.ts';
import { GRADIENT_FIX } from '../../engine/model/gradient-fix.ts';
import { type DensityWithGradient, hasGradient } from '../../engine/model/log-density.ts';
import type { ModuleModel } from '../../engine/model/model.ts';
import type { Result } from '../../engine/sampler.ts';
import type { LevelHistory } from './diagnostics.ts';
import { checkMemory } from './plan.ts';

export interface NoisedDensityOptions {
  /** Of the data, up to a constant, with its gradient. */
  readonly logDensity: DensityWithGradient;
  /** d */
  readonly dimension: number;
  /** Smallest and largest noise sigma, in units of the data. Even in the logarithm between them. */
  readonly noise: readonly [number, number];
  /** [n, d] where the chains begin: points of positive density. */
  readonly start: ArrayLike<number>;
  /** n, run side by side. Default 64. */
  readonly chains?: number;
  /** States kept of each chain. Default 1000. */
  readonly kept?: number;
  /** Cycles from one to the next. Default 1. */
  readonly skip?: number;
  /** Cycles that are thrown away, in which the step size adapts. Default 300. */
  readonly warmup?: number;
  /** s^2, the least variance inside a mode of the data, about. Default 1. */
  readonly variance?: number;
  /** c, at first, of Langevin steps eta = c / (1 / s^2 + 1 / sigma^2). Default 1.2 (2 / d)^(1/3). */
  readonly stepSize?: number;
  /**
   * For `run(method, { cluster })`: `moduleModel(import.meta.url, name)` of the module whose export `name` makes this method,
   * () => noisedDensityMcmc({ ... }). Workers import it. One of them does the warm-up, all the chains after it; a deadline
   * leaves the first chains, whole. Default: none, and no cluster.
   */
  readonly module?: ModuleModel;
}

/** How the chain went, after warm-up. `levels` are the middles of 64 equal parts of log sigma. */
export interface NoisedDensityChain extends LevelHistory {
  /** Accepted shares of Langevin moves of x_0, and of fresh x_0 around x. */
  readonly acceptance: { readonly langevin: number; readonly fresh: number };
  readonly longestMemory: number;
  readonly worstRHat: number;
  readonly stepSize: number;
  readonly cycles: number;
  readonly essPerEvaluation: number;
}

/** The points are x_0, [kept n, d], sweep by sweep. */
export interface NoisedDensityResult extends Result {
  readonly chain: NoisedDensityChain;
}

/** Checked options with their defaults. */
export interface NoisedDensityPlan {
  readonly logDensity: DensityWithGradient;
  readonly d: number;
  readonly low: number;
  readonly high: number;
  readonly start: Float64Array;
  readonly chains: number;
  /** Number of the first chain: 0, or of those that a shard has. */
  readonly first: number;
  readonly kept: number;
  readonly skip: number;
  readonly warmup: number;
  readonly variance: number;
  readonly stepSize: number;
}

export const DENSITY_WHERE = 'noisedDensityMcmc';

const OPTIONS: Readonly<Record<keyof NoisedDensityOptions, true>> = {
  logDensity: true,
  dimension: true,
  noise: true,
  start: true,
  chains: true,
  kept: true,
  skip: true,
  warmup: true,
  variance: true,
  stepSize: true,
  module: true,
};

/** @throws OptionError or ShapeError for the first option that cannot be used. */
export function checkNoisedDensity(options: NoisedDensityOptions): NoisedDensityPlan {
  checkOptionNames(DENSITY_WHERE, options, Object.keys(OPTIONS));
  checkModuleOption(DENSITY_WHERE, options.module);
  const { logDensity, chains = 64, kept = 1000, skip = 1, warmup = 300, variance = 1 } = options;
  const d = count('dimension', options.dimension);
  if (!hasGradient(logDensity))
    throw new OptionError({
      where: DENSITY_WHERE,
      option: 'logDensity',
      value: logDensity,
      found: `\`logDensity\` is ${show(logDensity)}`,
      expected: 'one with a gradient',
      fix: GRADIENT_FIX,
    });
  const [low, high] = checkNoise(options.noise);
  for (const [name, value] of Object.entries({ chains, kept, skip })) count(name, value);
  checkCount(DENSITY_WHERE, 'warmup', warmup, { min: 0, max: 2 ** 24 });
  positive('variance', variance);
  const stepSize = positive('stepSize', options.stepSize ?? 1.2 * (2 / d) ** (1 / 3));
  const cycles = Math.max(warmup, kept * skip);
  checkMemory(DENSITY_WHERE, chains, 8 * (kept * d + 8 * d + 8) + 4 * cycles);
  const start = checkStart(options.start, chains, d);
  return { logDensity, d, low, high, start, chains, first: 0, kept, skip, warmup, variance, stepSize };
}

function count(option: string, value: number): number {
  return checkCount(DENSITY_WHERE, option, value, { min: 1, max: 2 ** 24 });
}

function positive(option: string, value: number): number {
  return checkNumber(DENSITY_WHERE, option, value, (x) => x > 0 && x < Infinity, 'a finite number > 0');
}

function checkNoise(noise: readonly [number, number]): readonly [number, number] {
  const [low, high] = Array.isArray(noise) ? noise : [];
  if (low! > 0 && low! < high! && high! < Infinity) return [low!, high!];
  throw new OptionError({
    where: DENSITY_WHERE,
    option: 'noise',
    value: noise,
    found: `option \`noise\` is ${show(noise)}`,
    expected: 'two rising numbers > 0: the smallest and the largest noise',
  });
}

function checkStart(start: ArrayLike<number> | undefined, chains: number, d: number): Float64Array {
  const found = Float64Array.from(start ?? []);
  if (found.length === chains * d && found.every(Number.isFinite)) return found;
  throw new ShapeError({
    where: DENSITY_WHERE,
    found: found.length === chains * d ? '`start` is not finite' : `\`start\` has ${found.length} numbers`,
    expected: `${chains * d} finite numbers, ${d} for each of ${chains} chains`,
  });
}
