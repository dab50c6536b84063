import type { Arena, Backend } from '../backend/backend.ts';
import { blockCount } from '../wasm/twins/sums.ts';
import { exclusiveOffsets } from '../wasm/twins/weights.ts';

/**
 * Weights as integers, so that their prefix sums are exact and do not depend on who adds them:
 * W_i = q_i / total, C_i = cumulative_i / total, exactly 1 from the last live particle on.
 * Murray, Lee & Jacob (2016) report the bias that float scans cause from some 1e5 particles on; this is the cure.
 */
export interface IntegerWeights {
  /** Particles. */
  readonly n: number;
  /** [n] integers >= 0; 0 is dead. A weight below 2^-52 of the total is dead too. */
  readonly q: Float64Array;
  /** [n] inclusive sums of q. */
  readonly cumulative: Float64Array;
  /** Sum of q, at most 2^53. */
  readonly total: number;
  /** The largest q. */
  readonly largest: number;
}

/** Arrays that `quantise` fills; `q` may hold the weights themselves. */
export interface IntegerBuffers {
  readonly q: Float64Array;
  readonly cumulative: Float64Array;
  /** [blocks] */
  readonly partial: Float64Array;
}

/** Integer weights of `buffers.q` [n], which holds non-negative weights with the given sum and is overwritten. */
export async function quantise(
  backend: Backend,
  buffers: IntegerBuffers,
  n: number,
  sum: number,
  heaviest: number,
): Promise<IntegerWeights> {
  const { q, cumulative, partial } = buffers;
  const blocks = blockCount(n);
  await backend.dispatch('quantiseBlocks', [q, n, sum, q, partial], blocks);
  const total = exclusiveOffsets(partial, blocks);
  await backend.dispatch('scanBlocks', [q, n, partial, cumulative], blocks);
  return { n, q, cumulative, total, largest: Math.floor((heaviest / sum) * 4503599627370496) };
}

/** Integer weights given as such: non-negative integers with a positive sum of at most 2^53. */
export function integerWeights(values: ArrayLike<number>, arena: Arena): IntegerWeights {
  const n = values.length;
  const q = arena.f64(n);
  const cumulative = arena.f64(n);
  let total = 0;
  let largest = 0;
  for (let i = 0; i < n; i++) {
    q[i] = values[i]!;
    total += values[i]!;
    cumulative[i] = total;
    largest = Math.max(largest, values[i]!);
  }
  return { n, q, cumulative, total, largest };
}
