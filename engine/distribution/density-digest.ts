import { digest } from '../digest.ts';
import type { Density } from '../types.ts';

/** Whether a value is a law of d numbers: it has a dimension, a log density and a transport. */
export function isDensity(value: unknown): value is Density {
  const { logDensity, transport, dimension } = (value ?? {}) as Partial<Density>;
  return typeof logDensity === 'function' && typeof transport === 'function' && typeof dimension === 'number';
}

/** Points at which a law is compared. */
const PROBES = 4;

/** A short text that changes with a law and the names of its coordinates: what must agree before a saved run goes on. */
export function densityDigest(law: Density, names: readonly string[] = []): string {
  // Fractional parts of multiples of the golden ratio: points inside the cube, no two coordinates alike.
  const length = PROBES * law.dimension;
  const x = Float64Array.from({ length }, (_, i) => ((i + 1) * 0.6180339887498949) % 1);
  law.transport(x, x);
  const density = new Float64Array(PROBES);
  law.logDensity(x, density);
  return digest(JSON.stringify([names, [...x], [...density]]));
}
