/** State-space models of the filter benchmarks, as a user would write them and as the library has them, with exact answers. */
import {
  kalmanFilter,
  linearGaussian,
  rngFromSeed,
  type StateSpaceModel,
  stochasticVolatility,
} from 'ensample';

/** A series, three ways to its filter, and log p of it. */
export interface FilterTask {
  readonly name: string;
  /** By kernels of the core. */
  readonly model: StateSpaceModel;
  /** The same in plain functions over batches. */
  readonly user: StateSpaceModel;
  /** The same for a loop that keeps everything in local variables. */
  readonly loop: PlainModel;
  readonly y: Float64Array;
  readonly exact: number;
  /** Standard deviation of log Z with 1000 particles and 100 steps, systematic, ESS < N/2 (measured over 1000 runs). */
  readonly spread: number;
}

/** x_0 = m + s z, x_t = b + a x_{t-1} + l z, and log g(y | x). */
export interface PlainModel {
  readonly start: readonly [m: number, s: number];
  readonly move: readonly [b: number, a: number, l: number];
  logObservation(y: number, x: number): number;
}

const SEED = 11;
const HALF_LOG_TWO_PI = 0.5 * Math.log(2 * Math.PI);

export function linearTask(steps: number): FilterTask {
  const rho = 0.9;
  const model = linearGaussian({
    transition: rho,
    transitionCovariance: 1,
    observationCovariance: 1,
    initialCovariance: 1 / (1 - rho * rho),
  });
  const loop: PlainModel = {
    start: [0, 1 / Math.sqrt(1 - rho * rho)],
    move: [0, rho, 1],
    logObservation: (y, x) => -HALF_LOG_TWO_PI - 0.5 * (y - x) * (y - x),
  };
  const y = simulate(loop, steps, (x, z) => x + z);
  const exact = kalmanFilter(model, Array.from(y)).logNormalizer;
  const user = userModel(loop, (seen, x, out) => {
    for (let i = 0; i < out.length; i++) {
      const r = seen - x[i]!;
      out[i] = -HALF_LOG_TWO_PI - 0.5 * r * r;
    }
  });
  return { name: 'linear Gaussian', model, user, loop, y, exact, spread: 0.37 };
}

export function volatilityTask(steps: number): FilterTask {
  const [mu, rho, sigma] = [-1.02, 0.9702, 0.178];
  const model = stochasticVolatility({ mean: mu, persistence: rho, volatility: sigma });
  const loop: PlainModel = {
    start: [mu, sigma / Math.sqrt(1 - rho * rho)],
    move: [mu * (1 - rho), rho, sigma],
    logObservation: (y, x) => -HALF_LOG_TWO_PI - 0.5 * (x + y * y * Math.exp(-x)),
  };
  const y = simulate(loop, steps, (x, z) => Math.exp(x / 2) * z);
  const user = userModel(loop, (seen, x, out) => {
    const square = seen * seen;
    for (let i = 0; i < out.length; i++)
      out[i] = -HALF_LOG_TWO_PI - 0.5 * (x[i]! + square * Math.exp(-x[i]!));
  });
  return { name: 'stochastic volatility', model, user, loop, y, exact: onGrid(loop, y), spread: 0.1 };
}

function userModel(
  { start: [m, s], move: [b, a, l] }: PlainModel,
  logObservation: (y: number, x: Float64Array, out: Float64Array) => void,
): StateSpaceModel {
  return {
    dimension: 1,
    initial: (z, x) => {
      for (let i = 0; i < x.length; i++) x[i] = m + s * z[i]!;
    },
    transition: (_, parent, z, x) => {
      for (let i = 0; i < x.length; i++) x[i] = b + a * parent[i]! + l * z[i]!;
    },
    logObservation: (_, y, x, out) => logObservation(y[0]!, x, out),
  };
}

function simulate(
  { start: [m, s], move: [b, a, l] }: PlainModel,
  steps: number,
  observe: (x: number, z: number) => number,
): Float64Array {
  const { normal } = rngFromSeed(SEED).stream({ purpose: 32 });
  let x = m + s * normal();
  return Float64Array.from({ length: steps }, (_, t) => {
    if (t > 0) x = b + a * x + l * normal();
    return observe(x, normal());
  });
}

/** log p(y) by the filter on a uniform grid of 9 stationary deviations to both sides. */
function onGrid({ start: [m, s], move: [b, a, l], logObservation }: PlainModel, y: Float64Array): number {
  const points = 600;
  const width = (18 * s) / (points - 1);
  const grid = Float64Array.from({ length: points }, (_, i) => m - 9 * s + i * width);
  const density = (z: number, scale: number): number => Math.exp(-0.5 * z * z - HALF_LOG_TWO_PI) / scale;
  const kernel = Array.from(grid, (x) => grid.map((from) => density((x - b - a * from) / l, l) * width));
  let weight = grid.map((x) => density((x - m) / s, s) * width);
  let logLikelihood = 0;
  y.forEach((seen, t) => {
    if (t > 0) {
      const before = weight;
      weight = grid.map((_, i) => kernel[i]!.reduce((sum, k, j) => sum + k * before[j]!, 0));
    }
    weight = weight.map((w, i) => w * Math.exp(logObservation(seen, grid[i]!)));
    const total = weight.reduce((sum, w) => sum + w, 0);
    logLikelihood += Math.log(total);
    weight = weight.map((w) => w / total);
  });
  return logLikelihood;
}

/**
 * The bootstrap filter as one would write it without a library: a small generator, Box and Muller, Math.exp, one running
 * sum, systematic resampling when ESS < N/2. Returns log Z.
 */
export function plainFilter({ loop, y }: FilterTask, n: number): number {
  const { start, move, logObservation } = loop;
  const normal = boxMuller(SEED);
  let [x, next] = [new Float64Array(n), new Float64Array(n)];
  const [logWeight, weight] = [new Float64Array(n), new Float64Array(n)];
  let [base, logZ, total, squares] = [0, 0, 1, 1];
  y.forEach((seen, t) => {
    if (t === 0) for (let i = 0; i < n; i++) x[i] = start[0] + start[1] * normal();
    else {
      if ((total * total) / squares < n / 2) {
        let [i, sum] = [0, weight[0]!];
        for (let k = 0; k < n; k++) {
          const probe = ((k + 0.5) * total) / n;
          while (sum < probe && i < n - 1) sum += weight[++i]!;
          next[k] = x[i]!;
        }
        [x, next] = [next, x];
        logWeight.fill(0);
        base = 0;
      }
      for (let i = 0; i < n; i++) x[i] = move[0] + move[1] * x[i]! + move[2] * normal();
    }
    let largest = -Infinity;
    for (let i = 0; i < n; i++) {
      logWeight[i]! += logObservation(seen, x[i]!);
      if (logWeight[i]! > largest) largest = logWeight[i]!;
    }
    total = 0;
    squares = 0;
    for (let i = 0; i < n; i++) {
      const w = Math.exp(logWeight[i]! - largest);
      weight[i] = w;
      total += w;
      squares += w * w;
    }
    const mean = largest + Math.log(total / n);
    logZ += mean - base;
    base = mean;
  });
  return logZ;
}

/** Normals from a generator of 32 bits. Good enough to be timed against. */
function boxMuller(seed: number): () => number {
  let state = seed;
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (((t ^ (t >>> 14)) >>> 0) + 0.5) / 4294967296;
  };
  let spare = Number.NaN;
  return () => {
    if (!Number.isNaN(spare)) {
      const z = spare;
      spare = Number.NaN;
      return z;
    }
    const r = Math.sqrt(-2 * Math.log(uniform()));
    const angle = 2 * Math.PI * uniform();
    spare = r * Math.sin(angle);
    return r * Math.cos(angle);
  };
}
