import { checkCount, checkFlag, checkNumber, checkOptionNames } from '../../check.ts';
import type { GridPoint } from '../grid.ts';
import { atEdge, ddimMove } from './ddim.ts';
import { type Move, oneEvaluationProgram } from './one-evaluation.ts';
import type { Integrator, Operation } from './program.ts';
import { SCORE_SDE } from './sources.ts';

/*
 * Reverse diffusion, in x / alpha and sigma / alpha:
 *
 *   x <- x - ((sigma_s^2 - sigma_t^2) / sigma_s) e + sqrt(sigma_s^2 - sigma_t^2) z
 *
 * and, before each step, Langevin moves at its noise: x <- x + c g + sqrt(2 c) z with the score g and
 * c = 2 a (r |z| / |g|)^2.
 *
 * | symbol | name here |
 * |---|---|
 * | m | moves |
 * | r | ratio: of signal to noise in a move |
 * | a = alpha_i of the paper, 1 - beta_i | scale: (alpha_s / alpha_t)^2, which is 1 for VE |
 *
 * Differs from the paper: norms are those of each particle instead of means over the batch, so that particles do not
 * depend on each other. Into noise 0, and out of signal 0, the step is that of DDIM without noise.
 */

/** The reverse-diffusion sampler: weak order 1, one evaluation a step. Song et al. (2021), appendix E. */
export function reverseDiffusionSteps(): Integrator {
  return {
    name: 'reverse-diffusion-steps',
    sources: [SCORE_SDE],
    prediction: 'clean',
    order: 1,
    stochastic: true,
    program: (grid) => oneEvaluationProgram(grid, 1, ({ from, to }) => reverseMove(from, to)),
  };
}

/** With a denoised value: (x / alpha - e (1 - k) sigma), k = (sigma_t / sigma_s)^2, is k x / alpha + (1 - k) E[x_0]. */
function reverseMove(from: GridPoint, to: GridPoint): Move {
  if (atEdge(from, to)) return ddimMove(from, to);
  const share = -Math.expm1(-2 * (to.logSnr - from.logSnr));
  return {
    state: (to.signal / from.signal) * (1 - share),
    values: [to.signal * share],
    noise: (to.signal / from.signal) * from.noise * Math.sqrt(share),
  };
}

export interface PredictorCorrectorOptions {
  /** Langevin moves before each step. Default 1. */
  readonly moves?: number;
  /** Of signal to noise in a move. Default 0.16. */
  readonly ratio?: number;
  /** Whether the last step adds no noise, as published. Default true. */
  readonly denoise?: boolean;
}

/**
 * Predictor and corrector: reverse diffusion after Langevin moves, moves + 1 evaluations a step. Song et al. (2021),
 * algorithms 2 and 3. Made for images: the length of a move goes with 1 / |g|^2, which in few dimensions is now and then
 * so long that the variance comes out several times too large, whatever the number of steps (by 4 in 3 dimensions, 1.1 in
 * 50, 1.05 in 200 for a normal law and ratio 0.16).
 */
export function predictorCorrector(options: PredictorCorrectorOptions = {}): Integrator {
  const where = 'predictorCorrector';
  checkOptionNames(where, options, ['moves', 'ratio', 'denoise']);
  const { moves = 1, ratio = 0.16, denoise = true } = options;
  checkCount(where, 'moves', moves, { min: 1 });
  checkNumber(where, 'ratio', ratio, (x) => x > 0 && x < Infinity, 'a number > 0');
  checkFlag(where, 'denoise', denoise);
  return {
    name: 'predictor-corrector',
    sources: [SCORE_SDE],
    prediction: 'clean',
    order: 1,
    stochastic: true,
    program(grid) {
      const last = grid.points.length - 2;
      const predictor = oneEvaluationProgram(grid, 1, ({ from, to, index }) => {
        const move = reverseMove(from, to);
        return denoise && index === last ? { ...move, noise: 0 } : move;
      });
      const steps = predictor.steps.map((step, k): readonly Operation[] => {
        const [at, next] = [grid.points[k]!, grid.points[k + 1]!];
        if (at.signal === 0) return step;
        const scale = (at.signal / next.signal) ** 2;
        const move: Operation = { kind: 'langevin', state: 0, at, ratio, scale };
        return [...Array.from({ length: moves }, () => move), ...step];
      });
      const corrected = steps.filter(([first]) => first!.kind === 'langevin').length;
      return { ...predictor, steps, evaluations: predictor.evaluations + moves * corrected };
    },
  };
}
