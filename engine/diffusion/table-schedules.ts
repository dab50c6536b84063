import { checkCount, checkNumber, checkOneOf, checkOptionNames, show } from '../check.ts';
import { digest } from '../digest.ts';
import { OptionError } from '../errors.ts';
import type { NoiseSchedule } from './schedule.ts';
import { logExpm1, variancePreserving } from './variance-preserving.ts';

/*
 * Schedules of networks trained on a table of noise levels.
 */

export type DiscreteBetas = 'linear' | 'scaled-linear' | 'cosine';

export interface VpDiscreteOptions {
  /**
   * beta_n: linear in n, or linear in its square root, from `betaStart` to `betaEnd`; that of the cosine table; or
   * numbers. Default 'linear'.
   */
  readonly betas?: DiscreteBetas | readonly number[];
  /** Numbers in the table. Default 1000. */
  readonly steps?: number;
  /** Default 1e-4 for 'linear', 0.00085 for 'scaled-linear'. */
  readonly betaStart?: number;
  /** Default 0.02 for 'linear', 0.012 for 'scaled-linear'. */
  readonly betaEnd?: number;
}

/** Below this log-SNR a table is cut off: what is left of the signal there is no more than rounding of its network. */
const LEAST_LOG_SNR = -5.1;

/**
 * The variance-preserving chain of a table of beta_n, n = 0..N-1, made continuous: log alpha at t_n = (n + 1) / N is half
 * the sum of log(1 - beta_k) to n, 0 at time 0, and linear in between. Entries with a log-SNR below -5.1 are left out, so
 * that `end` may be below 1. Drift and diffusion are constant between entries.
 * @throws OptionError when a beta is not in (0, 1).
 * Source: Ho, Jain & Abbeel, Denoising Diffusion Probabilistic Models (2020); interpolated as by Lu et al., DPM-Solver
 * (2022), appendix D, but from log alpha = 0 at time 0, where their line leads above 0.
 */
export function vpDiscrete(options: VpDiscreteOptions = {}): NoiseSchedule {
  const where = 'vpDiscrete';
  checkOptionNames(where, options, ['betas', 'steps', 'betaStart', 'betaEnd']);
  const betas = betasOf(where, options);
  const total = betas.length;
  const decay = decays(betas);
  const last = decay.length - 1;
  /** Interval (n, n + 1] of the table in which a value of a rising function of it lies. */
  const interval = (at: number): number => Math.max(0, Math.min(last, Math.ceil(at)) - 1);
  const rate = (n: number): number => (decay[n + 1]! - decay[n]!) * total;
  // Tables of the user may agree in their ends and not in between.
  const kind = typeof options.betas === 'object' ? digest(betas.join(' ')) : (options.betas ?? 'linear');
  return variancePreserving({
    name: 'vp-discrete',
    end: last / total,
    decay(time) {
      const n = interval(time * total);
      return decay[n]! + (time * total - n) * (decay[n + 1]! - decay[n]!);
    },
    timeOf(value) {
      const n = interval(firstAtLeast(decay, value));
      return (n + (value - decay[n]!) / (decay[n + 1]! - decay[n]!)) / total;
    },
    rate: (time) => rate(interval(time * total)),
    describe: () => `vp-discrete(${kind}, ${total}, ${betas[0]}, ${betas[total - 1]})`,
  });
}

/** A at the times n / N, n = 0.. until the table is cut off. */
function decays(betas: readonly number[]): readonly number[] {
  const decay = [0];
  let sum = 0;
  for (const beta of betas) {
    sum -= Math.log1p(-beta);
    if (decay.length > 1 && -0.5 * logExpm1(sum) < LEAST_LOG_SNR) break;
    decay.push(sum);
  }
  return decay;
}

/** The first index of rising `values` with one >= `value`; their last index when there is none. */
function firstAtLeast(values: readonly number[], value: number): number {
  let [low, high] = [0, values.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle]! >= value) high = middle;
    else low = middle + 1;
  }
  return low;
}

function betasOf(where: string, options: VpDiscreteOptions): readonly number[] {
  const { betas = 'linear', steps = 1000 } = options;
  if (typeof betas === 'object') return ownBetas(where, betas);
  const kind = checkOneOf(where, 'betas', betas, ['linear', 'scaled-linear', 'cosine'] as const);
  checkCount(where, 'steps', steps, { min: 2 });
  if (kind === 'cosine') return Array.from({ length: steps }, (_, n) => cosineBeta(n, steps));
  const { betaStart = kind === 'linear' ? 1e-4 : 0.00085, betaEnd = kind === 'linear' ? 0.02 : 0.012 } =
    options;
  checkNumber(where, 'betaStart', betaStart, isBeta, 'a number in (0, 1)');
  checkNumber(where, 'betaEnd', betaEnd, isBeta, 'a number in (0, 1)');
  const power = kind === 'linear' ? 1 : 2;
  const [first, last] = [betaStart ** (1 / power), betaEnd ** (1 / power)];
  return Array.from({ length: steps }, (_, n) => (first + (n / (steps - 1)) * (last - first)) ** power);
}

function isBeta(beta: number): boolean {
  return beta > 0 && beta < 1;
}

function ownBetas(where: string, betas: readonly number[]): readonly number[] {
  const odd = Array.isArray(betas) ? betas.findIndex((beta) => !isBeta(beta)) : -1;
  if (Array.isArray(betas) && betas.length > 1 && odd < 0) return [...betas];
  throw new OptionError({
    where,
    option: 'betas',
    value: betas,
    found: odd < 0 ? `option \`betas\` is ${show(betas)}` : `\`betas[${odd}]\` is ${show(betas[odd])}`,
    expected: "'linear', 'scaled-linear', 'cosine' or at least two numbers in (0, 1)",
  });
}

/** 1 - cos^2 of the next time over cos^2 of this one, at most 0.999. Source: Nichol & Dhariwal (2021), section 3.2. */
function cosineBeta(n: number, steps: number): number {
  const level = (time: number): number => Math.cos(((time + 0.008) / 1.008) * (Math.PI / 2)) ** 2;
  return Math.min(1 - level((n + 1) / steps) / level(n / steps), 0.999);
}

/**
 * Noise levels sigma / alpha of the improved DDPM table as networks of the EDM form count them, u_0 > ... > u_M = 0:
 * u_{j-1}^2 = (u_j^2 + 1) / max(a_{j-1} / a_j, 0.001) - 1 with a_j = sin^2(pi j / (2 M 1.008)).
 * @param steps M. Default 1000.
 * @returns [M + 1]
 * Source: Karras et al. (2022), table 1 and appendix C.3.4.
 */
export function iddpmNoiseLevels(steps = 1000): Float64Array {
  checkCount('iddpmNoiseLevels', 'steps', steps, { min: 1 });
  const level = (j: number): number => Math.sin((Math.PI * j) / (2 * steps * 1.008)) ** 2;
  const u = new Float64Array(steps + 1);
  for (let j = steps; j > 0; j--) {
    u[j - 1] = Math.sqrt((u[j]! * u[j]! + 1) / Math.max(level(j - 1) / level(j), 0.001) - 1);
  }
  return u;
}
