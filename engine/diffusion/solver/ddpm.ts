import { checkOneOf, checkOptionNames } from '../../check.ts';
import type { Source } from '../../types.ts';
import { atEdge, ddimMove } from './ddim.ts';
import { oneEvaluationProgram } from './one-evaluation.ts';
import type { Integrator } from './program.ts';

/*
 * Ancestral sampling: the law of x_t given x_s and x_0 = E[x_0]. With A = (alpha_s / alpha_t)^2,
 *
 *   mean (x - (1 - A) e / sigma_s) / sqrt(A),   variance (1 - A) (sigma_t / sigma_s)^2 ('small') or 1 - A ('large')
 *
 * | symbol | name here |
 * |---|---|
 * | 1 - A, beta of the paper | beta: the noise added between t and s, alpha^2 + sigma^2 = 1 |
 *
 * 'small' is DDIM with eta = 1. Differs from the paper: any two times of a grid; and on schedules with other
 * alpha^2 + sigma^2 the forward noise sigma_s^2 - A sigma_t^2 takes the place of 1 - A, of which 'small' is exact too.
 */

const HO: Source = {
  authors: 'Ho, J., Jain, A. & Abbeel, P.',
  year: 2020,
  title: 'Denoising Diffusion Probabilistic Models',
  reference: 'NeurIPS 33, arXiv:2006.11239',
};

/** Ancestral sampling of DDPM: weak order 1, one evaluation a step. Ho, Jain & Abbeel (2020), algorithm 2. */
export function ddpm(options: { readonly variance?: 'small' | 'large' } = {}): Integrator {
  checkOptionNames('ddpm', options, ['variance']);
  const variance = checkOneOf('ddpm', 'variance', options.variance ?? 'small', ['small', 'large']);
  return {
    name: `ddpm(${variance})`,
    sources: [HO],
    prediction: 'clean',
    order: 1,
    stochastic: true,
    program: (grid) =>
      oneEvaluationProgram(grid, 1, ({ from, to }) => {
        if (atEdge(from, to)) return ddimMove(from, to);
        const root = from.signal / to.signal;
        // sigma_s^2 - A sigma_t^2 over sigma_s^2.
        const share = -Math.expm1(-2 * (to.logSnr - from.logSnr));
        const beta = from.noise ** 2 * share;
        const noise = Math.sqrt(variance === 'small' ? beta * (to.noise / from.noise) ** 2 : beta);
        return { state: (1 - share) / root, values: [(share * from.signal) / root], noise };
      }),
  };
}
