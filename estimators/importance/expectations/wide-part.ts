import { cholesky } from '../../../engine/math/linear-algebra.ts';
import type { History } from './history.ts';
import type { Integrands } from './integrands.ts';
import type { NormalPart } from './proposal.ts';

/** Share of an event's component that keeps the spread of the laws. */
const WIDE = 0.2;

/**
 * Components of events keep the spread of the laws: all of it while they climb, a part of it from then on.
 *
 * What is fitted above a rung is narrower than the law beyond the next one, the narrower the higher, so a fit alone ends
 * before the event and never learns of it. And a normal fit falls off faster than the law beyond the event. The mixture
 * of the laws bounds the weights there by 1 / alpha_0, which does nothing for an event with probability far below
 * alpha_0, and leaves weights of 10 in one sample of many for others: rare huge weights that most samples do not show,
 * nor their diagnostics. An event of 0.16 at 2100 points: 90 % of its intervals of 95 % hold without the wide part,
 * 95 % with it, and the error is 0.6 times as large.
 * @returns parts of component j of which `parts` is the fit; those of functions that are no events stay.
 */
export function widePart(
  history: History,
  { dimension, events }: Integrands,
): (parts: readonly NormalPart[], j: number, rung: number) => readonly NormalPart[] {
  const factor = events.length > 0 ? firstSpread(history, dimension) : new Float64Array(0);
  return (parts, j, rung) => {
    if (!events.includes(j)) return parts;
    const wide = parts.map((part) => ({ ...part, factor }));
    if (rung < 0) return wide;
    const shared = (part: NormalPart, share: number): NormalPart => ({ ...part, share: share * part.share });
    return [...parts.map((part) => shared(part, 1 - WIDE)), ...wide.map((part) => shared(part, WIDE))];
  };
}

/** Cholesky factor [d, d] of the covariance of the first stage's points; diagonal where they are too few for more. */
function firstSpread({ x, perStage }: History, d: number): Float64Array {
  const mean = new Float64Array(d);
  for (let at = 0; at < perStage * d; at++) mean[at % d]! += x[at]! / perStage;
  const covariance = new Float64Array(d * d);
  for (let i = 0; i < perStage; i++) {
    for (let r = 0; r < d; r++) {
      const own = x[i * d + r]! - mean[r]!;
      for (let c = 0; c <= r; c++) covariance[r * d + c]! += (own * (x[i * d + c]! - mean[c]!)) / perStage;
    }
  }
  const factor = cholesky(covariance, d);
  if (factor.kind === 'factor') return factor.lower;
  return covariance.map((value, at) => (at % (d + 1) === 0 ? Math.sqrt(value) : 0));
}
