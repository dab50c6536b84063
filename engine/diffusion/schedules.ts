import { checkFlag, checkNumber, checkOptionNames } from '../check.ts';
import type { NoiseSchedule } from './schedule.ts';
import { logExpm1, softplus, variancePreserving } from './variance-preserving.ts';

/*
 * Schedules in closed form: signal, noise, log-SNR and its inverse keep their digits near both ends.
 */

export interface VpLinearOptions {
  /** beta at time 0. Default 0.1. */
  readonly betaStart?: number;
  /** beta at time 1. Default 20. */
  readonly betaEnd?: number;
}

/**
 * Variance preserving, rate linear in time: beta(t) = b0 + (b1 - b0) t, A(t) = b0 t + (b1 - b0) t^2 / 2,
 * alpha = exp(-A / 2), sigma^2 = 1 - exp(-A), t from 0 to 1.
 * @throws OptionError when a rate is not >= 0, or both are 0.
 * Source: Song et al., Score-Based Generative Modeling through SDEs (2021), appendix B.
 */
export function vpLinear(options: VpLinearOptions = {}): NoiseSchedule {
  const where = 'vpLinear';
  checkOptionNames(where, options, ['betaStart', 'betaEnd']);
  const { betaStart: b0 = 0.1, betaEnd: b1 = 20 } = options;
  checkNumber(where, 'betaStart', b0, notNegative, 'a number >= 0');
  checkNumber(
    where,
    'betaEnd',
    b1,
    (b) => notNegative(b) && b + b0 > 0,
    'a number >= 0, > 0 if `betaStart` is 0',
  );
  const slope = b1 - b0;
  return variancePreserving({
    name: 'vp-linear',
    end: 1,
    decay: (time) => time * (b0 + 0.5 * slope * time),
    timeOf: (decay) =>
      decay === 0 || decay === Infinity ? decay : (2 * decay) / (b0 + Math.sqrt(b0 * b0 + 2 * slope * decay)),
    rate: (time) => b0 + slope * time,
    describe: () => `vp-linear(${b0}, ${b1})`,
  });
}

export interface VpCosineOptions {
  /** s. Default 0.008. */
  readonly offset?: number;
  /** The noisiest time, at most 1, where nothing of the signal is left. Default 0.9946. */
  readonly end?: number;
}

/**
 * Variance preserving, alpha(t) = cos((t + s) / (1 + s) pi / 2) / cos(s / (1 + s) pi / 2).
 *
 * With c = pi / (2 (1 + s)) and u0 = s c: alpha = sin((1 - t) c) / cos u0 and
 * sigma^2 = sin(t c) sin(t c + 2 u0) / cos^2 u0.
 * @throws OptionError when the offset is not > 0 or the end not in (0, 1].
 * Source: Nichol & Dhariwal, Improved Denoising Diffusion Probabilistic Models (2021), equation 17, with 0.9946 from
 * Lu et al., DPM-Solver (2022), appendix D.
 */
export function vpCosine(options: VpCosineOptions = {}): NoiseSchedule {
  const where = 'vpCosine';
  checkOptionNames(where, options, ['offset', 'end']);
  const { offset: s = 0.008, end = 0.9946 } = options;
  checkNumber(where, 'offset', s, positive, 'a number > 0');
  checkNumber(where, 'end', end, (t) => t > 0 && t <= 1, 'a number in (0, 1]');
  const c = Math.PI / (2 * (1 + s));
  const [cosine, sine] = [Math.cos(s * c), Math.sin(s * c)];
  const signal = (time: number): number => Math.sin((1 - time) * c) / cosine;
  const noise = (time: number): number =>
    Math.sqrt(Math.sin(time * c) * Math.sin((time + 2 * s) * c)) / cosine;
  const drift = (time: number): number => -c / Math.tan((1 - time) * c);
  const signalSlope = (time: number): number => (-c * Math.cos((1 - time) * c)) / cosine;
  return {
    name: 'vp-cosine',
    end,
    signal,
    noise,
    logSnr: (time) => Math.log(signal(time) / noise(time)),
    timeOf: (logSnr) => cosineAngle(logSnr, cosine, sine) / c,
    drift,
    diffusion: (time) => -2 * drift(time),
    signalSlope,
    noiseSlope: (time) => (-signal(time) * signalSlope(time)) / noise(time),
    describe: () => `vp-cosine(${s})`,
  };
}

/**
 * u = t c of a log-SNR. With e = sigma^2 / alpha^2 and r = sqrt(e + sin^2 u0), tan(u + u0) = r / cos u0, and so
 * tan u = e cos u0 / ((r + sin u0) (cos^2 u0 + r sin u0)); divided by e where that is large.
 */
function cosineAngle(logSnr: number, cosine: number, sine: number): number {
  if (logSnr > 0) {
    const e = Math.exp(-2 * logSnr);
    const r = Math.sqrt(e + sine * sine);
    return Math.atan2(e * cosine, (r + sine) * (cosine * cosine + r * sine));
  }
  const q = Math.exp(logSnr);
  const r = Math.sqrt(1 + sine * sine * q * q);
  return Math.atan2(cosine, (r + sine * q) * (cosine * cosine * q + r * sine));
}

export interface VeGeometricOptions {
  /** Default 0.01. */
  readonly smallest?: number;
  /** Default 50. */
  readonly largest?: number;
  /** Whether there is no noise at time 0; false is sigma = smallest (largest / smallest)^t, as in score-SDE. Default true. */
  readonly fromZero?: boolean;
}

/**
 * Variance exploding, noise growing geometrically: alpha = 1, sigma^2 = smin^2 ((smax / smin)^{2t} - 1), t from 0 to 1.
 * `fromZero: false` leaves the 1 out: time 0 is then not the data, but has the smallest noise.
 * @throws OptionError unless 0 < smallest < largest.
 * Source: Song et al. (2021), appendix C; with the 1, Skreta et al., Feynman-Kac Correctors in Diffusion (2025).
 */
export function veGeometric(options: VeGeometricOptions = {}): NoiseSchedule {
  const where = 'veGeometric';
  checkOptionNames(where, options, ['smallest', 'largest', 'fromZero']);
  const { smallest = 0.01, largest = 50, fromZero = true } = options;
  checkNumber(where, 'smallest', smallest, positive, 'a number > 0');
  checkNumber(where, 'largest', largest, (x) => positive(x) && x > smallest, `a number > ${smallest}`);
  checkFlag(where, 'fromZero', fromZero);
  const slope = 2 * Math.log(largest / smallest);
  const log = Math.log(smallest);
  const excess = fromZero ? Math.expm1 : Math.exp;
  const noise = (time: number): number => smallest * Math.sqrt(excess(slope * time));
  const diffusion = (time: number): number => slope * smallest * smallest * Math.exp(slope * time);
  return {
    ...EXPLODING,
    name: 've-geometric',
    end: 1,
    noise,
    logSnr: (time) => -log - 0.5 * (fromZero ? logExpm1(slope * time) : slope * time),
    timeOf: (logSnr) => {
      const exponent = -2 * (logSnr + log);
      return (fromZero ? softplus(exponent) : exponent) / slope;
    },
    diffusion,
    noiseSlope: (time) => (0.5 * diffusion(time)) / noise(time),
    describe: () => `ve-geometric(${smallest}, ${largest}${fromZero ? '' : ', not from zero'})`,
  };
}

export interface VeLinearOptions {
  /** The noisiest time, the largest noise. Default 80. */
  readonly end?: number;
}

/**
 * Variance exploding, sigma = t: the time is the standard deviation of the noise.
 * @throws OptionError when the end is not > 0.
 * Source: Karras et al., Elucidating the Design Space of Diffusion-Based Generative Models (2022), table 1.
 */
export function veLinear(options: VeLinearOptions = {}): NoiseSchedule {
  checkOptionNames('veLinear', options, ['end']);
  const { end = 80 } = options;
  checkNumber('veLinear', 'end', end, positive, 'a number > 0');
  return {
    ...EXPLODING,
    name: 've-linear',
    end,
    noise: (time) => time,
    logSnr: (time) => -Math.log(time),
    timeOf: (logSnr) => Math.exp(-logSnr),
    diffusion: (time) => 2 * time,
    noiseSlope: () => 1,
    describe: () => 've-linear',
  };
}

/** What schedules with alpha = 1 share. */
const EXPLODING = { signal: () => 1, drift: () => 0, signalSlope: () => 0 } as const;

/**
 * Straight lines from data to noise: alpha = 1 - t, sigma = t. At time 1 no signal is left.
 * Source: Liu, Gong & Liu, Flow Straight and Fast (2023), with the time turned; Lipman et al., Flow Matching (2023).
 */
export function rectifiedFlow(): NoiseSchedule {
  return {
    name: 'rectified-flow',
    end: 1,
    signal: (time) => 1 - time,
    noise: (time) => time,
    logSnr: (time) => Math.log((1 - time) / time),
    timeOf: (logSnr) => 1 / (1 + Math.exp(logSnr)),
    drift: (time) => -1 / (1 - time),
    diffusion: (time) => (2 * time) / (1 - time),
    signalSlope: () => -1,
    noiseSlope: () => 1,
    describe: () => 'rectified-flow',
  };
}

function positive(x: number): boolean {
  return x > 0 && x < Infinity;
}

function notNegative(x: number): boolean {
  return x >= 0 && x < Infinity;
}
