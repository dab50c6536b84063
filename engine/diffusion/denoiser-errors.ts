import { show } from '../check.ts';
import { ModelError, OptionError, ShapeError, ValueError } from '../errors.ts';
import type { Denoiser, Prediction, Times } from './denoiser.ts';

/** What messages about a denoiser say. */
export interface Told {
  /** 'feynmanKacCorrector' */
  readonly where: string;
  /** 'denoiser', 'experts[1]' */
  readonly option: string;
  readonly denoiser: Denoiser;
}

/** '`experts[1]` (mixture of 40 normal laws)' */
function named({ option, denoiser }: Told): string {
  return denoiser.name === undefined ? `\`${option}\`` : `\`${option}\` (${denoiser.name})`;
}

/** ' at step 3, time 0.25' */
function place(step: number | undefined, time: number): string {
  const shown = `time ${Number(time.toPrecision(6))}`;
  return step === undefined ? ` at ${shown}` : ` at step ${step}, ${shown}`;
}

/** Coordinates that a message shows. */
const SHOWN = 8;

/**
 * Refuse rows 0..n-1 of `values` [n, width] with a NaN or an infinity.
 * @param what 'its score'
 * @param least the one infinity that is allowed: -Infinity, or none.
 * @throws ValueError with the number of such rows and the first of them.
 */
export function checkFinite(
  told: Told,
  what: string,
  x: Float64Array,
  time: Times,
  n: number,
  step: number | undefined,
  values: Float64Array,
  width: number,
  least?: number,
): void {
  if (allFinite(values, n * width)) return;
  let [bad, first] = [0, -1];
  for (let row = 0; row < n; row++) {
    let good = true;
    for (let at = row * width; at < (row + 1) * width; at++)
      if (!Number.isFinite(values[at]!) && values[at] !== least) good = false;
    if (good) continue;
    if (first < 0) first = row;
    bad++;
  }
  if (bad === 0) return;
  const d = told.denoiser.dimension;
  const point = Float64Array.from(x.subarray(first * d, (first + 1) * d));
  const shown = Array.from(point.subarray(0, SHOWN), (value) => Number(value.toPrecision(6)));
  const at = place(step, typeof time === 'number' ? time : time[first]!);
  throw new ValueError({
    where: told.where,
    found: `${what} of ${named(told)} is NaN or infinite in ${bad} of ${n} rows${at}, first in row ${first} (${shown.join(', ')}${d > SHOWN ? ', ...' : ''})`,
    expected: 'finite numbers',
    fix: 'See error.point.',
    point,
    index: first,
  });
}

/** Whether none of the first numbers is NaN or infinite. */
function allFinite(values: Float64Array, length: number): boolean {
  // 0 times a number is 0, and NaN for all others; two sums, so that no addition waits for the one before.
  let [even, odd] = [0, 0];
  for (let at = 0; at < length - 1; at += 2) {
    even += 0 * values[at]!;
    odd += 0 * values[at + 1]!;
  }
  if (length % 2 === 1) even += 0 * values[length - 1]!;
  return even + odd === 0;
}

/** A quantity that does not follow from a prediction where there is no noise or no signal. */
export function noQuantity(
  told: Told,
  wanted: Prediction,
  time: number,
  step: number | undefined,
): ValueError {
  const { schedule, prediction } = told.denoiser;
  const lacking = schedule.noise(time) > 0 ? 'signal' : 'noise';
  return new ValueError({
    where: told.where,
    found: `${wanted === 'clean' ? 'the clean point' : `the ${wanted}`} of ${named(told)} is wanted${place(step, time)}, where ${schedule.name} has no ${lacking} and a '${prediction}' prediction does not give it`,
    expected: `some ${lacking}`,
    fix:
      lacking === 'noise'
        ? 'End the grid above time 0, or use an integrator that takes E[x_0] there.'
        : 'Begin the grid at an earlier time.',
  });
}

/** A function that a denoiser lacks. */
export function missing(told: Told, what: string, name: keyof Denoiser): OptionError {
  return new OptionError({
    where: told.where,
    option: told.option,
    value: told.denoiser,
    found: `${named(told)} has no ${what}`,
    expected: `a denoiser with \`${name}\``,
    fix: 'gaussianDenoiser, mixtureDenoiser and empiricalDenoiser have one.',
  });
}

/** A function of a denoiser that threw. */
export function threw(told: Told, cause: unknown, step: number | undefined, time: Times): ModelError {
  const reason = cause instanceof Error ? `${cause.name}: ${cause.message}` : show(cause);
  const at = typeof time === 'number' ? place(step, time) : step === undefined ? '' : ` at step ${step}`;
  return new ModelError({
    where: told.where,
    found: `${named(told)} threw ${reason}${at}`,
    expected: 'numbers',
    cause,
  });
}

/** Returned numbers that are too few or too many, or none. */
export function wrongLength(told: Told, returned: unknown, rows: number): ShapeError {
  const d = told.denoiser.dimension;
  const length = (returned as { readonly length?: unknown } | null)?.length;
  return new ShapeError({
    where: told.where,
    found: `${named(told)} returned ${typeof length === 'number' ? `${length} numbers` : show(returned)} for ${rows} rows of ${d}`,
    expected: `${rows * d} numbers`,
  });
}
