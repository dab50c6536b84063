import { HALF_LOG_TWO_PI } from '../math/gamma.ts';
import { solveLower } from '../math/linear-algebra.ts';
import { exp, log } from '../wasm/twins/elementary.ts';
import { copyRow } from './candidates.ts';
import type { MovePopulation } from './kernel.ts';
import { populationMoments, sweptMoments } from './population-moments.ts';
import { type Shape, shapeOf } from './shape.ts';

/** One normal law of a mixture. */
export interface Component extends Shape {
  /** Its share; all sum to 1. */
  readonly weight: number;
}

/** Rounds of expectation and maximisation, at most. */
const ROUNDS = 50;
/** Gain of mean log density below which a round was the last: a proposal need not be the best fit. */
const GAIN = 1e-4;

/** Particles that several components are fitted to, at most. */
const FITTED = 8192;

/**
 * A mixture of K normal laws fitted to weighted particles by expectation-maximisation, from a cut of the particles along
 * their principal axis into K parts of equal weight. A part that dies becomes the whole population's law again. Of more
 * than 8192 particles every second, third, ... is used, for K > 1. Undefined when the particles have no spread.
 */
export function fitMixture(population: MovePopulation, K: number): readonly Component[] | undefined {
  const { x, logWeight } = K === 1 ? population : thinned(population);
  const moments = populationMoments({ x, logWeight });
  if (moments === undefined) return undefined;
  const { mean, covariance } = moments;
  const whole = shapeOf(mean, covariance);
  if (whole === undefined || K === 1) return whole === undefined ? undefined : [{ ...whole, weight: 1 }];
  const share = memberships(x, logWeight, mean, covariance, K);
  let found = maximise(x, logWeight, share, whole);
  let before = -Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const now = assign(x, logWeight, found, share);
    found = maximise(x, logWeight, share, whole);
    if (!(now > before + GAIN)) break;
    before = now;
  }
  return found;
}

function thinned(population: MovePopulation): MovePopulation {
  const { x, logWeight } = population;
  const n = logWeight.length;
  const stride = Math.ceil(n / FITTED);
  if (stride === 1) return population;
  const d = x.length / n;
  const kept = Math.ceil(n / stride);
  const some = new Float64Array(kept * d);
  for (let i = 0; i < kept; i++) copyRow(x, i * stride, some, i, d);
  const weights = Float64Array.from({ length: kept }, (_, i) => logWeight[i * stride]!);
  // Should all that were kept be dead, all are used.
  return weights.some((value) => value > -Infinity) ? { x: some, logWeight: weights } : population;
}

/** [K] arrays [n] of the log of how much of each particle belongs to each part. */
type Memberships = readonly Float64Array[];

/** Parts of equal weight along the principal axis. */
function memberships(
  x: Float64Array,
  logWeight: Float64Array,
  mean: Float64Array,
  covariance: Float64Array,
  K: number,
): Memberships {
  const n = logWeight.length;
  const axis = principalAxis(covariance, mean.length);
  const along = Float64Array.from({ length: n }, (_, i) => dot(x, i, mean, axis));
  const order = Uint32Array.from({ length: n }, (_, i) => i).sort((i, j) => along[i]! - along[j]! || i - j);
  const most = logWeight.reduce((a, b) => Math.max(a, b), -Infinity);
  const weight = logWeight.map((value) => exp(value - most));
  const total = weight.reduce((a, b) => a + b, 0);
  const share = Array.from({ length: K }, () => new Float64Array(n).fill(-Infinity));
  let below = 0;
  for (const i of order) {
    share[Math.min(K - 1, Math.floor((K * below) / total))]![i] = 0;
    below += weight[i]!;
  }
  return share;
}

function dot(x: Float64Array, row: number, mean: Float64Array, axis: Float64Array): number {
  const d = axis.length;
  let sum = 0;
  // Dead particles may hold anything; they weigh nothing, wherever they are put.
  for (let c = 0; c < d; c++) sum += (x[row * d + c]! - mean[c]!) * axis[c]!;
  return Number.isFinite(sum) ? sum : 0;
}

/** The leading eigenvector [d] of a covariance, by power iteration from the coordinate with the largest variance. */
function principalAxis(covariance: Float64Array, d: number): Float64Array {
  let axis = new Float64Array(d);
  let widest = 0;
  for (let c = 1; c < d; c++) if (covariance[c * d + c]! > covariance[widest * d + widest]!) widest = c;
  axis[widest] = 1;
  for (let round = 0; round < 50; round++) {
    const next = new Float64Array(d);
    for (let r = 0; r < d; r++)
      for (let c = 0; c < d; c++) next[r] = next[r]! + covariance[r * d + c]! * axis[c]!;
    const size = Math.sqrt(next.reduce((sum, value) => sum + value * value, 0));
    axis = next.map((value) => value / size);
  }
  return axis;
}

/** How much of each particle belongs to each component, given the components. Returns their mean log density. */
function assign(
  x: Float64Array,
  logWeight: Float64Array,
  components: readonly Component[],
  share: Memberships,
): number {
  for (let k = 0; k < components.length; k++) logDensityOf(components[k]!, x, share[k]!);
  const largest = logWeight.reduce((a, b) => Math.max(a, b), -Infinity);
  let sum = 0;
  let weights = 0;
  for (let i = 0; i < logWeight.length; i++) {
    const logDensity = normalise(share, i);
    const weight = exp(logWeight[i]! - largest);
    weights += weight;
    if (weight > 0) sum += weight * logDensity;
  }
  return sum / weights;
}

/** Subtract the log of the sum over parts of particle i, which is returned. */
function normalise(share: Memberships, i: number): number {
  let most = -Infinity;
  for (const part of share) if (part[i]! > most) most = part[i]!;
  let sum = 0;
  for (const part of share) sum += exp(part[i]! - most);
  const total = most + log(sum);
  for (const part of share) part[i] = Number.isNaN(total) ? -Infinity : part[i]! - total;
  return total;
}

/** log weight + log density of one component at each row. */
function logDensityOf({ mean, lower, weight }: Component, x: Float64Array, out: Float64Array): void {
  const d = mean.length;
  const z = new Float64Array(d);
  const constant = log(weight) + logConstant(lower, d);
  for (let i = 0; i < out.length; i++) {
    for (let c = 0; c < d; c++) z[c] = x[i * d + c]! - mean[c]!;
    solveLower(lower, d, z);
    let square = 0;
    for (let c = 0; c < d; c++) square += z[c]! * z[c]!;
    out[i] = constant - 0.5 * square;
  }
}

/** log of the density of N(mean, lower lower') at its mean. */
export function logConstant(lower: Float64Array, d: number): number {
  let sum = -d * HALF_LOG_TWO_PI;
  for (let c = 0; c < d; c++) sum -= log(lower[c * d + c]!);
  return sum;
}

/** Shares below which a part is dead. */
const DEAD = 1e-6;

/** Weights and moments of the components, given how much of each particle belongs to each. */
function maximise(
  x: Float64Array,
  logWeight: Float64Array,
  share: Memberships,
  whole: Shape,
): readonly Component[] {
  const most = logWeight.reduce((a, b) => Math.max(a, b), -Infinity);
  const parts = share.map((part) => part.map((s, i) => exp(s + logWeight[i]! - most)));
  const sums = parts.map((part) => part.reduce((a, b) => a + b, 0));
  const total = sums.reduce((a, b) => a + b, 0);
  const components = parts.map((part, k) => {
    const weight = sums[k]! / total;
    if (!(weight > DEAD)) return { ...whole, weight: DEAD };
    const { mean, covariance } = sweptMoments(x, part, sums[k]!);
    return { ...(shapeOf(mean, covariance) ?? { ...whole, mean }), weight };
  });
  const all = components.reduce((sum, { weight }) => sum + weight, 0);
  return components.map((component) => ({ ...component, weight: component.weight / all }));
}
