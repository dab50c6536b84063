import type { GridPoint } from '../grid.ts';
import type { Prediction } from './operations.ts';
import { phi } from './phi.ts';

/*
 * The flow from s to t, exact in its linear part (variation of constants), for a model m that is a polynomial in lambda:
 *
 *   noise: x_t = (alpha_t / alpha_s) x_s - sigma_t sum_k h^{k+1} phi_{k+1}(h)  e^(k)
 *   clean: x_t = (sigma_t / sigma_s) x_s + alpha_t sum_k h^{k+1} phi_{k+1}(-h) x_0^(k)
 *
 * | symbol | name here |
 * |---|---|
 * | h = lambda_t - lambda_s | h |
 * | alpha_t / alpha_s, sigma_t / sigma_s | state |
 * | -sigma_t or alpha_t | scale |
 * | scale h k! phi_{k+1}(+-h) | moments[k], of powers of the fraction (lambda - lambda_s) / h |
 *
 * Source: Lu et al., DPM-Solver (2022), proposition 3.1; Lu et al., DPM-Solver++ (2022), proposition 4.1.
 */

/** A step that is exact for polynomial models. */
export interface ExponentialStep {
  readonly h: number;
  readonly state: number;
  readonly scale: number;
  readonly moments: number[];
}

/** With `count` moments. */
export function exponentialStep(
  prediction: Prediction,
  from: GridPoint,
  to: GridPoint,
  count: number,
): ExponentialStep {
  const h = to.logSnr - from.logSnr;
  const noise = prediction === 'noise';
  const state = noise ? to.signal / from.signal : to.noise / from.noise;
  const scale = noise ? -to.noise : to.signal;
  const z = noise ? h : -h;
  let factor = scale * h;
  const moments = Array.from({ length: count }, (_, k) => {
    factor *= Math.max(1, k);
    return factor * phi(k + 1, z);
  });
  return { h, state, scale, moments };
}

/**
 * How the first moment is rounded where one difference stands for the derivative, which changes no order: 'taylor' not
 * at all; 'half' (dpmsolver, bh2) half of moment 0; 'linear' (bh1) half of h.
 */
export type Relaxation = 'taylor' | 'half' | 'linear';

/** The moments with moment 1 rounded. */
export function relaxed({ moments, h, scale }: ExponentialStep, rule: Relaxation): number[] {
  const [zeroth = 0, first = 0, ...rest] = moments;
  const half = { taylor: first, half: zeroth / 2, linear: (scale * h) / 2 };
  return [zeroth, half[rule], ...rest];
}
