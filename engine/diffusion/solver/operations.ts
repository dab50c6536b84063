import type { Grid, GridPoint } from '../grid.ts';
import type { Integrator, Operation, SolverProgram, Term } from './program.ts';

/*
 * What programs are written with.
 */

export type Prediction = Integrator['prediction'];

/** The model at a state, into a value register: what the solver usually wants of it, or another prediction. */
export function evaluate(state: number, at: GridPoint, value: number, prediction?: Prediction): Operation {
  return { kind: 'evaluate', state, at, value, ...(prediction && { prediction }) };
}

/** state `into` <- states + values + noise z. */
export function combine(
  into: number,
  states: readonly Term[],
  values: readonly Term[],
  noise: number = 0,
): Operation {
  return { kind: 'combine', into: 'state', register: into, states, values, noise };
}

/** value `into` <- states + values. */
export function combineValue(into: number, states: readonly Term[], values: readonly Term[]): Operation {
  return { kind: 'combine', into: 'value', register: into, states, values, noise: 0 };
}

/** value `into` <- e = (x - alpha x_0) / sigma, of x in a state and x_0 in a value register. */
export function noiseFrom(into: number, state: number, clean: number, at: GridPoint): Operation {
  return combineValue(into, terms([state], [1 / at.noise]), terms([clean], [-at.signal / at.noise]));
}

/** factors[i] times register registers[i]. */
export function terms(registers: readonly number[], factors: readonly number[]): Term[] {
  return factors.map((factor, i) => ({ register: registers[i]!, factor }));
}

/**
 * The step into noise 0 or out of signal 0 (`atEdge`), of which nothing is kept: x <- (sigma_t / sigma_s) x + alpha_t E[x_0];
 * into noise 0 by the noise, (alpha_t / alpha_s) (x - sigma_s E[e]), which does not tell E[x_0] where there is no signal.
 * @param known whether the model is there already, in register `value`.
 */
export function edgeStep(
  prediction: Prediction,
  from: GridPoint,
  to: GridPoint,
  value: number,
  known = false,
): Operation[] {
  if (prediction === 'noise' && from.signal > 0) {
    const factor = to.signal / from.signal;
    const move = combine(0, terms([0], [factor]), terms([value], [-factor * from.noise]));
    return known ? [move] : [evaluate(0, from, value), move];
  }
  const move = combine(0, terms([0], [to.noise / from.noise]), terms([value], [to.signal]));
  return known ? [move] : [evaluate(0, from, value, 'clean'), move];
}

/** A program of these steps, its evaluations counted. */
export function programOf(
  grid: Grid,
  registers: { readonly states: number; readonly values: number },
  steps: readonly (readonly Operation[])[],
): SolverProgram {
  const evaluations = steps.flat().filter(({ kind }) => kind === 'evaluate').length;
  return { grid, ...registers, steps, evaluations };
}

/** Steps of a grid: its points, two by two. */
export function stepsOf<T>(grid: Grid, write: (from: GridPoint, to: GridPoint, index: number) => T): T[] {
  return grid.points.slice(1).map((to, index) => write(grid.points[index]!, to, index));
}
