import type { Grid, GridPoint } from '../grid.ts';
import type { Operation, SolverProgram } from './program.ts';

/** x <- state x + sum_j values[j] m_j + noise z, with m_0 the newest model value, m_1 the one before. */
export interface Move {
  readonly state: number;
  readonly values: readonly number[];
  readonly noise: number;
  /** What m_0 is, where that is not what the solver usually wants. */
  readonly prediction?: 'clean' | 'noise';
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
  const { points } = grid;
  const steps = points.slice(1).map((to, index): readonly Operation[] => {
    const from = points[index]!;
    const past = points.slice(Math.max(0, index - memory + 1), index).reverse();
    const { state, values, noise, prediction } = moveOf({ from, to, index, past });
    const slot = (age: number): number => (index - age) % memory;
    return [
      { kind: 'evaluate', state: 0, at: from, value: slot(0), ...(prediction && { prediction }) },
      {
        kind: 'combine',
        into: 'state',
        register: 0,
        states: [{ register: 0, factor: state }],
        values: values.map((factor, age) => ({ register: slot(age), factor })),
        noise,
      },
    ];
  });
  return { grid, states: 1, values: memory, steps, evaluations: steps.length };
}
