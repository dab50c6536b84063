import type { Backend } from '../backend/backend.ts';
import { show } from '../check.ts';
import { ModelError, OptionError, ValueError } from '../errors.ts';
import { makeTurn } from '../turn.ts';
import type { BatchFn } from '../types.ts';
import { openEvaluator } from './evaluator.ts';
import { GRADIENT_FIX } from './gradient-fix.ts';
import { isKernel, isRemote } from './local.ts';
import type { ModelLike, RemoteConnection, RemoteModel } from './model.ts';
import type { Place } from './place.ts';
import { concurrently, stopped } from './remote.ts';

/** A log density with its gradient, over batches of rows. */
export interface DensityWithGradient {
  /** x [n, d] -> out [n]. */
  readonly logDensity: BatchFn;
  /**
   * x [n, d] -> out [n] and gradient [n, d], together. A wrong gradient makes moves poor, not wrong: they accept by
   * `out` alone. `checkGradient` compares it with differences.
   */
  gradient(x: Float64Array, out: Float64Array, gradient: Float64Array): void | Promise<void>;
  /** Evaluations that a row with its gradient counts as. Default 1. */
  readonly gradientCost?: number;
  /** The same numbers, bit for bit, by kernels of the core that run where the backend says. */
  readonly kernels?: { open(backend: Backend): DensityKernels };
}

/** A log density by kernels, with what they keep in an arena. */
export interface DensityKernels {
  /** Rows 0..n-1 of `x` [n, d] into `out` [n] and, where it is given, `gradient` [n, d]. */
  evaluate(x: Float64Array, n: number, out: Float64Array, gradient: Float64Array | undefined): Promise<void>;
  /** Give memory back. */
  release(): void;
}

/**
 * Any form of a log density: a function of a batch, any model (`pointwise`, `moduleModel`, `gpuKernel`, ...) with one
 * output, one with its gradient (`umBridge` has one where its server offers it), or a gpuKernel of d + 1 outputs: its score
 * and then the log density. A kernel says `-Infinity` where there is no mass: on the card Math.log(0) is NaN.
 */
export type LogDensitySource = ModelLike | DensityWithGradient;

export interface LogDensityOptions {
  /** Name used in messages: 'smcSampler'. */
  readonly where: string;
  /** The option it came from, for messages: 'logLikelihood'. Default 'logDensity'. */
  readonly option?: string;
  readonly source: LogDensitySource;
  /** d */
  readonly dimension: number;
  /** [d] names of the coordinates, for models that take { name: value }. Default x1..xd. */
  readonly names?: readonly string[];
  /** Evaluations planned in all, by which the backend decides whether a graphics card pays. */
  readonly planned: number;
  readonly backend: Backend;
  readonly signal: AbortSignal;
}

/** A log density that can be evaluated. -Infinity is a value; NaN and +Infinity are ValueErrors with the point. */
export interface LogDensity {
  readonly dimension: number;
  /** Whether `evaluate` can fill gradients. */
  readonly gradient: boolean;
  /** Rows evaluated so far, with or without gradient. */
  readonly evaluations: number;
  /** Where it runs and why, for provenance. */
  readonly place: Place;
  /**
   * Log density of rows 0..n-1 of `x` [n, d] into `out` [n], and its gradient into `gradient` [n, d]. `x` is from an
   * arena of the backend. A gradient where the density is -Infinity may be anything.
   * @throws ValueError naming the first bad point, its row and coordinates; ModelError when the source throws; OptionError
   * when a gradient is asked for and there is none; the signal's reason when aborted.
   */
  evaluate(x: Float64Array, n: number, out: Float64Array, gradient?: Float64Array): Promise<void>;
  /** Give memory back. */
  dispose(): void;
}

/** What evaluates, before its numbers are checked. */
interface Rows {
  readonly gradient: boolean;
  readonly place: Place;
  /** Evaluations of a row with gradient. */
  readonly cost: number;
  fill(x: Float64Array, n: number, out: Float64Array, gradient: Float64Array | undefined): Promise<void>;
  dispose(): void;
}

/** Rows of one call of a function of a batch, between which the event loop gets its turn. */
const BLOCK = 8192;

/**
 * Open a log density. When a run is resumed, `evaluations` starts at `done`.
 * @throws OptionError when the source is of no known form, or for another dimension; ModelError when its module cannot be
 * loaded.
 */
export async function openLogDensity(options: LogDensityOptions, done = 0): Promise<LogDensity> {
  const { where, option = 'logDensity', source, dimension: d } = options;
  const names = options.names ?? Array.from({ length: d }, (_, c) => `x${c + 1}`);
  const named = { ...options, names };
  const rows = await openRows(named, source, done);
  let evaluations = done;
  return {
    dimension: d,
    gradient: rows.gradient,
    get evaluations() {
      return evaluations;
    },
    place: rows.place,
    async evaluate(x, n, out, gradient) {
      if (gradient !== undefined && !rows.gradient) throw noGradient(where, option, source);
      if (n === 0) return;
      await rows.fill(x, n, out, gradient);
      evaluations += n * (gradient === undefined ? 1 : rows.cost);
      checkValues({ where, option, names }, x, n, out, gradient);
    },
    dispose: rows.dispose,
  };
}

async function openRows(options: Named, source: LogDensitySource, done: number): Promise<Rows> {
  if (hasGradient(source)) return withGradient(options, source);
  return isRemote(source) ? ofRemote(options, source, done) : ofModel(options, source);
}

/** Whether a source was given with its gradient. */
export function hasGradient(source: unknown): source is DensityWithGradient {
  if (source === null || typeof source !== 'object') return false;
  const { logDensity, gradient } = source as Partial<DensityWithGradient>;
  return typeof logDensity === 'function' && typeof gradient === 'function';
}

function noGradient(where: string, option: string, value: unknown): OptionError {
  return new OptionError({
    where,
    option,
    value,
    found: `\`${option}\` comes without a gradient`,
    expected: 'one with a gradient',
    fix: GRADIENT_FIX,
  });
}

type Named = LogDensityOptions & { readonly names: readonly string[] };

async function ofModel(options: Named, source: ModelLike): Promise<Rows> {
  const { where, option = 'logDensity', dimension: d, names, planned, backend, signal } = options;
  const scored = isKernel(source) && source.outputs === d + 1;
  const outputs = scored ? [...names.map((name) => `score of ${name}`), option] : [option];
  const shared = { where, names, outputs, planned, unchecked: true, backend, signal };
  const evaluator = await openEvaluator({ ...shared, model: source });
  const block = typeof source === 'function' || source.kind === 'batch' ? BLOCK : Infinity;
  const turn = makeTurn();
  const width = outputs.length;
  return {
    gradient: scored,
    place: evaluator.place,
    cost: 1,
    async fill(x, n, out, gradient) {
      for (let lo = 0; lo < n; lo += block) {
        const count = Math.min(block, n - lo);
        const { y, failures } = await evaluator.evaluate(x.subarray(lo * d, (lo + count) * d), count);
        if (failures.length > 0) throw thrown(options, failures);
        for (let i = 0; i < count; i++) out[lo + i] = y[i * width + width - 1]!;
        if (gradient !== undefined) takeScores(y, count, d, gradient.subarray(lo * d));
        if (turn.due()) await turn.pause(signal);
      }
    },
    dispose: () => evaluator.dispose(),
  };
}

/** A log density on a server, with its gradient where the server has one. */
async function ofRemote(options: Named, source: RemoteModel, done: number): Promise<Rows> {
  const { where, option = 'logDensity', names, signal } = options;
  const remote = await source.open(where, names, signal);
  if (remote.outputs !== 1) {
    remote.close();
    throw new OptionError({
      where,
      option,
      value: remote.outputs,
      found: `the model at ${remote.label} returns ${remote.outputs} numbers`,
      expected: 'one, the log density',
    });
  }
  let before = done;
  return {
    gradient: remote.gradient !== undefined,
    place: { card: undefined, notes: [`\`${option}\` was asked for at ${remote.label}.`] },
    cost: 1 + remote.gradientCost,
    async fill(x, n, out, gradient) {
      await concurrently(n, remote.concurrency, signal, async (row, inner) => {
        await fillRemote(remote, { names, index: before + row }, x, row, out, gradient, inner);
      });
      before += n;
    },
    dispose: () => remote.close(),
  };
}

/** One row; a density is not left out anywhere, so a point without an answer ends the run. */
async function fillRemote(
  remote: RemoteConnection,
  { names, index }: { readonly names: readonly string[]; readonly index: number },
  x: Float64Array,
  row: number,
  out: Float64Array,
  gradient: Float64Array | undefined,
  signal: AbortSignal,
): Promise<void> {
  const d = names.length;
  const point = x.slice(row * d, (row + 1) * d);
  const value = await remote.evaluate(point, signal);
  if ('reason' in value) throw stopped(remote, names, point, index, value, NO_MASS);
  out[row] = value[0]!;
  if (gradient === undefined) return;
  const slope = out[row]! > -Infinity ? await remote.gradient!(point, signal) : new Float64Array(d);
  if ('reason' in slope) throw stopped(remote, names, point, index, slope, NO_MASS);
  gradient.set(slope, row * d);
}

/** The first d of each d + 1 numbers. */
function takeScores(y: Float64Array, n: number, d: number, gradient: Float64Array): void {
  for (let i = 0; i < n; i++) for (let c = 0; c < d; c++) gradient[i * d + c] = y[i * (d + 1) + c]!;
}

/** Functions of a batch with a gradient run on this thread. */
function withGradient(options: Named, source: DensityWithGradient): Rows {
  const { dimension: d, backend, signal } = options;
  if (source.kernels !== undefined) return byKernels(source.kernels.open(backend), source, signal);
  const turn = makeTurn();
  const alone = 'a log density with its gradient is a pair of functions, which ran on the main thread';
  return {
    gradient: true,
    place: { card: undefined, notes: backend.threads > 1 ? [alone] : [] },
    cost: source.gradientCost ?? 1,
    async fill(x, n, out, gradient) {
      out.fill(Number.NaN, 0, n);
      gradient?.fill(Number.NaN, 0, n * d);
      for (let lo = 0; lo < n; lo += BLOCK) {
        signal.throwIfAborted();
        const hi = Math.min(n, lo + BLOCK);
        const points = x.subarray(lo * d, hi * d);
        const own = out.subarray(lo, hi);
        if (gradient === undefined) await source.logDensity(points, own);
        else await source.gradient(points, own, gradient.subarray(lo * d, hi * d));
        if (turn.due()) await turn.pause(signal);
      }
    },
    dispose() {},
  };
}

function byKernels(kernels: DensityKernels, source: DensityWithGradient, signal: AbortSignal): Rows {
  return {
    gradient: true,
    place: { card: undefined, notes: [] },
    cost: source.gradientCost ?? 1,
    fill(x, n, out, gradient) {
      signal.throwIfAborted();
      return kernels.evaluate(x, n, out, gradient);
    },
    dispose: () => kernels.release(),
  };
}

interface Told {
  readonly where: string;
  readonly option: string;
  readonly names: readonly string[];
}

function checkValues(
  told: Told,
  x: Float64Array,
  n: number,
  out: Float64Array,
  gradient: Float64Array | undefined,
): void {
  for (let i = 0; i < n; i++) if (!(out[i]! < Infinity)) throw badValue(told, x, i, show(out[i]));
  if (gradient === undefined) return;
  const d = told.names.length;
  for (let at = 0; at < n * d; at++) {
    if (Number.isFinite(gradient[at]!)) continue;
    const row = Math.floor(at / d);
    if (out[row] === -Infinity) continue;
    throw badValue(told, x, row, `${gradient[at]} in its gradient by ${told.names[at % d]}`);
  }
}

const NO_MASS = 'Return -Infinity where there is no mass.';

/** Coordinates that a message shows. */
const SHOWN = 8;

/** A density that is NaN or +Infinity at a row of x [n, d]: the error that names the point. */
function badValue({ where, option, names }: Told, x: Float64Array, row: number, value: string): ValueError {
  const d = names.length;
  const point = Float64Array.from(x.subarray(row * d, (row + 1) * d));
  const shown = names.slice(0, SHOWN).map((name, c) => `${name} = ${Number(point[c]!.toPrecision(6))}`);
  if (d > SHOWN) shown.push(`and ${d - SHOWN} more`);
  return new ValueError({
    where,
    found: `\`${option}\` is ${value} at point ${row} (${shown.join(', ')})`,
    expected: 'a finite number, or -Infinity where there is no mass',
    fix: 'See error.point.',
    point,
    index: row,
  });
}

function thrown({ where, option = 'logDensity' }: Named, failures: ModelError['failures']): ModelError {
  const { index, reason, input } = failures[0]!;
  const point = Array.from(input.subarray(0, SHOWN), (value) => Number(value.toPrecision(6))).join(', ');
  return new ModelError({
    where,
    found: `\`${option}\` ${reason} at evaluation ${index} (${point}${input.length > SHOWN ? ', ...' : ''})`,
    expected: 'a number',
    fix: NO_MASS,
    failures,
  });
}
