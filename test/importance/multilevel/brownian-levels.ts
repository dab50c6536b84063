import { normalCdf } from '../../../engine/math/erfc.ts';
import type { BatchFn } from '../../../engine/types.ts';
import type { AccuracyLevel } from '../../../estimators/importance/multilevel/multilevel-types.ts';

/** dS = r S dt + sigma S dW on [0, 1] from S = 1, and a call at 1 on it. */
export const RATE = 0.05;
export const SIGMA = 0.2;

const d1 = (RATE + SIGMA ** 2 / 2) / SIGMA;
/** Black & Scholes (1973): e^-r E[max(S - 1, 0)]. */
export const CALL: number = normalCdf(d1) - Math.exp(-RATE) * normalCdf(d1 - SIGMA);

export interface Scheme {
  readonly milstein?: boolean;
  /** How the coarse path makes one increment of two standard normals. Default their sum over sqrt 2. */
  readonly coarse?: (a: number, b: number) => number;
}

function advance(s: number, z: number, h: number, milstein: boolean): number {
  const w = Math.sqrt(h) * z;
  return s * (1 + RATE * h + SIGMA * w + (milstein ? 0.5 * SIGMA ** 2 * (w * w - h) : 0));
}

const payoff = (s: number): number => Math.exp(-RATE) * Math.max(s - 1, 0);

/** Level l takes 2^l steps. */
export function brownianLevel(
  l: number,
  { milstein = false, coarse = (a, b) => (a + b) / Math.SQRT2 }: Scheme = {},
): AccuracyLevel {
  const steps = 2 ** l;
  const model: BatchFn = (x, out) => {
    const n = x.length / steps;
    for (let i = 0; i < n; i++) {
      let fine = 1;
      let rough = 1;
      for (let t = 0; t < steps; t++) {
        const z = x[i * steps + t]!;
        fine = advance(fine, z, 1 / steps, milstein);
        if (t % 2 === 1) rough = advance(rough, coarse(x[i * steps + t - 1]!, z), 2 / steps, milstein);
      }
      if (l === 0) out[i] = payoff(fine);
      else {
        out[2 * i] = payoff(fine);
        out[2 * i + 1] = payoff(rough);
      }
    }
  };
  return { model, inputs: steps, cost: steps };
}
