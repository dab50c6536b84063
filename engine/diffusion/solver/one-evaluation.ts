import type { Grid, GridPoint } from '../grid.ts';
import { combine, evaluate, type Prediction, programOf, stepsOf, terms } from './operations.ts';
import type { SolverProgram } from './program.ts';

/** x <- state x + sum_j values[j] m_j + noise z, with m_0 the newest model value, m_1 the one before. */
export interface Move {
  readonly state: number;
  readonly values: readonly number[];
  readonly noise: number;
  /** What m_0 is, where that is not what the solver usually wants. */
  readonly prediction?: Prediction;
}

/** A step of a grid, and how many steps lie behind it. */
export interface GridStep {
  readonly from: GridPoint;
  readonly to: GridPoint;
  /** 0 for the first. */
  readonly index: number;
  /** The points that were left before, newest first: past[0] is where m_1 was taken. */
  readonly past: readonly GridPoint[];
}

/**
 * The program of a solver that evaluates the model once a step, at its start, and keeps up to `memory` values.
 * @param moveOf with as many values as it uses, at most min(memory, index + 1).
 */
export function oneEvaluationProgram(
  grid: Grid,
  memory: number,
  moveOf: (step: GridStep) => Move,
): SolverProgram {
  const steps = stepsOf(grid, (from, to, index) => {
    const past = grid.points.slice(Math.max(0, index - memory + 1), index).reverse();
    const { state, values, noise, prediction } = moveOf({ from, to, index, past });
    const slots = values.map((_, age) => (index - age) % memory);
    return [
      evaluate(0, from, index % memory, prediction),
      combine(0, terms([0], [state]), terms(slots, values), noise),
    ];
  });
  return programOf(grid, { states: 1, values: memory }, steps);
}
