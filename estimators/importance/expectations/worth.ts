import { exp, log } from '../../../engine/wasm/twins/elementary.ts';
import { lossOf, type Weighting } from './loss.ts';

/**
 * Whether a stage was worth its points.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | Z of the mixture before, at its own points and at the new ones | old, oldAtNew | [N, J] each |
 * | Z of the new mixture at its points | fresh | [N, J] |
 * | V_0, V_1: loss of one point | before, after | |
 *
 *   stop when V_0 / (left before the stage) <= V_1 / (left now)
 *
 * Departure from the source: V_0 is measured at the points of both stages, weighted by the balance density of the two. The
 * mixture before cannot see the tails that it misses, and its own points would make it look the better for that.
 * Source: multiple-expectations, section 4.
 */
export interface StageSummands {
  readonly old: Float64Array;
  readonly oldAtNew: Float64Array;
  readonly fresh: Float64Array;
  /** [N] log of the new density over the old, at the old points and at the new ones. */
  readonly gainAtOld: Float64Array;
  readonly gainAtNew: Float64Array;
}

/** V_0 and V_1; with `ownPoints` V_0 is measured as released. */
export function stageLosses(
  { old, oldAtNew, fresh, gainAtOld, gainAtNew }: StageSummands,
  count: number,
  weighting: Weighting,
  ownPoints: boolean,
): { readonly before: number; readonly after: number } {
  const after = lossOf(fresh, count, weighting);
  if (ownPoints) return { before: lossOf(old, count, weighting), after };
  const both = new Float64Array(old.length + oldAtNew.length);
  both.set(old);
  both.set(oldAtNew, old.length);
  const gain = new Float64Array(gainAtOld.length + gainAtNew.length);
  gain.set(gainAtOld);
  gain.set(gainAtNew, gainAtOld.length);
  const weight = gain.map((value) => 2 / (1 + exp(Math.min(value, 700))));
  return { before: lossOf(both, count, weighting, weight), after };
}

/** log of g_new / g_old where log h, log(g_new / h) and log g_old are known. */
export function logGain(logBalance: Float64Array, mixed: Float64Array, logOld: Float64Array): Float64Array {
  return logOld.map((own, i) => logBalance[i]! + log(mixed[i]!) - own);
}
