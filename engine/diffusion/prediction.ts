import type { Prediction, Times } from './denoiser.ts';
import type { NoiseSchedule } from './schedule.ts';

/*
 * What models return, as other quantities. With x = alpha x_0 + sigma e, any two of x and the predictions give all
 * others: each is p x + q value.
 *
 * | form | x_0 | e |
 * |---|---|---|
 * | noise e | (x - sigma e) / alpha | e |
 * | clean x_0 | x_0 | (x - alpha x_0) / sigma |
 * | score s | (x + sigma^2 s) / alpha | -sigma s |
 * | v | (alpha x - sigma v) / (alpha^2 + sigma^2) | (sigma x + alpha v) / (alpha^2 + sigma^2) |
 * | flow u | (sigma' x - sigma u) / D, D = alpha sigma' - sigma alpha' | (alpha u - alpha' x) / D |
 */

/** Of a schedule at one time. */
export interface Scales {
  /** alpha and sigma. */
  signal: number;
  noise: number;
  /** Their derivatives in time; NaN or infinite where they do not exist. */
  signalSlope: number;
  noiseSlope: number;
}

/** wanted = onX x + onValue value */
export interface Factors {
  onX: number;
  onValue: number;
}

/**
 * The scales of a time, alpha' = f alpha and sigma' = (g^2 / 2 + f sigma^2) / sigma where the schedule does not say.
 * @param into what is filled and returned; by default a new one.
 */
export function scalesAt(
  schedule: NoiseSchedule,
  time: number,
  into: Scales = { signal: 1, noise: 0, signalSlope: 0, noiseSlope: 0 },
): Scales {
  const [signal, noise, f] = [schedule.signal(time), schedule.noise(time), schedule.drift(time)];
  into.signal = signal;
  into.noise = noise;
  into.signalSlope = schedule.signalSlope?.(time) ?? f * signal;
  into.noiseSlope =
    schedule.noiseSlope?.(time) ?? (0.5 * schedule.diffusion(time) + f * noise * noise) / noise;
  return into;
}

/**
 * How a quantity follows from x and a prediction. Not finite where it does not follow: the score at noise 0 from
 * anything but itself, E[x_0] at signal 0 from noise or score.
 * @param into what is filled and returned; by default a new one.
 */
export function conversion(
  from: Prediction,
  to: Prediction,
  scales: Scales,
  into: Factors = { onX: 0, onValue: 1 },
): Factors {
  if (from === to) return set(into, 0, 1);
  const { signal, noise, signalSlope, noiseSlope } = scales;
  if (to === 'clean') return cleanFactors(from, scales, into);
  if (to === 'noise') return noiseFactors(from, scales, into);
  if (to === 'score') {
    const { onX, onValue } = noiseFactors(from, scales, into);
    return set(into, -onX / noise, -onValue / noise);
  }
  const [ofClean, ofNoise] = to === 'v' ? [-noise, signal] : [signalSlope, noiseSlope];
  const clean = cleanFactors(from, scales, { onX: 0, onValue: 0 });
  const e = noiseFactors(from, scales, into);
  return set(into, ofClean * clean.onX + ofNoise * e.onX, ofClean * clean.onValue + ofNoise * e.onValue);
}

function cleanFactors(from: Prediction, scales: Scales, into: Factors): Factors {
  const { signal, noise } = scales;
  if (from === 'clean') return set(into, 0, 1);
  if (from === 'noise') return set(into, 1 / signal, -noise / signal);
  if (from === 'score') return set(into, 1 / signal, (noise * noise) / signal);
  if (from === 'v') {
    const square = signal * signal + noise * noise;
    return set(into, signal / square, -noise / square);
  }
  const { signalSlope, noiseSlope } = scales;
  const determinant = signal * noiseSlope - noise * signalSlope;
  return set(into, noiseSlope / determinant, -noise / determinant);
}

function noiseFactors(from: Prediction, scales: Scales, into: Factors): Factors {
  const { signal, noise } = scales;
  if (from === 'noise') return set(into, 0, 1);
  if (from === 'clean') return set(into, 1 / noise, -signal / noise);
  if (from === 'score') return set(into, 0, -noise);
  if (from === 'v') {
    const square = signal * signal + noise * noise;
    return set(into, noise / square, signal / square);
  }
  const { signalSlope, noiseSlope } = scales;
  const determinant = signal * noiseSlope - noise * signalSlope;
  return set(into, -signalSlope / determinant, signal / determinant);
}

function set(into: Factors, onX: number, onValue: number): Factors {
  into.onX = onX;
  into.onValue = onValue;
  return into;
}

/**
 * Rows 0..n-1 of the quantity `to`, from predictions of the form `from`.
 * @param x [n, d] noised points.
 * @param values [n, d]
 * @param time one for all rows, or [n].
 * @param out [n, d]; may be `values`.
 * @returns the first row at which the quantity does not exist, -1 when there is none.
 */
export function convert(
  from: Prediction,
  to: Prediction,
  schedule: NoiseSchedule,
  x: Float64Array,
  values: Float64Array,
  time: Times,
  n: number,
  d: number,
  out: Float64Array,
): number {
  const factors: Factors = { onX: 0, onValue: 1 };
  const scales: Scales = { signal: 1, noise: 0, signalSlope: 0, noiseSlope: 0 };
  for (let row = 0, next = 0; row < n; row = next) {
    const now = typeof time === 'number' ? time : time[row]!;
    next = typeof time === 'number' ? n : row + 1;
    while (typeof time !== 'number' && next < n && time[next] === now) next++;
    const { onX, onValue } = conversion(from, to, scalesAt(schedule, now, scales), factors);
    if (!Number.isFinite(onX) || !Number.isFinite(onValue)) return row;
    for (let at = row * d; at < next * d; at++) out[at] = onX * x[at]! + onValue * values[at]!;
  }
  return -1;
}
