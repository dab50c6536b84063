import type { IntervalEstimate } from 'ensample';
import type { Indices } from './bars.ts';
import { decimalsFor, fixed, isTiny } from './numbers.ts';

/** An index as text: '0.3139', '[0.3131, 0.3147]'; '<0.0002' and nothing for one that is as good as 0. */
export function indexText(
  { value, low, high, standardError }: IntervalEstimate,
  i: number,
): readonly [value: string, interval: string] {
  const v = value[i]!;
  if (Number.isNaN(v)) return ['n/a', ''];
  if (Number.isNaN(low[i]!)) return [fixed(v, 4), ''];
  if (isTiny({ low, high }, i)) return [`<${bound(Math.max(high[i]!, 1e-5))}`, ''];
  const decimals = decimalsFor(standardError[i]!);
  return [fixed(v, decimals), `[${fixed(low[i]!, decimals, 'down')}, ${fixed(high[i]!, decimals, 'up')}]`];
}

/** An upper end rounded up to one digit: '0.0002'. */
function bound(high: number): string {
  const unit = 10 ** Math.floor(Math.log10(high));
  const up = Math.ceil(high / unit - 1e-9) * unit;
  return up.toFixed(Math.max(0, -Math.floor(Math.log10(up) + 1e-9)));
}

/** One row an input; dots while nothing is known, so that nothing moves when it is. */
export function fillTable(
  table: HTMLTableElement,
  names: readonly string[],
  indices: Indices | undefined,
): void {
  const rows = names.map((name, i) => {
    const row = document.createElement('tr');
    const head = document.createElement('th');
    head.scope = 'row';
    head.textContent = name;
    row.append(head, cell(indices?.firstOrder, i), cell(indices?.totalOrder, i));
    return row;
  });
  table.tBodies[0]!.replaceChildren(...rows);
}

function cell(estimate: IntervalEstimate | undefined, i: number): HTMLTableCellElement {
  const made = document.createElement('td');
  const [value, interval] = estimate === undefined ? ['...', ''] : indexText(estimate, i);
  const number = document.createElement('span');
  number.textContent = value;
  const ends = document.createElement('i');
  ends.textContent = interval === '' ? '\u00a0' : interval;
  made.append(number, ends);
  return made;
}
