import type { Grid, GridPoint } from '../grid.ts';
import { atEdge } from './ddim.ts';
import { combine, edgeStep, evaluate, type Prediction, programOf, stepsOf, terms } from './operations.ts';
import type { Operation, SolverProgram } from './program.ts';
import type { StepRegisters } from './singlestep.ts';

/*
 * One evaluation a step and a memory of those before. The values are in a ring, so that none is moved.
 */

/** How the first steps, which have no memory yet, are taken: at a lower order, or by steps of several evaluations. */
export type Start = 'lower' | 'singlestep';

/** x <- state x + sum_j values[j] m_j, with m_0 the newest value. */
export interface MultistepMove {
  readonly state: number;
  readonly values: readonly number[];
}

export interface MultistepRule {
  readonly prediction: Prediction;
  /** Values that a step uses at most. */
  readonly order: number;
  /** Use no more values than there are steps left. Default false. */
  readonly lowerOrderFinal?: boolean;
  /** The step to `to` by the values at `nodes`, newest first: the newest is where the step begins. */
  move(to: GridPoint, nodes: readonly GridPoint[]): MultistepMove;
  /** Steps that stand for those that have fewer values than `order`. */
  readonly start?: FirstSteps;
}

export interface FirstSteps {
  /** Of one step. */
  readonly evaluations: number;
  write(from: GridPoint, to: GridPoint, registers: StepRegisters): Operation[];
}

/** Below as many steps, lower orders at the end are better than none: the default of `lowerOrderFinal`. */
const FEW_STEPS = 15;

/** `lowerOrderFinal` as given, or whether the grid has less than 15 steps. */
export function lowerAtEnd(grid: Grid, asked: boolean | undefined): boolean {
  return asked ?? grid.points.length - 1 < FEW_STEPS;
}

/** The values a step may use: those there are, at most `order`, and with `lower` no more than steps left. */
export function usableValues(grid: Grid, index: number, order: number, lower: boolean): number {
  const first = grid.points[0]!.signal === 0 ? 1 : 0;
  const left = grid.points.length - 1 - index;
  return Math.min(order, index - first + 1, lower ? left : order);
}

/** The program of a rule on a grid. */
export function multistepProgram(grid: Grid, rule: MultistepRule): SolverProgram {
  const { prediction, order, lowerOrderFinal = false, start } = rule;
  const slot = (index: number): number => index % order;
  const extra = Array.from({ length: (start?.evaluations ?? 1) - 1 }, (_, k) => order + k);
  const steps = stepsOf(grid, (from, to, index) => {
    if (atEdge(from, to)) return edgeStep(prediction, from, to, slot(index));
    const known = usableValues(grid, index, order, false);
    const values = [slot(index), ...extra];
    if (start !== undefined && known < order) return start.write(from, to, { base: 0, work: 1, values });
    const used = usableValues(grid, index, order, lowerOrderFinal);
    const ages = Array.from({ length: used }, (_, age) => index - age);
    const move = rule.move(
      to,
      ages.map((i) => grid.points[i]!),
    );
    return [
      evaluate(0, from, slot(index)),
      combine(0, terms([0], [move.state]), terms(ages.map(slot), move.values)),
    ];
  });
  return programOf(grid, { states: extra.length > 0 ? 2 : 1, values: order + extra.length }, steps);
}
