import type { Turn } from '../turn.ts';
import type { OpenDenoiser, Times } from './denoiser.ts';
import { type Told, threw, wrongLength } from './denoiser-errors.ts';

/*
 * The functions of a denoiser over blocks of rows.
 */

/** What every call needs. */
export interface Calls {
  readonly told: Told;
  readonly signal: AbortSignal | undefined;
  readonly turn: Turn;
}

/** Rows of one call of a function. */
const ROWS = 8192;

/** `call` for rows lo..hi-1, block after block; the event loop gets its turn in between. */
async function inBlocks(
  { told, signal, turn }: Calls,
  time: Times,
  n: number,
  call: (lo: number, hi: number, time: Times) => Promise<void>,
): Promise<void> {
  const { rows = ROWS } = told.denoiser;
  for (let lo = 0; lo < n; lo += rows) {
    signal?.throwIfAborted();
    const hi = Math.min(n, lo + rows);
    await call(lo, hi, typeof time === 'number' ? time : time.subarray(lo, hi));
    if (turn.due()) await turn.pause(signal);
  }
}

/** What a function of the user gives; an error in it names the denoiser. */
async function guarded<T>(
  { told }: Calls,
  time: Times,
  step: number | undefined,
  call: () => T,
): Promise<Awaited<T>> {
  try {
    return await call();
  } catch (cause) {
    throw threw(told, cause, step, time);
  }
}

/** The predictions of rows 0..n-1 of `x` [n, d] into `out` [n, d]. */
export async function callPredict(
  calls: Calls,
  x: Float64Array,
  time: Times,
  n: number,
  step: number | undefined,
  out: Float64Array,
): Promise<void> {
  const { denoiser } = calls.told;
  const d = denoiser.dimension;
  await inBlocks(calls, time, n, async (lo, hi, at) => {
    const [points, own] = [x.subarray(lo * d, hi * d), out.subarray(lo * d, hi * d)];
    // What is not filled must not look like a prediction.
    own.fill(Number.NaN);
    const returned: unknown = await guarded(calls, at, step, () => denoiser.predict(points, at, own, lo));
    if (returned === undefined) return;
    if (!isNumbers(returned) || returned.length !== own.length)
      throw wrongLength(calls.told, returned, hi - lo);
    own.set(returned);
  });
}

function isNumbers(value: unknown): value is ArrayLike<number> {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && 'length' in value);
}

/** Another function of a denoiser that has it, for rows 0..n-1: `clean` [n, d], the others [n]. */
export async function callFunction(
  calls: Calls,
  name: 'clean' | 'logDensity' | 'divergence',
  x: Float64Array,
  time: Times,
  n: number,
  step: number | undefined,
  out: Float64Array,
): Promise<void> {
  const { denoiser } = calls.told;
  const d = denoiser.dimension;
  const width = name === 'clean' ? d : 1;
  await inBlocks(calls, time, n, async (lo, hi, at) => {
    const own = out.subarray(lo * width, hi * width).fill(Number.NaN);
    await guarded(calls, at, step, () => denoiser[name]!(x.subarray(lo * d, hi * d), at, own));
  });
}

/**
 * The Jacobian of E[x_0] times `direction` [n, d] into `out` [n, d]: (h + sigma^2 (ds/dx) h) / alpha, by the denoiser's
 * own tangent or by central differences.
 */
export async function cleanTangent(
  calls: Calls,
  evaluate: OpenDenoiser['evaluate'],
  x: Float64Array,
  time: Times,
  n: number,
  direction: Float64Array,
  out: Float64Array,
): Promise<void> {
  const { denoiser } = calls.told;
  const { dimension: d, schedule } = denoiser;
  if (denoiser.tangent === undefined) return differences(calls, evaluate, x, time, n, direction, out);
  await inBlocks(calls, time, n, async (lo, hi, at) => {
    const [from, to] = [lo * d, hi * d];
    const along = direction.subarray(from, to);
    const own = out.subarray(from, to).fill(Number.NaN);
    await guarded(calls, at, undefined, () => denoiser.tangent!(x.subarray(from, to), at, along, own));
    for (let i = 0; i < own.length; i++) {
      const now = typeof at === 'number' ? at : at[Math.floor(i / d)]!;
      const [signal, noise] = [schedule.signal(now), schedule.noise(now)];
      own[i] = tangentOf(signal, noise, along[i]!, own[i]!);
    }
  });
}

/** Without noise E[x_0] is x / alpha, and without signal it does not depend on x. */
function tangentOf(signal: number, noise: number, along: number, turned: number): number {
  if (noise === 0) return along / signal;
  return signal === 0 ? 0 : (along + noise * noise * turned) / signal;
}

/**
 * The move of a coordinate by differences, in units of sigma: E[x_0] is smooth on that scale. The error is about 1e-6. Single
 * precision would bring in 1e-3 by rounding, and 1e-4 with larger moves, half of that by curvature: measured on the network of
 * examples/digits, whose slopes fall from 0.6 to 1e-3 between sigma 0.05 and 20.
 */
const MOVES = { float64: 1e-3, float32: 1e-2 } as const;

async function differences(
  calls: Calls,
  evaluate: OpenDenoiser['evaluate'],
  x: Float64Array,
  time: Times,
  n: number,
  direction: Float64Array,
  out: Float64Array,
): Promise<void> {
  const { dimension: d, schedule, rows = ROWS, precision = 'float64' } = calls.told.denoiser;
  const most = Math.min(n, rows);
  const [moved, above, below] = Array.from({ length: 3 }, () => new Float64Array(most * d));
  const size = new Float64Array(most);
  await inBlocks(calls, time, n, async (lo, hi, at) => {
    const along = direction.subarray(lo * d, hi * d);
    const points = x.subarray(lo * d, hi * d);
    const noise = (row: number): number => schedule.noise(typeof at === 'number' ? at : at[row]!);
    sizes(along, d, hi - lo, MOVES[precision], noise, size);
    for (const [sign, into] of [
      [1, above!],
      [-1, below!],
    ] as const) {
      for (let row = 0; row < hi - lo; row++) {
        const own = sign * size[row]!;
        for (let i = row * d; i < (row + 1) * d; i++) moved![i] = points[i]! + own * along[i]!;
      }
      await evaluate(moved!, at, hi - lo, { clean: into });
    }
    for (let row = 0; row < hi - lo; row++) {
      const own = size[row]!;
      const signal = schedule.signal(typeof at === 'number' ? at : at[row]!);
      for (let i = row * d; i < (row + 1) * d; i++)
        out[lo * d + i] = own > 0 ? (above![i]! - below![i]!) / (2 * own) : along[i]! / signal;
    }
  });
}

/** The factor of each direction by which its coordinates move `move` sigma, root mean square; 0 where nothing moves. */
function sizes(
  along: Float64Array,
  d: number,
  n: number,
  move: number,
  noise: (row: number) => number,
  size: Float64Array,
): void {
  for (let row = 0; row < n; row++) {
    let square = 0;
    for (let at = row * d; at < (row + 1) * d; at++) square += along[at]! * along[at]!;
    size[row] = square > 0 ? (move * noise(row)) / Math.sqrt(square / d) : 0;
  }
}
