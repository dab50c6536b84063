import { log } from './elementary.ts';
import { philoxBlock, uniform64 } from './philox.ts';

/**
 * Ancestors from integer weights. Symbols: q [n] integer weights, `cumulative` [n] their inclusive sums,
 * `total` the last of them (at most 2^53), W_i = q_i / total, m slots to fill. C_i = cumulative_i / total is exactly
 * 1 from the last live particle on, so no probe can fall on a dead one. Every kernel may be cut anywhere.
 */

/**
 * Systematic: slots O_{i-1} .. O_i - 1 get ancestor i, O_i = min(m, floor(m C_i + u)); range = particles.
 * One division, one multiplication, one addition, in this order. u in (0, 1). Ancestors are non-decreasing.
 */
export function systematicAncestors(
  cumulative: Float64Array,
  total: number,
  m: number,
  u: number,
  ancestor: Uint32Array,
  lo: number,
  hi: number,
): void {
  let slot = lo === 0 ? 0 : Math.min(m, Math.floor(m * (cumulative[lo - 1]! / total) + u));
  for (let i = lo; i < hi; i++) {
    const end = Math.min(m, Math.floor(m * (cumulative[i]! / total) + u));
    while (slot < end) ancestor[slot++] = i;
  }
}

/**
 * Stratified: as systematic with its own uniform `u` [m] in every stratum, O_i = min(k + 1, floor(r + u_k)),
 * r = m C_i, k = min(m - 1, floor r). Range = particles. The bound k + 1 matters only where r + u_k rounds up
 * to k + 2; without it O could fall at the next stratum.
 */
export function stratifiedAncestors(
  cumulative: Float64Array,
  total: number,
  m: number,
  u: Float64Array,
  ancestor: Uint32Array,
  lo: number,
  hi: number,
): void {
  let slot = lo === 0 ? 0 : stratifiedEnd(m * (cumulative[lo - 1]! / total), m, u);
  for (let i = lo; i < hi; i++) {
    const end = stratifiedEnd(m * (cumulative[i]! / total), m, u);
    while (slot < end) ancestor[slot++] = i;
  }
}

function stratifiedEnd(r: number, m: number, u: Float64Array): number {
  const k = Math.min(m - 1, Math.floor(r));
  return Math.min(k + 1, Math.floor(r + u[k]!));
}

/** Exponentials e = -log u of lo..hi-1 into `out` (may be `u`). */
export function exponentials(u: Float64Array, out: Float64Array, lo: number, hi: number): void {
  for (let j = lo; j < hi; j++) out[j] = -log(u[j]!);
}

/** Smallest i with C_i >= v, by bisection; v in (0, 1]. Never a dead particle. */
export function searchCumulative(cumulative: Float64Array, total: number, n: number, v: number): number {
  let low = 0;
  let high = n - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (cumulative[middle]! / total >= v) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * Slots lo..hi-1 get the smallest i with C_i >= sum_j / scale; `sum` [m] is non-decreasing and positive, scale at
 * least its last. Ancestors are non-decreasing. With sums of exponentials and scale one exponential more, the
 * points sum_j / scale are m sorted uniforms.
 */
export function mergeAncestors(
  cumulative: Float64Array,
  total: number,
  n: number,
  sum: Float64Array,
  scale: number,
  ancestor: Uint32Array,
  lo: number,
  hi: number,
): void {
  if (lo >= hi) return;
  let i = searchCumulative(cumulative, total, n, sum[lo]! / scale);
  for (let j = lo; j < hi; j++) {
    const v = sum[j]! / scale;
    while (cumulative[i]! / total < v) i++;
    ancestor[j] = i;
  }
}

/** Slots lo..hi-1 get the smallest i with C_i >= u_j: independent draws, unsorted. */
export function searchAncestors(
  cumulative: Float64Array,
  total: number,
  n: number,
  u: Float64Array,
  ancestor: Uint32Array,
  lo: number,
  hi: number,
): void {
  for (let j = lo; j < hi; j++) ancestor[j] = searchCumulative(cumulative, total, n, u[j]!);
}

/** Slots bound_{i-1} .. bound_i - 1 get ancestor i; `bound` [n] holds inclusive sums of counts. Range = particles. */
export function repeatAncestors(bound: Uint32Array, ancestor: Uint32Array, lo: number, hi: number): void {
  let slot = lo === 0 ? 0 : bound[lo - 1]!;
  for (let i = lo; i < hi; i++) {
    const end = bound[i]!;
    while (slot < end) ancestor[slot++] = i;
  }
}

/** Whole copies floor(m W_i) into `copies` [n] and what remains, m W_i - floor(m W_i), into `rest` [n]. */
export function wholeCopies(
  q: Float64Array,
  total: number,
  m: number,
  copies: Uint32Array,
  rest: Float64Array,
  lo: number,
  hi: number,
): void {
  for (let i = lo; i < hi; i++) {
    const expected = m * (q[i]! / total);
    const whole = Math.floor(expected);
    copies[i] = whole;
    rest[i] = expected - whole;
  }
}

const block = new Uint32Array(4);

/**
 * Killing: slot i keeps ancestor i with probability q_i / largest, else draws one from W by the second uniform of
 * the same stream (key, particle i, step, channel).
 */
export function killingAncestors(
  q: Float64Array,
  cumulative: Float64Array,
  total: number,
  n: number,
  largest: number,
  k0: number,
  k1: number,
  step: number,
  channel: number,
  ancestor: Uint32Array,
  lo: number,
  hi: number,
): void {
  for (let i = lo; i < hi; i++) {
    philoxBlock(i, step, 0, channel, k0, k1, block);
    const keep = uniform64(block[0]!, block[1]!) * largest < q[i]!;
    ancestor[i] = keep ? i : searchCumulative(cumulative, total, n, uniform64(block[2]!, block[3]!));
  }
}

/**
 * Rejection: slot i tries indices until one is accepted with probability q / largest. Try t reads the stream
 * (particle i, step, channel + t): words 0, 1 the uniform index, words 2, 3 the acceptance. The first index is
 * i mod n when `own` is 1, else uniform. After `tries` failures the slot draws from W by the first uniform of try `tries`.
 */
export function rejectionAncestors(
  q: Float64Array,
  cumulative: Float64Array,
  total: number,
  n: number,
  largest: number,
  own: number,
  tries: number,
  k0: number,
  k1: number,
  step: number,
  channel: number,
  ancestor: Uint32Array,
  lo: number,
  hi: number,
): void {
  for (let i = lo; i < hi; i++) {
    let chosen = -1;
    for (let t = 0; t < tries && chosen < 0; t++) {
      philoxBlock(i, step, 0, channel + t, k0, k1, block);
      const index = t === 0 && own === 1 ? i % n : Math.floor(uniform64(block[0]!, block[1]!) * n);
      if (uniform64(block[2]!, block[3]!) * largest < q[index]!) chosen = index;
    }
    if (chosen < 0) {
      philoxBlock(i, step, 0, channel + tries, k0, k1, block);
      chosen = searchCumulative(cumulative, total, n, uniform64(block[0]!, block[1]!));
    }
    ancestor[i] = chosen;
  }
}

/**
 * Metropolis: slot i runs `moves` independence steps on W with uniform proposals. Move t = 1..moves reads the
 * stream (particle i, step, channel + t): words 0, 1 the proposed index, words 2, 3 the acceptance. The chain
 * starts at i mod n when `own` is 1, else at a uniform index of stream `channel`. A chain still on a dead
 * particle at the end draws from W by the first uniform of stream channel + moves + 1. Biased.
 */
export function metropolisAncestors(
  q: Float64Array,
  cumulative: Float64Array,
  total: number,
  n: number,
  own: number,
  moves: number,
  k0: number,
  k1: number,
  step: number,
  channel: number,
  ancestor: Uint32Array,
  lo: number,
  hi: number,
): void {
  for (let i = lo; i < hi; i++) {
    let at = i % n;
    if (own !== 1) {
      philoxBlock(i, step, 0, channel, k0, k1, block);
      at = Math.floor(uniform64(block[0]!, block[1]!) * n);
    }
    for (let t = 1; t <= moves; t++) {
      philoxBlock(i, step, 0, channel + t, k0, k1, block);
      const index = Math.floor(uniform64(block[0]!, block[1]!) * n);
      if (uniform64(block[2]!, block[3]!) * q[at]! < q[index]!) at = index;
    }
    if (q[at]! === 0) {
      philoxBlock(i, step, 0, channel + moves + 1, k0, k1, block);
      at = searchCumulative(cumulative, total, n, uniform64(block[0]!, block[1]!));
    }
    ancestor[i] = at;
  }
}

/** first + i into `out` [n]. */
export function countUp(out: Uint32Array, first: number, lo: number, hi: number): void {
  for (let i = lo; i < hi; i++) out[i] = first + i;
}

/** Row ancestor[i] of `src` [n, d] to row i of `dst` [m, d]. `dst` may be `src` only after `permuteInPlace`. */
export function gatherRows(
  src: Float64Array,
  dst: Float64Array,
  ancestor: Uint32Array,
  d: number,
  lo: number,
  hi: number,
): void {
  for (let i = lo; i < hi; i++) {
    const from = ancestor[i]! * d;
    const to = i * d;
    for (let c = 0; c < d; c++) dst[to + c] = src[from + c]!;
  }
}

/** As `gatherRows` for rows of d 32-bit words: indices, and float32 fields through their words. */
export function gatherWords(
  src: Uint32Array,
  dst: Uint32Array,
  ancestor: Uint32Array,
  d: number,
  lo: number,
  hi: number,
): void {
  for (let i = lo; i < hi; i++) {
    const from = ancestor[i]! * d;
    const to = i * d;
    for (let c = 0; c < d; c++) dst[to + c] = src[from + c]!;
  }
}

/**
 * SSP (Srinivasan sampling process): rounds m W_i up or down, adding to `copies` [n], which holds the floors, one
 * for every fraction in `rest` [n] that ends at 1; `rest` is overwritten. Pairs (i, j) trade until one of them is
 * whole; trade k uses u_k, `u` [n - 1]. Sequential: range 0..1 does it all.
 * Source: Gerber, Chopin & Whiteley (2019), with the crossing that keeps the mean.
 */
export function sspRound(
  rest: Float64Array,
  u: Float64Array,
  n: number,
  missing: number,
  copies: Uint32Array,
  lo: number,
  hi: number,
): void {
  if (lo >= hi) return;
  let i = 0;
  let j = 1;
  let left = missing;
  for (let k = 0; k < n - 1; k++) {
    const xi = rest[i]!;
    const xj = rest[j]!;
    const gainI = Math.min(xj, 1 - xi);
    const gainJ = Math.min(xi, 1 - xj);
    // j gains with the probability proportional to what i could have gained: the mean change is 0.
    if (u[k]! * (gainI + gainJ) < gainI) {
      if (1 - xj <= xi) {
        copies[j]!++;
        left--;
        rest[i] = xi - (1 - xj);
        j = k + 2;
      } else {
        rest[j] = xj + xi;
        i = k + 2;
      }
    } else if (1 - xi <= xj) {
      copies[i]!++;
      left--;
      rest[j] = xj - (1 - xi);
      i = k + 2;
    } else {
      rest[i] = xi + xj;
      j = k + 2;
    }
  }
  const last = i < n ? i : j;
  if (left > 0 && rest[last]! > 0.5) copies[last]!++;
}
