import { normalQuantile } from '../../../engine/wasm/twins/normal.ts';
import type { StateSpaceModel } from '../../../estimators/smc/state-space.ts';
import reference from '../../reference/discrete-hmm.json' with { type: 'json' };

export const { p0, P, G, path_probabilities: PATH_LAW } = reference;
export const STEPS: number = G.length;
export const PATHS: number = PATH_LAW.length;

/** Three states, four steps; x is the state, from one standard normal by inversion. */
export const discreteHmm: StateSpaceModel = {
  dimension: 1,
  initial(z, x) {
    for (let i = 0; i < x.length; i++) x[i] = stateAt(START, z[i]!);
  },
  transition(_, parent, z, x) {
    for (let i = 0; i < x.length; i++) x[i] = stateAt(CUTS[parent[i]!]!, z[i]!);
  },
  logObservation(step, _, x, out) {
    for (let i = 0; i < out.length; i++) out[i] = LOG_G[step]![x[i]!]!;
  },
  logTransition(_, parent, x, out) {
    for (let i = 0; i < out.length; i++) out[i] = LOG_P[parent[i]!]![x[i]!]!;
  },
};

export const observations: number[] = new Array(STEPS).fill(0);

/** Index of a path [T] in the tables of the reference: base-3 digits, first state first. */
export function pathIndex(path: ArrayLike<number>): number {
  let index = 0;
  for (let t = 0; t < STEPS; t++) index = 3 * index + path[t]!;
  return index;
}

/** The path with that index, [T]. */
export function pathOf(index: number): Float64Array {
  const path = new Float64Array(STEPS);
  for (let t = STEPS - 1, rest = index; t >= 0; t--, rest = Math.floor(rest / 3)) path[t] = rest % 3;
  return path;
}

/** A path from the exact law by one uniform. */
export function exactPath(u: number): Float64Array {
  let index = 0;
  for (let below = PATH_LAW[0]!; below < u && index < PATHS - 1; below += PATH_LAW[index]!) index++;
  return pathOf(index);
}

/** Where a standard normal is cut so that the pieces have these probabilities. */
function cuts(row: readonly number[]): readonly number[] {
  return [normalQuantile(row[0]!), normalQuantile(row[0]! + row[1]!)];
}

function stateAt(at: readonly number[], z: number): number {
  return z < at[0]! ? 0 : z < at[1]! ? 1 : 2;
}

const START = cuts(p0);
const CUTS = P.map(cuts);
const LOG_P = P.map((row) => row.map(Math.log));
const LOG_G = G.map((row) => row.map(Math.log));
