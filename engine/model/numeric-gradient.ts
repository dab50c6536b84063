import { checkNumber } from '../check.ts';
import { ValueError } from '../errors.ts';
import type { BatchFn } from '../types.ts';
import type { DensityWithGradient } from './log-density.ts';

export interface NumericGradientOptions {
  /** Step of a coordinate x: step max(1, |x|). Default the cube root of the machine precision, 6e-6. */
  readonly step?: number;
}

/** Relative error of central differences at its best for functions of ordinary size. */
export const STEP: number = Math.cbrt(2 ** -52);

/**
 * A log density with a gradient by central differences, for moves that need one: 2 d + 1 evaluations a point. Where one
 * side has no mass the difference is one-sided.
 * @throws OptionError for a step that is not positive.
 */
export function numericGradient(
  logDensity: BatchFn,
  dimension: number,
  options: NumericGradientOptions = {},
): DensityWithGradient {
  const step = options.step ?? STEP;
  checkNumber('numericGradient', 'step', step, (h) => h > 0 && h < 1, 'a number in (0, 1)');
  return {
    logDensity,
    gradientCost: 2 * dimension + 1,
    async gradient(x, out, gradient) {
      await logDensity(x, out);
      await differences(logDensity, x, out, dimension, step, gradient);
    },
  };
}

async function differences(
  logDensity: BatchFn,
  x: Float64Array,
  out: Float64Array,
  d: number,
  step: number,
  gradient: Float64Array,
): Promise<void> {
  const n = out.length;
  const moved = Float64Array.from(x);
  const above = new Float64Array(n);
  const below = new Float64Array(n);
  for (let c = 0; c < d; c++) {
    for (let at = c; at < n * d; at += d) moved[at] = x[at]! + step * Math.max(1, Math.abs(x[at]!));
    await logDensity(moved, above.fill(Number.NaN));
    for (let at = c; at < n * d; at += d) moved[at] = x[at]! - step * Math.max(1, Math.abs(x[at]!));
    await logDensity(moved, below.fill(Number.NaN));
    for (let i = 0; i < n; i++) {
      const at = i * d + c;
      const h = step * Math.max(1, Math.abs(x[at]!));
      gradient[at] = slope(below[i]!, out[i]!, above[i]!, h);
      moved[at] = x[at]!;
    }
  }
}

/** Slope at the middle of three values h apart, from those that are finite; 0 when the middle stands alone. */
export function slope(below: number, middle: number, above: number, h: number): number {
  if (below === -Infinity) return above === -Infinity ? 0 : (above - middle) / h;
  return above === -Infinity ? (middle - below) / h : (above - below) / (2 * h);
}

/**
 * Compare a gradient with central differences at rows of `x` [n, d].
 * @param tolerance relative to 1 + |difference|. Default 1e-4.
 * @throws ValueError naming the first coordinate and point where they differ by more.
 */
export async function checkGradient(
  density: DensityWithGradient,
  x: Float64Array,
  dimension: number,
  tolerance = 1e-4,
): Promise<void> {
  const n = x.length / dimension;
  const out = new Float64Array(n);
  const given = new Float64Array(n * dimension);
  const found = new Float64Array(n * dimension);
  await density.gradient(x, out, given);
  await differences(density.logDensity, x, out, dimension, STEP, found);
  for (let at = 0; at < n * dimension; at++) {
    const row = Math.floor(at / dimension);
    if (out[row] === -Infinity || Math.abs(given[at]! - found[at]!) <= tolerance * (1 + Math.abs(found[at]!)))
      continue;
    throw new ValueError({
      where: 'checkGradient',
      found: `the gradient by coordinate ${at % dimension} is ${given[at]} at point ${row}`,
      expected: `${found[at]!.toPrecision(6)}, as differences say`,
      fix: 'See error.point.',
      point: Float64Array.from(x.subarray(row * dimension, (row + 1) * dimension)),
      index: row,
    });
  }
}
