/** Moments of the corrections P_l - P_{l-1} and of P_l over the samples of one level. */
export interface LevelMoments {
  readonly n: number;
  readonly mean: number;
  /** Sums of powers 2, 3 and 4 of deviations from the mean. */
  readonly sum2: number;
  readonly sum3: number;
  readonly sum4: number;
  readonly fineMean: number;
  readonly fineSum2: number;
}

export const NO_MOMENTS: LevelMoments = {
  n: 0,
  mean: 0,
  sum2: 0,
  sum3: 0,
  sum4: 0,
  fineMean: 0,
  fineSum2: 0,
};

/** Moments of one batch: y [n, k], k = 1 for P_0 and 2 for the pair P_l, P_{l-1}. */
export function batchMoments(y: Float64Array, n: number, k: number): LevelMoments {
  const correction = (i: number): number => (k === 1 ? y[i]! : y[2 * i]! - y[2 * i + 1]!);
  // Sums start from the first sample: values that never change have their very mean, and no variance.
  let mean = 0;
  let fineMean = 0;
  for (let i = 0; i < n; i++) {
    mean += correction(i) - correction(0);
    fineMean += y[k * i]! - y[0]!;
  }
  mean = correction(0) + mean / n;
  fineMean = y[0]! + fineMean / n;
  let [sum2, sum3, sum4, fineSum2] = [0, 0, 0, 0];
  for (let i = 0; i < n; i++) {
    const off = correction(i) - mean;
    const square = off * off;
    sum2 += square;
    sum3 += square * off;
    sum4 += square * square;
    fineSum2 += (y[k * i]! - fineMean) ** 2;
  }
  return { n, mean, sum2, sum3, sum4, fineMean, fineSum2 };
}

/** Moments of two sets of samples together. Source: Pebay (2008), SAND2008-6212, equations 2.1 and 3.1. */
export function mergedMoments(a: LevelMoments, b: LevelMoments): LevelMoments {
  if (a.n === 0 || b.n === 0) return a.n === 0 ? b : a;
  const n = a.n + b.n;
  const d = b.mean - a.mean;
  const [u, v] = [a.n / n, b.n / n];
  const fine = b.fineMean - a.fineMean;
  const d2 = d * d;
  return {
    n,
    mean: a.mean + d * v,
    sum2: a.sum2 + b.sum2 + d2 * a.n * v,
    sum3: a.sum3 + b.sum3 + d * d2 * a.n * v * (u - v) + 3 * d * (u * b.sum2 - v * a.sum2),
    sum4:
      a.sum4 +
      b.sum4 +
      d2 * d2 * a.n * v * (u * u - u * v + v * v) +
      6 * d2 * (u * u * b.sum2 + v * v * a.sum2) +
      4 * d * (u * b.sum3 - v * a.sum3),
    fineMean: a.fineMean + fine * v,
    fineSum2: a.fineSum2 + b.fineSum2 + fine * fine * a.n * v,
  };
}

/** Variance with divisor n - 1; NaN for fewer than two samples. */
export function correctionVariance({ n, sum2 }: LevelMoments): number {
  return n < 2 ? Number.NaN : sum2 / (n - 1);
}

/** Fourth central moment over the squared second, 3 of a normal law; NaN where nothing varies. */
export function kurtosis({ n, sum2, sum4 }: LevelMoments): number {
  return (n * sum4) / (sum2 * sum2);
}

/**
 * Telescoping check of level l: |a - b + c| / (3 (se a + se b + se c)), a the mean of P_{l-1} on its own level, b and c those
 * of P_l and P_l - P_{l-1}. At 1 and above the two laws of P_{l-1} have different means: chance alone gets there less than
 * three times in a thousand. Source: Giles (2015), section 3.2.
 */
export function consistency(below: LevelMoments, own: LevelMoments): number {
  const error = (squares: number, n: number): number => Math.sqrt(squares / (n - 1) / n);
  const spread = error(below.fineSum2, below.n) + error(own.fineSum2, own.n) + error(own.sum2, own.n);
  const gap = Math.abs(below.fineMean - own.fineMean + own.mean);
  // Rounding of means that agree exactly is no gap.
  if (gap <= 2 ** -44 * Math.abs(own.fineMean)) return 0;
  return gap / (3 * spread);
}
