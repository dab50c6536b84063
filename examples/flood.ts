/**
 * Does the river come over the dyke, and what decides it? (after Iooss & Lemaitre 2015)
 *
 *   npx ensample sobol examples/flood.ts --second-order --report flood.html
 */
import { gumbel, normal, triangular, truncated, uniform } from 'ensample';

export const inputs = {
  Q: truncated(gumbel(1013, 558), 500, 3000), // flow of the yearly maximum, m3/s
  Ks: truncated(normal(30, 8), 15), // Strickler friction coefficient
  Zv: triangular(49, 50, 51), // river bed downstream, m
  Zm: triangular(54, 55, 56), // river bed upstream, m
  Hd: uniform(7, 9), // height of the dyke, m
  Cb: triangular(55, 55.5, 56), // level of the bank, m
  L: triangular(4990, 5000, 5010), // length of the reach, m
  B: triangular(295, 300, 305), // width of the river, m
};

export const outputs = { overflow: { unit: 'm' } };

/** Height of the water above the crest of the dyke, m; negative when it holds. */
export default function overflow({
  Q,
  Ks,
  Zv,
  Zm,
  Hd,
  Cb,
  L,
  B,
}: Record<keyof typeof inputs, number>): number {
  const depth = (Q / (B * Ks * Math.sqrt((Zm - Zv) / L))) ** 0.6;
  return Zv + depth - Hd - Cb;
}
