import type { Arena, Backend } from '../../../engine/backend/backend.ts';
import { blockCount } from '../../../engine/wasm/twins/sums.ts';

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
 * @param arena holds `problem.ratio`, and what is only needed here.
 */
export async function optimalShares(
  backend: Backend,
  arena: Arena,
  problem: ShareProblem,
  start: Float64Array,
  limits: ShareLimits,
): Promise<ShareAnswer> {
  const { least, open } = problem;
  const width = least.length;
  const free = 1 - least.reduce((sum, value) => sum + value, 0);
  const measure = lossOnBackend(backend, arena, problem, free);
  let a = normalised(start.map((value, k) => (open[k]! ? Math.max(value, 1e-6 / width) : 0)));
  let at = await measure(a);
  let power = PLAIN;
  let steps = 0;
  for (; steps < limits.steps && excess(a, at.slope, open, free) > limits.tolerance * at.value; steps++) {
    const next = normalised(a.map((share, k) => share * at.slope[k]! ** power));
    const there = await measure(next);
    if (there.value <= at.value) {
      [a, at] = [next, there];
      power = Math.min(LONGEST, power * STRETCH);
    } else if (power > PLAIN) {
      power = Math.max(PLAIN, power / (STRETCH * STRETCH));
    } else break;
  }
  const share = a.map((own, k) => least[k]! + free * own);
  return { share, value: at.value, certificate: Math.max(0, excess(a, at.slope, open, free)), steps };
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

/** F and s_k [K] of free shares a. */
type Measure = (a: Float64Array) => Promise<{ readonly value: number; readonly slope: Float64Array }>;

function lossOnBackend(backend: Backend, arena: Arena, problem: ShareProblem, free: number): Measure {
  const { roughness, ratio, least } = problem;
  const n = roughness.length;
  const width = least.length;
  const blocks = blockCount(n);
  const q = arena.f64(n);
  const share = arena.f64(width);
  const partial = arena.f64(blocks * (width + 1));
  q.set(roughness);
  return async (a) => {
    for (let k = 0; k < width; k++) share[k] = least[k]! + free * a[k]!;
    await backend.dispatch('shareBlocks', [ratio, width, n, q, share, TINY, partial], blocks);
    const sums = new Float64Array(width + 1);
    for (let at = 0; at < partial.length; at++) sums[at % (width + 1)]! += partial[at]! / n;
    return { value: sums[width]!, slope: sums.subarray(0, width) };
  };
}
