import type { ExpectationsResult } from '../../estimators/index.ts';
import { adaptingPoints, factor, gainsOf } from './gains.ts';
import { count } from './number.ts';
import { printable } from './text.ts';
import { counted, listed } from './words.ts';

/** A gain is told as a loss below this. */
const LOSS = 1;
/** Effective points are told when they are fewer than this share of the points. */
const THIN = 0.5;

/**
 * What stands behind the table, in words, each sentence by a fixed rule: how the points were shared, what weights and
 * controls are worth beside plain Monte Carlo, and how many points count.
 */
export function expectationSentences(result: ExpectationsResult): string[] {
  if (!result.unbiased) return [];
  return [shared(result), worth(result), effective(result)].filter((text) => text !== undefined);
}

function shared(result: ExpectationsResult): string {
  const { stages, sample } = result;
  const adapted = adaptingPoints(result);
  const final = count(sample.shape[0]!);
  const stage = counted(stages.length, count(stages.length), 'stage');
  return `${count(adapted)} points in ${stage} adapted the sample; the answer rests on ${final} others.`;
}

/** The best and the worst gain. */
function worth(result: ExpectationsResult): string | undefined {
  const gains = gainsOf(result);
  if (gains.length === 0) return undefined;
  const [best, worst] = [gains[0]!, gains[gains.length - 1]!];
  const of = (name: string): string => (gains.length === 1 ? '' : ` for ${printable(name)}`);
  const lead = `Each point is worth ${factor(best.gain)} points of plain Monte Carlo${of(best.name)}`;
  const rest = gains.length === 1 ? '' : `, ${factor(worst.gain)}${of(worst.name)}`;
  const poor = gains.filter(({ gain }) => gain < LOSS).map(({ name }) => printable(name));
  const warn = poor.length === 0 ? '' : ` Plain Monte Carlo would have done for ${listed(poor, 3)}.`;
  return `${lead}${rest}; what scrambled points add comes on top.${warn}`.replace(
    result.design.independent ? '; what scrambled points add comes on top' : /$^/,
    '',
  );
}

function effective({ diagnosticsOf, sample }: ExpectationsResult): string | undefined {
  const n = sample.shape[0]!;
  const known = diagnosticsOf.filter(({ status }) => status !== 'unseen');
  if (known.length === 0) return undefined;
  const least = known.reduce((a, b) => (b.ess < a.ess ? b : a));
  if (least.ess >= THIN * n) return undefined;
  const of = known.length === 1 ? '' : ` for ${printable(least.name)}, where they are fewest`;
  return `Effective points: ${count(least.ess)} of ${count(n)}${of}.`;
}
