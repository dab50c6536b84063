import { RANGE_SIZE } from '../../engine/backend/wgsl/column-ranges.ts';
import { scaleFor, unscaleSums } from '../../engine/backend/wgsl/index-sums.ts';
import { TERM_WORDS } from '../../engine/math/sobol-terms.ts';
import { RANGES, type SumProgram } from './sum-store.ts';
import { pilotFrom } from './summer.ts';

/** Sizes of a design on a card. */
export interface CardShape {
  readonly d: number;
  /** Numbers of a base point: its matrices beside each other. */
  readonly width: number;
  readonly rows: number;
  readonly outputs: number;
  /** Terms of the estimators. */
  readonly terms: number;
}

/** Where the numbers of a column in a block begin, see `columnRanges`. */
function placeOf({ rows, outputs }: CardShape, block: number, row: number, s: number): number {
  return RANGE_SIZE * ((block * rows + row) * outputs + s);
}

/** Outputs that are not finite, in all blocks. */
export function badOutputs(ranges: Float32Array): number {
  let bad = 0;
  for (let at = RANGE_SIZE - 1; at < ranges.length; at += RANGE_SIZE) bad += ranges[at]!;
  return bad;
}

/**
 * Centre and scale of each output, [outputs, 2], from the first block's ranges about 0: the mean over A and B, or their middle
 * where the sum is beyond float32.
 */
export function pilotOfRanges(ranges: Float32Array, shape: CardShape): Float64Array {
  const pilot = new Float64Array(2 * shape.outputs);
  for (let s = 0; s < shape.outputs; s++) {
    const [low, high] = rangeOf(ranges, shape, 0, s);
    const sum = (row: number): number => ranges[placeOf(shape, 0, row, s) + 2]!;
    const mean = pilotFrom(sum(0) + sum(shape.rows - 1));
    const centre = Number.isFinite(mean) ? mean : Math.fround(low! / 2 + high! / 2);
    pilot.set([centre, scaleFor(Math.max(high! - centre, centre - low!))], 2 * s);
  }
  return pilot;
}

/** Least and greatest output over A and B, then over all rows. */
function rangeOf(ranges: Float32Array, shape: CardShape, block: number, s: number): readonly number[] {
  const ends = [Infinity, -Infinity, Infinity, -Infinity];
  for (let row = 0; row < shape.rows; row++) {
    const at = placeOf(shape, block, row, s);
    const [low, high] = [ranges[at]!, ranges[at + 1]!];
    ends[2] = Math.min(ends[2]!, low);
    ends[3] = Math.max(ends[3]!, high);
    if (row !== 0 && row !== shape.rows - 1) continue;
    ends[0] = Math.min(ends[0]!, low);
    ends[1] = Math.max(ends[1]!, high);
  }
  return ends;
}

/** Ranges of all blocks as a store keeps them, [blocks, outputs, 4]. */
export function rangesOfBlocks(ranges: Float32Array, shape: CardShape): Float64Array {
  const { rows, outputs } = shape;
  const blocks = ranges.length / (RANGE_SIZE * rows * outputs);
  const kept = new Float64Array(blocks * outputs * RANGES);
  for (let b = 0; b < blocks; b++) {
    for (let s = 0; s < outputs; s++) kept.set(rangeOf(ranges, shape, b, s), (b * outputs + s) * RANGES);
  }
  return kept;
}

/** Sums of all blocks as a store keeps them, [blocks, outputs, terms]: those of terms, and those of columns from ranges. */
export function sumsOfBlocks(
  partial: Float32Array,
  ranges: Float32Array,
  shape: CardShape,
  { words, terms, columns }: SumProgram,
  pilot: Float64Array,
): Float64Array {
  const { outputs } = shape;
  const scales = Array.from({ length: outputs }, (_, s) => pilot[2 * s + 1]!);
  const own = unscaleSums(partial, words.subarray(0, TERM_WORDS * shape.terms), scales);
  const blocks = partial.length / (outputs * shape.terms);
  const sums = new Float64Array(blocks * outputs * terms);
  for (let g = 0; g < blocks * outputs; g++) {
    const [block, s] = [Math.floor(g / outputs), g % outputs];
    sums.set(own.subarray(g * shape.terms, (g + 1) * shape.terms), g * terms);
    columns.forEach((t, row) => {
      sums[g * terms + t] = ranges[placeOf(shape, block, row, s) + 2]! / scales[s]!;
    });
  }
  return sums;
}

/** Rows of which an output is not finite, with what it is, from all outputs `y` [n, rows, outputs]. */
export function failedRows(
  y: Float32Array,
  outputs: number,
): readonly { readonly row: number; readonly reason: string }[] {
  const failed: { row: number; reason: string }[] = [];
  for (let row = 0; row < y.length / outputs; row++) {
    const bad = y.subarray(row * outputs, (row + 1) * outputs).find((value) => !Number.isFinite(value));
    if (bad !== undefined) failed.push({ row, reason: `returned ${bad}` });
  }
  return failed;
}

/** The first `take` columns of the first `count` rows of a matrix [n, width]. */
export function leftColumns(matrix: Float32Array, width: number, take: number, count: number): Float64Array {
  const kept = new Float64Array(count * take);
  for (let p = 0; p < count; p++) kept.set(matrix.subarray(p * width, p * width + take), p * take);
  return kept;
}
