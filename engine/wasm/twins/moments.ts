/** Columns of weights that go through the points together. */
export const LANES = 8;

/** Rows of 8 numbers that `weightedMoments` fills for 8 columns: sums, sums of squares, means, covariances, scratch. */
export function momentRows(d: number): number {
  return 2 + 2 * d + (d * (d + 1)) / 2;
}

/**
 * First and second moments of points under many sets of weights. For columns 8 b .. 8 b + 7 of `weight` [n, stride], a
 * multiple of 8 wide, into block b of `moments` [blocks, rows, 8], with v_i the weights of a column:
 *
 *   row 0                sum_i v_i
 *   row 1                sum_i v_i^2
 *   rows 2 .. d + 1      mu = sum_i v_i x_i / sum_i v_i
 *   d (d + 1) / 2 more   sum_i v_i (x_i - mu)(x_i - mu)', the lower triangle by rows
 *   d more               scratch
 *
 * All sums run over the points in their order. Where the weights sum to 0, mu and what follows is NaN.
 */
export function weightedMoments(
  x: Float64Array,
  d: number,
  n: number,
  weight: Float64Array,
  stride: number,
  moments: Float64Array,
  lo: number,
  hi: number,
): void {
  const triangle = (d * (d + 1)) / 2;
  const size = LANES * momentRows(d);
  for (let b = lo; b < hi; b++) {
    const own = moments.subarray(b * size, (b + 1) * size).fill(0);
    const column = b * LANES;
    firstMoments(x, d, n, weight, stride, column, own);
    const second = LANES * (2 + d);
    for (let at = 2 * LANES; at < second; at++) own[at] = own[at]! / own[at % LANES]!;
    secondMoments(x, d, n, weight, stride, column, own, second, second + LANES * triangle);
  }
}

function firstMoments(
  x: Float64Array,
  d: number,
  n: number,
  weight: Float64Array,
  stride: number,
  column: number,
  own: Float64Array,
): void {
  for (let i = 0; i < n; i++) {
    const at = i * stride + column;
    for (let l = 0; l < LANES; l++) {
      const v = weight[at + l]!;
      own[l] = own[l]! + v;
      own[LANES + l] = own[LANES + l]! + v * v;
      for (let c = 0, to = 2 * LANES + l; c < d; c++, to += LANES) own[to] = own[to]! + v * x[i * d + c]!;
    }
  }
}

function secondMoments(
  x: Float64Array,
  d: number,
  n: number,
  weight: Float64Array,
  stride: number,
  column: number,
  own: Float64Array,
  second: number,
  off: number,
): void {
  for (let i = 0; i < n; i++) {
    const at = i * stride + column;
    for (let l = 0; l < LANES; l++) {
      const v = weight[at + l]!;
      for (let r = 0, to = second + l; r < d; r++) {
        const from = off + r * LANES + l;
        own[from] = x[i * d + r]! - own[(2 + r) * LANES + l]!;
        const scaled = v * own[from]!;
        for (let c = off + l; c <= from; c += LANES, to += LANES) own[to] = own[to]! + scaled * own[c]!;
      }
    }
  }
}
