import type { OutputIndices, PairEstimate } from '../../../estimators/index.ts';
import { count } from '../../format/number.ts';
import { flaggedPairs } from '../../format/pairs.ts';
import { listed } from '../../format/words.ts';
import { pairMap } from '../charts/pairs.ts';
import { indexText } from '../index-text.ts';
import type { ReportInput } from '../input.ts';
import { figure, HALF, paragraph } from '../page.ts';
import { LARGEST, largest } from '../rows.ts';

/**
 * Second-order indices of one output: a map (or, not `drawn`, a sentence) of the pairs that differ from 0, one
 * sentence when none does; empty if they were not asked for.
 */
export function pairsBlock({ result }: ReportInput, indices: OutputIndices, drawn = true): string {
  const pairs = indices.secondOrder;
  if (pairs === undefined || pairs.pairs.length === 0 || indices.constant) return '';
  const m = pairs.pairs.length;
  const level =
    m === 1 ? 'the level 0.95' : `the level 1 - 0.05/${m}, because ${count(m)} pairs are looked at`;
  const flagged = new Set(flaggedPairs(indices, result.design));
  if (flagged.size === 0) return paragraph(noneSentence(pairs.low.every(Number.isNaN), m, level));
  if (!drawn) return paragraph(flaggedSentence(pairs, [...flagged], m));
  const inputs = largest(indices.totalOrder, LARGEST);
  const shown =
    inputs.length < indices.totalOrder.value.length ? `The ${LARGEST} inputs with the largest ST. ` : '';
  const map = { pairs, firstOrder: indices.firstOrder, flagged, inputs };
  const caption = `${shown}Outlined: S1. Filled: S2 of a pair that differs from 0. Dot: not told from 0 (at ${level}).`;
  return figure((width) => pairMap(map, width), HALF, caption);
}

function flaggedSentence(pairs: PairEstimate, flagged: readonly number[], m: number): string {
  const list = flagged.map((k) => `${pairs.names[k]} (S2 ${indexText(pairs, k).full})`);
  return `Of ${count(m)} pairs these differ from 0: ${listed(list)}.`;
}

function noneSentence(unknown: boolean, m: number, level: string): string {
  if (unknown) return 'Without intervals no pair can be told from 0; the estimates are in the JSON file.';
  if (m === 1) return 'The pair is not told from 0: no interaction was found.';
  return `None of the ${count(m)} pairs is told from 0 (each tested at ${level}).`;
}
