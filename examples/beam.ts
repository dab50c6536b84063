/**
 * Which uncertainty of a cantilever beam moves its tip the most? (test case of arXiv 2212.00568)
 *
 *   npx ensample sobol examples/beam.ts
 */
import { logNormalFromMean, normal } from 'ensample';

export const inputs = {
  FX: logNormalFromMean(556.8, 0.08), // horizontal load, N
  FY: logNormalFromMean(453.6, 0.08), // vertical load, N
  E: logNormalFromMean(200, 0.06), // Young's modulus, GPa
  w: normal(0.062, 0.0062), // width, m
  t: normal(0.0987, 0.00987), // thickness, m
  L: normal(4.29, 0.429), // length, m
};

export const outputs = { deflection: { unit: 'm' } };

/** Deflection of the free end, m. */
export default function deflection({ FX, FY, E, w, t, L }: Record<keyof typeof inputs, number>): number {
  return ((4 * L ** 3) / (1e9 * E * w * t)) * Math.sqrt((FX / w ** 2) ** 2 + (FY / t ** 2) ** 2);
}
