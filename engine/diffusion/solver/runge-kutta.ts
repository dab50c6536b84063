import { checkNumber, checkOneOf, checkOptionNames } from '../../check.ts';
import { type Grid, type GridPoint, gridPointAt } from '../grid.ts';
import { atEdge } from './ddim.ts';
import { combine, edgeStep, evaluate, programOf, stepsOf, terms } from './operations.ts';
import type { Integrator, Operation, SolverProgram } from './program.ts';
import type { StepRegisters } from './singlestep.ts';
import { DEIS, EDM } from './sources.ts';

/*
 * Runge-Kutta methods in the noise level, where every schedule is the same equation, d v / d rho = E[e].
 *
 * | symbol | name here |
 * |---|---|
 * | rho = sigma / alpha | level |
 * | v = x / alpha | x of a register over the signal of its point |
 * | c, a, b of the tableau | nodes, matrix, weights |
 * | a of algorithm 1 of EDM | fraction |
 *
 * Differs from EDM: only sigma(t) = t, s(t) = 1, which EDM recommends; other schedules are the same method in v.
 */

/** v_i = v + H sum_j matrix[i][j] e_j at nodes[i]; v <- v + H sum_j weights[j] e_j. */
export interface Tableau {
  readonly nodes: readonly number[];
  readonly matrix: readonly (readonly number[])[];
  readonly weights: readonly number[];
}

const KUTTA3: Tableau = {
  nodes: [0, 1 / 2, 1],
  matrix: [[], [1 / 2], [-1, 2]],
  weights: [1 / 6, 2 / 3, 1 / 6],
};
const CLASSICAL: Tableau = {
  nodes: [0, 1 / 2, 1 / 2, 1],
  matrix: [[], [1 / 2], [0, 1 / 2], [0, 0, 1]],
  weights: [1 / 6, 1 / 3, 1 / 3, 1 / 6],
};

/** The method of order 2 whose second evaluation is at a fraction of the step. */
function secondOrder(fraction: number): Tableau {
  const weight = 1 / (2 * fraction);
  return { nodes: [0, fraction], matrix: [[], [fraction]], weights: [1 - weight, weight] };
}

/** What DEIS starts its multistep solvers with, by order. */
export const TABLEAUS: Readonly<Record<number, Tableau>> = { 2: secondOrder(1), 3: KUTTA3, 4: CLASSICAL };

export interface HeunOptions {
  /** Where the second evaluation is: 1 is Heun's method, 1/2 the midpoint method. In (0, 1]. Default 1. */
  readonly fraction?: number;
}

/**
 * Heun's method in the noise level, EDM's deterministic sampler: order 2, two evaluations a step, one in a step to noise 0.
 * @throws OptionError for a fraction outside (0, 1].
 * Source: Karras et al. (2022), algorithm 1 and equation 64.
 */
export function heun(options: HeunOptions = {}): Integrator {
  checkOptionNames('heun', options, ['fraction']);
  const { fraction = 1 } = options;
  checkNumber('heun', 'fraction', fraction, (a) => a > 0 && a <= 1, 'a number in (0, 1]');
  const tableau = secondOrder(fraction);
  const name = fraction === 1 ? 'heun' : `heun(${fraction})`;
  return { ...KIND, name, sources: [EDM], order: 2, program: (grid) => rungeKuttaProgram(grid, tableau) };
}

export interface RungeKuttaOptions {
  /** 'heun2', 'kutta3' or 'rk4': order 2, 3, 4 with as many evaluations a step. Default 'rk4'. */
  readonly method?: 'heun2' | 'kutta3' | 'rk4';
}

/** rhoRK of DEIS: classical Runge-Kutta methods in the noise level. Source: Zhang & Chen (2023), section 3.3. */
export function rungeKutta(options: RungeKuttaOptions = {}): Integrator {
  checkOptionNames('rungeKutta', options, ['method']);
  const { method = 'rk4' } = options;
  checkOneOf('rungeKutta', 'method', method, ['heun2', 'kutta3', 'rk4']);
  const order = { heun2: 2, kutta3: 3, rk4: 4 }[method];
  const tableau = TABLEAUS[order]!;
  const name = `rho-rk(${method})`;
  return { ...KIND, name, sources: [DEIS], order, program: (grid) => rungeKuttaProgram(grid, tableau) };
}

const KIND = { prediction: 'noise', stochastic: false } as const;

function rungeKuttaProgram(grid: Grid, tableau: Tableau): SolverProgram {
  const values = tableau.nodes.map((_, i) => i);
  const steps = stepsOf(grid, (from, to) =>
    atEdge(from, to)
      ? edgeStep('noise', from, to, 0)
      : rungeKuttaStep(grid, tableau, from, to, { base: 0, work: 1, values }),
  );
  return programOf(grid, { states: 2, values: values.length }, steps);
}

/** One step of a tableau by the noise. */
export function rungeKuttaStep(
  grid: Grid,
  { nodes, matrix, weights }: Tableau,
  from: GridPoint,
  to: GridPoint,
  { base, work, values }: StepRegisters,
): Operation[] {
  const level = from.noise / from.signal;
  const step = to.noise / to.signal - level;
  const point = (node: number): GridPoint => {
    if (node === 0) return from;
    return node === 1 ? to : gridPointAt(grid.schedule, -Math.log(level + node * step));
  };
  const move = (into: number, at: GridPoint, row: readonly number[]): Operation => {
    const factors = row.map((each) => at.signal * step * each);
    const used = terms(values, factors).filter(({ factor }) => factor !== 0);
    return combine(into, terms([base], [at.signal / from.signal]), used);
  };
  const stages = nodes.flatMap((node, i) => {
    if (i === 0) return [evaluate(base, from, values[0]!)];
    const at = point(node);
    return [move(work, at, matrix[i]!), evaluate(work, at, values[i]!)];
  });
  return [...stages, move(0, to, weights)];
}
