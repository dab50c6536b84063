import { OptionError } from '../errors.ts';
import { checkIntegrator, chosenGrid, type GridChoice, isNoiseLevel } from './check-grid.ts';
import type { Denoiser } from './denoiser.ts';
import type { GridPoint } from './grid.ts';
import { edmGrid, timeGrid } from './grids.ts';
import { ddpm } from './solver/ddpm.ts';
import type { Integrator, Operation } from './solver/program.ts';

/*
 * An integrator that evaluates once a step and keeps nothing is a Markov chain from noise to data with normal kernels:
 *
 *   x' = a x + b E[x_0 given x] + c z
 *
 * | symbol | name here |
 * |---|---|
 * | a, b, c | state, clean, noise |
 */

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

/** What a chain is made of. */
export interface ChainChoice extends GridChoice {
  readonly denoiser: Pick<Denoiser, 'schedule'>;
  readonly integrator?: Integrator;
}

/**
 * The kernels of an integrator, `ddpm()` by default, on a grid: by default 100 steps, even in time to time 0.
 * @throws OptionError for a bad count, a grid that does not fall or is of another schedule, and an integrator that looks
 * back or evaluates more than once a step.
 */
export function baseChain(where: string, choice: ChainChoice): BaseChain {
  const { integrator = ddpm(), denoiser } = choice;
  const { schedule } = denoiser;
  const grid = chosenGrid(where, choice, {
    schedule,
    owner: 'the denoiser',
    steps: 100,
    make: (steps) =>
      isNoiseLevel(schedule) ? edmGrid(schedule, { steps }) : timeGrid(schedule, { steps, stop: 0 }),
  });
  checkIntegrator(where, integrator);
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
