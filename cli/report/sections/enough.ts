import { convergence } from '../charts/convergence.ts';
import { rateChart, rateSentence, widths } from '../charts/rate.ts';
import type { ReportInput } from '../input.ts';
import { figure, HALF, paragraph, section, sideBySide } from '../page.ts';
import { byValue } from '../rows.ts';

/** Lines in the picture of settling. */
const LINES = 4;

/** 'Is it enough?': the largest total indices, and the widest half-width, as points are added. */
export function enoughSection({ result, target }: ReportInput): string {
  const { history } = result;
  const known = result.totalOrder.value.some(Number.isFinite);
  if (history.length < 2 || !known)
    return known ? section('Is it enough?', paragraph('Too few points to show how the indices settle.')) : '';
  const chosen = byValue(result.totalOrder)
    .filter((i) => Number.isFinite(result.totalOrder.value[i]!))
    .slice(0, LINES);
  const settling = `<div>${paragraph(settlingWords(chosen.length), 'muted')}${figure((width) => convergence(history, chosen, width), HALF)}</div>`;
  const marks = widths(history);
  const shrinking =
    marks.length < 2
      ? ''
      : `<div>${paragraph(rateSentence(marks) || 'How the widest interval shrinks.', 'muted')}${figure((width) => rateChart(marks, target, width), HALF)}</div>`;
  return section('Is it enough?', sideBySide(settling, shrinking));
}

function settlingWords(lines: number): string {
  if (lines === 1) return 'The total index as points are added.';
  return `The ${['', '', 'two', 'three', 'four'][lines]} largest total indices as points are added.`;
}
