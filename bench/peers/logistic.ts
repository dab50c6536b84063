/** Evidence of a Bayesian logistic regression by waste-free tempering, to be compared with `particles`. */
import { hostBackend, independent, normal, rngFromSeed, run, smcSampler } from '../../estimators/index.ts';

/** Rows y_i x_i with y_i = -1 or 1, the first column that of the intercept: [rows, columns]. */
export interface SignedRows {
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
  readonly values: ArrayLike<number>;
}

/** M chains of `length` states, repeated. */
export interface LogisticTask {
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

/** Seconds, least and median, and log Z of every run but the one that warms up. */
export async function evidence(task: LogisticTask, data: SignedRows) {
  const { chains, length, runs } = task;
  const { rows, columns } = data;
  const values = Float64Array.from(data.values);
  const laws = Array.from({ length: columns }, (_, j) => normal(0, j === 0 ? 20 : 5));
  const method = smcSampler({
    prior: independent(laws),
    logLikelihood: (x, out) => logistic(values, rows, columns, x, out),
    particles: chains * length,
    chains,
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

/** Factors 1 + e^-s of which the logarithm is taken at once; each is at most e^80 here, so their product is finite. */
const FACTORS = 8;

/** -sum log(1 + exp(-x . row)) */
function logistic(
  values: Float64Array,
  rows: number,
  columns: number,
  x: Float64Array,
  out: Float64Array,
): void {
  for (let i = 0; i < out.length; i++) {
    let total = 0;
    let product = 1;
    for (let r = 0, at = 0; r < rows; r++) {
      let s = 0;
      for (let j = 0; j < columns; j++) s += values[at++]! * x[i * columns + j]!;
      if (s < -80) total += s;
      else product *= 1 + Math.exp(-s);
      if (r % FACTORS === FACTORS - 1) {
        total -= Math.log(product);
        product = 1;
      }
    }
    out[i] = total - Math.log(product);
  }
}
