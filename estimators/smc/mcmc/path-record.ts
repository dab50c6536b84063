/*
 * Running moments of paths drawn by C chains: of all draws, and of batches of a chain's draws by which the Monte Carlo error of
 * the mean is judged. One pass, memory [T d] a chain.
 */
export interface PathRecord {
  /** Draws of a chain in one batch. */
  readonly batch: number;
  /** Draws of each chain. */
  count: number;
  /** [T d] mean and sum of squared deviations of all draws. */
  readonly mean: Float64Array;
  readonly squares: Float64Array;
  /** Whole batches of all chains, [T d] the mean of their means and its squared deviations. */
  batches: number;
  readonly batchMean: Float64Array;
  readonly batchSquares: Float64Array;
  /** [C, T d] sums of the batch under way. */
  readonly sums: Float64Array;
  /** [T] how often the state of a step was another one after an update, over all chains. */
  readonly renewed: Float64Array;
}

/** Batches of a chain over a whole run. */
const BATCHES = 20;

/** A record of paths [T, d] of chains that keep `draws` draws each. */
export function makePathRecord(chains: number, steps: number, d: number, draws: number): PathRecord {
  const zeros = (): Float64Array => new Float64Array(steps * d);
  return {
    batch: Math.max(1, Math.floor(draws / BATCHES)),
    count: 0,
    mean: zeros(),
    squares: zeros(),
    batches: 0,
    batchMean: zeros(),
    batchSquares: zeros(),
    sums: new Float64Array(chains * steps * d),
    renewed: new Float64Array(steps),
  };
}

/** Take in the path of every chain, and the path it had before. */
export function keepPaths(
  record: PathRecord,
  paths: readonly Float64Array[],
  before: readonly Float64Array[],
): void {
  const { mean, squares, sums, batch, renewed } = record;
  const width = mean.length;
  paths.forEach((path, c) => {
    learn(mean, squares, path, record.count * paths.length + c + 1);
    for (let j = 0; j < width; j++) sums[c * width + j] = sums[c * width + j]! + path[j]!;
    countRenewals(renewed, path, before[c]!);
  });
  record.count++;
  if (record.count % batch !== 0) return;
  for (let c = 0; c < paths.length; c++) {
    const own = sums.subarray(c * width, (c + 1) * width);
    for (let j = 0; j < width; j++) own[j] = own[j]! / batch;
    learn(record.batchMean, record.batchSquares, own, ++record.batches);
  }
  sums.fill(0);
}

/** The n-th row of a running mean and sum of squared deviations (Welford 1962). */
function learn(mean: Float64Array, squares: Float64Array, row: Float64Array, n: number): void {
  for (let j = 0; j < mean.length; j++) {
    const off = row[j]! - mean[j]!;
    mean[j] = mean[j]! + off / n;
    squares[j] = squares[j]! + off * (row[j]! - mean[j]!);
  }
}

function countRenewals(renewed: Float64Array, path: Float64Array, before: Float64Array): void {
  const d = path.length / renewed.length;
  for (let t = 0; t < renewed.length; t++) {
    let same = true;
    for (let j = t * d; j < (t + 1) * d; j++) same &&= path[j] === before[j];
    if (!same) renewed[t] = renewed[t]! + 1;
  }
}

/** The law of the path given the observations, as the chains saw it. */
export interface SmoothedPath {
  /** [T, d] mean and variance of x_t; NaN before the first draw. */
  readonly mean: Float64Array;
  readonly variance: Float64Array;
  /** [T, d] Monte Carlo standard error of the mean, by batch means; NaN with fewer than two batches. */
  readonly standardError: Float64Array;
  /** [T] share of updates that changed x_t. Where it is near 0 the chains hardly move: more particles, or 'ancestor'. */
  readonly renewal: Float64Array;
}

export function smoothedPath(record: PathRecord, chains: number): SmoothedPath {
  const draws = record.count * chains;
  const { batches, batchSquares, renewed } = record;
  return {
    mean: draws === 0 ? record.mean.slice().fill(Number.NaN) : record.mean.slice(),
    variance: record.squares.map((sum) => (draws < 2 ? Number.NaN : sum / (draws - 1))),
    standardError: batchSquares.map((sum) => Math.sqrt(sum / (batches - 1) / batches) || Number.NaN),
    renewal: renewed.map((count) => count / draws),
  };
}

const ARRAYS = ['mean', 'squares', 'batchMean', 'batchSquares', 'sums', 'renewed'] as const;

/** For a snapshot: numbers, and arrays by name. */
export function savedPathRecord(record: PathRecord): {
  readonly header: { readonly count: number; readonly batches: number };
  readonly arrays: Readonly<Record<string, Float64Array>>;
} {
  const arrays = Object.fromEntries(ARRAYS.map((name) => [`paths:${name}`, record[name].slice()]));
  return { header: { count: record.count, batches: record.batches }, arrays };
}

/** Take back what `savedPathRecord` wrote. */
export function restorePathRecord(
  record: PathRecord,
  header: { readonly count: number; readonly batches: number },
  arrays: Readonly<Record<string, ArrayLike<number>>>,
): void {
  for (const name of ARRAYS) record[name].set(arrays[`paths:${name}`]!);
  record.count = header.count;
  record.batches = header.batches;
}
