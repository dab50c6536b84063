import { BLOCK } from '../../wasm/twins/sums.ts';
import type { Shader } from '../gpu/types.ts';

/** Numbers of a column in a block, see `columnRanges`. */
export const RANGE_SIZE = 5;

/** Columns a work group looks at: 8 of them beside each other are one piece of memory. */
const BESIDE = 8;

/**
 * What the columns of outputs look like in blocks of 1024 base points: `ranges` [blocks, columns, 5] with low, high, sum,
 * sum of squares, and how many of the numbers are NaN or infinite. Column j * outputs + s of `y` [n, columns] is
 * output s of row j.
 *
 * Sums are of (y - centre) * scale with `centre` [outputs, 2] as for `indexSums`; numbers that are not finite are told by
 * their bits and left out of the rest, so a block of none else has low 3.4e38 and high -3.4e38.
 * Items = blocks * `rangeGroups(columns)`.
 */
export const columnRanges: Shader<'y' | 'centre' | 'ranges', 'n' | 'columns' | 'outputs'> = {
  name: 'columnRanges',
  buffers: { y: 'read words', centre: 'read f32', ranges: 'write f32' },
  params: { n: 'u32', columns: 'u32', outputs: 'u32' },
  per: 'group',
  code: `const MOST = 3.4e38;
var<workgroup> low: array<f32, LANES>;
var<workgroup> high: array<f32, LANES>;
var<workgroup> sum: array<f32, LANES>;
var<workgroup> squares: array<f32, LANES>;
var<workgroup> bad: array<f32, LANES>;
fn group(g: u32, lane: u32) {
  let pieces = (p.columns + ${BESIDE - 1}u) / ${BESIDE}u;
  let block = g / pieces;
  let column = (g % pieces) * ${BESIDE}u + lane % ${BESIDE}u;
  var least = MOST;
  var greatest = -MOST;
  var total = 0.0;
  var square = 0.0;
  var unusable = 0.0;
  if (column < p.columns) {
    let about = centre[2u * (column % p.outputs)];
    let scale = centre[2u * (column % p.outputs) + 1u];
    let first = block * ${BLOCK}u;
    for (var row = first + lane / ${BESIDE}u; row < min(first + ${BLOCK}u, p.n); row += LANES / ${BESIDE}u) {
      let word = y[row * p.columns + column];
      if ((word & 0x7f800000u) == 0x7f800000u) {
        unusable += 1.0;
      } else {
        let value = bitcast<f32>(word);
        let u = (value - about) * scale;
        least = min(least, value);
        greatest = max(greatest, value);
        total += u;
        square += u * u;
      }
    }
  }
  low[lane] = least;
  high[lane] = greatest;
  sum[lane] = total;
  squares[lane] = square;
  bad[lane] = unusable;
  workgroupBarrier();
  for (var step = LANES / 2u; step >= ${BESIDE}u; step >>= 1u) {
    if (lane < step) {
      low[lane] = min(low[lane], low[lane + step]);
      high[lane] = max(high[lane], high[lane + step]);
      sum[lane] += sum[lane + step];
      squares[lane] += squares[lane + step];
      bad[lane] += bad[lane + step];
    }
    workgroupBarrier();
  }
  if (lane < ${BESIDE}u && column < p.columns) {
    let at = ${RANGE_SIZE}u * (block * p.columns + column);
    ranges[at] = low[lane];
    ranges[at + 1u] = high[lane];
    ranges[at + 2u] = sum[lane];
    ranges[at + 3u] = squares[lane];
    ranges[at + 4u] = bad[lane];
  }
}`,
};

/** Work groups `columnRanges` needs for a block. */
export function rangeGroups(columns: number): number {
  return Math.ceil(columns / BESIDE);
}
