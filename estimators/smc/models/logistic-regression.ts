import { OptionError, ShapeError } from '../../../engine/errors.ts';
import { log } from '../../../engine/wasm/twins/elementary.ts';
import type { TermsWithGradient } from '../samplers/ibis.ts';

/*
 * Logistic regression: P(y_k = 1 given theta) = 1 / (1 + exp(-x_k theta)).
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | x_k | X | [K, d] |
 * | y_k | y, 0 or 1 | [K] |
 * | theta_i | x | [n, d] |
 *
 *   log L = sum_k -log(1 + exp(-z)), z = +-x_k theta;  -log(1 + e^-z) = min(z, 0) - log(1 + e^-|z|)
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
}

const WHERE = 'logisticRegression';

/** Log likelihood and gradient of a logistic regression, for `smcSampler`, and with ranges of data for `ibis`. */
export function logisticRegression(options: LogisticRegressionOptions): LogisticRegression {
  const { y } = options;
  const rows = checkRows(options);
  const d = rows[0]!.length;
  const terms = rows.length;
  // Column by column, with the sign of the outcome: z = sum_c theta_c signed[c].
  const signed = new Float64Array(d * terms);
  rows.forEach((row, k) => {
    for (let c = 0; c < d; c++) signed[c * terms + k] = Number(y[k]) === 1 ? row[c]! : -row[c]!;
  });
  const z = new Float64Array(terms);
  return {
    kind: 'logistic-regression',
    dimension: d,
    terms,
    logDensity(x, out, from = 0, to = terms) {
      for (let i = 0; i < out.length; i++) {
        margins(signed, terms, d, x, i * d, z, from, to);
        out[i] = logSigmoids(z, from, to);
      }
    },
    gradient(x, out, gradient, from = 0, to = terms) {
      for (let i = 0; i < out.length; i++) {
        margins(signed, terms, d, x, i * d, z, from, to);
        out[i] = logSigmoids(z, from, to);
        slopes(signed, terms, d, z, gradient, i * d, from, to);
      }
    },
  };
}

/** z_k = sum_c theta_c signed[c, k] for k = from..to-1, three columns at a time. */
function margins(
  signed: Float64Array,
  terms: number,
  d: number,
  x: Float64Array,
  at: number,
  z: Float64Array,
  from: number,
  to: number,
): void {
  for (let k = from; k < to; k++) z[k] = 0;
  let c = 0;
  for (; c + 3 <= d; c += 3) {
    const first = c * terms;
    const second = first + terms;
    const third = second + terms;
    const [a, b, e] = [x[at + c]!, x[at + c + 1]!, x[at + c + 2]!];
    for (let k = from; k < to; k++)
      z[k] = z[k]! + (a * signed[first + k]! + b * signed[second + k]! + e * signed[third + k]!);
  }
  for (; c < d; c++) {
    const a = x[at + c]!;
    for (let k = from; k < to; k++) z[k] = z[k]! + a * signed[c * terms + k]!;
  }
}

/** Products of so many factors in (1, 2] stay below 2^1024. */
const FACTORS = 1000;

/** sum of -log(1 + e^-z): one logarithm of a product for a thousand data. */
function logSigmoids(z: Float64Array, from: number, to: number): number {
  let sum = 0;
  let twice = 0;
  for (let lo = from; lo < to; lo += FACTORS) {
    const hi = Math.min(to, lo + FACTORS);
    let product = 1;
    for (let k = lo; k < hi; k++) {
      const v = z[k]!;
      const a = Math.abs(v);
      // Twice min(v, 0): half of all signs would be guessed wrong by a branch.
      twice += v - a;
      product *= 1 + decay(a);
    }
    sum -= log(product);
  }
  return sum + 0.5 * twice;
}

/** gradient = sum_k signed[k] / (1 + e^z_k); uses z up. */
function slopes(
  signed: Float64Array,
  terms: number,
  d: number,
  z: Float64Array,
  gradient: Float64Array,
  at: number,
  from: number,
  to: number,
): void {
  for (let k = from; k < to; k++) {
    const v = z[k]!;
    const e = decay(Math.abs(v));
    z[k] = (v < 0 ? 1 : e) / (1 + e);
  }
  for (let c = 0; c < d; c++) {
    let sum = 0;
    for (let k = from; k < to; k++) sum += z[k]! * signed[c * terms + k]!;
    gradient[at + c] = sum;
  }
}

/** Beyond this 1 + e^-a is 1. */
const FAR = 40;
const powers = /* @__PURE__ */ makePowers();

/** 2^(-n / 32) for n / 32 ln 2 up to `FAR`, by square roots, which all hosts round alike. */
function makePowers(): Float64Array {
  const roots = [0.5];
  for (let bit = 0; bit < 5; bit++) roots.push(Math.sqrt(roots[bit]!));
  return Float64Array.from({ length: 1856 }, (_, n) => {
    let value = 2 ** -(n >> 5);
    for (let bit = 0; bit < 5; bit++) if ((n >> bit) & 1) value *= roots[5 - bit]!;
    return value;
  });
}

const PER_LOG2 = 32 * Math.LOG2E;
const STEP_HIGH = 0.6931471803691238 / 32;
const STEP_LOW = 1.9082149292705877e-10 / 32;

/** e^-a for a >= 0 within 5e-16 relative; 0 from 40 on. From + - * and a table, so the same bits on every host. */
function decay(a: number): number {
  if (!(a < FAR)) return a >= FAR ? 0 : Number.NaN;
  const n = (a * PER_LOG2 + 0.5) | 0;
  const r = n * STEP_HIGH - a + n * STEP_LOW;
  const square = r * r;
  return powers[n]! * (1 + r + square * (1 / 2 + r * (1 / 6)) + square * square * (1 / 24 + r * (1 / 120)));
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
