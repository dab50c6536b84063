import { checkCount, checkOptionNames } from '../check.ts';
import { checkParameter } from '../distribution/law.ts';
import { OptionError } from '../errors.ts';
import { integrate } from '../math/quadrature.ts';
import { mixtureLogDensity } from '../wasm/twins/mixture.ts';
import { checkCuts, checkFactors, type TargetFactors, type TargetMoments } from './analytic-target.ts';

export interface QuadratureTargetOptions extends TargetFactors {
  /** [d] corners of the box that holds all of the mass. */
  readonly low: readonly number[];
  readonly high: readonly number[];
  /** Nodes along a coordinate. Default 4001 in one dimension, 801 in two. */
  readonly nodes?: number;
}

const WHERE = 'quadratureTarget';
/** Share of the largest density that may be left at the border of the box. */
const BORDER = 1e-14;

/**
 * The law prod q_i^b_i exp(r) of one or two numbers by the trapezoidal rule, for any exponents and rewards: its error
 * falls faster than any power of the spacing while that is below the smallest standard deviation of the law. Masses of
 * intervals are integrated adaptively.
 * @throws OptionError in more dimensions, for a box that cuts off mass, or a reward that answers later or is NaN.
 */
export function quadratureTarget(options: QuadratureTargetOptions): TargetMoments {
  checkOptionNames(WHERE, options, ['experts', 'exponents', 'reward', 'low', 'high', 'nodes']);
  const { low, high } = options;
  const { experts } = checkFactors(WHERE, options);
  const d = experts[0]!.dimension;
  const nodes = checkCount(WHERE, 'nodes', options.nodes ?? (d === 1 ? 4001 : 801), { min: 3, max: 100_000 });
  checkBox(d, low, high);
  const logDensity = productDensity(options);
  const axes = low.map((from, c) => axis(from, high[c]!, nodes));
  const grid = d === 1 ? axes[0]! : tensor(axes[0]!, axes[1]!);
  const log = logDensity(grid);
  const max = log.reduce((most, each) => Math.max(most, each), -Infinity);
  const density = log.map((each) => Math.exp(each - max));
  checkBorder(density, d, nodes);
  const cell = low.reduce((all, from, c) => (all * (high[c]! - from)) / (nodes - 1), 1);
  const { total, mean, covariance } = moments(grid, density, d);
  /** Density along a coordinate, over exp(max). */
  const marginal = (coordinate: number, at: number): number => {
    if (d === 1) return Math.exp(logDensity(Float64Array.of(at))[0]! - max);
    const other = axes[1 - coordinate]!;
    const one = Float64Array.of(at);
    const row = logDensity(coordinate === 0 ? tensor(one, other) : tensor(other, one));
    return row.reduce((sum, each) => sum + Math.exp(each - max), 0) * (other[1]! - other[0]!);
  };
  return {
    dimension: d,
    logNormalizer: max + Math.log(total * cell),
    mean,
    covariance,
    masses(coordinate, cuts) {
      const inside = checkCuts(WHERE, d, coordinate, cuts).map((end) =>
        Math.min(high[coordinate]!, Math.max(low[coordinate]!, end)),
      );
      return Float64Array.from({ length: cuts.length + 1 }, (_, j) => {
        const f = (at: number): number => marginal(coordinate, at);
        return integrate(f, inside[j]!, inside[j + 1]!) / (total * cell);
      });
    },
  };
}

/** Log of the product at rows of x. */
function productDensity({ reward, ...factors }: TargetFactors): (x: Float64Array) => Float64Array {
  const { experts, exponents } = checkFactors(WHERE, factors);
  const d = experts[0]!.dimension;
  return (x) => {
    const n = x.length / d;
    const out = new Float64Array(n);
    const own = new Float64Array(n);
    if (reward?.value(x, out) !== undefined)
      throw badReward('answers later', 'a reward that answers at once');
    experts.forEach(({ means, whiten, logConstant, components }, i) => {
      mixtureLogDensity(x, d, means, whiten, logConstant, components, own, 0, n);
      for (let row = 0; row < n; row++) out[row] = out[row]! + exponents[i]! * own[row]!;
    });
    const bad = out.findIndex((value) => !(value < Infinity));
    if (bad >= 0)
      throw badReward(
        `is ${out[bad]} at (${x.subarray(bad * d, (bad + 1) * d).join(', ')})`,
        'a finite number',
      );
    return out;
  };
}

function badReward(found: string, expected: string): OptionError {
  return new OptionError({
    where: WHERE,
    option: 'reward',
    value: undefined,
    found: `the log density ${found}`,
    expected,
  });
}

function axis(low: number, high: number, nodes: number): Float64Array {
  return Float64Array.from({ length: nodes }, (_, i) => low + ((high - low) * i) / (nodes - 1));
}

/** Points (a_i, b_j), j fastest. */
function tensor(a: Float64Array, b: Float64Array): Float64Array {
  const out = new Float64Array(a.length * b.length * 2);
  for (let i = 0; i < a.length; i++) {
    for (let j = 0; j < b.length; j++) {
      out[(i * b.length + j) * 2] = a[i]!;
      out[(i * b.length + j) * 2 + 1] = b[j]!;
    }
  }
  return out;
}

function moments(
  x: Float64Array,
  density: Float64Array,
  d: number,
): { readonly total: number; readonly mean: Float64Array; readonly covariance: Float64Array } {
  const mean = new Float64Array(d);
  const covariance = new Float64Array(d * d);
  let total = 0;
  for (let i = 0; i < density.length; i++) {
    total += density[i]!;
    for (let c = 0; c < d; c++) mean[c] = mean[c]! + density[i]! * x[i * d + c]!;
  }
  for (let c = 0; c < d; c++) mean[c] = mean[c]! / total;
  for (let i = 0; i < density.length; i++) {
    const w = density[i]! / total;
    for (let c = 0; c < d; c++)
      for (let e = 0; e < d; e++) {
        const at = c * d + e;
        covariance[at] = covariance[at]! + w * (x[i * d + c]! - mean[c]!) * (x[i * d + e]! - mean[e]!);
      }
  }
  return { total, mean, covariance };
}

/** @throws OptionError unless there are one or two coordinates, each with a low end below its high end. */
function checkBox(d: number, low: readonly number[], high: readonly number[]): void {
  const fits = d <= 2 && low?.length === d && high?.length === d;
  if (fits) {
    low.forEach((from, c) => {
      checkParameter(WHERE, `low[${c}]`, from);
      checkParameter(WHERE, `high[${c}]`, high[c], (to) => to > from, `a number above low[${c}]`);
    });
    return;
  }
  throw new OptionError({
    where: WHERE,
    option: 'low',
    value: low,
    found: `a law of ${d} numbers between ${low?.length} and ${high?.length} of them`,
    expected: 'one or two dimensions, and a low and a high end of each',
  });
}

/** @throws OptionError when the density has not died out where the box ends. */
function checkBorder(density: Float64Array, d: number, nodes: number): void {
  const border = (at: number): boolean => at % nodes === 0 || at % nodes === nodes - 1;
  let most = 0;
  for (let at = 0; at < density.length; at++)
    if (border(at) || (d === 2 && border(Math.floor(at / nodes)))) most = Math.max(most, density[at]!);
  if (most <= BORDER) return;
  throw new OptionError({
    where: WHERE,
    option: 'low',
    value: most,
    found: `the density at the border of the box is ${most.toPrecision(2)} of its largest`,
    expected: `at most ${BORDER}: a box that holds all of the mass`,
  });
}
