import type { IntervalEstimate, OutputIndices, SobolResult } from '../../estimators/index.ts';
import { type Column, column, type Entry, entry, interval } from './columns.ts';
import { type Look, outputTitle, shownOutputs } from './look.ts';
import { bound, count, levelText } from './number.ts';
import { flaggedPairs } from './pairs.ts';
import { cells, centre, padEnd, shortNames, spread, wrap } from './text.ts';

/** Rows shown in full; of more, those with the largest total index. */
const MOST_ROWS = 20;
/** Below this width intervals always stand on a line of their own. */
const ONE_LINE = 60;
/** The header is not set wider than a table with the longest bars. */
const WIDEST = 99;
/** No bar is drawn below this width, nor in fewer cells than the second number, nor longer than the third. */
const BARS = { fromWidth: 66, least: 8, most: 40 };

/** All blocks that a run prints on stdout: one an output, the aggregate first, each with its pairs. */
export function indexTables(result: SobolResult, look: Look): string {
  const { shown, hidden } = shownOutputs(result);
  const blocks = shown.map((indices) => indexBlock(result, indices, look));
  if (hidden > 0)
    blocks.push(
      wrap(`${count(hidden)} other outputs: all of them with --csv FILE or --report FILE`, look.width),
    );
  return `${blocks.join('\n\n')}\n`;
}

function indexBlock(result: SobolResult, indices: OutputIndices, look: Look): string {
  const title = `Sobol' indices of ${outputTitle(result, indices)}`;
  const header = spread(title, intervalHeader(result, indices.totalOrder.level), lineWidth(look));
  const lines = [header.replace(title, look.paint.bold(title)), '', ...inputRows(indices, look)];
  lines.push(...pairRows(result, indices, look), ...reasons(result, indices, look));
  return lines.join('\n');
}

function intervalHeader(result: SobolResult, level: number): string {
  const { design } = result;
  const whole = design.completeReplicates;
  const stopped = whole < design.replicates ? ', interrupted' : '';
  const word = design.kind === 'sobol' ? 'scrambled replicate' : 'replicate';
  const replicates = `${whole} ${word}${whole === 1 ? '' : 's'}${stopped}`;
  if (design.interval === 'none' || whole === 0 || (design.interval === 'replicates' && whole < 2))
    return `no intervals, from ${replicates}`;
  if (design.interval === 'bootstrap') return `bootstrap ${levelText(level)} intervals${stopped}`;
  if (design.interval === 'asymptotic') return `asymptotic ${levelText(level)} intervals${stopped}`;
  return `${levelText(level)} intervals from ${replicates}`;
}

function inputRows(indices: OutputIndices, look: Look): string[] {
  const { firstOrder, totalOrder } = indices;
  const rows = largest(totalOrder, MOST_ROWS);
  const names = shortNames(totalOrder.names);
  const lines = grid(
    {
      head: 'input',
      names: rows.map((i) => names[i]!),
      level: totalOrder.level,
      columns: [
        { head: 'S1', estimate: firstOrder },
        { head: 'ST', estimate: totalOrder },
      ],
      rows,
      bars: rows.map((i) => totalOrder.value[i]!),
    },
    look,
  );
  const others = totalOrder.value.length - rows.length;
  if (others > 0) lines.push(`${count(others)} others: each ST below ${bound(highest(totalOrder, rows))}`);
  return lines;
}

/** The `most` largest values, in the user's order. */
function largest(estimate: IntervalEstimate, most: number): number[] {
  const all = Array.from(estimate.value.keys());
  if (all.length <= most) return all;
  const size = (i: number): number => (Number.isNaN(estimate.value[i]!) ? -Infinity : estimate.value[i]!);
  return all
    .sort((a, b) => size(b) - size(a) || a - b)
    .slice(0, most)
    .sort((a, b) => a - b);
}

/** Largest upper end (or value, without intervals) among the rows that are not shown. */
function highest(estimate: IntervalEstimate, shown: readonly number[]): number {
  const seen = new Set(shown);
  let most = 0;
  for (let i = 0; i < estimate.value.length; i++) {
    const end = Number.isNaN(estimate.high[i]!) ? estimate.value[i]! : estimate.high[i]!;
    if (!seen.has(i) && end > most) most = end;
  }
  return most;
}

function pairRows(result: SobolResult, indices: OutputIndices, look: Look): string[] {
  const pairs = indices.secondOrder;
  if (pairs === undefined || indices.constant) return [];
  const flagged = flaggedPairs(indices, result.design);
  const total = pairs.value.length;
  const label = (n: number, other: string): string => `${count(n)} ${other}pair${n === 1 ? '' : 's'}`;
  if (flagged.length === 0) return ['', `${label(total, '')}: none differs from 0`];
  const bySize = [...flagged].sort((a, b) => Math.abs(pairs.value[b]!) - Math.abs(pairs.value[a]!));
  const rows = bySize.slice(0, MOST_ROWS).sort((a, b) => a - b);
  const names = shortNames(indices.totalOrder.names);
  const pairName = (i: number): string => pairs.pairs[i]!.map((side) => names[side]!).join(' x ');
  const columns = [{ head: 'S2', estimate: pairs }];
  const lines = grid(
    { head: 'pair', names: rows.map(pairName), level: pairs.level, columns, rows, full: true },
    look,
  );
  const unseen = flagged.length - rows.length;
  if (unseen > 0) lines.push(`${label(unseen, 'other ')} that differ from 0: all of them with --csv FILE`);
  if (total > flagged.length) lines.push(`${label(total - flagged.length, 'other ')}: none differs from 0`);
  return ['', ...lines];
}

/** Why a number is n/a, and what to do; warnings say the same of a constant output. */
function reasons(result: SobolResult, indices: OutputIndices, look: Look): string[] {
  const { design } = result;
  const lines: string[] = [];
  if (indices.constant) lines.push('n/a: the output never changed, so there is no variance to share out.');
  else if (design.completeReplicates === 0)
    lines.push('n/a: intervals need two whole replicates, and none was complete.');
  else if (design.interval === 'replicates' && design.completeReplicates < 2)
    lines.push('n/a: intervals need two whole replicates, and only one is there.');
  else if (indices.totalOrder.value.some(Number.isNaN)) lines.push(unknownIndex(result));
  return lines.map((line) => wrap(line, look.width));
}

/** Why an index has no value though the output changes. */
export function unknownIndex({ diagnostics }: SobolResult): string {
  return diagnostics.warnings.some(({ code }) => code === 'event-unseen')
    ? 'n/a: a difference behind it was 0 at every point, so only that it is small is known.'
    : 'n/a: too few usable rows.';
}

interface Grid {
  readonly head: string;
  readonly names: readonly string[];
  readonly level: number;
  readonly columns: readonly { readonly head: string; readonly estimate: IntervalEstimate }[];
  readonly rows: readonly number[];
  /** Small numbers in full, too. */
  readonly full?: boolean;
  /** [rows] lengths of the bars, in the unit of the largest; absent where they would mislead. */
  readonly bars?: readonly number[];
}

interface Cells {
  readonly entries: readonly (readonly Entry[])[];
  readonly columns: readonly Column[];
  readonly nameWidth: number;
}

function grid(table: Grid, look: Look): string[] {
  const entries = table.columns.map(({ estimate }) => table.rows.map((i) => entry(estimate, i, table.full)));
  const columns = entries.map(column);
  const nameWidth = Math.max(cells(table.head), ...table.names.map(cells));
  const used = columns.reduce((sum, c) => sum + 2 + c.numberWidth + c.intervalWidth, nameWidth);
  const set = { entries, columns, nameWidth };
  return look.width < ONE_LINE || used > look.width
    ? foldedRows(table, set, look)
    : wideRows(table, set, look, look.width - used - 2);
}

/** Numbers, and under them their intervals. */
function foldedRows(table: Grid, { entries, columns, nameWidth }: Cells, look: Look): string[] {
  const heads = columns.map((c, j) => headCells(table.columns[j]!.head, c)).join('');
  const intervals = (r: number): string =>
    table.columns
      .map(({ head }, j) => ({ head, text: interval(entries[j]![r]!) }))
      .filter(({ text }) => text !== '')
      .map(({ head, text }) => `  ${head} ${text}`)
      .join('');
  const rows = table.names.flatMap((name, r) => {
    const numbers = columns.map((c) => ` ${c.numbers[r]!}`).join('');
    const first = `${padEnd(name, nameWidth)}${numbers}`.trimEnd();
    const second = foldIntervals(intervals(r), look.width);
    return second === '' ? [first] : [first, look.paint.dim(second)];
  });
  return [bold(padEnd(table.head, nameWidth) + heads, look), ...rows];
}

/** Number, interval, number, interval, bar. */
function wideRows(table: Grid, { columns, nameWidth }: Cells, look: Look, room: number): string[] {
  const intervalHead = `${levelText(table.level)} interval`;
  const heads = columns
    .map((c, j) => `${headCells(table.columns[j]!.head, c)}  ${centre(intervalHead, c.intervalWidth - 1)}`)
    .join('');
  const bars = barTexts(table.bars ?? table.rows.map(() => 0), look, room);
  const rows = table.names.map((name, r) => {
    const body = columns.map((c) => ` ${c.numbers[r]!} ${dimmed(c.intervals[r]!, look)}`).join('');
    return `${padEnd(name, nameWidth)}${body}  ${bars[r]!}`.trimEnd();
  });
  return [bold(padEnd(table.head, nameWidth) + heads, look), ...rows];
}

/** Only what can be seen is marked. */
function dimmed(text: string, look: Look): string {
  return text.trim() === '' ? text : look.paint.dim(text);
}

function bold(text: string, look: Look): string {
  return look.paint.bold(text.trimEnd());
}

/** The header ends where the longest bar would. */
function lineWidth(look: Look): number {
  return Math.min(look.width, WIDEST);
}

/** The head stands over the digits, not over the cell kept for a sign. */
function headCells(head: string, c: Column): string {
  return `  ${centre(head, c.numberWidth - 1)}`;
}

/** Two intervals on one line, or one under the other where the width allows no more. */
function foldIntervals(line: string, width: number): string {
  return cells(line) <= width ? line : line.replace(/\]\s{2}(?=\S)/g, ']\n  ');
}

function barTexts(values: readonly number[], look: Look, room: number): string[] {
  if (look.width < BARS.fromWidth || room < BARS.least) return values.map(() => '');
  const most = Math.max(...values.filter((value) => value > 0), 0);
  const full = Math.min(room, BARS.most);
  const mark = look.utf8 ? '█' : '#';
  return values.map((value) => (value > 0 ? mark.repeat(Math.round((value / most) * full)) : ''));
}
