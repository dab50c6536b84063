import type { IntervalEstimate } from '../../../estimators/index.ts';
import { factor } from '../../format/gains.ts';
import { count, levelText } from '../../format/number.ts';
import { quantityEntry, quantityText } from '../../format/quantity-entry.ts';
import { type IntervalRow, intervalChart } from '../charts/intervals.ts';
import { escapeText } from '../escape.ts';
import type { ExpectationsReport } from '../input.ts';
import { figure, folded, paragraph, section, WIDE, withUnit } from '../page.ts';
import { MOST_BARS } from '../rows.ts';

/** Rows that one chart of intervals shows. */
const DRAWN = 60;

/** Pictures and table of the expectations: those of one quantity share an axis. */
export function expectationsSection(input: ExpectationsReport): string {
  const { estimate, diagnosticsOf } = input.result;
  const bad = diagnosticsOf.map(({ status }) => status !== 'estimated');
  const charts = quantities(input).map(({ name, members }) => {
    const rows = members.slice(0, DRAWN).map((j) => rowOf(estimate, j, bad[j]!));
    return chart(rows, name) + rest(members.length);
  });
  return section('Expectations', ...charts, expectationTable(input));
}

/** Pictures and table of the functionals; each is a quantity of its own. */
export function functionalsSection({ result }: ExpectationsReport): string {
  const { functionals } = result;
  if (functionals.names.length === 0) return '';
  const rows = Array.from(functionals.names.keys());
  const charts = rows
    .slice(0, DRAWN)
    .map((s) => chart([rowOf(functionals, s, Number.isNaN(functionals.value[s]!))], functionals.names[s]!));
  const body = rows.map((s) => `<tr>${nameCell(functionals.names[s]!)}${numberCells(functionals, s)}</tr>`);
  const words = 'Smooth functions of the expectations, with intervals by the delta method.';
  return section(
    'Functionals',
    paragraph(words, 'muted'),
    ...charts,
    table(['functional', 'value', 'low', 'high'], body, functionals),
  );
}

/** Expectations of one output, all events, and every function on its own, in the order in which they come. */
function quantities({ kinds, units, result }: ExpectationsReport): { name: string; members: number[] }[] {
  const groups = new Map<string, { name: string; members: number[] }>();
  kinds.forEach((kind, j) => {
    const own = kind === 'function';
    const name =
      kind === 'event'
        ? 'probability'
        : own
          ? result.estimate.names[j]!
          : `mean of ${withUnit(kind, units[j])}`;
    const key = own ? `function ${j}` : kind;
    const group = groups.get(key) ?? { name, members: [] };
    group.members.push(j);
    groups.set(key, group);
  });
  return [...groups.values()];
}

function rowOf(estimate: IntervalEstimate, i: number, bad: boolean): IntervalRow {
  return {
    name: estimate.names[i]!,
    value: estimate.value[i]!,
    low: estimate.low[i]!,
    high: estimate.high[i]!,
    text: quantityText(estimate, i),
    bad,
  };
}

function chart(rows: readonly IntervalRow[], name: string): string {
  const axis = rows.length === 1 && rows[0]!.name === name ? '' : name;
  return figure((width) => intervalChart(rows, width, axis), WIDE);
}

function rest(members: number): string {
  return members <= DRAWN ? '' : paragraph(`The first ${count(DRAWN)} of ${count(members)}.`, 'note');
}

function expectationTable({ result, units }: ExpectationsReport): string {
  const { estimate, diagnosticsOf } = result;
  const body = diagnosticsOf.map(({ status, ess, varianceRatio }, j) => {
    const name = withUnit(estimate.names[j]!, units[j]);
    const gain = varianceRatio > 0 ? factor(1 / varianceRatio) : 'n/a';
    const note = status === 'estimated' ? '' : status;
    const cells = [cell(ess, count(ess)), cell(1 / varianceRatio, gain), `<td>${note}</td>`];
    return `<tr>${nameCell(name)}${numberCells(estimate, j)}${cells.join('')}</tr>`;
  });
  const heads = ['expectation', 'value', 'low', 'high', 'effective points', 'gain', ''];
  const all = table(heads, body, estimate);
  const words =
    'Gain: variance of one plain Monte Carlo point over that of one point here, adapting points not counted.';
  return (
    (body.length > MOST_BARS ? folded(`All ${count(body.length)} as a table`, all) : all) +
    paragraph(words, 'note')
  );
}

function table(heads: readonly string[], body: readonly string[], { level }: IntervalEstimate): string {
  const caption = `With the ends of their ${levelText(level)} intervals`;
  const top = heads.map((text) => `<th scope="col">${text}</th>`).join('');
  return `<div class="scroll"><table class="sortable long-names"><caption>${caption}</caption><thead><tr>${top}</tr></thead><tbody>
${body.join('\n')}
</tbody></table></div>`;
}

function nameCell(name: string): string {
  return `<td><bdi>${escapeText(name)}</bdi></td>`;
}

function numberCells(estimate: IntervalEstimate, i: number): string {
  const { value, low, high } = quantityEntry(estimate, i);
  const none = low === '' || low === 'n/a';
  return (
    cell(estimate.value[i]!, value) +
    cell(estimate.low[i]!, none ? 'n/a' : low) +
    cell(estimate.high[i]!, none ? 'n/a' : high)
  );
}

/** A cell; the number behind it stays with it for sorting. */
function cell(value: number, text: string): string {
  const data = Number.isFinite(value) ? ` data-v="${Number(value.toPrecision(6))}"` : '';
  return `<td${data}>${escapeText(text)}</td>`;
}
