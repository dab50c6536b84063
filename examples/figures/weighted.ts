import { normalizedWeight, type Sample } from 'ensample';

/** Some coordinates of points [n, d], as points of their own. */
export function coordinates(points: Float64Array, d: number, which: readonly number[]): Float64Array {
  const k = which.length;
  return Float64Array.from({ length: (points.length / d) * k }, (_, at) => {
    return points[Math.floor(at / k) * d + which[at % k]!]!;
  });
}

/** Points [count, d] of equal weight from a weighted sample: evenly spaced pointers into its weights. */
export function evenDraws({ points, shape, logWeight }: Sample, count: number): Float64Array {
  const weight = normalizedWeight(logWeight);
  const d = shape[1];
  const draws = new Float64Array(count * d);
  let [i, below] = [0, weight[0]!];
  for (let k = 0; k < count; k++) {
    while (below < (k + 0.5) / count && i < weight.length - 1) below += weight[++i]!;
    draws.set(points.subarray(i * d, (i + 1) * d), k * d);
  }
  return draws;
}

/**
 * Shares of the weight in cells, a list [cells] for each of `runs` runs of as many points, side by side in the sample.
 * @param cellOf number of the cell of point i; none where it is no index.
 */
export function sharesByRun(
  { shape, logWeight }: Sample,
  runs: number,
  cells: number,
  cellOf: (i: number) => number,
): number[][] {
  const n = shape[0] / runs;
  return Array.from({ length: runs }, (_, r) => {
    const weight = normalizedWeight(logWeight.slice(r * n, (r + 1) * n));
    const shares = new Array<number>(cells).fill(0);
    for (let i = 0; i < n; i++) {
      const cell = cellOf(r * n + i);
      if (cell in shares) shares[cell]! += weight[i]!;
    }
    return shares;
  });
}

/** Which of the bins between rising edges [bins + 1] holds a value; -1 for none. */
export function binOf(value: number, edges: readonly number[]): number {
  const above = edges.findIndex((edge) => edge > value);
  return above < 0 ? -1 : above - 1;
}

/** Means of lists over runs, with their standard errors. */
export function overRuns(shares: readonly (readonly number[])[]): {
  readonly value: number[];
  readonly error: number[];
} {
  const runs = shares.length;
  const value = shares[0]!.map((_, c) => shares.reduce((sum, own) => sum + own[c]!, 0) / runs);
  const error = value.map((mean, c) =>
    Math.sqrt(shares.reduce((sum, own) => sum + (own[c]! - mean) ** 2, 0) / (runs - 1) / runs),
  );
  return { value, error };
}
