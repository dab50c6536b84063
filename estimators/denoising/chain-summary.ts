import { chainMemory, splitRHat } from '../../engine/diagnostics/autocorrelation.ts';
import type { Estimate } from '../../engine/types.ts';

/*
 * Means along chains, with errors by their autocorrelation.
 */

/** Means of the coordinates of points [sweeps, n, d], and what their chains tell. */
export function coordinateMeans(
  points: Float64Array,
  n: number,
  d: number,
): { readonly estimate: Estimate; readonly of: readonly Told[] } {
  const sweeps = points.length / (n * d);
  const coordinates = Array.from({ length: d }, (_, c) => alongChains(points, sweeps, n, d, c));
  const of = coordinates.map(tell);
  const estimate = {
    names: Array.from({ length: d }, (_, c) => `x${c + 1}`),
    value: Float64Array.from(coordinates, meanOf),
    standardError: Float64Array.from(of, ({ standardError }) => standardError),
  };
  return { estimate, of };
}

function alongChains(points: Float64Array, sweeps: number, n: number, d: number, c: number): Float64Array[] {
  return Array.from({ length: n }, (_, i) =>
    Float64Array.from({ length: sweeps }, (_, s) => points[(s * n + i) * d + c]!),
  );
}

/** What chains of one quantity tell; NaN where they are too short or never move. */
export interface Told {
  readonly time: number;
  readonly ess: number;
  readonly standardError: number;
  readonly rHat: number;
}

const NOTHING: Told = {
  time: Number.NaN,
  ess: Number.NaN,
  standardError: Number.NaN,
  rHat: Number.NaN,
};

/** Autocorrelation time, effective number, error of the mean and split R-hat. */
export function tell(chains: readonly Float64Array[]): Told {
  if (chains[0]!.length < 4) return NOTHING;
  const { time, ess, standardError } = chainMemory(chains);
  if (!(time > 0)) return { ...NOTHING, rHat: splitRHat(chains) };
  return { time, ess, standardError, rHat: splitRHat(chains) };
}

function meanOf(chains: readonly Float64Array[]): number {
  let [sum, count] = [0, 0];
  for (const chain of chains) {
    for (const x of chain) sum += x;
    count += chain.length;
  }
  return sum / count;
}

/** The largest of what is known; NaN where nothing is. */
export function most(numbers: readonly number[]): number {
  const known = numbers.filter((x) => !Number.isNaN(x));
  return known.length === 0 ? Number.NaN : Math.max(...known);
}
