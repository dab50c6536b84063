import { checkCount } from '../check.ts';
import { HILBERT_DIMENSIONS, hilbertBits, hilbertIndex } from '../math/hilbert.ts';
import { floatKeys, radixOrder } from '../math/radix-order.ts';
import { exp } from '../wasm/twins/elementary.ts';

/**
 * Puts particles into the order of a space-filling curve, so that neighbours in the order are neighbours in space.
 * Same particles, same order; equal ones stay in the order of their slots.
 * @param x [n, d] row-major.
 * @param weight [n] not negative, any scale; rows of weight 0 may hold anything.
 * @param order [n] output: the slots along the curve.
 */
export type CurveOrder = (x: Float64Array | Float32Array, weight: Float64Array, order: Uint32Array) => void;

/**
 * Hilbert order of n particles in d dimensions; by size when d = 1. The unit cube that the curve fills is reached by
 * 1 / (1 + exp(-(x - mean) / sd)) with the weighted mean and standard deviation of each coordinate, cut into 2^b cells,
 * b = min(16, floor(62 / d)) whatever the particles. Allocates here, once.
 *
 * @throws OptionError above 62 dimensions.
 * Source: Gerber & Chopin (2015), J. R. Stat. Soc. B 77(3).
 */
export function makeHilbertOrder(n: number, dimension: number): CurveOrder {
  const d = checkCount('hilbertOrder', 'dimension', dimension, {
    min: 1,
    max: HILBERT_DIMENSIONS,
    fix: 'A space-filling curve says nothing in so many dimensions: use random points.',
  });
  const high = new Uint32Array(n);
  const low = new Uint32Array(n);
  const scratch = new Uint32Array(n);
  if (d === 1) {
    const value = new Float64Array(n);
    return (x, _, order) => {
      value.set(x);
      floatKeys(value, high, low);
      radixOrder(high, low, order, scratch);
    };
  }
  const bits = hilbertBits(d);
  const cell = new Uint32Array(n * d);
  return (x, weight, order) => {
    for (let c = 0; c < d; c++) cellsOf(x, weight, c, d, bits, cell);
    hilbertIndex(cell, d, bits, high, low);
    radixOrder(high, low, order, scratch);
  };
}

/** Cells of coordinate c of every particle. Where nothing varies, or nothing is known, all are in the middle one. */
function cellsOf(
  x: Float64Array | Float32Array,
  weight: Float64Array,
  c: number,
  d: number,
  bits: number,
  cell: Uint32Array,
): void {
  const n = weight.length;
  const { mean, sd } = spreadOf(x, weight, c, d);
  const cells = 2 ** bits;
  for (let i = 0; i < n; i++) {
    const z = (x[i * d + c]! - mean) / sd;
    const u = Number.isNaN(z) ? 0.5 : 1 / (1 + exp(-z));
    cell[i * d + c] = Math.min(cells - 1, Math.floor(u * cells));
  }
}

/** Weighted mean and standard deviation of one coordinate over the particles that have a weight. */
function spreadOf(
  x: Float64Array | Float32Array,
  weight: Float64Array,
  c: number,
  d: number,
): { mean: number; sd: number } {
  const n = weight.length;
  let total = 0;
  let first = 0;
  for (let i = 0; i < n; i++) {
    if (!(weight[i]! > 0)) continue;
    total += weight[i]!;
    first += weight[i]! * x[i * d + c]!;
  }
  const mean = first / total;
  let second = 0;
  for (let i = 0; i < n; i++) if (weight[i]! > 0) second += weight[i]! * (x[i * d + c]! - mean) ** 2;
  return { mean, sd: Math.sqrt(second / total) };
}
