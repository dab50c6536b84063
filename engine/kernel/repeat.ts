import { checkCount, checkNumber, checkOneOf, checkOptionNames } from '../check.ts';
import { log } from '../wasm/twins/elementary.ts';
import type { ChainAddress, ChainStates, MarkovKernel, MoveTarget } from './kernel.ts';
import { squaredJump } from './mover.ts';

/*
 * How many moves a population gets; smc.md 7.3. Chosen from the population it is an adaptation: the normalizing constant
 * is then no longer unbiased.
 */

/**
 * A number of moves, or a rule: 'acceptance', as many as let a particle stay where it is with probability 0.01 at most, or
 * 'distance', until the mean squared distance travelled stops growing by 5 %.
 */
export type MoveCount = number | 'acceptance' | 'distance' | MoveRule;

export type MoveRule =
  /** The smallest K with 1 - (1 - acceptance)^K >= reach. */
  | { readonly until: 'acceptance'; readonly reach?: number; readonly most?: number }
  /** Until the mean squared distance from the start grows by a factor below 1 + growth. */
  | { readonly until: 'distance'; readonly growth?: number; readonly most?: number };

/** A rule with all its numbers. */
export type Repetition =
  | { readonly until: 'count'; readonly most: number }
  | { readonly until: 'acceptance'; readonly reach: number; readonly most: number }
  | { readonly until: 'distance'; readonly growth: number; readonly most: number };

/** Moves at most, where acceptance is hopeless or distance keeps growing. */
const MOST = 100;

const ACCEPTANCE = ['until', 'reach', 'most'];
const DISTANCE = ['until', 'growth', 'most'];

/** @throws OptionError for anything else than a count, a name or a rule. */
export function checkMoveCount(where: string, option: string, value: MoveCount): Repetition {
  if (typeof value === 'number')
    return { until: 'count', most: checkCount(where, option, value, { min: 1, max: 2 ** 24 }) };
  const rule: MoveRule =
    typeof value === 'string'
      ? { until: checkOneOf(where, option, value, ['acceptance', 'distance']) }
      : value;
  checkOptionNames(where, rule, rule?.until === 'distance' ? DISTANCE : ACCEPTANCE);
  checkOneOf(where, `${option}.until`, rule.until, ['acceptance', 'distance']);
  const most = checkCount(where, `${option}.most`, rule.most ?? MOST, { min: 1, max: 2 ** 24 });
  if (rule.until === 'distance') {
    const { growth = 0.05 } = rule;
    checkNumber(where, `${option}.growth`, growth, (x) => x > 0 && x < Infinity, 'a number above 0');
    return { until: 'distance', growth, most };
  }
  const { reach = 0.99 } = rule;
  checkNumber(where, `${option}.reach`, reach, (x) => x > 0 && x < 1, 'a number in (0, 1)');
  return { until: 'acceptance', reach, most };
}

/** The smallest K with 1 - (1 - acceptance)^K >= reach, from 1 to `most`. */
export function movesToReach(acceptance: number, reach: number, most: number): number {
  if (!(acceptance > 0)) return most;
  if (acceptance >= reach) return 1;
  let moves = Math.min(most, Math.max(1, Math.ceil(log(1 - reach) / log(1 - acceptance))));
  // The logarithms may be an ulp on the wrong side of a whole number.
  if (moves > 1 && 1 - (1 - acceptance) ** (moves - 1) >= reach) moves--;
  return moves;
}

/** Whether the moves made so far are enough; `distances` [moves] from the start after each, `acceptance` their mean. */
export function isEnough(rule: Repetition, acceptance: number, distances: readonly number[]): boolean {
  const moves = distances.length;
  if (moves >= rule.most) return true;
  if (rule.until === 'count') return false;
  if (rule.until === 'acceptance') return moves >= movesToReach(acceptance, rule.reach, rule.most);
  return moves > 1 && !(distances[moves - 1]! > (1 + rule.growth) * distances[moves - 2]!);
}

/** What several moves did. */
export interface RepeatOutcome {
  readonly moves: number;
  /** Mean acceptance over moves and chains. */
  readonly acceptance: number;
  /** Mean over the chains of the squared distance from their start, each coordinate in units of the kernel's `spread`. */
  readonly squaredDistance: number;
}

/** Move all chains until the rule says it is enough; `address.move` is the number of the first move. */
export async function repeatMoves(
  kernel: MarkovKernel,
  rule: Repetition,
  states: ChainStates,
  target: MoveTarget,
  address: ChainAddress,
): Promise<RepeatOutcome> {
  const start = Float64Array.from(states.x);
  const distances: number[] = [];
  let acceptance = 0;
  do {
    const move = address.move + distances.length;
    const outcome = await kernel.move(states, target, { ...address, move });
    acceptance += (outcome.acceptance - acceptance) / (distances.length + 1);
    distances.push(meanDistance(states, start, kernel.spread));
  } while (!isEnough(rule, acceptance, distances));
  return { moves: distances.length, acceptance, squaredDistance: distances[distances.length - 1]! };
}

function meanDistance({ x, count }: ChainStates, start: Float64Array, spread: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += squaredJump(x, i, start, i, spread);
  return sum / count;
}
