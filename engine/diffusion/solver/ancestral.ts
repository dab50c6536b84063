import { checkNumber, checkOptionNames } from '../../check.ts';
import { type Grid, type GridPoint, gridPointAt } from '../grid.ts';
import { atEdge, ddimMove, keptLog } from './ddim.ts';
import { combine, evaluate, programOf, stepsOf, terms } from './operations.ts';
import type { Integrator, Operation } from './program.ts';
import { DPM_SOLVER_PLUS_PLUS } from './sources.ts';

/*
 * DPM-Solver++(2S) down to less noise than the target has, then fresh noise. In x / alpha and sigma / alpha, s > t:
 *
 *   up = eta sigma_t sqrt(1 - sigma_t^2 / sigma_s^2),   down = sqrt(sigma_t^2 - up^2),   h = log(sigma_s / down)
 *   u <- exp(-h / 2) x - expm1(-h / 2) m(x, s)              at half way in log-SNR
 *   x <- exp(-h) x - expm1(-h) m(u, middle) + up z
 *
 * | symbol | name here |
 * |---|---|
 * | eta | eta: 1 is the reverse SDE |
 * | h - log(sigma_s / sigma_t) | extra |
 *
 * Source: the sampler of this name in k-diffusion, with the second-order step of Lu et al. (2022), algorithm 1.
 */

/** DPM-Solver++(2S) with ancestral noise: weak order 2, two evaluations a step, one in a step to noise 0. */
export function dpmSolverPlusPlus2sAncestral(options: { readonly eta?: number } = {}): Integrator {
  const where = 'dpmSolverPlusPlus2sAncestral';
  checkOptionNames(where, options, ['eta']);
  const { eta = 1 } = options;
  checkNumber(where, 'eta', eta, (x) => x >= 0 && x <= 1, 'a number in [0, 1]');
  return {
    name: `dpm-solver++(2s, ancestral${eta === 1 ? '' : `, eta ${eta}`})`,
    sources: [DPM_SOLVER_PLUS_PLUS],
    prediction: 'clean',
    order: 2,
    stochastic: eta > 0,
    program: (grid) =>
      programOf(
        grid,
        { states: 2, values: 1 },
        stepsOf(grid, (from, to) => ancestralStep(grid, from, to, eta)),
      ),
  };
}

function ancestralStep(grid: Grid, from: GridPoint, to: GridPoint, eta: number): Operation[] {
  const first = evaluate(0, from, 0);
  if (atEdge(from, to)) {
    const { state, values } = ddimMove(from, to);
    return [first, into(0, state, values[0]!)];
  }
  const { logSnr, signal, noise } = to;
  const extra = keptLog(logSnr - from.logSnr, eta);
  const h = logSnr - from.logSnr + extra;
  const middle = gridPointAt(grid.schedule, from.logSnr + h / 2);
  const up = noise * eta * Math.sqrt(-Math.expm1(-2 * (logSnr - from.logSnr)));
  return [
    first,
    into(1, middle.noise / from.noise, -middle.signal * Math.expm1(-h / 2)),
    evaluate(1, middle, 0),
    into(0, (noise / from.noise) * Math.exp(-extra), -signal * Math.expm1(-h), up),
  ];
}

/** register <- state x + value m + noise z */
function into(register: number, state: number, value: number, noise = 0): Operation {
  return combine(register, terms([0], [state]), terms([0], [value]), noise);
}
