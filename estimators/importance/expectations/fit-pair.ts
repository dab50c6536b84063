import { HALF_LOG_TWO_PI } from '../../../engine/math/gamma.ts';
import { solveLower } from '../../../engine/math/linear-algebra.ts';
import { exp, log } from '../../../engine/wasm/twins/elementary.ts';
import { ridged } from './fit-ridge.ts';
import type { NormalPart } from './proposal.ts';

/**
 * A mixture of two normal laws fitted to weighted points by expectation-maximisation.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | v_i | weight | [n] |
 * | r_i1 | member | [n] |
 *
 * Departures from the source: the first split is across the mean of all points along a random coordinate (the source labels
 * points by the nearer of two random ones), and ridges are relative.
 * Source: multiple-expectations, section 3 ('GM').
 */
const SWEEPS = 500;
/** Relative change of the weighted log-likelihood at which to stop, as released. */
const CHANGE = 1e-5;
/** Share below which a part is dropped. */
const DEAD = 1e-6;

/**
 * @param whole the single law of all points.
 * @param start a uniform in (0, 1): where the first split is.
 * @returns two parts; undefined when one of them dies, so that the single law is all there is.
 */
export function fitPair(
  x: Float64Array,
  d: number,
  weight: Float64Array,
  whole: NormalPart,
  start: number,
): readonly NormalPart[] | undefined {
  const n = weight.length;
  const total = weight.reduce((sum, v) => sum + v, 0);
  const member = firstSplit(x, d, whole, start);
  const first = new Float64Array(n);
  const second = new Float64Array(n);
  let before = -Infinity;
  let parts: readonly NormalPart[] | undefined;
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    parts = maximise(x, d, weight, member, total);
    if (parts === undefined) return undefined;
    logPart(x, d, parts[0]!, first);
    logPart(x, d, parts[1]!, second);
    let likelihood = 0;
    for (let i = 0; i < n; i++) {
      const most = Math.max(first[i]!, second[i]!);
      const one = exp(first[i]! - most);
      const sum = one + exp(second[i]! - most);
      member[i] = one / sum;
      if (weight[i]! > 0) likelihood += (weight[i]! / total) * (most + log(sum));
    }
    if (Math.abs(likelihood - before) <= CHANGE * Math.abs(likelihood)) break;
    before = likelihood;
  }
  return parts;
}

/** 1 above the mean of `whole` along one coordinate, 0 below. */
function firstSplit(x: Float64Array, d: number, whole: NormalPart, start: number): Float64Array {
  const axis = Math.min(d - 1, Math.floor(start * d));
  const n = x.length / d;
  return Float64Array.from({ length: n }, (_, i) => (x[i * d + axis]! > whole.mean[axis]! ? 1 : 0));
}

function maximise(
  x: Float64Array,
  d: number,
  weight: Float64Array,
  member: Float64Array,
  total: number,
): readonly NormalPart[] | undefined {
  const parts = [0, 1].map((side) => {
    const own = weight.map((v, i) => v * (side === 0 ? member[i]! : 1 - member[i]!));
    return momentsOf(x, d, own, total);
  });
  return parts[0] && parts[1] && [parts[0], parts[1]];
}

function momentsOf(x: Float64Array, d: number, weight: Float64Array, total: number): NormalPart | undefined {
  const n = weight.length;
  const mean = new Float64Array(d);
  const covariance = new Float64Array(d * d);
  let sum = 0;
  for (let i = 0; i < n; i++) {
    sum += weight[i]!;
    for (let c = 0; c < d; c++) mean[c]! += weight[i]! * x[i * d + c]!;
  }
  if (!(sum > DEAD * total)) return undefined;
  for (let c = 0; c < d; c++) mean[c]! /= sum;
  for (let i = 0; i < n; i++) {
    if (weight[i] === 0) continue;
    for (let r = 0; r < d; r++) {
      const scaled = (weight[i]! / sum) * (x[i * d + r]! - mean[r]!);
      for (let c = 0; c <= r; c++) covariance[r * d + c]! += scaled * (x[i * d + c]! - mean[c]!);
    }
  }
  const factor = ridged(covariance, d, false, false);
  return factor && { share: sum / total, mean, factor };
}

/** log of share times density at each row. */
function logPart(x: Float64Array, d: number, part: NormalPart, out: Float64Array): void {
  let peak = log(part.share) - d * HALF_LOG_TWO_PI;
  for (let c = 0; c < d; c++) peak -= log(part.factor[c * d + c]!);
  const z = new Float64Array(d);
  for (let i = 0; i < out.length; i++) {
    for (let c = 0; c < d; c++) z[c] = x[i * d + c]! - part.mean[c]!;
    solveLower(part.factor, d, z);
    let square = 0;
    for (let c = 0; c < d; c++) square += z[c]! * z[c]!;
    out[i] = peak - 0.5 * square;
  }
}
