import type { Backend } from '../backend/backend.ts';
import { checkCount, checkOneOf, checkRecord, show } from '../check.ts';
import { OptionError, ShapeError } from '../errors.ts';
import { makeTurn } from '../turn.ts';
import { checkSchedule } from './check-schedule.ts';
import type { Denoiser, OpenDenoiser, Prediction, Times, Wanted } from './denoiser.ts';
import { type Calls, callFunction, callPredict, cleanTangent } from './denoiser-calls.ts';
import { checkFinite, missing, noQuantity, type Told } from './denoiser-errors.ts';
import { type KernelCalls, kernelCalls } from './denoiser-kernels.ts';
import { convert } from './prediction.ts';

export interface OpenDenoiserOptions {
  /** Name used in messages: 'feynmanKacCorrector'. */
  readonly where: string;
  /** The option it came from, for messages: 'experts[1]'. Default 'denoiser'. */
  readonly option?: string;
  readonly denoiser: Denoiser;
  readonly backend: Backend;
  readonly signal?: AbortSignal;
}

const PREDICTIONS = ['clean', 'noise', 'score', 'v', 'flow'] as const;

/** What is converted, in this order; the first that is wanted holds what the model returned, and is converted last. */
const CONVERTED = ['score', 'clean', 'noise'] as const;

/** sigma / alpha above which E[x_0] as a small difference of large numbers is left to those who know it better. */
const MUCH_NOISE = 1000;

/**
 * Whether an option is a denoiser, before any work.
 * @param stay whether rows of a batch stay in their places, so that each may have a condition of its own.
 * @throws OptionError naming the part that is missing or wrong.
 */
export function checkDenoiser(where: string, option: string, denoiser: Denoiser, stay = false): void {
  checkRecord(where, option, denoiser, 'a denoiser: { dimension, schedule, prediction, predict }');
  const { dimension, schedule, prediction, predict, rows } = denoiser;
  checkCount(where, `${option}.dimension`, dimension, { min: 1 });
  checkOneOf(where, `${option}.prediction`, prediction, PREDICTIONS);
  checkSchedule(where, `${option}.schedule`, schedule);
  if (rows !== undefined) checkCount(where, `${option}.rows`, rows, { min: 1 });
  if (denoiser.precision !== undefined)
    checkOneOf(where, `${option}.precision`, denoiser.precision, ['float64', 'float32'] as const);
  if (denoiser.ofRows !== undefined && !stay) throw rowsMove(where, option, denoiser.ofRows);
  if (typeof predict === 'function') return;
  throw new OptionError({
    where,
    option: `${option}.predict`,
    value: predict,
    found: `option \`${option}.predict\` is ${show(predict)}`,
    expected: 'a function (x, time, out)',
  });
}

function rowsMove(where: string, option: string, n: number): OptionError {
  return new OptionError({
    where,
    option,
    value: n,
    found: `option \`${option}\` has a condition for each of ${n} rows, which ${where} moves`,
    expected: 'one condition for all rows',
    fix: 'Run it once for each condition: `denoiser.conditioned(condition)`.',
  });
}

/**
 * What tells a denoiser from others, for the fingerprint of a run: its law where it is known; a network by its name, which
 * should change when it is trained again.
 */
export function describeDenoiser(denoiser: Denoiser): readonly unknown[] {
  const { name, prediction, schedule, dimension, mixture, moments } = denoiser;
  const known = mixture ?? (moments === undefined ? null : [...moments.mean, moments.secondMoment]);
  return [name, prediction, schedule.describe(), dimension, known];
}

/**
 * Open a denoiser: its prediction as score, E[x_0] or E[e], counted and checked, in blocks between which the event loop gets
 * its turn. When a run is resumed, `evaluations` starts at `done`.
 * @throws OptionError when it is no denoiser.
 */
export function openDenoiser(options: OpenDenoiserOptions, done = 0): OpenDenoiser {
  const { where, option = 'denoiser', denoiser, backend, signal } = options;
  // Whether rows stay was asked where options were checked.
  checkDenoiser(where, option, denoiser, true);
  const { dimension, schedule } = denoiser;
  const told: Told = { where, option, denoiser };
  const calls: Calls = { told, signal, turn: makeTurn() };
  const kernels =
    denoiser.kernels === undefined ? undefined : kernelCalls(denoiser.kernels, backend, dimension);
  let letGo = denoiser.hold?.();
  let evaluations = done;
  const evaluate: OpenDenoiser['evaluate'] = async (x, time, n, wanted, step) => {
    if (n === 0) return;
    checkWanted(told, x, time, n, wanted);
    evaluations += n;
    await evaluateRows(calls, kernels, x, time, n, wanted, step);
  };
  return {
    dimension,
    schedule,
    source: denoiser,
    get evaluations() {
      return evaluations;
    },
    evaluate,
    async cleanTangent(x, time, n, direction, out) {
      if (n === 0) return;
      checkWanted(told, x, time, n, { clean: direction, score: out });
      if (denoiser.tangent !== undefined) evaluations += n;
      await cleanTangent(calls, evaluate, x, time, n, direction, out);
      checkFinite(told, 'a tangent', x, time, n, undefined, out, dimension);
    },
    dispose() {
      kernels?.release();
      letGo?.();
      letGo = undefined;
    },
  };
}

async function evaluateRows(
  calls: Calls,
  kernels: KernelCalls | undefined,
  x: Float64Array,
  time: Times,
  n: number,
  wanted: Wanted,
  step: number | undefined,
): Promise<void> {
  const { told, signal } = calls;
  const { denoiser } = told;
  const direct = wanted.clean !== undefined && knowsClean(denoiser, time);
  const names = CONVERTED.filter((name) => wanted[name] !== undefined && !(direct && name === 'clean'));
  const values = names.length === 0 ? undefined : wanted[names[0]!];
  const { logDensity, divergence } = wanted;
  const fast = typeof time === 'number' ? kernels : undefined;
  if (fast !== undefined) {
    signal?.throwIfAborted();
    await fast.evaluate(x, time as number, n, values, logDensity);
  } else {
    if (values) await callPredict(calls, x, time, n, step, values);
    if (logDensity) await callFunction(calls, 'logDensity', x, time, n, step, logDensity);
  }
  if (values) {
    checkFinite(
      told,
      fast ? 'the score' : `the ${denoiser.prediction} prediction`,
      x,
      time,
      n,
      step,
      values,
      denoiser.dimension,
    );
    convertAll(told, fast ? 'score' : denoiser.prediction, names, x, time, n, wanted, step);
  }
  if (logDensity) checkFinite(told, 'the log density', x, time, n, step, logDensity, 1, -Infinity);
  if (direct) {
    await callFunction(calls, 'clean', x, time, n, step, wanted.clean!);
    checkFinite(told, 'the clean point', x, time, n, step, wanted.clean!, denoiser.dimension);
  }
  if (divergence) {
    await callFunction(calls, 'divergence', x, time, n, step, divergence);
    checkFinite(told, 'the divergence', x, time, n, step, divergence, 1);
  }
}

/** From what the first of `names` holds to all of them, itself last. */
function convertAll(
  told: Told,
  from: Prediction,
  names: readonly (typeof CONVERTED)[number][],
  x: Float64Array,
  time: Times,
  n: number,
  wanted: Wanted,
  step: number | undefined,
): void {
  const { schedule, dimension } = told.denoiser;
  const values = wanted[names[0]!]!;
  for (const to of [...names].reverse()) {
    if (to === from && wanted[to] === values) continue;
    const odd = convert(from, to, schedule, x, values, time, n, dimension, wanted[to]!);
    if (odd >= 0) throw noQuantity(told, to, typeof time === 'number' ? time : time[odd]!, step);
  }
}

/** Whether E[x_0] is asked of the denoiser itself; for times of rows always, so that no row depends on the others. */
function knowsClean({ clean, schedule }: Denoiser, time: Times): boolean {
  if (clean === undefined) return false;
  return typeof time !== 'number' || schedule.noise(time) > MUCH_NOISE * schedule.signal(time);
}

/** What is wanted exists and fits n rows. */
function checkWanted(told: Told, x: Float64Array, time: Times, n: number, wanted: Wanted): void {
  const { denoiser, where } = told;
  if (wanted.logDensity && denoiser.logDensity === undefined && denoiser.kernels === undefined)
    throw missing(told, 'log density', 'logDensity');
  if (wanted.divergence && denoiser.divergence === undefined) throw missing(told, 'divergence', 'divergence');
  const need = (what: string, array: ArrayLike<unknown> | undefined, length: number): void => {
    if (array === undefined || array.length >= length) return;
    throw new ShapeError({
      where,
      found: `${what} has length ${array.length}`,
      expected: `at least ${length}`,
    });
  };
  const d = denoiser.dimension;
  if (denoiser.ofRows !== undefined && denoiser.ofRows !== n)
    throw new ShapeError({
      where,
      found: `${n} rows are evaluated, and there are conditions for ${denoiser.ofRows}`,
      expected: 'as many rows as conditions',
    });
  need('x', x, n * d);
  need('time', typeof time === 'number' ? undefined : time, n);
  for (const name of CONVERTED) need(name, wanted[name], n * d);
  need('logDensity', wanted.logDensity, n);
  need('divergence', wanted.divergence, n);
}
