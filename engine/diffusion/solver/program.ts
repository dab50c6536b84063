import type { Source } from '../../types.ts';
import type { Times } from '../denoiser.ts';
import type { Grid, GridPoint } from '../grid.ts';

/*
 * Every solver is linear in states and model values once its grid is known:
 *
 *   x <- sum_r a_r state_r + sum_j c_j value_j + b z,   z ~ N(0, I)
 *
 * with scalars that depend on the grid alone. So a solver is what writes down, for every step, a short program over a few
 * registers; one driver runs them all, on any number of particles, and gathers the registers with the particles when they
 * are resampled. The solver chooses the registers of its history, so that nothing is moved to make it older.
 *
 * State 0 is x: it holds the particles before and after every step.
 */

/** A term a_r state_r, or c_j value_j. */
export interface Term {
  readonly register: number;
  readonly factor: number;
}

export type Operation =
  /** The model at a state: E[e] or E[x_0] by `prediction`, by default the solver's, into a value register. */
  | {
      readonly kind: 'evaluate';
      readonly state: number;
      readonly at: GridPoint;
      readonly value: number;
      readonly prediction?: 'clean' | 'noise';
      /** The other of the two, into this value register, by the same evaluation. */
      readonly other?: number;
      /** The time of each particle, where that depends on the particle, in place of the time of `at`. */
      readonly chooseTimes?: TimeChoice;
    }
  /** A new state, or with `into: 'value'` another value. `noise` is b; z is fresh each time b is not 0. */
  | {
      readonly kind: 'combine';
      readonly into: 'state' | 'value';
      readonly register: number;
      readonly states: readonly Term[];
      readonly values: readonly Term[];
      readonly noise: number;
    }
  /**
   * One Langevin move of a state at the noise of `at`, x + e s + sqrt(2 e) z with s the score there and
   * e = 2 a (ratio |z| / |s|)^2 for each particle by itself; evaluates the model.
   */
  | {
      readonly kind: 'langevin';
      readonly state: number;
      readonly at: GridPoint;
      readonly ratio: number;
      readonly scale: number;
    }
  /** A change of each row of a value register that is not linear, or a row that is known. */
  | { readonly kind: 'change'; readonly value: number; readonly change: RowChange };

/** Times of rows 0..n-1 of `x` [n, d], given those of their grids -> out [n]. */
export type TimeChoice = (
  x: Float64Array,
  times: Times,
  shape: readonly [n: number, d: number],
  out: Float64Array,
) => void;

/** Writes over rows 0..n-1 of `value` [n, d]. */
export interface RowChange {
  /** For messages, and to tell programs apart. */
  readonly name: string;
  apply(value: Float64Array, shape: readonly [n: number, d: number]): void;
}

/** One grid's worth of operations. */
export interface SolverProgram {
  readonly grid: Grid;
  /** State registers, at least 1, and value registers. */
  readonly states: number;
  readonly values: number;
  /** [N] the operations of each step. */
  readonly steps: readonly (readonly Operation[])[];
  /** Model evaluations of a particle, all steps together. */
  readonly evaluations: number;
}

/** A solver of the reverse process. */
export interface Integrator {
  /** 'dpm-solver++(2M)' */
  readonly name: string;
  readonly sources: readonly Source[];
  /** The form in which it wants the model. */
  readonly prediction: 'clean' | 'noise';
  /** Of the error in the step, for smooth problems: strong order of an ODE solver, weak order of an SDE solver. */
  readonly order: number;
  /** Whether it draws noise. */
  readonly stochastic: boolean;
  /**
   * What it does on a grid. Programs of grids with as many points, which end alike (at noise 0 or not), have the same
   * operations and differ in their scalars and times alone, so that particles on different grids go together.
   * @throws OptionError when the grid does not suit it.
   */
  program(grid: Grid): SolverProgram;
}
