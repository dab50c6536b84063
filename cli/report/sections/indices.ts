import type { OutputIndices } from '../../../estimators/index.ts';
import { bound, count, levelText } from '../../format/number.ts';
import { forest } from '../charts/forest.ts';
import { nestedBars } from '../charts/indices.ts';
import { escapeText } from '../escape.ts';
import { indexText } from '../index-text.ts';
import type { ReportInput } from '../input.ts';
import { figure, folded, paragraph, WIDE } from '../page.ts';
import { byValue, highestOther, LARGEST, largest, MOST_BARS, pick, reason } from '../rows.ts';

/** Picture and table of S1 and ST of one output. `subject` is its name in words. */
export function indicesBlock({ result }: ReportInput, indices: OutputIndices, subject: string): string {
  const { firstOrder, totalOrder } = indices;
  const why = paragraph(reason(result, indices), 'note');
  const head = result.design.groups.join('\n') === result.design.inputs.join('\n') ? 'input' : 'group';
  if (totalOrder.value.every(Number.isNaN))
    return why + table(indices, Array.from(totalOrder.value.keys()), head);
  const many = totalOrder.value.length > MOST_BARS;
  if (!many) {
    const bars = figure((width) => nestedBars({ firstOrder, totalOrder }, width, subject), WIDE);
    return `<div class="bars">${bars}</div>${table(indices, Array.from(totalOrder.value.keys()), head)}${why}`;
  }
  const rows = largest(totalOrder, LARGEST);
  const shown = { firstOrder: pick(firstOrder, rows), totalOrder: pick(totalOrder, rows) };
  const others = totalOrder.value.length - rows.length;
  const rest = `${count(others)} others: each ST below ${bound(highestOther(totalOrder, rows))}.`;
  return [
    figure((width) => forest(shown, width, subject), WIDE),
    paragraph(rest, 'note'),
    folded(
      `All ${count(totalOrder.value.length)} ${head}s as a table`,
      table(indices, byValue(totalOrder), head),
    ),
    why,
  ].join('');
}

function table({ firstOrder, totalOrder }: OutputIndices, rows: readonly number[], head: string): string {
  const level = levelText(totalOrder.level);
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
  return `<div class="scroll"><table class="sortable"><caption>Indices with the ends of their ${level} intervals</caption><thead><tr><th scope="col">${head}</th>${heads}</tr></thead><tbody>
${body.join('\n')}
</tbody></table></div>`;
}

/** A cell; the number behind it stays with it for sorting. */
function cell(value: number, text: string): string {
  const data = Number.isFinite(value) ? ` data-v="${Number(value.toPrecision(6))}"` : '';
  return `<td${data}>${escapeText(text)}</td>`;
}
