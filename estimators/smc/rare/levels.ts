/*
 * Levels of splitting. N particles with scores y; the next level L is the (floor(p0 N) + 1)-th largest score, so that
 * floor(p0 N) particles lie strictly above it when there are no ties; with ties the survivors are counted as they are.
 */

/** The next level, or the end. */
export type NextLevel =
  /** Particles with a score above `value` survive. */
  | { readonly kind: 'level'; readonly value: number }
  /** Enough particles are in the event: count those whose score is above 0. */
  | { readonly kind: 'event' }
  /** All scores are one number outside the event. */
  | { readonly kind: 'stuck'; readonly value: number };

/**
 * @param score [N] above 0 inside the event.
 * @param share p0, of the particles that are to survive; at least one does.
 * Source: Au & Beck (2001); with ties smc.md 15.
 */
export function nextLevel(score: Float64Array, share: number): NextLevel {
  const sorted = score.slice().sort();
  const n = sorted.length;
  const top = sorted[n - 1]!;
  const value = sorted[n - 1 - Math.max(1, Math.floor(share * n))]!;
  if (value > 0 || (value === 0 && top > 0)) return { kind: 'event' };
  return value < top ? { kind: 'level', value } : belowTop(sorted);
}

/** Nothing lies strictly above the largest score: those who reached it survive. */
function belowTop(sorted: Float64Array): NextLevel {
  const top = sorted[sorted.length - 1]!;
  const value = sorted.findLast((y) => y < top);
  return value === undefined ? { kind: 'stuck', value: top } : { kind: 'level', value };
}

/** The level that removes the `removed` lowest scores and all that tie with the highest of them. */
export function lowestLevel(score: Float64Array, removed: number): NextLevel {
  const sorted = score.slice().sort();
  if (sorted[0]! > 0) return { kind: 'event' };
  const value = Math.min(sorted[removed - 1]!, 0);
  return value < sorted[sorted.length - 1]! ? { kind: 'level', value } : belowTop(sorted);
}

/**
 * Standard deviation of log p-hat if all particles were drawn afresh from the law above each level:
 * sqrt(sum over levels of (1 - r) / (r N)) with r the share of survivors.
 */
export function idealError(survivors: ArrayLike<number>, particles: number): number {
  let variance = 0;
  for (let k = 0; k < survivors.length; k++) variance += (1 - survivors[k]!) / (survivors[k]! * particles);
  return Math.sqrt(variance);
}
