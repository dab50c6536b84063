/** Evidence of a Bayesian logistic regression by waste-free tempering, to be compared with `particles`. */
import {
  hostBackend,
  independent,
  independentMoves,
  logisticRegression,
  normal,
  randomWalk,
  rngFromSeed,
  run,
  smcSampler,
} from 'ensample';

/** Rows y_i x_i with y_i = -1 or 1, the first column that of the intercept: [rows, columns]. */
export interface SignedRows {
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
  readonly values: ArrayLike<number>;
}

/** M chains of `length` states, and how many runs show their spread. */
export interface LogisticSize {
  readonly moves: 'random walk' | 'independent';
  readonly chains: number;
  readonly length: number;
  readonly runs: number;
}

/** 768 rows of 8 predictors with standard deviation 1/2 and an intercept, as many as the data of the peer. */
export function syntheticRows(): SignedRows {
  const [rows, columns] = [768, 9];
  const draw = rngFromSeed(5).stream({ purpose: 32 });
  const truth = Float64Array.from({ length: columns }, draw.normal);
  const values = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    const x = Array.from({ length: columns }, (_, j) => (j === 0 ? 1 : 0.5 * draw.normal()));
    const logit = x.reduce((sum, value, j) => sum + value * truth[j]!, 0);
    const sign = draw.uniform() < 1 / (1 + Math.exp(-logit)) ? 1 : -1;
    for (const [j, value] of x.entries()) values[i * columns + j] = sign * value;
  }
  return { name: 'synthetic', rows, columns, values };
}

/** Seconds of a run, least and median, and log Z of every run but the one that warms up. */
export async function evidence(size: LogisticSize, data: SignedRows) {
  const { chains, length, moves, runs } = size;
  const { rows, columns, values } = data;
  const X = Array.from({ length: rows }, (_, i) =>
    Array.from({ length: columns }, (_unused, j) => values[i * columns + j]!),
  );
  const method = smcSampler({
    prior: independent(Array.from({ length: columns }, (_, j) => normal(0, j === 0 ? 20 : 5))),
    logLikelihood: logisticRegression({ X, y: Array.from(X, () => 1) }),
    particles: chains * length,
    chains,
    moves: moves === 'independent' ? independentMoves() : randomWalk(),
    essFraction: 0.5,
  });
  const backend = await hostBackend({ threads: 1 });
  const [seconds, logZ]: [number[], number[]] = [[], []];
  for (let seed = 0; seed <= runs; seed++) {
    const start = performance.now();
    const { logNormalizer } = await run(method, { seed, backend });
    if (seed === 0) continue;
    seconds.push((performance.now() - start) / 1000);
    logZ.push(logNormalizer.value);
  }
  await backend.dispose();
  seconds.sort((a, b) => a - b);
  return { min: seconds[0]!, median: seconds[seconds.length >> 1]!, logZ };
}
