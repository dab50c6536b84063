import type { Backend } from '../../backend/backend.ts';
import { defaultBackend } from '../../backend/choose.ts';
import { checkNumber, checkOneOf, checkOptionNames } from '../../check.ts';
import { DegeneracyError, OptionError, ShapeError } from '../../errors.ts';
import { makeTurn } from '../../turn.ts';
import { finiteLogSnr } from '../check-grid.ts';
import type { Denoiser, OpenDenoiser } from '../denoiser.ts';
import { checkDenoiser, openDenoiser } from '../open-denoiser.ts';
import type { NoiseSchedule } from '../schedule.ts';
import { phi } from './phi.ts';

/*
 * DPM-Solver of orders p - 1 and p by the same evaluations, with a step of its own for every particle:
 *
 *   E = rms((high - low) / max(absolute, relative max(|low|, |before|))) over the coordinates
 *   accepted if E <= 1: x <- high, before <- low;   then h <- min(0.9 h E^(-1/p), what is left)
 *
 * | symbol | name here |
 * |---|---|
 * | p = 2: DDIM and 2S with r = 1/2; p = 3: 2S with r = 1/3 and 3S with 1/3, 2/3 | order |
 * | atol, rtol | absolute, relative |
 * | h_0 | firstStep, in log-SNR |
 * | x_prev | before |
 *
 * Differs from the published code: it takes the largest E of a batch, so that particles depend on each other.
 */

export interface AdaptiveDpmOptions {
  readonly denoiser: Denoiser;
  /** [n, d] at time `from`. Not modified. */
  readonly x: Float64Array;
  /** Times of the denoiser's schedule, both with some signal and some noise. */
  readonly from: number;
  readonly to: number;
  /** Default 3. */
  readonly order?: 2 | 3;
  /** Default 'noise', DPM-Solver; 'clean' is DPM-Solver++. */
  readonly prediction?: 'noise' | 'clean';
  /** Default 0.0078. */
  readonly absolute?: number;
  /** Default 0.05. */
  readonly relative?: number;
  /** Default 0.05, in log-SNR. */
  readonly firstStep?: number;
  readonly backend?: Backend;
  readonly signal?: AbortSignal;
}

export interface AdaptiveDpmResult {
  /** [n, d] at time `to`. */
  readonly x: Float64Array;
  /** [n] of each particle. */
  readonly evaluations: Uint32Array;
  /** [n] steps that were taken back. */
  readonly rejected: Uint32Array;
}

const WHERE = 'adaptiveDpm';
const MOST_TRIES = 100_000;

/**
 * The probability flow with adaptive steps, each particle by itself: what it is does not depend on the others. Lu et al.
 * (2022), appendix C.
 * @throws OptionError for bad options; ShapeError when x is not [n, d]; DegeneracyError when steps get too short.
 */
export async function adaptiveDpm(options: AdaptiveDpmOptions): Promise<AdaptiveDpmResult> {
  const settings = checked(options);
  const { denoiser, signal } = options;
  const backend = options.backend ?? (await defaultBackend());
  const open = openDenoiser({ where: WHERE, denoiser, backend, ...(signal && { signal }) });
  try {
    return await integrate(open, options.x.slice(), settings, signal);
  } finally {
    open.dispose();
  }
}

interface Settings {
  readonly order: 2 | 3;
  readonly prediction: 'noise' | 'clean';
  readonly absolute: number;
  readonly relative: number;
  readonly firstStep: number;
  /** Log-SNRs. */
  readonly start: number;
  readonly end: number;
}

/** The particles that are not there yet, in the first rows. */
interface Rows {
  readonly particle: Uint32Array;
  readonly logSnr: Float64Array;
  readonly h: Float64Array;
  readonly time: Float64Array;
  readonly x: Float64Array;
  readonly before: Float64Array;
  /** The model at the start of the step and inside it. */
  readonly values: readonly Float64Array[];
  /** The state inside the step, and at its end by both orders. */
  readonly inner: Float64Array;
  readonly low: Float64Array;
  readonly high: Float64Array;
}

async function integrate(
  denoiser: OpenDenoiser,
  x: Float64Array,
  settings: Settings,
  signal: AbortSignal | undefined,
): Promise<AdaptiveDpmResult> {
  const d = denoiser.dimension;
  const n = x.length / d;
  const rows = startingRows(x, n, settings);
  const out = new Float64Array(n * d);
  const evaluations = new Uint32Array(n);
  const rejected = new Uint32Array(n);
  const turn = makeTurn();
  let active = n;
  for (let tries = 0; active > 0; tries++) {
    if (tries === MOST_TRIES) throw tooShort(rows.h[0]!);
    await tryStep(denoiser, rows, active, settings);
    let kept = 0;
    for (let row = 0; row < active; row++) {
      const particle = rows.particle[row]!;
      evaluations[particle] = evaluations[particle]! + settings.order;
      if (!judge(rows, row, d, settings)) rejected[particle] = rejected[particle]! + 1;
      if (rows.logSnr[row]! < settings.end) moveRow(rows, row, kept++, d);
      else out.set(rows.x.subarray(row * d, (row + 1) * d), particle * d);
    }
    active = kept;
    if (turn.due()) await turn.pause(signal);
  }
  return { x: out, evaluations, rejected };
}

function startingRows(x: Float64Array, n: number, { start, end, firstStep, order }: Settings): Rows {
  const like = (): Float64Array => new Float64Array(x.length);
  return {
    particle: Uint32Array.from({ length: n }, (_, i) => i),
    logSnr: new Float64Array(n).fill(start),
    h: new Float64Array(n).fill(Math.min(firstStep, end - start)),
    time: new Float64Array(n),
    x,
    before: x.slice(),
    values: Array.from({ length: order }, like),
    ...{ inner: like(), low: like(), high: like() },
  };
}

/** Both orders of a step of all rows. */
async function tryStep(
  denoiser: OpenDenoiser,
  rows: Rows,
  active: number,
  settings: Settings,
): Promise<void> {
  const { schedule, dimension: d } = denoiser;
  const { order, prediction } = settings;
  const { logSnr, h, time, values, inner, low, high } = rows;
  const evaluate = (x: Float64Array, r: number, out: Float64Array): Promise<void> => {
    for (let row = 0; row < active; row++) time[row] = schedule.timeOf(logSnr[row]! + r * h[row]!);
    const wanted = { [prediction]: out.subarray(0, active * d) };
    return denoiser.evaluate(x.subarray(0, active * d), time.subarray(0, active), active, wanted);
  };
  const each = (r: number, half: number, first: number, value: number, out: Float64Array): void => {
    for (let row = 0; row < active; row++)
      stage(schedule, prediction, rows, row, d, r, half, first, values[value]!, out);
  };
  const [m0, m1, m2] = values;
  const r = order === 2 ? 1 / 2 : 1 / 3;
  await evaluate(rows.x, 0, m0!);
  each(r, 0, 0, 0, inner);
  await evaluate(inner, r, m1!);
  if (order === 2) {
    each(1, 0, 0, 0, low);
    each(1, 1 / (2 * r), 0, 1, high);
    return;
  }
  each(1, 1 / (2 * r), 0, 1, low);
  each(2 * r, 0, 2, 1, inner);
  await evaluate(inner, 2 * r, m2!);
  each(1, 0, 1 / (2 * r), 2, high);
}

/**
 * out <- a x + c0 m0 + (half c0 + first c1)(value - m0) at the fraction r of the step of a row, with the moments c0, c1 of
 * exponential.ts.
 */
function stage(
  schedule: NoiseSchedule,
  prediction: 'noise' | 'clean',
  { logSnr, h, x, values }: Rows,
  row: number,
  d: number,
  r: number,
  half: number,
  first: number,
  value: Float64Array,
  out: Float64Array,
): void {
  const step = r * h[row]!;
  const [from, to] = [schedule.timeOf(logSnr[row]!), schedule.timeOf(logSnr[row]! + step)];
  const noise = prediction === 'noise';
  const scale = noise ? schedule.signal : schedule.noise;
  const state = scale(to) / scale(from);
  const factor = step * (noise ? -schedule.noise(to) : schedule.signal(to));
  const z = noise ? step : -step;
  const zeroth = factor * phi(1, z);
  const slope = half * zeroth + (first === 0 ? 0 : first * factor * phi(2, z));
  const m0 = values[0]!;
  for (let at = row * d; at < (row + 1) * d; at++)
    out[at] = state * x[at]! + zeroth * m0[at]! + slope * (value[at]! - m0[at]!);
}

/** Take the step of a row or leave it, and set the next one. @returns whether it was taken. */
function judge(rows: Rows, row: number, d: number, { order, absolute, relative, end }: Settings): boolean {
  const { logSnr, h, x, before, low, high } = rows;
  let squares = 0;
  for (let at = row * d; at < (row + 1) * d; at++) {
    const size = Math.max(Math.abs(low[at]!), Math.abs(before[at]!));
    squares += ((high[at]! - low[at]!) / Math.max(absolute, relative * size)) ** 2;
  }
  const error = Math.sqrt(squares / d);
  const accepted = error <= 1;
  if (accepted) {
    logSnr[row] = h[row]! >= end - logSnr[row]! ? end : logSnr[row]! + h[row]!;
    for (let at = row * d; at < (row + 1) * d; at++) {
      x[at] = high[at]!;
      before[at] = low[at]!;
    }
  }
  // E = 0 asks for all that is left.
  h[row] = Math.min(0.9 * error ** (-1 / order) * h[row]!, end - logSnr[row]!);
  return accepted;
}

function moveRow({ particle, logSnr, h, x, before }: Rows, from: number, to: number, d: number): void {
  if (from === to) return;
  particle[to] = particle[from]!;
  logSnr[to] = logSnr[from]!;
  h[to] = h[from]!;
  x.copyWithin(to * d, from * d, (from + 1) * d);
  before.copyWithin(to * d, from * d, (from + 1) * d);
}

function checked(options: AdaptiveDpmOptions): Settings {
  checkOptionNames(WHERE, options, Object.keys(OPTIONS));
  const { denoiser, x, order = 3, prediction = 'noise' } = options;
  const { absolute = 0.0078, relative = 0.05, firstStep = 0.05 } = options;
  checkDenoiser(WHERE, 'denoiser', denoiser);
  checkNumber(WHERE, 'order', order, (p) => p === 2 || p === 3, '2 or 3');
  checkOneOf(WHERE, 'prediction', prediction, ['noise', 'clean']);
  for (const [name, value] of Object.entries({ absolute, relative, firstStep }))
    checkNumber(WHERE, name, value, (e) => e > 0 && e < Infinity, 'a number > 0');
  const { schedule } = denoiser;
  const start = finiteLogSnr(WHERE, 'from', schedule, options.from);
  const end = finiteLogSnr(WHERE, 'to', schedule, options.to);
  if (!(end > start)) throw wrongWay(options);
  if (x.length === 0 || x.length % denoiser.dimension !== 0) {
    const found = `x has length ${x.length}`;
    throw new ShapeError({ where: WHERE, found, expected: `rows of ${denoiser.dimension} numbers` });
  }
  return { order, prediction, absolute, relative, firstStep, start, end };
}

const OPTIONS: Readonly<Record<keyof AdaptiveDpmOptions, true>> = {
  denoiser: true,
  x: true,
  from: true,
  to: true,
  order: true,
  prediction: true,
  absolute: true,
  relative: true,
  firstStep: true,
  backend: true,
  signal: true,
};

function wrongWay({ from, to }: AdaptiveDpmOptions): OptionError {
  return new OptionError({
    where: WHERE,
    option: 'to',
    value: to,
    found: `option \`to\` is ${to} and \`from\` is ${from}`,
    expected: 'a later `from`, as steps go from noise to data',
  });
}

function tooShort(h: number): DegeneracyError {
  return new DegeneracyError({
    where: WHERE,
    found: `after ${MOST_TRIES} steps a particle is still on its way, with steps of ${h.toPrecision(3)} in log-SNR`,
    expected: 'a model that is smooth enough for the tolerances',
    fix: 'Try larger `absolute` and `relative` tolerances.',
  });
}
