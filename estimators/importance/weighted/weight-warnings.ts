import type { Warning } from '../../../engine/types.ts';
import { HEAVIEST } from './weighted-means.ts';

/** A mean that a warning is about. */
export interface WarnedMean {
  readonly name: string;
  /** Whether it is the probability of an event. */
  readonly event: boolean;
  /** Pareto shape of its summands. */
  readonly shape: number;
}

/** Names that a message shows. */
const SHOWN = 3;

/** Means without an interval because a few summands decide them. @param fix what to do, as a sentence. */
export function heavyWarning(means: readonly WarnedMean[], fix: string): Warning[] {
  if (means.length === 0) return [];
  const worst = means.reduce((a, b) => (b.shape > a.shape ? b : a));
  if (!(worst.shape > HEAVIEST)) return tooFew(means, worst.shape, fix);
  const index =
    worst.shape === Infinity
      ? 'too few summands to tell their tail'
      : `tail index ${worst.shape.toFixed(2)}, above ${HEAVIEST}`;
  const message = `For ${listed(means)} a few huge weights decide the answer: ${index}. No interval is given because it would be too narrow. ${fix}`;
  return [{ code: 'pareto-k', message, value: worst.shape, threshold: HEAVIEST }];
}

function tooFew(means: readonly WarnedMean[], shape: number, fix: string): Warning[] {
  const message = `For ${listed(means)} too few points count in effect, so no interval is given. ${fix}`;
  return [{ code: 'pareto-k', message, value: shape, threshold: HEAVIEST }];
}

/** Means of functions that were 0 at all n points. */
export function unseenWarning(means: readonly WarnedMean[], n: number): Warning[] {
  if (means.length === 0) return [];
  const what = means.every(({ event }) => event)
    ? `none of the ${n} points was in the event`
    : `it was 0 at all ${n} points`;
  const message = `For ${listed(means)}: ${what}, so nothing is known about it; it is left out rather than given as 0. Use a proposal that reaches there, or a rare-event method (splitting).`;
  return [{ code: 'event-unseen', message, value: 0 }];
}

/** One point that holds more than `most` of the weight. */
export function oneWeightWarning(largestShare: number, most: number): Warning[] {
  if (!(largestShare > most)) return [];
  const percent = (100 * largestShare).toPrecision(2);
  const message = `One point holds ${percent} % of the weight (warned above ${100 * most} %). The sample is nearly a single point.`;
  return [{ code: 'one-weight', message, value: largestShare, threshold: most }];
}

function listed(means: readonly WarnedMean[]): string {
  const names = means.slice(0, SHOWN).map(({ name }) => `\`${name}\``);
  const more = means.length > SHOWN ? ` and ${means.length - SHOWN} more` : '';
  return `${names.join(', ')}${more}`;
}
