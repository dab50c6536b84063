import { convergence } from '../charts/convergence.ts';
import { rateChart, rateSentence, widths } from '../charts/rate.ts';
import type { ReportInput } from '../input.ts';
import { figure, HALF, paragraph, section, sideBySide, WIDE } from '../page.ts';
import { byValue } from '../rows.ts';

/** Lines in the picture of settling. */
const LINES = 4;

/** 'Is it enough?': the largest total indices, and the widest half-width, as points are added. */
export function enoughSection({ result, target }: ReportInput): string {
  const { history } = result;
  if (history.length === 0) return '';
  const known = result.totalOrder.value.some(Number.isFinite);
  if (history.length < 2 || !known)
    return known ? section('Is it enough?', paragraph('Too few points to show how the indices settle.')) : '';
  const chosen = byValue(result.totalOrder)
    .filter((i) => Number.isFinite(result.totalOrder.value[i]!))
    .slice(0, LINES);
  const marks = widths(history);
  const width = marks.length < 2 ? WIDE : HALF;
  const settling = half(settlingWords(chosen.length), (px) => convergence(history, chosen, px), width);
  if (marks.length < 2) return section('Is it enough?', settling);
  const words = rateSentence(marks) || 'How the widest interval shrinks.';
  const shrinking = half(words, (px) => rateChart(marks, target, px), width);
  return section('Is it enough?', sideBySide(settling, shrinking));
}

function half(words: string, draw: (width: number) => string, width: number): string {
  return `<div>${paragraph(words, 'muted')}${figure(draw, width)}</div>`;
}

function settlingWords(lines: number): string {
  if (lines === 1) return 'The total index as points are added.';
  return `The ${['', '', 'two', 'three', 'four'][lines]} largest total indices as points are added.`;
}
