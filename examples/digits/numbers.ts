import { type Done, type Row, toAim } from './session.ts';

/** A column of the tables: of the page, the terminal and the CSV file. */
export interface Column {
  /** On the page, in the terminal ('' where it has no room for it), and in files. */
  readonly head: string;
  readonly short: string;
  readonly key: string;
  value(row: Row, done: Done): number;
  text(value: number): string;
}

const share = (value: number): string => value.toFixed(2);
const tenths = (value: number): string => value.toFixed(1);
const whole = (value: number): string => grouped(Math.round(value));

export const COLUMNS: readonly Column[] = [
  { head: 'as asked', short: 'asked', key: 'as_asked', value: (row) => row.verdict.asAsked, text: share },
  { head: 'sure', short: 'sure', key: 'sure', value: (row) => row.verdict.sure, text: share },
  { head: 'Frechet', short: 'Frechet', key: 'frechet', value: (row) => row.verdict.frechet, text: whole },
  { head: 'to the aim', short: 'aim', key: 'frechet_to_aim', value: toAim, text: whole },
  { head: 'kinds', short: 'kinds', key: 'kinds', value: (row) => row.verdict.kinds, text: tenths },
  { head: 'spread', short: 'spread', key: 'spread', value: (row) => row.verdict.spread, text: share },
  { head: 'distinct', short: '', key: 'distinct', value: (row) => row.verdict.distinct, text: share },
  {
    ...{ head: 'evaluations', short: 'evals', key: 'evaluations' },
    ...{ value: (row: Row) => row.evaluations.denoiser, text: whole },
  },
  {
    ...{ head: 'of classifiers', short: '', key: 'classifier_evaluations' },
    ...{ value: (row: Row) => row.evaluations.classifier, text: whole },
  },
  { head: 'seconds', short: 's', key: 'seconds', value: (row) => row.seconds, text: tenths },
];

/** 'n/a' where there is no number. */
export function cell({ value, text }: Column, row: Row, done: Done): string {
  const number = value(row, done);
  return Number.isFinite(number) ? text(number) : 'n/a';
}

/** '12 000': thin spaces from 10 000 on. */
export function grouped(value: number): string {
  const text = String(value);
  return value >= 1e4 ? text.replace(/\B(?=(\d{3})+$)/g, '\u2009') : text;
}

/** A share as '41 %', and with its error '41 +/- 4 %'. */
export function percent(value: number, error?: number): string {
  const own = Math.round(100 * value);
  return error === undefined ? `${own} %` : `${own} +/- ${Math.max(1, Math.round(100 * error))} %`;
}
