import { digest } from '../../../engine/digest.ts';
import type { Lookahead, Proposal, StateSpaceModel } from '../state-space.ts';
import type { ObservationSeries } from './observations.ts';

/** Functions of a filter. */
export interface FilterFunctions {
  readonly model: StateSpaceModel;
  readonly proposal?: Proposal | undefined;
  readonly lookahead?: Lookahead | undefined;
}

/**
 * A short text that differs between filters of different functions: which there are, and what they make of one particle in
 * two steps. Functions that agree there, and differ elsewhere only, have one mark.
 *
 * @param given undefined where observations are not known yet: numbers stand in for two of them.
 */
export function filterMark(
  { model, proposal, lookahead }: FilterFunctions,
  given: ObservationSeries | undefined,
): string {
  const made = new Float64Array(model.observed ?? 1).fill(0.5);
  const observations = given ?? [made, made];
  const seen: unknown[] = [functionsOf(model), functionsOf(proposal), lookahead !== undefined];
  const { dimension: d, noise = d } = model;
  const look = (length: number, fill: (out: Float64Array) => void): Float64Array => {
    const out = new Float64Array(length);
    seen.push(rounded(out, fill));
    return out;
  };
  const state = (fill: (x: Float64Array) => void): Float64Array => look(d, fill);
  const number = (fill: (out: Float64Array) => void): Float64Array => look(1, fill);
  const [z, zq] = [normals(noise), normals(proposal?.noise ?? d)];
  const [t0, t1] = [observed(observations, 0), observed(observations, 1)];
  const x0 = state((x) => model.initial(z, x));
  const x1 = state((x) => model.transition(1, x0, z, x));
  if (t0 !== undefined) number((out) => model.logObservation(t0, observations[t0]!, x0, out));
  if (model.logInitial !== undefined) number((out) => model.logInitial!(x0, out));
  if (model.logTransition !== undefined) number((out) => model.logTransition!(1, x0, x1, out));
  if (t0 === 0 && proposal !== undefined) {
    const q0 = state((x) => proposal.initial(observations[0]!, zq, x));
    number((out) => proposal.logInitial(observations[0]!, q0, out));
  }
  if (t1 === undefined) return digest(JSON.stringify(seen));
  const y1 = observations[t1]!;
  if (proposal !== undefined) {
    const q1 = state((x) => proposal.transition(t1, y1, x0, zq, x));
    number((out) => proposal.logTransition(t1, y1, x0, q1, out));
  }
  if (lookahead !== undefined) number((out) => lookahead(t1 - 1, y1, x0, out));
  return digest(JSON.stringify(seen));
}

/** Names of the functions of an object. */
function functionsOf(object: object | undefined): readonly string[] {
  if (object === undefined) return [];
  return Object.entries(object)
    .filter(([, value]) => typeof value === 'function')
    .map(([name]) => name)
    .sort();
}

/** What a function fills in, to six digits or so: elementary functions differ in the last place between machines. */
function rounded(out: Float64Array, fill: (out: Float64Array) => void): readonly string[] | string {
  try {
    fill(out);
    return Array.from(out, (value) => String(Math.fround(value)));
  } catch (error) {
    // What fails here fails in the run too, where it is told.
    return String(error);
  }
}

/** Numbers that standard normals may be. */
function normals(count: number): Float64Array {
  return Float64Array.from({ length: count }, (_, j) => ((j * 0.618 + 0.21) % 1) - 0.4);
}

/** The first step from `from` on with an observation. */
function observed(observations: ObservationSeries, from: number): number | undefined {
  for (let t = from; t < observations.length; t++) if (observations[t] !== null) return t;
  return undefined;
}
