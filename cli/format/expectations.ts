import type { ExpectationDiagnostics, ExpectationsResult, IntervalEstimate } from '../../estimators/index.ts';
import { column, type Entry, interval } from './columns.ts';
import type { Look } from './look.ts';
import { count, levelText, percent } from './number.ts';
import { quantityEntry } from './quantity-entry.ts';
import { cells, centre, padEnd, shortNames, spread, wrap } from './text.ts';

/** Rows shown in full; of more, the first of them, and before those all that are not well. */
const MOST_ROWS = 30;
const SHOWN_ROWS = 20;
/** Longest name, cells. */
const NAME = 28;
/** Below this a probability is told with its coefficient of variation. */
const RARE = 1e-3;

/** What the table needs beside the numbers. */
export interface ExpectationsTable {
  readonly result: ExpectationsResult;
  /** Base name of the model file. */
  readonly file: string;
  readonly interrupted: boolean;
  /** [J] units, where they are known. */
  readonly units: readonly (string | undefined)[];
  /** [J] whether an expectation is the probability of an event. */
  readonly events: readonly boolean[];
}

/** What `ensample expect` prints on stdout: the expectations, then the functionals. */
export function expectationsTable(table: ExpectationsTable, look: Look): string {
  const { estimate, functionals, diagnosticsOf } = table.result;
  const title = `Expectations of ${table.file}`;
  const header = spread(title, wrap(intervalHeader(table), look.width), look.width);
  const flags = diagnosticsOf.map((one, j) => flagOf(one, estimate, j, table.events[j] === true));
  const names = named(estimate.names, table.units);
  const rows = shownRows(diagnosticsOf);
  const lines = [header.replace(title, look.paint.bold(title)), ''];
  lines.push(
    ...grid({ head: 'expectation', names, estimate, rows, flags }, look),
    ...others(estimate, rows, look),
  );
  if (functionals.names.length > 0) {
    const all = Array.from(functionals.value.keys());
    const head = 'functional';
    lines.push(
      '',
      ...grid(
        { head, names: named(functionals.names, []), estimate: functionals, rows: all, flags: [] },
        look,
      ),
    );
  }
  lines.push(...reasons(table, look));
  return `${lines.join('\n')}\n`;
}

function intervalHeader({ result, interrupted }: ExpectationsTable): string {
  const { design, estimate, sample, unbiased } = result;
  const n = sample.shape[0]!;
  const stopped = interrupted ? ', interrupted' : '';
  const whole = Math.floor(n / design.perReplicate);
  if (design.independent || !unbiased)
    return `${levelText(estimate.level)} intervals from ${count(n)} points${stopped}`;
  const from = `${whole} scrambled replicate${whole === 1 ? '' : 's'}${stopped}`;
  return whole < 2 ? `no intervals, from ${from}` : `${levelText(estimate.level)} intervals from ${from}`;
}

function named(names: readonly string[], units: readonly (string | undefined)[]): string[] {
  return shortNames(names, NAME).map((name, j) => (units[j] === undefined ? name : `${name} (${units[j]})`));
}

/** What is not well with an expectation; of a rare event that is, how certain its probability is. */
function flagOf(
  { status, paretoShape }: ExpectationDiagnostics,
  { value, standardError }: IntervalEstimate,
  j: number,
  event: boolean,
): string {
  if (status === 'unseen') return 'unseen';
  if (status === 'heavy')
    return paretoShape === Infinity ? 'too few seen' : `heavy, k ${paretoShape.toFixed(2)}`;
  const relative = standardError[j]! / value[j]!;
  return event && value[j]! < RARE && relative > 0 ? `cv ${percent(relative)}` : '';
}

function shownRows(diagnosticsOf: readonly ExpectationDiagnostics[]): number[] {
  const all = Array.from(diagnosticsOf.keys());
  if (all.length <= MOST_ROWS) return all;
  const bad = all.filter((j) => diagnosticsOf[j]!.status !== 'estimated').slice(0, SHOWN_ROWS);
  const good = all.filter((j) => !bad.includes(j)).slice(0, SHOWN_ROWS - bad.length);
  return [...bad, ...good].sort((a, b) => a - b);
}

/** '80 others, standard errors 0.02 to 0.3 % of the value: all of them with --csv FILE or --report FILE' */
function others({ value, standardError }: IntervalEstimate, rows: readonly number[], look: Look): string[] {
  const shown = new Set(rows);
  const rest = Array.from(value.keys()).filter((j) => !shown.has(j));
  if (rest.length === 0) return [];
  const errors = rest.map((j) => standardError[j]! / Math.abs(value[j]!)).filter(Number.isFinite);
  const range =
    errors.length === 0 ? '' : `, standard errors at most ${percent(Math.max(...errors))} of the value`;
  return [
    wrap(`${count(rest.length)} others${range}: all of them with --csv FILE or --report FILE`, look.width),
  ];
}

/** Why numbers or intervals are n/a; warnings say more. */
function reasons({ result, interrupted }: ExpectationsTable, look: Look): string[] {
  const { diagnosticsOf, estimate, functionals } = result;
  const lines: string[] = [];
  if (interrupted && !result.unbiased)
    lines.push(
      'Rough numbers: the sample was still being adapted, and they come from its newest stage alone.',
    );
  if (diagnosticsOf.some(({ status }) => status === 'unseen'))
    lines.push('n/a, unseen: the function was 0 at every point, so nothing is known about its mean.');
  if (diagnosticsOf.some(({ status }) => status === 'heavy'))
    lines.push('n/a, heavy: a few points decide the value, so an interval would be too narrow.');
  const missing = estimate.low.some(
    (end, j) => Number.isNaN(end) && diagnosticsOf[j]!.status === 'estimated',
  );
  if (missing) lines.push('n/a: one replicate shows no spread, or the function never changed.');
  if (functionals.value.some(Number.isNaN))
    lines.push('n/a, functional: an expectation in it is not known, or a denominator is 0.');
  return lines.map((line) => wrap(line, look.width));
}

interface Grid {
  readonly head: string;
  readonly names: readonly string[];
  readonly estimate: IntervalEstimate;
  readonly rows: readonly number[];
  readonly flags: readonly string[];
}

function grid({ head, names, estimate, rows, flags }: Grid, look: Look): string[] {
  const entries = rows.map((j) => quantityEntry(estimate, j));
  const set = column(entries);
  const shown = rows.map((j) => ({ name: names[j]!, flag: flags[j] ?? '' }));
  const nameWidth = Math.max(cells(head), ...shown.map(({ name }) => cells(name)));
  const flagWidth = Math.max(0, ...shown.map(({ flag }) => cells(flag)));
  const used = nameWidth + 2 + set.numberWidth + set.intervalWidth + (flagWidth === 0 ? 0 : 2 + flagWidth);
  const { bold, dim, yellow } = look.paint;
  const top = `${padEnd(head, nameWidth)}  ${centre('value', set.numberWidth - 1)}`;
  if (used > look.width) {
    return [
      bold(top.trimEnd()),
      ...shown.flatMap((row, r) =>
        folded(row, entries[r]!, `${padEnd(row.name, nameWidth)} ${set.numbers[r]!}`, look),
      ),
    ];
  }
  const middle = centre(`${levelText(estimate.level)} interval`, set.intervalWidth - 1);
  const lines = shown.map(({ name, flag }, r) => {
    const text = `${padEnd(name, nameWidth)} ${set.numbers[r]!} `;
    const ends = set.intervals[r]!;
    const marked = flag.startsWith('cv') ? dim(flag) : yellow(flag);
    return `${text}${ends.trim() === '' ? ends : dim(ends)}  ${marked}`.trimEnd();
  });
  return [bold(`${top}  ${middle}`.trimEnd()), ...lines];
}

/** Interval and flag under the number. */
function folded({ flag }: { readonly flag: string }, entry: Entry, first: string, look: Look): string[] {
  const second = [interval(entry), flag].filter((text) => text !== '').join('  ');
  return second === '' ? [first.trimEnd()] : [first.trimEnd(), look.paint.dim(`  ${second}`)];
}
