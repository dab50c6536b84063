import { checkFlag, checkNumber, checkOneOf, checkOptionNames } from '../../check.ts';
import type { GridPoint } from '../grid.ts';
import { atEdge, ddimMove } from './ddim.ts';
import { type GridStep, type Move, oneEvaluationProgram } from './one-evaluation.ts';
import { phi } from './phi.ts';
import type { Integrator } from './program.ts';
import { DPM_SOLVER_PLUS_PLUS } from './sources.ts';

/*
 * Exponential integrators of the reverse SDE. From s to t, h = lambda_t - lambda_s, m_0 and m_1 the newest model values,
 * D = (m_0 - m_1) / r, r = (lambda_s - lambda_before) / h:
 *
 *   clean  x <- (sigma_t / sigma_s) exp(-E) x - alpha_t expm1(-q) (m_0 + D / 2) + sigma_t sqrt(-expm1(-2 E)) z
 *   noise  x <- (alpha_t / alpha_s) x - 2 sigma_t expm1(h) (m_0 + D / 2) + sigma_t sqrt(expm1(2 h)) z
 *
 * with E = eta h and q = h + E.
 *
 * | symbol | name here |
 * |---|---|
 * | eta | eta: 0 is DPM-Solver++, 1 the reverse SDE |
 * | D / 2 | 'midpoint'; 'heun' adds alpha_t (expm1(-q) / q + 1) D in its place |
 * | expm1(-q) / q + 1 | q phi_2(-q) |
 *
 * The first step has no m_1 and is of order 1. There is no SDE solver of weak order 3 here: the published three-step forms
 * are of order 2 or less.
 */

export interface SdeDpmSolverPlusPlusOptions {
  /** Default 2. */
  readonly order?: 1 | 2;
  /** Share of the noise of the reverse SDE, in [0, 1]. Default 1. */
  readonly eta?: number;
  /** How the second value is used. Default 'midpoint'. */
  readonly type?: 'midpoint' | 'heun';
  /** Whether the last step is of order 1, for coarse grids that are even in time. Default false. */
  readonly lowerOrderFinal?: boolean;
}

/** SDE-DPM-Solver++(1) and (2M), weak order `order`. Lu et al. (2022), section 5 and appendix A. */
export function sdeDpmSolverPlusPlus(options: SdeDpmSolverPlusPlusOptions = {}): Integrator {
  const where = 'sdeDpmSolverPlusPlus';
  checkOptionNames(where, options, ['order', 'eta', 'type', 'lowerOrderFinal']);
  const { eta = 1, lowerOrderFinal = false } = options;
  const order = checkOneOf(where, 'order', String(options.order ?? 2), ['1', '2']) === '1' ? 1 : 2;
  const type = checkOneOf(where, 'type', options.type ?? 'midpoint', ['midpoint', 'heun']);
  checkNumber(where, 'eta', eta, (x) => x >= 0 && x <= 1, 'a number in [0, 1]');
  checkFlag(where, 'lowerOrderFinal', lowerOrderFinal);
  const two = order === 2 ? `2m, ${type}` : '1';
  return {
    name: `sde-dpm-solver++(${two}${eta === 1 ? '' : `, eta ${eta}`})`,
    sources: [DPM_SOLVER_PLUS_PLUS],
    prediction: 'clean',
    order,
    stochastic: eta > 0,
    program: (grid) =>
      oneEvaluationProgram(grid, order, (step) => {
        const { from, to, index } = step;
        if (atEdge(from, to)) return ddimMove(from, to);
        const low = lowerOrderFinal && index === grid.points.length - 2;
        return cleanMove(from, to, eta, low ? 0 : slope(step), type);
      }),
  };
}

function cleanMove(
  from: GridPoint,
  to: GridPoint,
  eta: number,
  ratio: number,
  type: 'midpoint' | 'heun',
): Move {
  const h = to.logSnr - from.logSnr;
  const extra = eta * h;
  const q = h + extra;
  const main = -to.signal * Math.expm1(-q);
  const second = ratio * (type === 'midpoint' ? main / 2 : to.signal * q * phi(2, -q));
  return {
    state: (to.noise / from.noise) * Math.exp(-extra),
    values: ratio === 0 ? [main] : [main + second, -second],
    noise: to.noise * Math.sqrt(-Math.expm1(-2 * extra)),
  };
}

/** 1 / r; 0 without an older value, or when that was taken where there was no signal. */
function slope({ from, to, past }: GridStep): number {
  const before = past[0];
  return before === undefined ? 0 : (to.logSnr - from.logSnr) / (from.logSnr - before.logSnr);
}

/** SDE-DPM-Solver 2M in noise form, weak order 2. Lu et al. (2022), appendix A. */
export function sdeDpmSolver(options: { readonly order?: 1 | 2 } = {}): Integrator {
  const where = 'sdeDpmSolver';
  checkOptionNames(where, options, ['order']);
  const order = checkOneOf(where, 'order', String(options.order ?? 2), ['1', '2']) === '1' ? 1 : 2;
  return {
    name: `sde-dpm-solver(${order === 2 ? '2m' : '1'})`,
    sources: [DPM_SOLVER_PLUS_PLUS],
    prediction: 'noise',
    order,
    stochastic: true,
    program: (grid) =>
      oneEvaluationProgram(grid, order, (step) => {
        const { from, to } = step;
        return atEdge(from, to) ? { ...ddimMove(from, to), prediction: 'clean' } : noiseMove(step);
      }),
  };
}

function noiseMove(step: GridStep): Move {
  const { from, to } = step;
  const ratio = slope(step);
  const state = to.signal / from.signal;
  const h = to.logSnr - from.logSnr;
  const main = -2 * to.noise * Math.expm1(h);
  const second = (ratio * main) / 2;
  return {
    state,
    values: ratio === 0 ? [main] : [main + second, -second],
    noise: to.noise * Math.sqrt(Math.expm1(2 * h)),
  };
}
