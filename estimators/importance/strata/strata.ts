import { iid, type PointSet } from '../../../engine/random/point-set.ts';
import { checkFill, SEQUENCE_POINTS } from '../../../engine/random/point-types.ts';
import type { Rng } from '../../../engine/random/rng.ts';

/** The largest float64 below 1. */
const LARGEST = 1 - 2 ** -53;

/** K boxes in the unit cube that cut some of its coordinates. */
export interface Strata {
  readonly count: number;
  /** Coordinates that are cut. */
  readonly columns: readonly number[];
  /** Ends of stratum k in cut column j at [2 (k columns + j)] and the place after. */
  readonly bounds: Float64Array;
  /** [K] probabilities; they add up to 1. */
  readonly probability: Float64Array;
}

/** All combinations of the parts of the cut columns, the last running fastest. */
export function makeStrata(columns: readonly number[], edges: readonly (readonly number[])[]): Strata {
  const width = columns.length;
  const count = edges.reduce((product, inner) => product * (inner.length + 1), 1);
  const bounds = new Float64Array(2 * count * width);
  const probability = new Float64Array(count).fill(1);
  for (let k = 0; k < count; k++) {
    let rest = k;
    for (let j = width - 1; j >= 0; j--) {
      const inner = edges[j]!;
      const part = rest % (inner.length + 1);
      rest = Math.floor(rest / (inner.length + 1));
      const low = part === 0 ? 0 : inner[part - 1]!;
      const high = part === inner.length ? 1 : inner[part]!;
      bounds.set([low, high], 2 * (k * width + j));
      probability[k]! *= high - low;
    }
  }
  return { count, columns, bounds, probability };
}

/**
 * `total` points shared by weights that add up to 1, at least `least` each: the larger fractions get the points that
 * rounding leaves. Exact where every weight is worth `least` points and all shares are whole.
 */
export function allocate(total: number, weights: Float64Array, least: number): Uint32Array {
  const count = weights.length;
  const free = total - least * count;
  const over = weights.map((weight) => Math.max(0, weight * total - least));
  const sum = over.reduce((a, b) => a + b, 0);
  const share = over.map((value) => (sum > 0 ? (value / sum) * free : free / count));
  // A share that is whole but for rounding is whole.
  const points = Uint32Array.from(share, (value) => Math.floor(value + 1e-9));
  let left = free - points.reduce((a, b) => a + b, 0);
  const order = Array.from(share.keys()).sort(
    (a, b) => share[b]! - points[b]! - (share[a]! - points[a]!) || a - b,
  );
  for (const k of order) if (left-- > 0) points[k]!++;
  return points.map((n) => n + least);
}

/** The stratum of each point, so ordered that every part of them is shared much like the whole. */
export function interleaved(points: Uint32Array): Uint32Array {
  const total = points.reduce((a, b) => a + b, 0);
  const stratum = new Uint32Array(total);
  const place = new Float64Array(total);
  let at = 0;
  points.forEach((n, k) => {
    for (let j = 0; j < n; j++, at++) {
      stratum[at] = k;
      place[at] = (j + 0.5) / n;
    }
  });
  const order = Uint32Array.from(place.keys()).sort((a, b) => place[a]! - place[b]! || a - b);
  return order.map((i) => stratum[i]!);
}

/** Independent points, point i uniform in its stratum; stages draw different ones. */
export function stratifiedPoints(
  { columns, bounds }: Strata,
  stratum: Uint32Array,
  options: { readonly dimension: number; readonly rng: Rng; readonly stage: number },
): PointSet {
  const { dimension: d, rng, stage } = options;
  const free = iid({ dimension: d, rng, replicate: stage });
  const set = { name: 'stratified', dimension: d, points: stratum.length, extensible: false };
  return {
    ...set,
    async fill(out, first, n, backend) {
      checkFill(
        'stratified',
        { dimension: d, points: Math.min(SEQUENCE_POINTS, stratum.length) },
        out,
        first,
        n,
      );
      await free.fill(out, first, n, backend);
      for (let i = 0; i < n; i++) {
        const k = stratum[first + i]!;
        for (let j = 0; j < columns.length; j++) {
          const at = 2 * (k * columns.length + j);
          const place = i * d + columns[j]!;
          const inside = bounds[at]! + (bounds[at + 1]! - bounds[at]!) * out[place]!;
          out[place] = Math.min(LARGEST, inside);
        }
      }
    },
  };
}
