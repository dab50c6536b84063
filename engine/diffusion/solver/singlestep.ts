import { type GridPoint, gridPointAt } from '../grid.ts';
import type { NoiseSchedule } from '../schedule.ts';
import { exponentialStep, relaxed } from './exponential.ts';
import { interpolationWeights } from './interpolation.ts';
import { combine, evaluate, type Prediction, terms } from './operations.ts';
import type { Operation } from './program.ts';

/*
 * Steps of one, two or three evaluations inside the step, at log-SNRs lambda_s + r h. DPM-Solver-1, 2, 3 by noise, 2S and
 * 3S of DPM-Solver++ by E[x_0].
 *
 * | symbol | name here |
 * |---|---|
 * | s, s1, s2, t | points |
 * | r1, r2 | fractions |
 * | u1, u2 | stages, in the state register `work` |
 *
 * Source: Lu et al., DPM-Solver (2022), algorithms 1 and 2, equations B.3 to B.5; DPM-Solver++ (2022), algorithm 1.
 */

/** 'dpmsolver' estimates derivatives by one difference, 'taylor' by all values there are. */
export type SolverType = 'dpmsolver' | 'taylor';

/** The registers of a step of several evaluations. */
export interface StepRegisters {
  /** Holds x_s. */
  readonly base: number;
  /** For the stages. */
  readonly work: number;
  /** For the values at s and at the stages. */
  readonly values: readonly number[];
}

/** The points of a step of as many evaluations as there are `fractions`, and one. */
export function stagePoints(
  schedule: NoiseSchedule,
  from: GridPoint,
  to: GridPoint,
  fractions: readonly number[],
): GridPoint[] {
  const h = to.logSnr - from.logSnr;
  const inner = fractions.map((r) => gridPointAt(schedule, from.logSnr + r * h));
  return [from, ...inner, to];
}

/**
 * A step of order `points.length` - 1 from the first of the points to the last, with stages at those between.
 * @returns the operations in as many pieces as there are evaluations; each piece ends at the next point, in `work`, the last
 * one in x.
 */
export function exponentialPieces(
  prediction: Prediction,
  points: readonly GridPoint[],
  type: SolverType,
  { base, work, values }: StepRegisters,
): Operation[][] {
  const from = points[0]!;
  const order = points.length - 1;
  return points.slice(1).map((to, stage) => {
    const step = exponentialStep(prediction, from, to, stage + 1);
    const last = stage === order - 1;
    // The last difference alone tells the derivative, except in the full Taylor form.
    const used = stage === 2 && type === 'dpmsolver' ? [0, 2] : values.slice(0, stage + 1).map((_, j) => j);
    const nodes = used.map((j) => (points[j]!.logSnr - from.logSnr) / step.h);
    const half = stage === 1 && last && type === 'dpmsolver';
    const weights = interpolationWeights(relaxed(step, half ? 'half' : 'taylor'), nodes);
    return [
      evaluate(stage === 0 ? base : work, points[stage]!, values[stage]!),
      combine(
        last ? 0 : work,
        terms([base], [step.state]),
        terms(
          used.map((j) => values[j]!),
          weights,
        ),
      ),
    ];
  });
}
