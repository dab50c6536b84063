import { checkNumber, checkOneOf, checkOptionNames } from '../../check.ts';
import { OptionError } from '../../errors.ts';
import { type Grid, type GridPoint, gridPointAt } from '../grid.ts';
import { atEdge, ddimMove } from './ddim.ts';
import { combine, evaluate, programOf, stepsOf, terms } from './operations.ts';
import type { Integrator, Operation } from './program.ts';
import { EDM } from './sources.ts';

/*
 * Noise is added first and integrated away with the step. In x / alpha and sigma / alpha, n steps:
 *
 *   g = min(churn / n, sqrt(2) - 1) where smallest <= sigma <= largest, else 0;   s = sigma (1 + g)
 *   x <- x + sqrt(s^2 - sigma^2) inflation z
 *   d = (x - m(x, s)) / s;   u = x + H d;   x <- x + H (d + (u - m(u, t)) / t) / 2,   H = t - s
 *
 * | symbol | name here |
 * |---|---|
 * | S_churn | churn |
 * | S_tmin, S_tmax | smallest, largest: noise levels sigma / alpha |
 * | S_noise | inflation |
 * | gamma, sigma hat | g, s |
 * | N | steps, and levels before the final 0 |
 *
 * Differs from the paper: any schedule, through x / alpha; and the step may be Euler's.
 */

export interface EdmStochasticOptions {
  /** How much noise is renewed over all steps. Default 40. */
  readonly churn?: number;
  /** Noise levels sigma / alpha between which noise is renewed. Default 0.05 and 50. */
  readonly smallest?: number;
  readonly largest?: number;
  /** Factor on the added noise, for networks that remove too much. Default 1; the paper takes 1.003 for ImageNet. */
  readonly inflation?: number;
  /** Default 'heun', of weak order 2; 'euler' is of order 1. */
  readonly method?: 'heun' | 'euler';
}

/**
 * The stochastic sampler of EDM: two evaluations a step, one in a step to noise 0. Karras et al. (2022), algorithm 2.
 * @throws OptionError, from `program`, when noise beyond the end of the schedule would be added.
 */
export function edmStochastic(options: EdmStochasticOptions = {}): Integrator {
  const where = 'edmStochastic';
  checkOptionNames(where, options, ['churn', 'smallest', 'largest', 'inflation', 'method']);
  const { churn = 40, smallest = 0.05, largest = 50, inflation = 1 } = options;
  const method = checkOneOf(where, 'method', options.method ?? 'heun', ['heun', 'euler']);
  for (const [name, value] of Object.entries({ churn, smallest, inflation }))
    checkNumber(where, name, value, (x) => x >= 0 && x < Infinity, 'a number >= 0');
  checkNumber(where, 'largest', largest, (x) => x >= smallest, `a number >= smallest, ${smallest}`);
  return {
    name: `edm-stochastic(churn ${churn}${method === 'euler' ? ', euler' : ''})`,
    sources: [EDM],
    prediction: 'clean',
    order: method === 'heun' ? 2 : 1,
    stochastic: churn > 0,
    program(grid) {
      const most = Math.min(churn / (grid.points.length - 1), Math.SQRT2 - 1);
      const steps = stepsOf(grid, (from, to) => {
        if (from.signal === 0) return eulerStep(from, to);
        const level = Math.exp(-from.logSnr);
        const share = level >= smallest && level <= largest ? most : 0;
        const raised = churned(where, grid, from, share);
        const step = method === 'euler' || atEdge(from, to) ? eulerStep(raised, to) : heunStep(raised, to);
        return [addNoise(from, raised, share, inflation), ...step];
      });
      return programOf(grid, { states: 2, values: 2 }, steps);
    },
  };
}

/** The point to which a share of noise is added. */
function churned(where: string, grid: Grid, from: GridPoint, share: number): GridPoint {
  if (share === 0) return from;
  const raised = gridPointAt(grid.schedule, from.logSnr - Math.log1p(share));
  if (raised.time <= grid.schedule.end * (1 + 1e-12)) return raised;
  const [level, end] = [Math.exp(-from.logSnr), Math.exp(-grid.schedule.logSnr(grid.schedule.end))];
  throw new OptionError({
    where,
    option: 'largest',
    value: level,
    found: `at noise level ${level} noise up to ${level * (1 + share)} would be added`,
    expected: `at most that at the end of ${grid.schedule.name}, ${end}`,
    fix: `Try largest: ${(end / (1 + share)).toPrecision(3)}.`,
  });
}

function addNoise(from: GridPoint, raised: GridPoint, share: number, inflation: number): Operation {
  const factor = raised.signal / from.signal;
  const added = factor * from.noise * Math.sqrt(share * (2 + share));
  return combine(0, terms([0], [factor]), [], added * inflation);
}

function eulerStep(from: GridPoint, to: GridPoint): Operation[] {
  const { state, values } = ddimMove(from, to);
  return [evaluate(0, from, 0), combine(0, terms([0], [state]), terms([0], values))];
}

function heunStep(from: GridPoint, to: GridPoint): Operation[] {
  const { signal } = to;
  const [s, t] = [Math.exp(-from.logSnr), Math.exp(-to.logSnr)];
  const half = (t - s) / 2;
  const euler = ddimMove(from, to);
  return [
    evaluate(0, from, 0),
    combine(1, terms([0], [euler.state]), terms([0], euler.values)),
    evaluate(1, to, 1),
    combine(
      0,
      terms([0, 1], [(signal / from.signal) * (1 + half / s), half / t]),
      terms([0, 1], [(-signal * half) / s, (-signal * half) / t]),
    ),
  ];
}
