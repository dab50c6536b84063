import type { NoiseSchedule } from './schedule.ts';

/*
 * Schedules with alpha^2 + sigma^2 = 1, from A(t) = -2 log alpha(t) and its slope beta(t) = A'(t).
 */

/** What tells a variance-preserving schedule from others. */
export interface Decay {
  readonly name: string;
  readonly end: number;
  /** A(t) = -2 log alpha, from 0 at time 0. */
  decay(time: number): number;
  /** The time of a decay. */
  timeOf(decay: number): number;
  /** A'(t) */
  rate(time: number): number;
  describe(): string;
}

/**
 * alpha = exp(-A / 2), sigma^2 = 1 - exp(-A), f = -A' / 2 and g^2 = A', each without cancellation at both ends.
 */
export function variancePreserving({ name, end, decay, timeOf, rate, describe }: Decay): NoiseSchedule {
  const signal = (time: number): number => Math.exp(-0.5 * decay(time));
  const noise = (time: number): number => Math.sqrt(-Math.expm1(-decay(time)));
  return {
    name,
    end,
    signal,
    noise,
    logSnr: (time) => -0.5 * logExpm1(decay(time)),
    timeOf: (logSnr) => timeOf(softplus(-2 * logSnr)),
    drift: (time) => -0.5 * rate(time),
    diffusion: rate,
    signalSlope: (time) => -0.5 * rate(time) * signal(time),
    noiseSlope: (time) => (0.5 * rate(time) * signal(time) ** 2) / noise(time),
    describe,
  };
}

/** log(1 + e^x) */
export function softplus(x: number): number {
  return x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x));
}

/** log(e^x - 1) for x >= 0; `softplus` undone. */
export function logExpm1(x: number): number {
  return x > 1 ? x + Math.log1p(-Math.exp(-x)) : Math.log(Math.expm1(x));
}
