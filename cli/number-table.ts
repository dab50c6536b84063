import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { InputError } from '../estimators/index.ts';
import { checkReadable } from './files.ts';
import { count } from './format/number.ts';
import { parse } from './generated/tables.mjs';

/** Numbers read from a text file, with what is needed to point at them. */
export interface NumberTable {
  readonly file: string;
  /** Column names; undefined when the first row holds numbers already. */
  readonly header: readonly string[] | undefined;
  /** [rows, columns] row-major; NaN where the cell says so in words. */
  readonly values: Float64Array;
  readonly rows: number;
  readonly columns: number;
  /** Text of the comment lines (`# ...`) before the first row. */
  readonly comments: readonly string[];
  /** Line of a row, counted from 1. */
  line(row: number): number;
}

/** Words that programs print for a result that is none. */
const MISSING: ReadonlySet<string> = new Set([
  'nan',
  'na',
  'n/a',
  'null',
  'none',
  'inf',
  '+inf',
  '-inf',
  'infinity',
  '-infinity',
]);

interface Row {
  readonly cells: readonly string[];
  readonly line: number;
}

/**
 * Reads a table of numbers: commas, semicolons, tabs or blanks between cells, with or without a header, LF or CRLF,
 * with or without a byte-order mark.
 * @throws InputError when there is no such file, no row, a cell that is no number, a row of another length, or a
 *   column name that comes twice; with the line.
 */
export function readNumbers(where: string, path: string): NumberTable {
  checkReadable(where, path);
  const file = basename(path);
  const text = readFileSync(path, 'utf8').replace(/^\uFEFF/, '');
  const comments = leadingComments(text);
  const rows = splitRows(file, text);
  const first = rows[0];
  if (first === undefined) throw fault(file, undefined, 'no rows', 'rows of numbers');
  const named = first.cells.some((cell) => Number.isNaN(toNumber(cell)) && !isMissing(cell));
  const body = named ? rows.slice(1) : rows;
  const columns = first.cells.length;
  if (named) checkDistinct(file, first);
  if (body.length === 0) throw fault(file, first.line, 'a header and no rows', 'rows of numbers after it');
  const values = new Float64Array(body.length * columns);
  body.forEach(({ cells, line }, r) => {
    if (cells.length !== columns)
      throw fault(file, line, `${cells.length} cells`, `${columns}, as in line ${first.line}`);
    cells.forEach((cell, c) => {
      values[r * columns + c] = parseCell(file, line, cell);
    });
  });
  return {
    file,
    header: named ? first.cells : undefined,
    values,
    rows: body.length,
    columns,
    comments,
    line: (row) => body[row]!.line,
  };
}

/** A name that comes twice could mean either column. */
function checkDistinct(file: string, { cells, line }: Row): void {
  const twice = cells.findIndex((name, c) => cells.indexOf(name) !== c);
  if (twice < 0) return;
  const columns = `columns ${cells.indexOf(cells[twice]!) + 1} and ${twice + 1}`;
  throw fault(file, line, `${columns} are both named ${JSON.stringify(cells[twice])}`, 'different names');
}

function parseCell(file: string, line: number, cell: string): number {
  const value = toNumber(cell);
  if (Number.isFinite(value)) return value;
  if (isMissing(cell) || !Number.isNaN(value)) return Number.NaN;
  const shown = JSON.stringify(cell.length > 40 ? `${cell.slice(0, 37)}...` : cell);
  throw fault(file, line, cell === '' ? 'an empty cell' : shown, 'a number');
}

function toNumber(cell: string): number {
  return cell === '' ? Number.NaN : Number(cell);
}

function isMissing(cell: string): boolean {
  return MISSING.has(cell.toLowerCase());
}

function leadingComments(text: string): string[] {
  const comments: string[] = [];
  for (const line of text.split(/\r\n|\n|\r/, 1000)) {
    if (line.trim() === '') continue;
    if (!line.startsWith('#')) break;
    comments.push(line.slice(1).trim());
  }
  return comments;
}

/** The delimiter is told by the first row; blanks are split by hand because any number of them counts as one. */
function splitRows(file: string, text: string): Row[] {
  const sample = text.split(/\r\n|\n|\r/).find((line) => line.trim() !== '' && !line.startsWith('#')) ?? '';
  const delimiter = [',', ';', '\t'].find((mark) => sample.includes(mark));
  if (delimiter === undefined) return splitBlanks(text);
  try {
    const options = { delimiter, comment: '#', comment_no_infix: true, trim: true, relax_column_count: true };
    const parsed = parse(text, { ...options, skip_empty_lines: true, info: true });
    // With `info` csv-parse wraps each record; its types do not say so.
    const records = parsed as unknown as readonly { record: string[]; info: { lines: number } }[];
    return records.map(({ record, info }) => ({ cells: record, line: info.lines }));
  } catch (cause) {
    const line = (cause as { readonly lines?: number }).lines;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw fault(file, line, reason, 'comma-separated values', cause);
  }
}

function splitBlanks(text: string): Row[] {
  return text
    .split(/\r\n|\n|\r/)
    .map((row, i) => ({ row: row.trim(), line: i + 1 }))
    .filter(({ row }) => row !== '' && !row.startsWith('#'))
    .map(({ row, line }) => ({ cells: row.split(/\s+/), line }));
}

/**
 * Makes sure that a table has as many rows as another one.
 * @throws InputError naming the first line too many, or the last one.
 */
export function checkRows(table: NumberTable, expected: number, of: string): void {
  if (table.rows === expected) return;
  const line = table.rows > expected ? table.line(expected) : table.line(table.rows - 1);
  const few = table.rows < expected ? 'too few' : 'too many';
  throw fault(table.file, line, `${count(table.rows)} rows, ${few}`, `${count(expected)}, ${of}`);
}

function fault(
  file: string,
  line: number | undefined,
  found: string,
  expected: string,
  cause?: unknown,
): InputError {
  const where = line === undefined ? file : `${file}, line ${line}`;
  return new InputError({ where, file, found, expected, cause, ...(line === undefined ? {} : { line }) });
}
