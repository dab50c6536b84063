/**
 * The ladder of rare events: as long as too few points are inside an event, its function stands for a wider one.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | S_e | scores | [n, E] |
 * | gamma_e <= 0 | rung | [J] |
 * | rho | ELITE | |
 *
 *   phi_e stands for 1{S_e > gamma_e}, gamma_e the score that ELITE of a stage's points, of all points so far, exceed
 *
 * Departure from the source: the quantile is of all points so far, all weighted by the balance density, so that one sample
 * climbs for all events; gamma_e = 0 once enough points are inside.
 * Source: Rubinstein & Kroese, The Cross-Entropy Method (2004), chapter 4; smc, section 15.
 */
const ELITE = 0.1;

/** gamma_e from the scores of rows 0..n-1. */
export function nextRung(
  scores: Float64Array,
  events: number,
  e: number,
  n: number,
  perStage: number,
): number {
  const elite = Math.max(1, Math.ceil(ELITE * perStage));
  const own = Float64Array.from({ length: n }, (_, i) => scores[i * events + e]!).sort();
  const at = own[Math.max(0, n - 1 - elite)]!;
  if (at > 0 || !(own[n - 1]! > -Infinity)) return 0;
  if (own[n - 1]! > at) return at;
  // All the best points tie: nothing is above them, so the rung is the best score below.
  let below = n - 1;
  while (below > 0 && own[below] === at) below--;
  return own[below]!;
}

/** The function that stands for an event, from its score. */
export function stands(score: number, rung: number): number {
  return score > rung ? 1 : 0;
}
