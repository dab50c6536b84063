import type { OutputIndices } from '../../../estimators/index.ts';
import { bound, count, levelText } from '../../format/number.ts';
import { forest } from '../charts/forest.ts';
import { nestedBars } from '../charts/indices.ts';
import { escapeText } from '../escape.ts';
import { indexText } from '../index-text.ts';
import type { ReportInput } from '../input.ts';
import { figure, folded, NARROW, paragraph, smallFigure, WIDE } from '../page.ts';
import { byValue, highestOther, LARGEST, largest, MOST_BARS, pick, reason } from '../rows.ts';

/** How the indices of one output are drawn: for wide and narrow pages, once for both, or not. */
export type Drawn = 'twice' | 'once' | 'never';

/** Picture and table of S1 and ST of one output. `subject` is its name in words. */
export function indicesBlock(
  { result }: ReportInput,
  indices: OutputIndices,
  subject: string,
  drawn: Drawn = 'twice',
): string {
  const { totalOrder } = indices;
  const { groups, inputs } = result.design;
  const head =
    groups.length === inputs.length && groups.every((name, i) => name === inputs[i]) ? 'input' : 'group';
  const rows = Array.from(totalOrder.value.keys());
  const why = paragraph(reason(result, indices), 'note');
  if (totalOrder.value.every(Number.isNaN)) return why + table(indices, rows, head);
  if (rows.length > MOST_BARS) return manyInputs(indices, subject, head, drawn) + why;
  const bars = picture((width) => nestedBars(indices, width, subject), drawn);
  return `${bars === '' ? '' : `<div class="bars">${bars}</div>`}${table(indices, rows, head)}${why}`;
}

function manyInputs(indices: OutputIndices, subject: string, head: string, drawn: Drawn): string {
  const { firstOrder, totalOrder } = indices;
  const rows = largest(totalOrder, LARGEST);
  const shown = { firstOrder: pick(firstOrder, rows), totalOrder: pick(totalOrder, rows) };
  const others = totalOrder.value.length - rows.length;
  const rest = `${count(others)} others: each ST below ${bound(highestOther(totalOrder, rows))}.`;
  return [
    picture((width) => forest(shown, width, subject), drawn),
    drawn === 'never' ? '' : paragraph(rest, 'note'),
    folded(
      `All ${count(totalOrder.value.length)} ${head}s as a table`,
      table(indices, byValue(totalOrder), head),
    ),
  ].join('');
}

function picture(draw: (width: number) => string, drawn: Drawn): string {
  if (drawn === 'never') return '';
  return drawn === 'twice' ? figure(draw, WIDE) : smallFigure(draw(NARROW));
}

function table({ firstOrder, totalOrder }: OutputIndices, rows: readonly number[], head: string): string {
  const known = !totalOrder.low.every(Number.isNaN);
  const caption = known
    ? `Indices with the ends of their ${levelText(totalOrder.level)} intervals`
    : 'Indices';
  const body = rows.map((i) => {
    const cells = [firstOrder, totalOrder].map((estimate) => {
      const text = indexText(estimate, i);
      return (
        cell(estimate.value[i]!, text.value) +
        cell(estimate.low[i]!, text.low) +
        cell(estimate.high[i]!, text.high)
      );
    });
    return `<tr><td><bdi>${escapeText(totalOrder.names[i]!)}</bdi></td>${cells.join('')}</tr>`;
  });
  const heads = ['S1', 'low', 'high', 'ST', 'low', 'high']
    .map((text) => `<th scope="col">${text}</th>`)
    .join('');
  return `<div class="scroll"><table class="sortable"><caption>${caption}</caption><thead><tr><th scope="col">${head}</th>${heads}</tr></thead><tbody>
${body.join('\n')}
</tbody></table></div>`;
}

/** A cell; the number behind it stays with it for sorting. */
function cell(value: number, text: string): string {
  const data = Number.isFinite(value) ? ` data-v="${Number(value.toPrecision(6))}"` : '';
  return `<td${data}>${escapeText(text)}</td>`;
}
