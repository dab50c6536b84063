import { atEdge, ddimMove } from './ddim.ts';
import { oneEvaluationProgram } from './one-evaluation.ts';
import type { Integrator } from './program.ts';
import { SCORE_SDE } from './sources.ts';

/*
 * The reverse SDE in the time of the schedule, dx = [f x + (g^2 / sigma) e] dt + g dw with dt < 0:
 *
 *   x <- x - D (f x + g^2 e / sigma) + g sqrt(D) z,   D = s - t > 0, all at s
 *
 * | symbol | name here |
 * |---|---|
 * | f, g^2 | drift, diffusion of the schedule |
 * | e | E[e], the 'noise' prediction: (x - alpha E[x_0]) / sigma |
 *
 * Differs from the paper: into noise 0, and out of signal 0, the step is that of DDIM without noise.
 */

/** Euler-Maruyama on the reverse SDE in time: weak order 1. Song et al. (2021), equation 6. */
export function eulerMaruyama(): Integrator {
  return {
    name: 'euler-maruyama',
    sources: [SCORE_SDE],
    prediction: 'clean',
    order: 1,
    stochastic: true,
    program: (grid) =>
      oneEvaluationProgram(grid, 1, ({ from, to }) => {
        if (atEdge(from, to)) return ddimMove(from, to);
        const step = from.time - to.time;
        const diffusion = grid.schedule.diffusion(from.time);
        const pull = (step * diffusion) / from.noise ** 2;
        return {
          state: 1 - step * grid.schedule.drift(from.time) - pull,
          values: [pull * from.signal],
          noise: Math.sqrt(diffusion * step),
        };
      }),
  };
}
