import { OptionError } from '../../engine/errors.ts';
import { ess, logMeanExp, normalizedWeight } from '../../engine/particles/log-weight.ts';
import { PURPOSE } from '../../engine/random/purpose.ts';
import type { Rng } from '../../engine/random/rng.ts';
import { ENDED, type IslandRows, sharedOf, statesOf } from './island.ts';

/** Where the islands go on, after a round. */
export interface NextRound {
  /** [R] island from which each goes on; itself where nothing was exchanged. */
  readonly ancestors: readonly number[];
  /** [R] log Z at the last exchange, of the state each goes on from. */
  readonly base: readonly number[];
  readonly booked: number;
  readonly exchanges: number;
  /** State of island ancestors[k]. */
  state(k: number): Uint8Array;
}

/**
 * Double bootstrap with a trigger (Verge, Dubarry, Del Moral & Moulines 2015): with L_k = log of island k's evidence since
 * the last exchange, where ESS of exp(L) < threshold R, book log mean exp(L), draw ancestors by systematic resampling
 * from exp(L), L = 0. Random numbers: the run's, purpose resampling, step `round`.
 * @returns undefined when the islands have come to their ends.
 * @throws OptionError when some have and others not, or there is no evidence on the way.
 */
export function nextRound(
  rows: IslandRows,
  threshold: number,
  round: number,
  rng: Rng,
): NextRound | undefined {
  const R = rows.flags.length;
  const ended = rows.flags.reduce((sum, flag) => sum + ((flag & ENDED) === 0 ? 0 : 1), 0);
  if (ended === R) return undefined;
  const { booked, exchanges } = sharedOf(rows);
  const logs = rows.logNormalizer.map((value, k) => (value === -Infinity ? value : value - rows.base[k]!));
  if (ended > 0 || logs.some(Number.isNaN)) throw noExchange(ended);
  const states = statesOf(rows);
  const mean = logMeanExp(logs);
  if (mean === -Infinity || ess(logs) >= threshold * R) {
    const ancestors = Array.from({ length: R }, (_, k) => k);
    return { ancestors, base: [...rows.base], booked, exchanges, state: (k) => states[k]! };
  }
  const u = rng.stream({ purpose: PURPOSE.resampling, step: round }).uniform();
  const ancestors = systematicly(normalizedWeight(logs), u);
  const base = ancestors.map((k) => rows.logNormalizer[k]!);
  return {
    ancestors,
    base,
    booked: booked + mean,
    exchanges: exchanges + 1,
    state: (k) => states[ancestors[k]!]!,
  };
}

/** R ancestors: island k is taken within one of R weight[k] times. */
function systematicly(weight: Float64Array, u: number): number[] {
  const R = weight.length;
  const live = weight.findLastIndex((w) => w > 0);
  let [k, sum] = [0, weight[0]!];
  return Array.from(weight, (_, i) => {
    while (sum <= (i + u) / R && k < live) sum += weight[++k]!;
    return k;
  });
}

function noExchange(ended: number): OptionError {
  return new OptionError({
    where: 'islands',
    option: 'exchange',
    value: undefined,
    found: ended > 0 ? 'islands do not end at the same step' : 'islands have no evidence before their end',
    expected: 'a method of fixed steps that estimates on the way, such as particleFilter',
    fix: 'Leave `exchange` out, and take larger islands.',
  });
}
