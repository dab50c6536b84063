import type { Backend } from '../backend/backend.ts';
import { defaultBackend } from '../backend/choose.ts';
import { checkNumber, checkOptionNames } from '../check.ts';
import { DegeneracyError, ShapeError } from '../errors.ts';
import { makeTurn } from '../turn.ts';
import { finiteLogSnr } from './check-grid.ts';
import type { Denoiser, OpenDenoiser } from './denoiser.ts';
import { gridPointAt } from './grid.ts';
import { checkDenoiser, openDenoiser } from './open-denoiser.ts';

/*
 * The probability flow to (nearly) the last digit, for tests of solvers and searches for them. Every schedule is one
 * equation in v = x / alpha and the log-SNR:
 *
 *   d v / d lambda = E[x_0 given x] - v
 *
 * by extrapolation of the modified midpoint rule, of order 16, in steps of their own length.
 *
 * | symbol | name here |
 * |---|---|
 * | n_j | SEQUENCE[j], midpoints of a step |
 * | T_jk | table |
 *
 * Sources: Gragg (1965); Deuflhard, Order and stepsize control in extrapolation methods, Numer. Math. 41 (1983).
 */

export interface ReferenceFlowOptions {
  readonly denoiser: Denoiser;
  /** [n, d] at time `from`. Not modified. */
  readonly x: Float64Array;
  /** Times of the denoiser's schedule, both with some signal and some noise. */
  readonly from: number;
  readonly to: number;
  /** Error of a step, relative to the largest coordinate. Default 1e-12. */
  readonly tolerance?: number;
  readonly backend?: Backend;
  readonly signal?: AbortSignal;
}

const WHERE = 'referenceFlow';
const SEQUENCE = [2, 4, 6, 8, 10, 12, 14, 16] as const;
/** The error of a step is of this power of it: that of the best value but one. */
const POWER = 2 * SEQUENCE.length - 1;
/** In log-SNR: a shorter step than this means that the model is not smooth. */
const SHORTEST = 1e-9;

/**
 * Where the probability flow takes x from one time to another, [n, d]: what every deterministic solver tends to as its steps
 * get shorter. About 100 evaluations for each unit of log-SNR.
 * @throws OptionError for times without signal or noise or a bad tolerance; ShapeError when x is not [n, d];
 * DegeneracyError when no step is short enough.
 */
export async function referenceFlow(options: ReferenceFlowOptions): Promise<Float64Array> {
  checkOptionNames(WHERE, options, ['denoiser', 'x', 'from', 'to', 'tolerance', 'backend', 'signal']);
  const { denoiser, x, tolerance = 1e-12, signal } = options;
  checkNumber(WHERE, 'tolerance', tolerance, (e) => e >= 1e-14 && e < 1, 'a number in [1e-14, 1)');
  checkDenoiser(WHERE, 'denoiser', denoiser);
  const { dimension: d, schedule } = denoiser;
  const start = finiteLogSnr(WHERE, 'from', schedule, options.from);
  const end = finiteLogSnr(WHERE, 'to', schedule, options.to);
  if (x.length === 0 || x.length % d !== 0) throw notRows(x.length, d);
  const backend = options.backend ?? (await defaultBackend());
  const open = openDenoiser({ where: WHERE, denoiser, backend, ...(signal && { signal }) });
  const arena = backend.arena();
  try {
    const field = flowField(open, arena.f64(x.length), arena.f64(x.length));
    const v = x.map((each) => each / schedule.signal(options.from));
    await integrate(field, v, start, end, tolerance, signal);
    return v.map((each) => each * schedule.signal(options.to));
  } finally {
    arena.release();
    open.dispose();
  }
}

/** d v / d lambda at `logSnr` -> out. */
type Field = (logSnr: number, v: Float64Array, out: Float64Array) => Promise<void>;

function flowField(denoiser: OpenDenoiser, x: Float64Array, clean: Float64Array): Field {
  const n = x.length / denoiser.dimension;
  return async (logSnr, v, out) => {
    const { time, signal } = gridPointAt(denoiser.schedule, logSnr);
    for (let i = 0; i < x.length; i++) x[i] = signal * v[i]!;
    await denoiser.evaluate(x, time, n, { clean });
    for (let i = 0; i < x.length; i++) out[i] = clean[i]! - v[i]!;
  };
}

/** v from `start` to `end`, in place. */
async function integrate(
  field: Field,
  v: Float64Array,
  start: number,
  end: number,
  tolerance: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const turn = makeTurn();
  const slope = v.slice();
  let at = start;
  let step = (end - start) / Math.max(1, Math.ceil(Math.abs(end - start)));
  while (at !== end) {
    const whole = Math.abs(step) >= Math.abs(end - at);
    if (whole) step = end - at;
    await field(at, v, slope);
    const { best, error } = await extrapolated(field, v, slope, at, step);
    const ratio = error === 0 ? 0 : error / (tolerance * largest(best));
    if (ratio <= 1) {
      v.set(best);
      at = whole ? end : at + step;
    } else if (Math.abs(step) < SHORTEST) throw noStep(at);
    step *= Math.min(3, Math.max(0.2, 0.9 * Math.max(ratio, 1e-12) ** (-1 / POWER)));
    if (turn.due()) await turn.pause(signal);
  }
}

/** One step of the modified midpoint rule, extrapolated in the square of the substep, and how far the last two differ. */
async function extrapolated(
  field: Field,
  v: Float64Array,
  slope: Float64Array,
  at: number,
  step: number,
): Promise<{ readonly best: Float64Array; readonly error: number }> {
  let above: Float64Array[] = [];
  for (let j = 0; j < SEQUENCE.length; j++) {
    const row = [await midpoint(field, v, slope, at, step, SEQUENCE[j]!)];
    for (let k = 1; k <= j; k++) {
      const divisor = (SEQUENCE[j]! / SEQUENCE[j - k]!) ** 2 - 1;
      const [left, corner] = [row[k - 1]!, above[k - 1]!];
      row.push(left.map((each, i) => each + (each - corner[i]!) / divisor));
    }
    above = row;
  }
  const best = above[SEQUENCE.length - 1]!;
  const second = above[SEQUENCE.length - 2]!;
  return { best, error: largest(best.map((each, i) => each - second[i]!)) };
}

async function midpoint(
  field: Field,
  v: Float64Array,
  slope: Float64Array,
  at: number,
  step: number,
  count: number,
): Promise<Float64Array> {
  const h = step / count;
  const here = v.slice();
  const next = v.map((each, i) => each + h * slope[i]!);
  const rate = v.slice();
  for (let m = 1; m < count; m++) {
    await field(at + m * h, next, rate);
    for (let i = 0; i < v.length; i++) {
      const after = here[i]! + 2 * h * rate[i]!;
      here[i] = next[i]!;
      next[i] = after;
    }
  }
  await field(at + step, next, rate);
  return next.map((each, i) => 0.5 * (each + here[i]! + h * rate[i]!));
}

function largest(v: Float64Array): number {
  return v.reduce((most, each) => Math.max(most, Math.abs(each)), 0);
}

function notRows(length: number, d: number): ShapeError {
  return new ShapeError({
    where: WHERE,
    found: `x has length ${length}`,
    expected: `rows of ${d} numbers`,
  });
}

function noStep(logSnr: number): DegeneracyError {
  return new DegeneracyError({
    where: WHERE,
    found: `no step is short enough at log-SNR ${logSnr.toPrecision(4)}`,
    expected: 'a model that is smooth enough for the tolerance',
    fix: 'Try a larger `tolerance`: 1e-6 for a network in float32.',
  });
}
