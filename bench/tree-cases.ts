/** Laws in the plane, their products and two searches for the tree benchmarks, on a chain of 100 normal steps, with exact answers. */
import { readFileSync } from 'node:fs';
import {
  type Denoiser,
  type Density,
  type DiffusionChainOptions,
  multivariateMixture,
  multivariateNormal,
  type Times,
  vpDiscrete,
} from '../estimators/index.ts';

type Reward = (x: number, y: number) => number;

interface Prior {
  readonly weights: readonly number[];
  readonly means: readonly (readonly number[])[];
  readonly covariances: readonly (readonly (readonly number[])[])[];
}

interface Reference {
  readonly fineChain: Readonly<Record<'betas' | 'ring8' | 'skew5', readonly number[]>>;
  readonly problems: {
    readonly ring8: {
      readonly prior: Prior;
      readonly reward: {
        readonly weights: readonly number[];
        readonly centers: Prior['means'];
        readonly sigma: number;
      };
      readonly cellMass: readonly number[];
    };
    readonly skew5: {
      readonly prior: Prior;
      readonly reward: Readonly<Record<'c' | 'abd' | 'l', readonly number[]>>;
    };
  };
  readonly products: {
    readonly tail1: Prior;
    readonly masses: Readonly<Record<'skew5' | 'tail1', readonly number[]>>;
  };
}

const reference = JSON.parse(
  readFileSync(new URL('../test/reference/dts.json', import.meta.url), 'utf8'),
) as Reference;

/** Equal blocks in the plane, whose rewards add up. */
export interface TreeCase {
  readonly name: string;
  readonly blocks: number;
  readonly chain: DiffusionChainOptions;
  readonly inverseTemperature: number;
  /** Of the cells of points nearest to each mean, in each block. */
  readonly centers: readonly (readonly number[])[];
  readonly masses: readonly number[];
}

/** Steps of a run of the chain. */
export const STEPS = 100;
const schedule = vpDiscrete({ betas: reference.fineChain.betas });

const WIDTH = 12;

/**
 * Parts of the noised prior, 12 numbers each: weight over the root of the determinant, mean (2), inverse covariance (3), and
 * E[x_0] = mean (2) + gain (4) times what x is off.
 */
function parts({ weights, means, covariances }: Prior, time: number): Float64Array {
  const [alpha, v] = [schedule.signal(time), schedule.noise(time) ** 2];
  const rows = weights.map((weight, k) => {
    const [[sxx, sxy], [, syy]] = covariances[k] as [[number, number], [number, number]];
    const [cxx, cxy, cyy] = [alpha * alpha * sxx + v, alpha * alpha * sxy, alpha * alpha * syy + v];
    const det = cxx * cyy - cxy * cxy;
    const [ixx, ixy, iyy] = [cyy / det, -cxy / det, cxx / det];
    const [x0, y0] = means[k] as [number, number];
    const gain = [sxx * ixx + sxy * ixy, sxx * ixy + sxy * iyy, sxy * ixx + syy * ixy, sxy * ixy + syy * iyy];
    return [
      weight / Math.sqrt(det),
      alpha * x0,
      alpha * y0,
      ixx,
      ixy,
      iyy,
      x0,
      y0,
      ...gain.map((g) => alpha * g),
    ];
  });
  return Float64Array.from(rows.flat());
}

/** E[x_0] of a law in the plane, on rows of `blocks` points, in plain loops: what a trained network would cost is not the question. */
function blockDenoiser(prior: Prior, blocks: number): Denoiser {
  const tables = new Map<number, Float64Array>();
  const square = new Float64Array(prior.weights.length);
  const tableAt = (time: number): Float64Array => {
    const table = tables.get(time) ?? parts(prior, time);
    tables.set(time, table);
    return table;
  };
  const predict = (points: Float64Array, time: Times, out: Float64Array): void => {
    for (let row = 0; 2 * blocks * row < points.length; row++) {
      const table = tableAt(typeof time === 'number' ? time : time[row]!);
      for (let b = row * blocks; b < (row + 1) * blocks; b++) estimate(table, square, points, out, 2 * b);
    }
  };
  const dimension = 2 * blocks;
  return { name: 'normal parts in the plane', dimension, schedule, prediction: 'clean', predict };
}

/** E[x_0] of the point at `at`. */
function estimate(
  table: Float64Array,
  square: Float64Array,
  points: Float64Array,
  out: Float64Array,
  at: number,
): void {
  const [x, y] = [points[at]!, points[at + 1]!];
  let least = Infinity;
  for (let k = 0, p = 0; k < square.length; k++, p += WIDTH) {
    const [dx, dy] = [x - table[p + 1]!, y - table[p + 2]!];
    square[k] = table[p + 3]! * dx * dx + 2 * table[p + 4]! * dx * dy + table[p + 5]! * dy * dy;
    if (square[k]! < least) least = square[k]!;
  }
  let [sum, toX, toY] = [0, 0, 0];
  for (let k = 0, p = 0; k < square.length; k++, p += WIDTH) {
    if (square[k]! > least + 80) continue;
    const share = table[p]! * Math.exp((least - square[k]!) / 2);
    const [dx, dy] = [x - table[p + 1]!, y - table[p + 2]!];
    sum += share;
    toX += share * (table[p + 6]! + table[p + 8]! * dx + table[p + 9]! * dy);
    toY += share * (table[p + 7]! + table[p + 10]! * dx + table[p + 11]! * dy);
  }
  out[at] = toX / sum;
  out[at + 1] = toY / sum;
}

/** The noised prior at the first time: no start from a normal law, which would be another chain. */
function startOf({ weights, means, covariances }: Prior, blocks: number): Density {
  const [alpha, v] = [schedule.signal(1), schedule.noise(1) ** 2];
  const laws = means.map((mean, k) =>
    multivariateNormal(
      mean.map((m) => alpha * m),
      covariances[k]!.map((row, i) => row.map((s, j) => alpha * alpha * s + (i === j ? v : 0))),
    ),
  );
  const one = multivariateMixture(laws, weights);
  return {
    dimension: 2 * blocks,
    transport: one.transport,
    logDensity(x, out) {
      const each = new Float64Array(blocks * out.length);
      one.logDensity(x, each);
      for (let i = 0; i < out.length; i++)
        out[i] = each.subarray(i * blocks, (i + 1) * blocks).reduce((sum, own) => sum + own, 0);
    },
  };
}

function chainOf(prior: Prior, blocks: number, reward: Reward): DiffusionChainOptions {
  return {
    denoiser: blockDenoiser(prior, blocks),
    start: startOf(prior, blocks),
    steps: STEPS,
    reward: {
      name: 'a sum over blocks',
      value(x, out) {
        for (let i = 0; i < out.length; i++) {
          out[i] = 0;
          for (let b = i * blocks; b < (i + 1) * blocks; b++) out[i]! += reward(x[2 * b]!, x[2 * b + 1]!);
        }
      },
    },
  };
}

const { ring8, skew5 } = reference.problems;

function ringReward(x: number, y: number): number {
  const { weights, centers, sigma } = ring8.reward;
  let [most, sum] = [-Infinity, 0];
  for (const [cx, cy] of centers as readonly [number, number][])
    most = Math.max(most, -((x - cx) ** 2 + (y - cy) ** 2) / (2 * sigma ** 2));
  for (let k = 0; k < weights.length; k++) {
    const [cx, cy] = centers[k] as [number, number];
    sum += weights[k]! * Math.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * sigma ** 2) - most);
  }
  return most + Math.log(sum) - Math.log(2 * Math.PI * sigma ** 2);
}

function skewReward(x: number, y: number): number {
  const { c, abd, l } = skew5.reward;
  const [dx, dy] = [x - c[0]!, y - c[1]!];
  return -(abd[0]! * dx * dx + 2 * abd[1]! * dx * dy + abd[2]! * dy * dy) / 2 + l[0]! * x + l[1]! * y;
}

/** 'ring8', 'skew5' and their products. The masses in the plane are those of the chain, which differ by up to 0.003. */
export function planeCases(): readonly TreeCase[] {
  return [
    treeCase('ring8', ring8.prior, 1, ringReward, 1, reference.fineChain.ring8),
    treeCase('skew5', skew5.prior, 1, skewReward, 1.5, reference.fineChain.skew5),
  ];
}

/** Blocks in six and eight dimensions, where few runs of the chain count. */
export function productCases(): readonly TreeCase[] {
  const { tail1, masses } = reference.products;
  return [
    treeCase('ring8^3', ring8.prior, 3, ringReward, 1, ring8.cellMass),
    treeCase('skew5^4', skew5.prior, 4, skewReward, 0.7, masses.skew5),
    treeCase('tail1^4', tail1, 4, (x, y) => x + 0.5 * y, 1.5, masses.tail1),
  ];
}

/** Eight rings, in 16 dimensions: the point nearest to one mode of each, and the modes of the largest weights. */
export function searchCases(): readonly TreeCase[] {
  const c = 4 * Math.SQRT1_2;
  const quadratic: Reward = (x, y) => -0.125 * ((x - c) ** 2 + (y + c) ** 2);
  return [
    treeCase('search16-quad', ring8.prior, 8, quadratic, 1, []),
    treeCase('search16-mix', ring8.prior, 8, ringReward, 1, []),
  ];
}

function treeCase(
  name: string,
  prior: Prior,
  blocks: number,
  reward: Reward,
  inverseTemperature: number,
  masses: readonly number[],
): TreeCase {
  const chain = chainOf(prior, blocks, reward);
  return { name, blocks, chain, inverseTemperature, centers: prior.means, masses };
}

/** Half of the absolute error of the masses of cells, mean over blocks. */
export function variation(
  { blocks, centers, masses }: TreeCase,
  points: Float64Array,
  weight: Float64Array,
): number {
  const found = new Float64Array(blocks * centers.length);
  for (let b = 0; b < blocks * weight.length; b++) {
    let [nearest, least] = [0, Infinity];
    for (let k = 0; k < centers.length; k++) {
      const far = (points[2 * b]! - centers[k]![0]!) ** 2 + (points[2 * b + 1]! - centers[k]![1]!) ** 2;
      if (far < least) [nearest, least] = [k, far];
    }
    const cell = (b % blocks) * centers.length + nearest;
    found[cell] = found[cell]! + weight[Math.floor(b / blocks)]!;
  }
  return (
    found.reduce((sum, mass, at) => sum + Math.abs(mass - masses[at % masses.length]!), 0) / (2 * blocks)
  );
}
