import type { IntervalEstimate } from '../../../estimators/index.ts';
import { seriesPanel } from '../charts/multiples.ts';
import { strip } from '../charts/strip.ts';
import { figure, paragraph, section, smallFigure, THIRD, WIDE } from '../page.ts';
import { LARGEST, largest, MOST_BARS } from '../rows.ts';
import type { Series } from '../series.ts';

/** Up to this many inputs get a panel of their own. */
const MOST_PANELS = 6;

/** 'Over time': the strip of total indices, and small multiples with intervals for a few inputs. */
export function overTimeSection(series: Series, overall: IntervalEstimate): string {
  const inputs =
    overall.value.length > MOST_BARS ? largest(overall, LARGEST) : Array.from(overall.value.keys());
  const title = series.declared ? `Over ${series.note.axis}` : 'Output by output';
  const picture = figure(
    (width) => strip(series, inputs, width),
    WIDE,
    caption(series, inputs.length < overall.value.length),
  );
  if (inputs.length > MOST_PANELS) return section(title, picture);
  const panels = inputs.map((input) => smallFigure(seriesPanel(series, input, THIRD)));
  return section(
    title,
    picture,
    paragraph('Total indices with their intervals:', 'muted'),
    `<div class="panels">${panels.join('\n')}</div>`,
  );
}

function caption(series: Series, some: boolean): string {
  const parts = ['Colour: total index, from 0 (pale) to 1 (full).'];
  if (series.alive.includes(false)) parts.push('Grey: variance below 1e-6 of its maximum, so no index.');
  if (some) parts.push(`The ${LARGEST} inputs with the largest ST of all outputs together.`);
  return parts.join(' ');
}
