import type { OutputIndices, SobolResult } from '../../estimators/index.ts';
import { upperEnd } from './columns.ts';
import { type OutputText, outputTitle } from './look.ts';
import { bound, percent, plusMinus, quantity } from './number.ts';
import { flaggedPairs } from './pairs.ts';
import { notToldApart, toSettle } from './ranking.ts';
import { printable } from './text.ts';
import { listed } from './words.ts';

/** An input explains something on its own from this first-order index on; at most so many are named. */
const EXPLAINS = { from: 0.05, most: 4 };
/** A share above this is noise, and nothing to build a sentence on. */
const MOST_SHARE = 1.1;
/** An input could be fixed when the upper end of its total index is below this. */
const FIXABLE = 0.01;

/** What sentences need beside the numbers. */
export interface Story {
  readonly result: SobolResult;
  /** Units and labels by output name. */
  readonly outputs: Readonly<Record<string, OutputText>>;
  /** Model runs a second, NaN when nothing was run. */
  readonly speed: number;
  readonly plusMinus: string;
}

/** The output sentences are about: the only one, or the aggregate. */
function main(result: SobolResult): OutputIndices {
  return result.aggregated ?? result.outputs[0]!;
}

/**
 * What the table says, in words, each sentence by a fixed rule of its numbers: who explains what, what
 * interactions carry, what could be fixed, which inputs the total indices leave undecided and what would settle it.
 */
export function leadSentences(story: Story): string[] {
  const { result } = story;
  const indices = main(result);
  if (indices.constant || result.design.completeReplicates === 0) return [];
  const candidates = Array.from(indices.totalOrder.value.keys()).filter((i) => !isFixable(indices, i));
  const ties = notToldApart(indices, candidates);
  return [
    explains(indices, outputTitle(result, indices)),
    interactions(indices, result, story.plusMinus),
    fixable(indices),
    ...ties.slice(0, 2).map(({ members }) => undecided(members.map((i) => inputName(indices, i)))),
    toSettle(result, ties, story.speed),
  ].filter((sentence) => sentence !== undefined);
}

/** 'Mean -10.944 m, standard deviation 1.083 m.' of a single output; nothing for several. */
export function outputSentence(story: Story): string | undefined {
  const { outputs, design } = story.result;
  const only = outputs.length === 1 ? outputs[0]! : undefined;
  if (only === undefined || only.constant) return undefined;
  const unit = story.outputs[only.name]?.unit;
  const deviation = Math.sqrt(only.variance);
  // Digits as for independent points: both halves A and B of the design enter the moments.
  const draws = 2 * design.points;
  const mean = quantity(only.mean, deviation / Math.sqrt(draws), unit);
  const spread = quantity(deviation, deviation / Math.sqrt(2 * draws), unit);
  return Number.isFinite(only.mean)
    ? `Mean ${mean}, standard deviation ${spread}.`
    : `Standard deviation ${spread}.`;
}

function inputName(indices: OutputIndices, i: number): string {
  return printable(indices.totalOrder.names[i]!);
}

function explains(indices: OutputIndices, title: string): string | undefined {
  const first = indices.firstOrder;
  const top = Array.from(first.value.keys())
    .filter((i) => first.value[i]! >= EXPLAINS.from)
    .sort((a, b) => first.value[b]! - first.value[a]! || a - b)
    .slice(0, EXPLAINS.most);
  // An input of which nothing is known may explain it all.
  if (top.length === 0 && first.value.some(Number.isNaN)) return undefined;
  if (top.length === 0)
    return `No input alone explains as much as ${percent(EXPLAINS.from)} of the variance of ${title}.`;
  if (first.value[top[0]!]! > MOST_SHARE)
    return `Too few points to say what drives ${title}: ${inputName(indices, top[0]!)} alone would explain ${percent(first.value[top[0]!]!)} of its variance.`;
  const share = (i: number): string => percent(first.value[i]!);
  const rest = top.slice(1).map((i) => `, ${inputName(indices, i)} ${share(i)}`);
  const lead = `${inputName(indices, top[0]!)} alone explains ${share(top[0]!)} of the variance of ${title}`;
  return `${lead}${rest.join('')}.`;
}

function interactions(indices: OutputIndices, result: SobolResult, sign: string): string | undefined {
  const { interaction } = indices;
  const value = interaction.value[0]!;
  if (Number.isNaN(value) || indices.totalOrder.value.length < 2) return undefined;
  const unknown = Number.isNaN(interaction.low[0]!);
  if (!unknown && interaction.low[0]! <= 0 && interaction.high[0]! >= 0)
    return 'Interactions together are not told from 0.';
  if (unknown && value <= 0) return undefined;
  return `Interactions carry ${percent(value)}${carriers(indices, result, sign)}.`;
}

/** Which pair carries the interactions: all of them, or most. */
function carriers(indices: OutputIndices, result: SobolResult, sign: string): string {
  const pairs = indices.secondOrder;
  const flagged = flaggedPairs(indices, result.design);
  if (pairs === undefined || flagged.length === 0) return '';
  const all = indices.interaction.value[0]!;
  const top = flagged.reduce((best, i) => (pairs.value[i]! > pairs.value[best]! ? i : best));
  const half = (pairs.high[top]! - pairs.low[top]!) / 2;
  const whole = (indices.interaction.high[0]! - indices.interaction.low[0]!) / 2;
  const [a, b] = pairs.pairs[top]!.map((side) => inputName(indices, side));
  const between = `between ${a} and ${b} (${plusMinus(pairs.value[top]!, half, pairs.standardError[top]!, sign)})`;
  if (flagged.length === 1 && Math.abs(pairs.value[top]! - all) <= half + whole)
    return `, all of it ${between}`;
  return pairs.value[top]! > all / 2 ? `, most of it ${between}` : '';
}

function isFixable(indices: OutputIndices, i: number): boolean {
  return upperEnd(indices.totalOrder, i) < FIXABLE;
}

function fixable(indices: OutputIndices): string | undefined {
  const { totalOrder } = indices;
  const which = Array.from(totalOrder.value.keys()).filter((i) => isFixable(indices, i));
  if (which.length === 0) return undefined;
  const most = bound(Math.max(...which.map((i) => upperEnd(totalOrder, i))));
  const names = listed(which.map((i) => inputName(indices, i)));
  const their = which.length === 1 ? 'its total index is' : 'their total indices are';
  return `${names} could be fixed anywhere: ${their} below ${most}.`;
}

function undecided(names: readonly string[]): string {
  return `${listed(names)} are not told apart by their total indices.`;
}
