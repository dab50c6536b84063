import { OptionError } from '../../engine/errors.ts';
import { ess, logMeanExp, normalizedWeight } from '../../engine/particles/log-weight.ts';
import { PURPOSE } from '../../engine/random/purpose.ts';
import type { Rng } from '../../engine/random/rng.ts';
import { ENDED, type IslandRows, sharedOf, statesOf } from './island.ts';

/** How islands exchange. */
export interface ExchangeRule {
  /** Nothing is exchanged at this share of R effective islands and above. */
  readonly threshold: number;
  readonly scheme: 'systematic' | 'butterfly';
  /** Stages of a butterfly at one checkpoint, at most. */
  readonly stages: number;
}

/** Where the islands go on, after a round. */
export interface NextRound {
  /** [R] island from which each goes on; itself where nothing was exchanged. */
  readonly ancestors: readonly number[];
  /** [R] log Z from the beginning, of the state each goes on from, less its L. */
  readonly base: readonly number[];
  readonly booked: number;
  readonly exchanges: number;
  readonly moved: number;
  /** State of island ancestors[k]. */
  state(k: number): Uint8Array;
}

/** Islands after an exchange. */
interface Exchanged {
  readonly ancestors: readonly number[];
  /** [R] L_k */
  readonly logs: Float64Array;
  readonly booked: number;
  readonly exchanges: number;
}

/**
 * Where islands go on, with L_k = log of island k's evidence since the last exchange: an exchange where ESS of exp(L) <
 * threshold R.
 * @returns undefined when the islands have come to their ends.
 * @throws OptionError when some have and others not, or there is no evidence on the way.
 */
export function nextRound(
  rows: IslandRows,
  rule: ExchangeRule,
  round: number,
  rng: Rng,
): NextRound | undefined {
  const R = rows.flags.length;
  const ended = endedOf(rows);
  if (ended === R) return undefined;
  const { booked, exchanges, moved } = sharedOf(rows);
  const logs = rows.logNormalizer.map((value, k) => (value === -Infinity ? value : value - rows.base[k]!));
  if (ended > 0 || logs.some(Number.isNaN)) throw noExchange(ended);
  const states = statesOf(rows);
  const effective = ess(logs);
  if (effective === 0 || effective >= rule.threshold * R) {
    const ancestors = Array.from({ length: R }, (_, k) => k);
    return { ancestors, base: [...rows.base], booked, exchanges, moved, state: (k) => states[k]! };
  }
  const found =
    rule.scheme === 'systematic' ? amongAll(logs, round, rng) : byPairs(logs, rule, exchanges, round, rng);
  const { ancestors } = found;
  return {
    ancestors,
    base: ancestors.map((a, k) =>
      found.logs[k] === -Infinity ? 0 : rows.logNormalizer[a]! - found.logs[k]!,
    ),
    booked: booked + found.booked,
    exchanges: exchanges + found.exchanges,
    moved: moved + ancestors.reduce((sum, a, k) => sum + (a === k ? 0 : 1), 0),
    state: (k) => states[ancestors[k]!]!,
  };
}

/** Islands at their ends; those without mass stopped early, and are at theirs when the others are. */
function endedOf({ flags, logNormalizer }: IslandRows): number {
  const alive = logNormalizer.some((value) => value !== -Infinity);
  const counts = flags.map((flag, k) => (alive && logNormalizer[k] === -Infinity ? 0 : 1 + (flag & ENDED)));
  const ended = counts.filter((count) => count > 1).length;
  return ended === counts.filter((count) => count > 0).length ? flags.length : ended;
}

/**
 * Double bootstrap (Verge, Dubarry, Del Moral & Moulines 2015): book log mean exp(L), ancestors by systematic resampling
 * from exp(L), L = 0. Random numbers: the run's, purpose resampling, step `round`.
 */
function amongAll(logs: Float64Array, round: number, rng: Rng): Exchanged {
  const u = rng.stream({ purpose: PURPOSE.resampling, step: round }).uniform();
  const ancestors = systematicly(normalizedWeight(logs), u);
  return { ancestors, logs: new Float64Array(logs.length), booked: logMeanExp(logs), exchanges: 1 };
}

/**
 * Butterfly (Whiteley, Lee & Heine 2016 bound interactions so): stage s pairs k with k xor 2^(s mod log2 R); both get L =
 * log of the mean of their exp(L), each goes on from itself or its partner with odds exp(L). Stages until the ESS is
 * back; after log2 R of them all L are equal. Sum exp(L) stays, so log Z at the end is log mean exp(L) and nothing is
 * booked. Random numbers: the run's, purpose resampling, step `round`, particle k, one a stage.
 * @param made stages so far in the run.
 */
function byPairs(
  from: Float64Array,
  { threshold, stages }: ExchangeRule,
  made: number,
  round: number,
  rng: Rng,
): Exchanged {
  const R = from.length;
  const bits = Math.log2(R);
  const streams = Array.from(from, (_, particle) =>
    rng.stream({ purpose: PURPOSE.resampling, step: round, particle }),
  );
  let logs = from;
  let ancestors: readonly number[] = Array.from({ length: R }, (_, k) => k);
  let stage = 0;
  for (; stage < Math.min(stages, bits) && ess(logs) < threshold * R; stage++) {
    const flip = 2 ** ((made + stage) % bits);
    const pairs = Array.from(logs, (own, k) => Float64Array.of(own, logs[k ^ flip]!));
    const before = ancestors;
    ancestors = pairs.map((pair, k) => before[drawsPartner(pair, streams[k]!) ? k ^ flip : k]!);
    logs = Float64Array.from(pairs, logMeanExp);
  }
  return { ancestors, logs, booked: 0, exchanges: stage };
}

/** Two islands without mass stay as they are. */
function drawsPartner(pair: Float64Array, stream: ReturnType<Rng['stream']>): boolean {
  return stream.uniform() < normalizedWeight(pair)[1]!;
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
