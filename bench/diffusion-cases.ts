/** Laws of the diffusion benchmarks with their exact answers, and a corrector as a plain loop over them. */
import { readFileSync } from 'node:fs';
import {
  anneal,
  type CorrectorTarget,
  type Denoiser,
  exactTarget,
  mixtureDenoiser,
  type NormalMixture,
  quadraticReward,
  quadratureTarget,
  reward,
  rngFromSeed,
  type TargetMoments,
  veGeometric,
  vpLinear,
} from 'ensample';

/** A target of which everything is known. */
export interface DiffusionCase {
  readonly name: string;
  readonly denoiser: Denoiser;
  readonly target: CorrectorTarget;
  readonly exact: TargetMoments;
}

function scaled(d: number, s: number): number[][] {
  return Array.from({ length: d }, (_, i) => Array.from({ length: d }, (_, j) => (i === j ? s : 0)));
}

function annealed(name: string, mixture: NormalMixture, beta: number, denoiser: Denoiser): DiffusionCase {
  const exact = exactTarget({ experts: [mixture], exponents: [beta] });
  return { name, denoiser, target: anneal(denoiser, beta), exact };
}

/** `anneal-b2-1d-vp` of test/reference/fkc.json. */
export function line(): DiffusionCase {
  const mixture = {
    means: [[-2], [0.5], [2.5]],
    covariances: [0.25, 0.09, 0.49].map((s) => scaled(1, s)),
    weights: [0.5, 0.3, 0.2],
  };
  return annealed('q^2, d = 1, three modes', mixture, 2, mixtureDenoiser(mixture, vpLinear()));
}

/** The power of `plane`: flatter, so that the weights of a run without control do not vary much. */
const HALF = 0.5;

/** Three round modes in the plane. */
export function plane(): DiffusionCase {
  const mixture = {
    means: [
      [-1.5, 0],
      [1.5, 1],
      [0.5, -2],
    ],
    covariances: [0.3, 0.25, 0.4].map((s) => scaled(2, s)),
    weights: [0.45, 0.35, 0.2],
  };
  const denoiser = mixtureDenoiser(mixture, vpLinear());
  const [low, high] = [-10, 10].map((end) => [end, end]) as [number[], number[]];
  const exact = quadratureTarget({ experts: [mixture], exponents: [HALF], low, high });
  return { name: 'q^0.5, d = 2, three modes', denoiser, target: anneal(denoiser, HALF), exact };
}

/** Two round modes of different width on the first axis: log Z is -4.467 for d = 10 and -11.498 for d = 30. */
export function twoModes(d: number): DiffusionCase {
  const on = (x: number): number[] => [x, ...new Array<number>(d - 1).fill(0)];
  const mixture = {
    ...{ means: [on(-2), on(2)], covariances: [scaled(d, 0.16), scaled(d, 0.25)], weights: [0.6, 0.4] },
  };
  return annealed(`q^2, d = ${d}, two modes`, mixture, 2, mixtureDenoiser(mixture, vpLinear()));
}

/** So far from the origin along the diagonal that log Z is -12.023. */
const FAR = 1.842545408344345;

/**
 * Three modes in four dimensions, those of `plane` with nothing in the other two, pulled with curvature 6 to (1, 1, 1, 1) FAR, where
 * next to nothing is: log Z is -12.023.
 */
export function hardTilt(): DiffusionCase & { readonly wanted: ReturnType<typeof quadraticReward> } {
  const { means, weights } = plane().denoiser.mixture!;
  const mixture = {
    means: means.map((mean) => [...mean, 0, 0]),
    covariances: [0.3, 0.25, 0.4].map((s) => scaled(4, s)),
    ...(weights && { weights }),
  };
  const wanted = quadraticReward(new Array<number>(4).fill(FAR), scaled(4, 6));
  const denoiser = mixtureDenoiser(mixture, vpLinear());
  const exact = exactTarget({ experts: [mixture], exponents: [1], reward: wanted });
  return { name: 'hard tilt, d = 4', denoiser, target: reward(denoiser, wanted), exact, wanted };
}

interface FortyModes {
  readonly means: readonly (readonly [number, number])[];
  readonly standardDeviation: number;
  readonly cubeCellMasses: readonly number[];
}

const SCALE = 50;

/** The cube of forty modes, with the masses of the cells of points nearest to each. */
export function fortyModes(): DiffusionCase & { readonly cells: Cells } {
  const file = new URL('../examples/data/forty-modes.json', import.meta.url);
  const { means, standardDeviation, cubeCellMasses } = JSON.parse(readFileSync(file, 'utf8')) as FortyModes;
  const centers = means.map(([x, y]) => [x / SCALE, y / SCALE] as const);
  const variance = (standardDeviation / SCALE) ** 2;
  const mixture = { means: centers, covariances: centers.map(() => scaled(2, variance)) };
  const denoiser = mixtureDenoiser(mixture, veGeometric({ smallest: 0.01, largest: 10 }));
  const own = annealed('q^3, d = 2, forty modes', mixture, 3, denoiser);
  return { ...own, cells: { centers, masses: cubeCellMasses } };
}

export interface Cells {
  readonly centers: readonly (readonly [number, number])[];
  readonly masses: readonly number[];
}

/** Total variation of the masses of cells from the exact ones. */
export function cellVariation(
  { centers, masses }: Cells,
  points: Float64Array,
  weight: Float64Array,
): number {
  const found = new Float64Array(centers.length);
  for (let i = 0; i < weight.length; i++) {
    let [nearest, least] = [0, Infinity];
    for (let k = 0; k < centers.length; k++) {
      const far = (points[2 * i]! - centers[k]![0]) ** 2 + (points[2 * i + 1]! - centers[k]![1]) ** 2;
      if (far < least) [nearest, least] = [k, far];
    }
    found[nearest] = found[nearest]! + weight[i]!;
  }
  return found.reduce((sum, mass, k) => sum + Math.abs(mass - masses[k]!), 0) / 2;
}

/**
 * log Z of `plane()` as one would write it: a loop over particles in local variables, Euler steps even in time, weights by the left
 * point, systematic resampling below half of the particles, no control.
 */
export function plainCorrector({ denoiser }: DiffusionCase, n: number, steps: number): number {
  const { schedule, mixture } = denoiser;
  const { means, covariances, weights = [] } = mixture!;
  const beta = HALF;
  const k = means.length;
  const [mx, my] = [0, 1].map((c) => Float64Array.from(means, (row) => row[c]!)) as [
    Float64Array,
    Float64Array,
  ];
  const own = Float64Array.from(covariances, (rows) => rows[0]![0]!);
  const stream = rngFromSeed(5).stream({ purpose: 32 });
  const [x, y, logWeight] = [new Float64Array(n), new Float64Array(n), new Float64Array(n)];
  const spread = schedule.noise(1) / Math.sqrt(beta);
  for (let i = 0; i < n; i++) [x[i], y[i]] = [spread * stream.normal(), spread * stream.normal()];
  // The start is taken for a normal law, which it is to five digits.
  let logZ = Math.log((2 * Math.PI * spread ** 2) / (2 * Math.PI * schedule.noise(1) ** 2) ** beta);
  const [pull, height] = [new Float64Array(k), new Float64Array(k)];
  const h = 1 / steps;
  for (let step = 0; step < steps; step++) {
    const t = 1 - step * h;
    const [alpha, v] = [schedule.signal(t), schedule.noise(t) ** 2];
    const rate = 0.1 + 19.9 * t;
    for (let c = 0; c < k; c++) {
      pull[c] = 1 / (alpha * alpha * own[c]! + v);
      height[c] = weights[c]! * pull[c]!;
    }
    for (let i = 0; i < n; i++) {
      let [sum, sx, sy] = [0, 0, 0];
      for (let c = 0; c < k; c++) {
        const [dx, dy] = [alpha * mx[c]! - x[i]!, alpha * my[c]! - y[i]!];
        const density = height[c]! * Math.exp(-0.5 * pull[c]! * (dx * dx + dy * dy));
        sum += density;
        sx += density * pull[c]! * dx;
        sy += density * pull[c]! * dy;
      }
      [sx, sy] = [sx / sum, sy / sum];
      logWeight[i] = logWeight[i]! + h * rate * ((beta - 1) * (-1 + 0.5 * beta * (sx * sx + sy * sy)));
      const noise = Math.sqrt(rate * h);
      x[i] = x[i]! + h * rate * (0.5 * x[i]! + beta * sx) + noise * stream.normal();
      y[i] = y[i]! + h * rate * (0.5 * y[i]! + beta * sy) + noise * stream.normal();
    }
    logZ += resampled(x, y, logWeight, step === steps - 1, stream.uniform());
  }
  return logZ;
}

/** What leaves the weights for log Z: their mean, where they are given up or the run ends. */
function resampled(
  x: Float64Array,
  y: Float64Array,
  logWeight: Float64Array,
  last: boolean,
  u: number,
): number {
  const n = x.length;
  let max = -Infinity;
  for (let i = 0; i < n; i++) max = Math.max(max, logWeight[i]!);
  const weight = new Float64Array(n);
  let [sum, squares] = [0, 0];
  for (let i = 0; i < n; i++) {
    weight[i] = Math.exp(logWeight[i]! - max);
    sum += weight[i]!;
    squares += weight[i]! * weight[i]!;
  }
  if (!last && (sum * sum) / squares >= n / 2) return 0;
  const [oldX, oldY] = [x.slice(), y.slice()];
  let [i, below] = [0, weight[0]!];
  for (let j = 0; j < n && !last; j++) {
    while (below < ((j + u) / n) * sum && i < n - 1) below += weight[++i]!;
    [x[j], y[j]] = [oldX[i]!, oldY[i]!];
  }
  logWeight.fill(0);
  return max + Math.log(sum / n);
}
