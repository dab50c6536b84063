import { checkCount, checkOneOf } from '../check.ts';
import type { NoiseSchedule } from './schedule.ts';

/** What a network is told for the diffusion time t. */
export type NetworkTime = 'time' | 'index' | 'noise-level' | 'log-snr' | ((time: number) => number);

export const NETWORK_TIMES = ['time', 'index', 'noise-level', 'log-snr'] as const;

/**
 * What a network is told: t itself, the index t M - 1 in a table of M steps, sigma / alpha, log(alpha / sigma), or what a
 * function says.
 * @throws OptionError
 */
export function networkTime(
  where: string,
  schedule: NoiseSchedule,
  time: NetworkTime,
  steps = 1000,
): (time: number) => number {
  if (typeof time === 'function') return time;
  checkOneOf(where, 'time', time, NETWORK_TIMES);
  checkCount(where, 'steps', steps, { min: 1 });
  if (time === 'index') return (t) => Math.min(steps - 1, Math.max(0, t * steps - 1));
  if (time === 'noise-level') return (t) => schedule.noise(t) / schedule.signal(t);
  return time === 'log-snr' ? (t) => schedule.logSnr(t) : (t) => t;
}
