import { multistepProgram } from './multistep.ts';
import type { Integrator } from './program.ts';
import { SCORE_SDE } from './sources.ts';

/*
 * Euler's method on the probability flow in the time of the schedule:
 *
 *   dx / dt = f x + g^2 / (2 sigma) E[e]
 *
 * | symbol | name here |
 * |---|---|
 * | f, g^2 | drift, diffusion |
 */

/** Euler in time: order 1, one evaluation a step, with another constant than `ddim`. Song et al. (2021), equation 13. */
export function pfEuler(): Integrator {
  return {
    name: 'pf-euler',
    sources: [SCORE_SDE],
    prediction: 'noise',
    order: 1,
    stochastic: false,
    program: (grid) =>
      multistepProgram(grid, {
        prediction: 'noise',
        order: 1,
        move(to, [from]) {
          const { time, noise } = from!;
          const step = to.time - time;
          const { schedule } = grid;
          const slope = schedule.diffusion(time) / (2 * noise);
          return { state: 1 + step * schedule.drift(time), values: [step * slope] };
        },
      }),
  };
}
