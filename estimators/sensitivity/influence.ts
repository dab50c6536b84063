import { formulaGradients, type Gradient } from '../../engine/math/sobol-formulas.ts';
import { fillTerm } from '../../engine/wasm/twins/index-sums.ts';
import { type Estimates, valueRows } from './estimates.ts';
import type { Quantities } from './quantities.ts';
import type { Columns } from './store.ts';

/** Standard errors for independent rows, and the acceleration constants of the BCa interval; both [valueRows, Q]. */
export interface Influence {
  readonly standardError: Float64Array;
  readonly acceleration: Float64Array;
}

/** Numbers worked on at a time; they stay in the second-level cache. */
const MOST_TILE = 2 ** 15;
const MOST_ROWS = 1024;

/**
 * Delta method: the influence of row n on a quantity is e_n = sum_k g_k (t_k(n) - mean t_k), g the gradient; its
 * standard error is sd(e) / sqrt n. Rows go through in tiles; the aggregate over outputs s adds
 * [V^s e_n(S^s) + (S^s - S) e_n(V^s)] / sum V.
 */
export function influence(
  columns: Columns,
  from: number,
  estimates: Estimates,
  quantities: Quantities,
): Influence {
  const { outputs, rows, stride } = columns;
  const { terms, program, formulas, variance } = quantities;
  const size = formulas.length;
  const { n, values, centre, means } = estimates;
  const height = Math.max(
    16,
    Math.min(MOST_ROWS, 2 ** Math.floor(Math.log2(MOST_TILE / (terms + 2 * size)))),
  );
  const tile = new Float64Array(terms * height);
  const e = new Float64Array(size * height);
  const whole = new Float64Array(outputs > 1 ? size * height : 0);
  const gradients = Array.from({ length: outputs }, (_, s) =>
    formulaGradients(formulas, means.subarray(s * terms, (s + 1) * terms), centre[s]!),
  );
  const second = new Float64Array(valueRows(outputs) * size);
  const third = new Float64Array(second.length);
  for (let at = 0; at < n; at += height) {
    const count = Math.min(height, n - at);
    whole.fill(0);
    for (let s = 0; s < outputs; s++) {
      const base = s * rows * stride + from;
      for (let t = 0; t < terms; t++) {
        fillTerm(program, t, columns.y, base, stride, centre[s]!, at, count, tile, t * height);
      }
      fillInfluence(gradients[s]!, tile, means.subarray(s * terms), height, count, e);
      addPowers(e, size, height, count, second, third, s * size);
      if (outputs > 1) addOutput(whole, e, values, s, outputs, size, variance, height, count);
    }
    if (outputs > 1) addPowers(whole, size, height, count, second, third, outputs * size);
  }
  const standardError = second.map((sum) => Math.sqrt(sum / (n - 1) / n));
  const acceleration = third.map((sum, q) => sum / (6 * second[q]! ** 1.5));
  return { standardError, acceleration };
}

function fillInfluence(
  gradients: readonly Gradient[],
  tile: Float64Array,
  means: Float64Array,
  height: number,
  count: number,
  e: Float64Array,
): void {
  for (let q = 0; q < gradients.length; q++) {
    const { terms, weights } = gradients[q]!;
    const to = q * height;
    let constant = 0;
    for (let k = 0; k < terms.length; k++) constant += weights[k]! * means[terms[k]!]!;
    e.fill(-constant, to, to + count);
    for (let k = 0; k < terms.length; k++) {
      const w = weights[k]!;
      const t = terms[k]! * height;
      for (let i = 0; i < count; i++) e[to + i]! += w * tile[t + i]!;
    }
  }
}

function addPowers(
  e: Float64Array,
  size: number,
  height: number,
  count: number,
  second: Float64Array,
  third: Float64Array,
  at: number,
): void {
  for (let q = 0; q < size; q++) {
    let squares = 0;
    let cubes = 0;
    for (let i = q * height; i < q * height + count; i++) {
      const square = e[i]! * e[i]!;
      squares += square;
      cubes += square * e[i]!;
    }
    second[at + q]! += squares;
    third[at + q]! += cubes;
  }
}

/** Part of output s in the influence on the aggregate. An output that never changes has none. */
function addOutput(
  whole: Float64Array,
  e: Float64Array,
  values: Float64Array,
  s: number,
  outputs: number,
  size: number,
  variance: number,
  height: number,
  count: number,
): void {
  const own = s * size;
  const all = outputs * size;
  const v = values[own + variance]!;
  const sum = values[all + variance]!;
  if (!(v > 0)) return;
  for (let q = 0; q < size; q++) {
    const a = q === variance ? 1 : v / sum;
    const b = q === variance ? 0 : (values[own + q]! - values[all + q]!) / sum;
    for (let i = 0; i < count; i++) {
      whole[q * height + i]! += a * e[q * height + i]! + b * e[variance * height + i]!;
    }
  }
}
