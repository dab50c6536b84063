import { checkCount, show } from '../../../engine/check.ts';
import type { Grid, GridPoint } from '../../../engine/diffusion/grid.ts';
import { timeGrid } from '../../../engine/diffusion/grids.ts';
import { ddpm } from '../../../engine/diffusion/solver/ddpm.ts';
import type { Integrator, Operation } from '../../../engine/diffusion/solver/program.ts';
import { OptionError } from '../../../engine/errors.ts';
import type { ChainOptions } from './types.ts';

/** x' = state x + clean E[x_0 given x] + noise z. */
export interface BaseMove {
  readonly state: number;
  readonly clean: number;
  readonly noise: number;
  /** What the mean moves by where the score is raised by 1: clean sigma^2 / alpha. */
  readonly pull: number;
}

/** A chain from noise to data with normal kernels. */
export interface BaseChain {
  readonly name: string;
  /** [N + 1] */
  readonly points: readonly GridPoint[];
  /** [N] */
  readonly moves: readonly BaseMove[];
}

/**
 * The kernels of an integrator on a grid.
 * @throws OptionError for a grid that does not fall or is of another schedule, and for an integrator that looks back or
 * evaluates more than once a step.
 */
export function baseChain(where: string, options: ChainOptions): BaseChain {
  const { integrator = ddpm() } = options;
  const grid = gridOf(where, options);
  if (typeof integrator?.program !== 'function')
    throw badIntegrator(where, integrator, `option \`integrator\` is ${show(integrator)}`);
  const { steps } = integrator.program(grid);
  const moves = steps.map((operations, k) => moveOf(where, integrator, operations, grid.points[k]!, k));
  return { name: integrator.name, points: grid.points, moves };
}

/** @throws OptionError unless some step draws noise; those into noise 0, or out of signal 0, need not. */
export function checkNoisy(where: string, { name, moves }: BaseChain, why: string): void {
  if (moves.some(({ noise }) => noise > 0)) return;
  throw new OptionError({
    where,
    option: 'integrator',
    value: name,
    found: `no step of ${name} draws noise`,
    expected: `noise on the way: ${why}`,
    fix: 'Try integrator: ddpm(), or ddim({ eta: 1 }), and more than one step.',
  });
}

function gridOf(where: string, { denoiser, steps, grid }: ChainOptions): Grid {
  if (grid === undefined) {
    checkCount(where, 'steps', steps ?? 100, { min: 1, max: 2 ** 24 });
    return timeGrid(denoiser.schedule, { steps: steps ?? 100, stop: 0 });
  }
  if (steps !== undefined) {
    throw new OptionError({
      where,
      option: 'steps',
      value: steps,
      found: 'options `steps` and `grid` are given together',
      expected: 'one of them',
    });
  }
  const points = grid?.points;
  if (!Array.isArray(points) || points.length < 2)
    throw badGrid(
      where,
      grid,
      `option \`grid\` is ${show(grid)}`,
      'a grid such as timeGrid(schedule, { steps: 100 })',
    );
  const own = denoiser.schedule.describe();
  if (grid.schedule.describe() !== own)
    throw badGrid(
      where,
      grid,
      `the grid is of ${grid.schedule.describe()}`,
      `times of ${own}, as the denoiser`,
    );
  const odd = points.findIndex(({ time }, k) => !(time >= 0 && (k === 0 || time < points[k - 1]!.time)));
  if (odd < 0) return grid;
  const before = odd > 0 ? ` after ${points[odd - 1]!.time}` : '';
  throw badGrid(where, grid, `time ${odd} of the grid is ${points[odd]!.time}${before}`, 'falling times');
}

function badGrid(where: string, value: unknown, found: string, expected: string): OptionError {
  return new OptionError({ where, option: 'grid', value, found, expected });
}

function moveOf(
  where: string,
  integrator: Integrator,
  operations: readonly Operation[],
  from: GridPoint,
  step: number,
): BaseMove {
  const [first, second] = operations;
  const plain =
    operations.length === 2 &&
    first?.kind === 'evaluate' &&
    first.state === 0 &&
    first.at.time === from.time &&
    second?.kind === 'combine' &&
    second.into === 'state' &&
    second.register === 0 &&
    second.states.every(({ register }) => register === 0) &&
    second.values.every(({ register }) => register === first.value);
  if (!plain)
    throw badIntegrator(where, integrator, `step ${step} of ${integrator.name} does more than one thing`);
  const onState = second.states.reduce((sum, { factor }) => sum + factor, 0);
  const onValue = second.values.reduce((sum, { factor }) => sum + factor, 0);
  const { signal, noise: sigma } = from;
  const asked = first.prediction ?? integrator.prediction;
  // e = (x - alpha E[x_0]) / sigma
  const state = asked === 'noise' ? onState + onValue / sigma : onState;
  const clean = asked === 'noise' ? (-onValue * signal) / sigma : onValue;
  const { noise } = second;
  return { state, clean, noise, pull: noise === 0 ? 0 : (clean * sigma * sigma) / signal };
}

function badIntegrator(where: string, value: unknown, found: string): OptionError {
  return new OptionError({
    where,
    option: 'integrator',
    value,
    found,
    expected: 'one evaluation a step and no memory, so that the step is a normal law around a mean',
    fix: 'Try ddpm(), ddim({ eta: 1 }) or eulerMaruyama().',
  });
}
