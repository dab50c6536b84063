import type { Backend } from '../../engine/backend/backend.ts';
import { evaluateFormulas } from '../../engine/math/sobol-formulas.ts';
import type { Quantities } from './quantities.ts';
import { columnSample, type RowSample } from './sample.ts';
import type { Columns, Segment } from './store.ts';

/** All quantities at one set of rows. */
export interface Estimates {
  /** [outputs, Q], and one more row, the aggregate, when there are several outputs. */
  readonly values: Float64Array;
  /** Centre of each output: its mean over A and B, or the known mean. */
  readonly centre: Float64Array;
  /** Means of the row terms [outputs, terms]. */
  readonly means: Float64Array;
  readonly n: number;
}

/** Relative error of a centre: up to 128 additions one after the other, then the tree. */
const ROUNDING = 2 ** -45;

/** Number of value rows: the outputs, and their aggregate when there are several. */
export function valueRows(outputs: number): number {
  return outputs === 1 ? 1 : outputs + 1;
}

/** Point estimates from the base points of a segment of columns; see `estimateSample`. */
export async function estimate(
  backend: Backend,
  columns: Columns,
  segment: Segment,
  quantities: Quantities,
  centreWords: Uint32Array,
  known: readonly number[] | undefined,
): Promise<Estimates> {
  const arena = backend.arena();
  try {
    const sample = columnSample(backend, columns, segment, quantities, centreWords, arena);
    return await estimateSample(sample, quantities, known);
  } finally {
    arena.release();
  }
}

/**
 * Point estimates from the sums of row terms, by the formulas. Where A and B show no variance, or none beyond the
 * rounding of their mean, there are no indices: NaN, V = 0.
 * @param known means of the outputs where they are known ('oracle'), else undefined.
 */
export async function estimateSample(
  sample: RowSample,
  quantities: Quantities,
  known: readonly number[] | undefined,
): Promise<Estimates> {
  const { outputs, n } = sample;
  const { terms, formulas } = quantities;
  const size = formulas.length;
  const values = new Float64Array(valueRows(outputs) * size);
  const centre = new Float64Array(outputs);
  const means = new Float64Array(outputs * terms);
  for (let s = 0; s < outputs; s++) {
    centre[s] = known === undefined ? await sample.centre(s) : known[s]!;
    const at = means.subarray(s * terms, (s + 1) * terms);
    await sample.means(s, centre[s]!, at);
    const own = values.subarray(s * size, (s + 1) * size);
    evaluateFormulas(formulas, at, centre[s]!, own);
    if (!(own[quantities.variance]! > (ROUNDING * centre[s]!) ** 2)) {
      own.fill(Number.NaN);
      own[quantities.variance] = 0;
    }
  }
  if (outputs > 1) aggregate(values, outputs, size, quantities.variance);
  return { values, centre, means, n };
}

/**
 * Last row of `values` [outputs + 1, size]: sum of V^s S^s over sum of V^s (Lamboni 2011; Gamboa et al. 2014), the sum
 * of the partial variances over the sum of the variances. Outputs that never change have no part in it.
 */
export function aggregate(values: Float64Array, outputs: number, size: number, variance: number): void {
  const at = outputs * size;
  let whole = 0;
  for (let s = 0; s < outputs; s++) whole += values[s * size + variance]!;
  for (let q = 0; q < size; q++) {
    let sum = 0;
    for (let s = 0; s < outputs; s++) {
      const v = values[s * size + variance]!;
      if (v > 0) sum += v * values[s * size + q]!;
    }
    values[at + q] = sum / whole;
  }
  values[at + variance] = whole;
}
