import { checkFlag, checkNumber, checkOneOf, checkOptionNames } from '../../check.ts';
import { integrate } from '../../math/quadrature.ts';
import { type Grid, type GridPoint, gridPoint } from '../grid.ts';
import { interpolationWeights } from './interpolation.ts';
import { type MultistepMove, multistepProgram, type Start } from './multistep.ts';
import { combine, evaluate, terms } from './operations.ts';
import type { Integrator, Operation } from './program.ts';
import { rungeKuttaStep, TABLEAUS } from './runge-kutta.ts';
import type { StepRegisters } from './singlestep.ts';
import { DEIS, PNDM } from './sources.ts';

/*
 * Adams-Bashforth methods on d v / d rho = E[e], v = x / alpha, rho = sigma / alpha: the integral of a polynomial through
 * the last values of the noise.
 *
 *   x_t = (alpha_t / alpha_s) x_s + alpha_t int_s^t p d rho
 *
 * | symbol | name here |
 * |---|---|
 * | r of tAB-r, rhoAB-r | degree: r + 1 values |
 * | t, rho: what p is a polynomial of | variable |
 * | C_j | from alpha_t int s^k d rho, s the fraction of the step in the variable |
 *
 * DEIS takes the true grid. PNDM and iPNDM take the weights of even steps whatever the grid: of order 2 at most.
 * Differs from the paper: integrals by adaptive quadrature to 1e-13, where the published code takes Riemann sums.
 */

export interface DeisOptions {
  /** 0 to 3: a step uses one value more. Default 3. */
  readonly degree?: 0 | 1 | 2 | 3;
  /** What the polynomial is one of: the time of the schedule (tAB) or the noise level (rhoAB). Default 'time'. */
  readonly variable?: 'time' | 'noise-level';
  /** Default 'lower'. */
  readonly start?: Start;
  /** Use no more values than there are steps left. Default false. */
  readonly lowerOrderFinal?: boolean;
}

/**
 * DEIS, tAB and rhoAB: order `degree` + 1, at most 2 with a 'lower' start; one evaluation a step.
 * @throws OptionError for a degree that is not 0 to 3.
 * Source: Zhang & Chen (2023), equations 14, 15 and section 3.3.
 */
export function deis(options: DeisOptions = {}): Integrator {
  checkOptionNames('deis', options, ['degree', 'variable', 'start', 'lowerOrderFinal']);
  const { degree = 3, variable = 'time', start = 'lower', lowerOrderFinal = false } = options;
  checkNumber('deis', 'degree', degree, (r) => [0, 1, 2, 3].includes(r), '0, 1, 2 or 3');
  checkOneOf('deis', 'variable', variable, ['time', 'noise-level']);
  checkOneOf('deis', 'start', start, ['lower', 'singlestep']);
  checkFlag('deis', 'lowerOrderFinal', lowerOrderFinal);
  const order = degree + 1;
  const reached = start === 'singlestep' && !lowerOrderFinal ? order : Math.min(order, 2);
  return {
    ...KIND,
    name: `deis(${variable === 'time' ? 't' : 'rho'}AB${degree})`,
    sources: [DEIS],
    order: reached,
    program(grid) {
      const move = (to: GridPoint, nodes: readonly GridPoint[]): MultistepMove =>
        deisMove(grid, variable, to, nodes);
      const rule = { prediction: 'noise', order, lowerOrderFinal, move } as const;
      if (start === 'lower' || order === 1) return multistepProgram(grid, rule);
      const write = (from: GridPoint, to: GridPoint, registers: StepRegisters): Operation[] =>
        rungeKuttaStep(grid, TABLEAUS[order]!, from, to, registers);
      return multistepProgram(grid, { ...rule, start: { evaluations: order, write } });
    },
  };
}

const KIND = { prediction: 'noise', stochastic: false } as const;

function deisMove(
  grid: Grid,
  variable: 'time' | 'noise-level',
  to: GridPoint,
  nodes: readonly GridPoint[],
): MultistepMove {
  const from = nodes[0]!;
  const place = variable === 'time' ? (point: GridPoint): number => point.time : levelOf;
  const span = place(to) - place(from);
  const rise = levelOf(to) - levelOf(from);
  // int_0^1 s^k d rho = rise - k int_0^1 s^{k-1} (rho(s) - rho(0)) ds.
  const timeMoment = (k: number): number => {
    const above = (s: number): number => {
      const time = from.time + s * span;
      return levelOf(gridPoint(grid.schedule, time)) - levelOf(from);
    };
    return rise - k * integrate((s) => s ** (k - 1) * above(s), 0, 1, 1e-13);
  };
  const moments = nodes.map((_, k) => {
    if (k === 0) return to.signal * rise;
    return to.signal * (variable === 'time' ? timeMoment(k) : rise / (k + 1));
  });
  const places = nodes.map((node) => (place(node) - place(from)) / span);
  return { state: to.signal / from.signal, values: interpolationWeights(moments, places) };
}

function levelOf(point: GridPoint): number {
  return point.noise / point.signal;
}

/** Adams-Bashforth on even steps, newest value first, by the number of values. */
const EVEN: readonly (readonly number[])[] = [
  [1],
  [3 / 2, -1 / 2],
  [23 / 12, -16 / 12, 5 / 12],
  [55 / 24, -59 / 24, 37 / 24, -9 / 24],
];

/** Even-step weights, then the DDIM map. */
function evenMove(to: GridPoint, nodes: readonly GridPoint[]): MultistepMove {
  const from = nodes[0]!;
  const map = ddimMap(from, to);
  return { state: map.state, values: EVEN[nodes.length - 1]!.map((weight) => weight * map.noise) };
}

/** The DDIM map by the noise: x <- state x + noise e. */
function ddimMap(from: GridPoint, to: GridPoint): { readonly state: number; readonly noise: number } {
  return { state: to.signal / from.signal, noise: to.signal * (levelOf(to) - levelOf(from)) };
}

export interface IpndmOptions {
  /** Values a step uses, 1 to 4. Default 4. */
  readonly order?: 1 | 2 | 3 | 4;
}

/**
 * iPNDM: one evaluation a step from the first on. Order 2 on the grids in use, and good with few steps.
 * Source: Zhang & Chen (2023), section 3.3 and appendix H.2; Liu et al. (2022), equation 12.
 */
export function ipndm(options: IpndmOptions = {}): Integrator {
  checkOptionNames('ipndm', options, ['order']);
  const { order = 4 } = options;
  checkNumber('ipndm', 'order', order, (k) => [1, 2, 3, 4].includes(k), '1, 2, 3 or 4');
  return {
    ...KIND,
    name: `ipndm(${order})`,
    sources: [PNDM],
    order: Math.min(order, 2),
    program: (grid) => multistepProgram(grid, { prediction: 'noise', order, move: evenMove }),
  };
}

export interface PndmOptions {
  /** 4 is F-PNDM, 2 is S-PNDM. Default 4. */
  readonly order?: 2 | 4;
}

/**
 * PNDM: even-step weights after three first steps of four evaluations (F-PNDM) or one of two (S-PNDM). Order 2.
 * Source: Liu et al. (2022), algorithm 2, equations 11 to 13.
 */
export function pndm(options: PndmOptions = {}): Integrator {
  checkOptionNames('pndm', options, ['order']);
  const { order = 4 } = options;
  checkNumber('pndm', 'order', order, (k) => k === 2 || k === 4, '2 or 4');
  return {
    ...KIND,
    name: order === 4 ? 'pndm' : 's-pndm',
    sources: [PNDM],
    order: 2,
    program(grid) {
      const write = (from: GridPoint, to: GridPoint, registers: StepRegisters): Operation[] =>
        order === 4 ? pseudoRungeKutta(grid, from, to, registers) : pseudoHeun(from, to, registers);
      const start = { evaluations: order, write };
      return multistepProgram(grid, { prediction: 'noise', order, move: evenMove, start });
    },
  };
}

/** Runge-Kutta 4 with the DDIM map in place of the sum; the middle is that of the time. */
function pseudoRungeKutta(
  grid: Grid,
  from: GridPoint,
  to: GridPoint,
  { base, work, values }: StepRegisters,
): Operation[] {
  const middle = gridPoint(grid.schedule, (from.time + to.time) / 2);
  const mapped = (
    into: number,
    at: GridPoint,
    weights: readonly number[],
    used: readonly number[],
  ): Operation => {
    const { state, noise } = ddimMap(from, at);
    const factors = weights.map((weight) => weight * noise);
    return combine(into, terms([base], [state]), terms(used, factors));
  };
  const [e1, e2, e3, e4] = values as [number, number, number, number];
  return [
    evaluate(base, from, e1),
    mapped(work, middle, [1], [e1]),
    evaluate(work, middle, e2),
    mapped(work, middle, [1], [e2]),
    evaluate(work, middle, e3),
    mapped(work, to, [1], [e3]),
    evaluate(work, to, e4),
    mapped(0, to, [1 / 6, 1 / 3, 1 / 3, 1 / 6], [e1, e2, e3, e4]),
  ];
}

function pseudoHeun(from: GridPoint, to: GridPoint, { base, work, values }: StepRegisters): Operation[] {
  const { state, noise } = ddimMap(from, to);
  return [
    evaluate(base, from, values[0]!),
    combine(work, terms([base], [state]), terms(values, [noise])),
    evaluate(work, to, values[1]!),
    combine(0, terms([base], [state]), terms(values, [noise / 2, noise / 2])),
  ];
}
