import type { Arena, Backend } from '../../../engine/backend/backend.ts';
import { OptionError, ShapeError } from '../../../engine/errors.ts';
import { LOGISTIC_TILE, logisticGradient, logisticLogDensity } from '../../../engine/wasm/twins/logistic.ts';
import type { TermsKernels, TermsWithGradient } from '../samplers/ibis.ts';

/*
 * Logistic regression: P(y_k = 1 given theta) = 1 / (1 + exp(-x_k theta)).
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | x_k | X | [K, d] |
 * | y_k | y, 0 or 1 | [K] |
 * | theta_i | x | [n, d] |
 *
 * The kernels take theta in tiles of eight, [tiles, d, 8], and +-x_k in columns, [d, K].
 */

export interface LogisticRegressionOptions {
  /** Covariates [K][d], with a column of ones where there is an intercept. */
  readonly X: readonly (readonly number[])[];
  /** Outcomes [K], 0 or 1 (or false and true). */
  readonly y: readonly (number | boolean)[];
}

/** Log likelihood of the coefficients and its gradient, of all data or of data from..to-1. */
export interface LogisticRegression extends TermsWithGradient {
  readonly kind: 'logistic-regression';
  /** d */
  readonly dimension: number;
  /** K */
  readonly terms: number;
  logDensity(x: Float64Array, out: Float64Array, from?: number, to?: number): void;
  gradient(x: Float64Array, out: Float64Array, gradient: Float64Array, from?: number, to?: number): void;
  /** The same numbers by kernels of the core, which samplers take. */
  readonly kernels: { open(backend: Backend): TermsKernels };
}

const WHERE = 'logisticRegression';

/**
 * Log likelihood and gradient of a logistic regression, for `smcSampler`, and with ranges of data for `ibis`.
 * @throws OptionError or ShapeError for data that are none.
 */
export function logisticRegression(options: LogisticRegressionOptions): LogisticRegression {
  const { y } = options;
  const rows = checkRows(options);
  const d = rows[0]!.length;
  const terms = rows.length;
  const signed = new Float64Array(d * terms);
  rows.forEach((row, k) => {
    for (let c = 0; c < d; c++) signed[c * terms + k] = Number(y[k]) === 1 ? row[c]! : -row[c]!;
  });
  return {
    kind: 'logistic-regression',
    dimension: d,
    terms,
    logDensity(x, out, from = 0, to = terms) {
      const tiles = makeTiles((length) => new Float64Array(length), out.length, d);
      pack(x, out.length, tiles);
      logisticLogDensity(tiles.theta, d, signed, terms, from, to, tiles.out, 0, tiles.count);
      out.set(tiles.out.subarray(0, out.length));
    },
    gradient(x, out, gradient, from = 0, to = terms) {
      const tiles = makeTiles((length) => new Float64Array(length), out.length, d);
      pack(x, out.length, tiles);
      const { theta, count } = tiles;
      logisticGradient(theta, d, signed, terms, from, to, tiles.out, tiles.gradient, 0, count);
      out.set(tiles.out.subarray(0, out.length));
      unpack(tiles, out.length, gradient);
    },
    kernels: { open: (backend) => openKernels(backend, signed, d, terms) },
  };
}

/** Coefficients and answers as the kernels want them. */
interface Tiles {
  readonly count: number;
  readonly d: number;
  /** [count, d, 8] */
  readonly theta: Float64Array;
  /** [count, 8] */
  readonly out: Float64Array;
  /** [count, d, 8] */
  readonly gradient: Float64Array;
}

function makeTiles(take: (length: number) => Float64Array, n: number, d: number): Tiles {
  const count = Math.ceil(n / LOGISTIC_TILE);
  const padded = count * LOGISTIC_TILE;
  return { count, d, theta: take(padded * d), out: take(padded), gradient: take(padded * d) };
}

/** Rows 0..n-1 of x [n, d] into tiles; lanes beyond n keep what they had. */
function pack(x: Float64Array, n: number, { d, theta }: Tiles): void {
  for (let i = 0; i < n; i++) {
    const lane = i % LOGISTIC_TILE;
    const at = (i - lane) * d + lane;
    for (let c = 0; c < d; c++) theta[at + c * LOGISTIC_TILE] = x[i * d + c]!;
  }
}

function unpack({ d, gradient: tiled }: Tiles, n: number, gradient: Float64Array): void {
  for (let i = 0; i < n; i++) {
    const lane = i % LOGISTIC_TILE;
    const at = (i - lane) * d + lane;
    for (let c = 0; c < d; c++) gradient[i * d + c] = tiled[at + c * LOGISTIC_TILE]!;
  }
}

function openKernels(backend: Backend, signed: Float64Array, d: number, terms: number): TermsKernels {
  const kept = backend.arena();
  const data = kept.f64(signed.length);
  data.set(signed);
  let arena: Arena | undefined;
  let tiles: Tiles | undefined;
  let room = 0;
  return {
    async evaluate(x, n, out, gradient, from = 0, to = terms) {
      if (tiles === undefined || n > room) {
        arena?.release();
        const own = backend.arena();
        arena = own;
        tiles = makeTiles((length) => own.f64(length), n, d);
        room = n;
      }
      pack(x, n, tiles);
      const { theta } = tiles;
      const count = Math.ceil(n / LOGISTIC_TILE);
      if (gradient === undefined) {
        await backend.dispatch('logisticLogDensity', [theta, d, data, terms, from, to, tiles.out], count);
      } else {
        const args = [theta, d, data, terms, from, to, tiles.out, tiles.gradient] as const;
        await backend.dispatch('logisticGradient', [...args], count);
        unpack(tiles, n, gradient);
      }
      out.set(tiles.out.subarray(0, n));
    },
    release() {
      arena?.release();
      kept.release();
    },
  };
}

function checkRows({ X, y }: LogisticRegressionOptions): readonly (readonly number[])[] {
  const d = X?.[0]?.length ?? 0;
  if (d === 0) throw noData(X);
  const wrong = X.findIndex((row) => row.length !== d || !row.every(Number.isFinite));
  if (wrong >= 0) {
    const expected = `${d} finite numbers in each row of X`;
    throw new ShapeError({ where: WHERE, found: `row ${wrong} of X is [${X[wrong]!.join(', ')}]`, expected });
  }
  if (y.length !== X.length) {
    const found = `y has length ${y.length}`;
    throw new ShapeError({ where: WHERE, found, expected: `${X.length}, one for each row of X` });
  }
  const odd = y.findIndex((value) => Number(value) !== 0 && Number(value) !== 1);
  if (odd < 0) return X;
  throw new OptionError({
    where: WHERE,
    option: 'y',
    value: y[odd],
    found: `outcome ${odd} is ${String(y[odd])}`,
    expected: '0 or 1',
  });
}

function noData(value: unknown): OptionError {
  return new OptionError({
    where: WHERE,
    option: 'X',
    value,
    found: 'option `X` has no rows or no columns',
    expected: 'a row of covariates for each outcome',
  });
}
