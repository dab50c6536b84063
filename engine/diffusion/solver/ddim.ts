import { checkNumber, checkOptionNames } from '../../check.ts';
import type { GridPoint } from '../grid.ts';
import { type Move, oneEvaluationProgram } from './one-evaluation.ts';
import type { Integrator } from './program.ts';
import { DDIM } from './sources.ts';

/*
 * Denoising diffusion implicit models. From s to t, h = lambda_t - lambda_s, m = E[x_0], e = (x - alpha_s m) / sigma_s:
 *
 *   x <- alpha_t m + sqrt(sigma_t^2 - c^2) e + c z,   c = eta sigma_t sqrt(1 - exp(-2 h))
 *
 * | symbol | name here |
 * |---|---|
 * | eta | eta: 0 no noise, 1 ancestral sampling |
 * | sqrt(sigma_t^2 - c^2) / sigma_t = exp(-g) | g is `kept` |
 *
 * eta = 0 is also DPM-Solver-1, DPM-Solver++1 and the Euler method in sigma / alpha. Differs from the paper: into noise
 * 0, and out of signal 0, the step takes no noise.
 */

/** DDIM with noise `eta` in [0, 1]: of order 1, one evaluation a step. Song, Meng & Ermon (2021), equation 12. */
export function ddim(options: { readonly eta?: number } = {}): Integrator {
  checkOptionNames('ddim', options, ['eta']);
  const { eta = 0 } = options;
  checkNumber('ddim', 'eta', eta, (x) => x >= 0 && x <= 1, 'a number in [0, 1]');
  return {
    name: eta === 0 ? 'ddim' : `ddim(${eta})`,
    sources: [DDIM],
    prediction: 'clean',
    order: 1,
    stochastic: eta > 0,
    program: (grid) => oneEvaluationProgram(grid, 1, ({ from, to }) => ddimMove(from, to, eta)),
  };
}

/** DDIM with a denoised value. */
export function ddimMove(from: GridPoint, to: GridPoint, eta = 0): Move {
  const ratio = to.noise / from.noise;
  if (atEdge(from, to)) return { state: ratio, values: [to.signal - ratio * from.signal], noise: 0 };
  const h = to.logSnr - from.logSnr;
  const kept = keptLog(h, eta);
  return {
    state: ratio * Math.exp(-kept),
    values: [-to.signal * Math.expm1(-h - kept)],
    noise: to.noise * eta * Math.sqrt(-Math.expm1(-2 * h)),
  };
}

/**
 * Steps into noise 0 or out of signal 0, where log-SNRs are infinite: every solver takes the plain step of `ddimMove`
 * there, without noise or history.
 */
export function atEdge(from: GridPoint, to: GridPoint): boolean {
  return to.noise === 0 || from.signal === 0;
}

/** -log sqrt(1 - eta^2 (1 - exp(-2 h))): how much of e is replaced by fresh noise, accurate for small and large h. */
export function keptLog(h: number, eta: number): number {
  if (h < 0.5) return -0.5 * Math.log1p(eta * eta * Math.expm1(-2 * h));
  return -0.5 * Math.log((1 - eta) * (1 + eta) + eta * eta * Math.exp(-2 * h));
}
