import { show } from '../../check.ts';
import { OptionError } from '../../errors.ts';
import { HALF_LOG_TWO_PI } from '../../math/gamma.ts';
import { checkPlaces } from '../check-schedule.ts';
import type { Denoiser, Times } from '../denoiser.ts';
import type { NoiseSchedule } from '../schedule.ts';
import { normalise } from './row-mixture.ts';

/*
 * The law of m points, each as likely as the others, under noise: with v_j = -|x - alpha y_j|^2 / (2 sigma^2) and
 * p_j = exp(v_j) / sum_j exp(v_j),
 *
 *   E[x_0] = sum_j p_j y_j = D            V = sum_j p_j (y_j - D) (y_j - D)'
 *   log q = log sum_j exp(v_j) - log m - (d / 2) log(2 pi sigma^2)
 *   s = (alpha D - x) / sigma^2           ds/dx = (alpha / sigma^2)^2 V - I / sigma^2
 */

/** Numbers that a call over rows should take about. */
const WORK = 2 ** 22;

/**
 * The exact denoiser of a set of points under any schedule: what a network that has learnt its training set by heart
 * returns. Without noise E[x_0] is the nearest point, and there is no log density, divergence or tangent (NaN).
 * Cost O(n m d) for n rows.
 * @param points [m, d]
 * @throws OptionError when there is none, a number is not finite, or their lengths differ.
 */
export function empiricalDenoiser(points: readonly ArrayLike<number>[], schedule: NoiseSchedule): Denoiser {
  checkPlaces('empiricalDenoiser', 'points', points, schedule);
  const { data, m, d } = flat(points);
  const share = new Float64Array(m);
  const mean = new Float64Array(d);
  /** `fill` for every row of x, after p_j and D have been set to it; with log sum_j exp(v_j). */
  const rows = (x: Float64Array, time: Times, fill: Fill): void => {
    for (let row = 0; row * d < x.length; row++) {
      const now = typeof time === 'number' ? time : time[row]!;
      const [signal, noise] = [schedule.signal(now), schedule.noise(now)];
      const logSum = shares(data, d, x, row * d, signal, noise, share);
      average(data, d, share, mean);
      fill(row, signal, noise, logSum);
    }
  };
  return {
    name: m === 1 ? 'one point' : `empirical law of ${m} points`,
    dimension: d,
    schedule,
    prediction: 'clean',
    rows: Math.max(16, Math.min(8192, Math.floor(WORK / (m * (d + 8))))),
    predict: (x, time, out) => rows(x, time, (row) => out.set(mean, row * d)),
    logDensity: (x, time, out) =>
      rows(x, time, (row, _signal, noise, logSum) => {
        out[row] = logSum - Math.log(m) - d * (HALF_LOG_TWO_PI + Math.log(noise));
      }),
    divergence: (x, time, out) =>
      rows(x, time, (row, signal, noise) => {
        const precision = 1 / (noise * noise);
        out[row] = (signal * precision) ** 2 * spread(data, d, share, mean) - d * precision;
      }),
    tangent: (x, time, direction, out) =>
      rows(x, time, (row, signal, noise) => {
        const precision = 1 / (noise * noise);
        spreadAlong(data, d, share, mean, direction, out, row * d);
        for (let at = row * d; at < (row + 1) * d; at++)
          out[at] = (signal * precision) ** 2 * out[at]! - precision * direction[at]!;
      }),
    points: data,
    moments: momentsOf(data, d),
  };
}

type Fill = (row: number, signal: number, noise: number, logSum: number) => void;

/** p_j [m] of the point x[at..at+d-1]; returns log sum_j exp(v_j), which is NaN without noise. */
function shares(
  data: Float64Array,
  d: number,
  x: Float64Array,
  at: number,
  signal: number,
  noise: number,
  share: Float64Array,
): number {
  let least = Infinity;
  for (let j = 0; j < share.length; j++) {
    let square = 0;
    for (let i = 0; i < d; i++) square += (x[at + i]! - signal * data[j * d + i]!) ** 2;
    share[j] = square;
    if (square < least) least = square;
  }
  if (noise === 0) {
    nearest(share, least);
    return Number.NaN;
  }
  const factor = -0.5 / (noise * noise);
  for (let j = 0; j < share.length; j++) share[j] = factor * (share[j]! - least);
  return factor * least + normalise(share);
}

/** Squared distances into equal shares of those that are the smallest. */
function nearest(share: Float64Array, least: number): void {
  let ties = 0;
  for (let j = 0; j < share.length; j++) if (share[j] === least) ties++;
  for (let j = 0; j < share.length; j++) share[j] = share[j] === least ? 1 / ties : 0;
}

/** D */
function average(data: Float64Array, d: number, share: Float64Array, mean: Float64Array): void {
  mean.fill(0);
  for (let j = 0; j < share.length; j++) {
    const p = share[j]!;
    if (p === 0) continue;
    for (let i = 0; i < d; i++) mean[i] = mean[i]! + p * data[j * d + i]!;
  }
}

/** Trace of V. */
function spread(data: Float64Array, d: number, share: Float64Array, mean: Float64Array): number {
  let sum = 0;
  for (let j = 0; j < share.length; j++) {
    const p = share[j]!;
    if (p === 0) continue;
    let square = 0;
    for (let i = 0; i < d; i++) square += (data[j * d + i]! - mean[i]!) ** 2;
    sum += p * square;
  }
  return sum;
}

/** V h of h = direction[at..at+d-1] into out[at..at+d-1]. */
function spreadAlong(
  data: Float64Array,
  d: number,
  share: Float64Array,
  mean: Float64Array,
  direction: Float64Array,
  out: Float64Array,
  at: number,
): void {
  out.fill(0, at, at + d);
  for (let j = 0; j < share.length; j++) {
    const p = share[j]!;
    if (p === 0) continue;
    let along = 0;
    for (let i = 0; i < d; i++) along += (data[j * d + i]! - mean[i]!) * direction[at + i]!;
    for (let i = 0; i < d; i++) out[at + i] = out[at + i]! + p * along * (data[j * d + i]! - mean[i]!);
  }
}

function momentsOf(data: Float64Array, d: number): NonNullable<Denoiser['moments']> {
  const m = data.length / d;
  const mean = new Float64Array(d);
  average(data, d, new Float64Array(m).fill(1 / m), mean);
  let second = 0;
  for (const value of data) second += value * value;
  return { mean, secondMoment: second / data.length };
}

function flat(points: readonly ArrayLike<number>[]): {
  readonly data: Float64Array;
  readonly m: number;
  readonly d: number;
} {
  const fail = (found: string, expected: string): never => {
    throw new OptionError({ where: 'empiricalDenoiser', option: 'points', value: points, found, expected });
  };
  if (!Array.isArray(points) || points.length === 0)
    fail(`option \`points\` is ${show(points)}`, 'at least one point, an array of numbers');
  const m = points.length;
  const d = points[0]!.length;
  if (!(d > 0)) fail(`\`points[0]\` is ${show(points[0])}`, 'at least one number');
  const data = new Float64Array(m * d);
  for (let j = 0; j < m; j++) {
    const point = points[j]!;
    if (point.length !== d) fail(`\`points[${j}]\` is ${show(point)}`, `${d} numbers, as in points[0]`);
    for (let i = 0; i < d; i++) {
      if (!Number.isFinite(point[i])) fail(`\`points[${j}][${i}]\` is ${show(point[i])}`, 'a finite number');
      data[j * d + i] = point[i]!;
    }
  }
  return { data, m, d };
}
