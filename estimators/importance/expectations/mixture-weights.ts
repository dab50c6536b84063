import type { Turn } from '../../../engine/turn.ts';

/**
 * The shares that minimise the loss for given components and coefficients: a convex program on the simplex.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | q_i | roughness | [n] |
 * | rho_ik = g_k / h | ratio | [n, K] |
 * | alpha = base + free a, a on the simplex | least, share | [K] |
 * | s_k = (1/n) sum_i q_i rho_ik / m_i^2 | slope | [K] |
 *
 *   m_i = sum_k alpha_k rho_ik       F(alpha) = (1/n) sum_i q_i / m_i       dF/dalpha_k = -s_k
 *   step: a_k <- a_k s_k^p / sum_l a_l s_l^p
 *
 * With p = 1/2 the step minimises a bound of F that touches it at a (Jensen), so F never increases; longer powers are
 * tried first and taken back when F increases. Certificate: F - min F <= free (max_k s_k - sum_k a_k s_k), as F is
 * convex. Departure from the source: least shares, and the longer powers.
 * Source: multiple-expectations, section 3.
 */
export interface ShareProblem {
  readonly roughness: Float64Array;
  readonly ratio: Float64Array;
  /** [K] shares that every component keeps; their sum is below 1. */
  readonly least: Float64Array;
  /** [K] false: the component gets nothing beyond its least share. */
  readonly open: readonly boolean[];
}

export interface ShareAnswer {
  /** [K] alpha */
  readonly share: Float64Array;
  /** F at `share`. */
  readonly value: number;
  /** F - min F is at most this. */
  readonly certificate: number;
  readonly steps: number;
}

export interface ShareLimits {
  readonly steps: number;
  /** Certificate, relative to F, at which to stop. */
  readonly tolerance: number;
}

/** The plain step, which is monotone, and the longest that is tried. */
const PLAIN = 0.5;
const LONGEST = 8;
const STRETCH = 1.5;
/** Below all mixed densities relative to h that matter: keeps the arithmetic finite where no component has mass. */
const TINY = 1e-140;

/**
 * @param start [K] where the shares start; those of open components are raised to 1e-6 / K, as no step revives a 0.
 */
export async function optimalShares(
  problem: ShareProblem,
  start: Float64Array,
  limits: ShareLimits,
  pause: () => ReturnType<Turn['pause']>,
): Promise<ShareAnswer> {
  const { least, open } = problem;
  const width = least.length;
  const free = 1 - least.reduce((sum, value) => sum + value, 0);
  let a = normalised(start.map((value, k) => (open[k]! ? Math.max(value, 1e-6 / width) : 0)));
  let slope = new Float64Array(width);
  let value = lossAndSlope(problem, a, free, slope);
  let power = PLAIN;
  let steps = 0;
  for (; steps < limits.steps && excess(a, slope, open, free) > limits.tolerance * value; steps++) {
    await pause();
    const next = normalised(a.map((share, k) => share * slope[k]! ** power));
    const nextSlope = new Float64Array(width);
    const nextValue = lossAndSlope(problem, next, free, nextSlope);
    if (nextValue <= value) {
      [a, slope, value] = [next, nextSlope, nextValue];
      power = Math.min(LONGEST, power * STRETCH);
    } else if (power > PLAIN) {
      power = Math.max(PLAIN, power / (STRETCH * STRETCH));
    } else break;
  }
  const share = a.map((own, k) => least[k]! + free * own);
  return { share, value, certificate: Math.max(0, excess(a, slope, open, free)), steps };
}

function normalised(a: Float64Array): Float64Array<ArrayBuffer> {
  const sum = a.reduce((total, value) => total + value, 0);
  return Float64Array.from(a, (value) => value / sum);
}

function excess(a: Float64Array, slope: Float64Array, open: readonly boolean[], free: number): number {
  let most = 0;
  let mean = 0;
  for (let k = 0; k < a.length; k++) {
    if (open[k]! && slope[k]! > most) most = slope[k]!;
    mean += a[k]! * slope[k]!;
  }
  return free * (most - mean);
}

/** F and s_k; the two loops over k run in four lanes. */
function lossAndSlope(
  { roughness, ratio, least }: ShareProblem,
  a: Float64Array,
  free: number,
  slope: Float64Array,
): number {
  const n = roughness.length;
  const width = a.length;
  const share = a.map((own, k) => least[k]! + free * own);
  const whole = width - (width % 4);
  let loss = 0;
  slope.fill(0);
  for (let i = 0; i < n; i++) {
    const q = roughness[i]!;
    if (q === 0) continue;
    const row = i * width;
    let m0 = TINY;
    let m1 = 0;
    let m2 = 0;
    let m3 = 0;
    for (let k = 0; k < whole; k += 4) {
      m0 += share[k]! * ratio[row + k]!;
      m1 += share[k + 1]! * ratio[row + k + 1]!;
      m2 += share[k + 2]! * ratio[row + k + 2]!;
      m3 += share[k + 3]! * ratio[row + k + 3]!;
    }
    for (let k = whole; k < width; k++) m0 += share[k]! * ratio[row + k]!;
    const m = m0 + m1 + (m2 + m3);
    loss += q / m;
    const pull = q / m / m / n;
    for (let k = 0; k < width; k++) slope[k] = slope[k]! + pull * ratio[row + k]!;
  }
  return loss / n;
}
