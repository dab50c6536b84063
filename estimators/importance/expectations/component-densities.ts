import { exp, log } from '../../../engine/wasm/twins/elementary.ts';
import type { Proposal } from './proposal.ts';

/**
 * All components of a proposal at n points, so scaled that the largest is 1: any ratio of them is free of overflow.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | g_k / max_l g_l | scaled | [n, J + 1] |
 * | log max_l g_l | top | [n] |
 * | sum_k alpha_k scaled_k | mixed | [n] |
 */
export interface ComponentDensities {
  readonly scaled: Float64Array;
  readonly top: Float64Array;
  readonly mixed: Float64Array;
}

/** Room for n points of J + 1 components. */
export function densityRoom(n: number, count: number): ComponentDensities {
  return {
    scaled: new Float64Array(n * (count + 1)),
    top: new Float64Array(n),
    mixed: new Float64Array(n),
  };
}

/**
 * The components of `proposal` at rows lo..hi-1 of x [n, d], of which row i goes to row i - lo of `out`.
 * @param logMixture [n] log density of the mixture of the laws, -Infinity where there is none.
 */
export function componentDensities(
  proposal: Proposal,
  x: Float64Array,
  logMixture: Float64Array,
  lo: number,
  hi: number,
  out: ComponentDensities,
): void {
  const { count, share } = proposal;
  const width = count + 1;
  const { scaled, top, mixed } = out;
  for (let i = lo; i < hi; i++) {
    const row = (i - lo) * width;
    const largest = logRow(proposal, x, i, logMixture[i]!, scaled, row);
    let sum = 0;
    for (let k = 0; k < width; k++) {
      const value = exp(scaled[row + k]! - largest);
      scaled[row + k] = value;
      sum += share[k]! * value;
    }
    top[i - lo] = largest;
    mixed[i - lo] = sum;
  }
}

/** log g_alpha at row i of densities that `componentDensities` filled. */
export function logMixed(densities: ComponentDensities, i: number): number {
  return densities.top[i]! + log(densities.mixed[i]!);
}

/** log g_k of all components at one point into out[at..]; returns the largest. */
function logRow(
  proposal: Proposal,
  x: Float64Array,
  i: number,
  logMixture: number,
  out: Float64Array,
  at: number,
): number {
  const { dimension: d, count, first, mean, whiten, logPeak, partShare } = proposal;
  const from = i * d;
  let largest = logMixture;
  let m = 0;
  let w = 0;
  let p = 0;
  for (let k = 0; k < count; k++) {
    const end = first[k + 1]!;
    let value = logMixture;
    for (const begin = p; p < end; p++) {
      let square = 0;
      for (let r = 0; r < d; r++) {
        let z = 0;
        for (let c = 0; c <= r; c++) z += whiten[w++]! * (x[from + c]! - mean[m + c]!);
        square += z * z;
      }
      m += d;
      const own = logPeak[p]! - 0.5 * square;
      value = end - begin === 1 ? own : joined(p === begin ? -Infinity : value, own + log(partShare[p]!));
    }
    out[at + k] = value;
    if (value > largest) largest = value;
  }
  out[at + count] = logMixture;
  return largest;
}

/** log(e^a + e^b). */
function joined(a: number, b: number): number {
  const most = a > b ? a : b;
  return most === -Infinity ? most : most + log(exp(a - most) + exp(b - most));
}
