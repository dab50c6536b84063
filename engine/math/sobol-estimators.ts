import type { Form, Formula, Linear } from './sobol-formulas.ts';
import { TERM, type TermTable } from './sobol-terms.ts';

/**
 * Estimators of first-order and total indices by name.
 *
 * | symbol | here |
 * |---|---|
 * | a, b | outputs at A and B, less their common mean |
 * | ab, ba | outputs at AB^i (A with input i from B) and BA^i |
 * | V | mean of (a^2 + b^2) / 2, the population variance |
 *
 * 'saltelli' is Saltelli et al. 2010 (b) = Sobol' 2007, with the total index of Jansen 1999; 'mauntz' the total index
 * of Sobol', Tarantola, Gatelli, Kucherenko & Mauntz 2007. Departures: outputs are centred for every estimator but
 * 'saltelli2002', which stays as published so that published numbers can be reproduced.
 */
export const ESTIMATORS = [
  'homma-saltelli',
  'saltelli2002',
  'saltelli',
  'jansen',
  'mauntz',
  'janon',
  'martinez',
  'azzini',
  'owen',
  'oracle',
  'jansen-sym',
  'martinez-sym',
] as const;

export type Estimator = (typeof ESTIMATORS)[number];

/** Where the outputs of one input (or group) stand; a column that the design has not is undefined. */
export interface InputColumns {
  readonly a: number;
  readonly b: number;
  /** A with the input from B; B with it from A. */
  readonly ab: number | undefined;
  readonly ba: number | undefined;
  /** A with the input from C; C with it from B ('owen' only). */
  readonly ac: number | undefined;
  readonly cb: number | undefined;
}

/** Blocks of the design that an estimator needs beside A and B. */
export function blocksOf(estimator: Estimator): readonly ('ab' | 'ba' | 'ac' | 'cb')[] {
  if (estimator === 'owen') return ['ac', 'ba', 'cb'];
  if (estimator === 'azzini' || estimator.endsWith('-sym')) return ['ab', 'ba'];
  return ['ab'];
}

/** V = mean of (a^2 + b^2) / 2 as a form. */
export function varianceForm(table: TermTable, a: number, b: number): Form {
  return { linear: [{ term: table.term(TERM.squares, a, b), weight: 0.5 }] };
}

/**
 * First-order and total index of one input; section 3 of the method notes names the sources.
 * A column that the estimator needs must be there, see `blocksOf`.
 */
export function firstAndTotal(
  estimator: Estimator,
  table: TermTable,
  columns: InputColumns,
): readonly [first: Formula, total: Formula] {
  const { a, b } = columns;
  const ab = columns.ab!;
  const ba = columns.ba!;
  const below = varianceForm(table, a, b);
  const over = (offset: number, scale: number, ...linear: Linear[]): Formula => {
    return { kind: 'ratio', offset, scale, above: { linear }, below };
  };
  const product = (i: number, j: number): Linear => one(table.term(TERM.product, i, j));
  const gap = (i: number, j: number): Linear => one(table.term(TERM.gap, i, j));
  const jansenTotal = (): Formula => over(0, 0.5, gap(a, ab));
  switch (estimator) {
    case 'homma-saltelli':
    case 'oracle':
      return [over(0, 1, product(b, ab)), over(1, -1, product(a, ab))];
    case 'saltelli2002':
      return saltelli2002(table, a, b, ab, below);
    case 'saltelli':
      return [over(0, 1, one(table.term(TERM.change, b, ab, a))), jansenTotal()];
    case 'jansen':
      return [over(1, -0.5, gap(b, ab)), jansenTotal()];
    case 'mauntz':
      return [
        over(0, 1, one(table.term(TERM.change, b, ab, a))),
        over(0, 1, one(table.term(TERM.change, a, a, ab))),
      ];
    case 'janon':
      return [janon(table, b, ab, 0, 1), janon(table, a, ab, 1, -1)];
    case 'martinez':
      return [martinez(table, 0, 1, [b, ab]), martinez(table, 1, -1, [a, ab])];
    case 'azzini':
      return azzini(table, a, b, ab, ba);
    case 'owen':
      return [
        over(0, 1, one(table.term(TERM.cross, a, columns.ac!, ba, b))),
        over(1, -1, one(table.term(TERM.cross, b, columns.cb!, ba, a))),
      ];
    case 'jansen-sym':
      return [
        over(1, -0.25, one(table.term(TERM.gaps, b, ab, a, ba))),
        over(0, 0.25, one(table.term(TERM.gaps, a, ab, b, ba))),
      ];
    case 'martinez-sym':
      return [martinez(table, 0, 0.5, [b, ab], [a, ba]), martinez(table, 1, -0.5, [a, ab], [b, ba])];
    default:
      return estimator satisfies never;
  }
}

function one(term: number): Linear {
  return { term, weight: 1 };
}

/** With raw outputs: V_i = mean(yB yAB) - mean(yA yB), V^T_i = V - mean(yA yAB) + mean(yA)^2, in centred terms. */
function saltelli2002(
  table: TermTable,
  a: number,
  b: number,
  ab: number,
  below: Form,
): readonly [Formula, Formula] {
  const meanAb = { term: table.term(TERM.value, ab), weight: 0, shift: 1 };
  const meanA = { term: table.term(TERM.value, a), weight: 0, shift: -1 };
  const first: Form = { linear: [one(table.term(TERM.change, b, ab, a)), meanAb, meanA] };
  const rest: Form = {
    linear: [one(table.term(TERM.product, a, ab)), meanAb, meanA],
    square: { term: meanA.term, weight: -1 },
  };
  return [
    { kind: 'ratio', offset: 0, scale: 1, above: first, below },
    { kind: 'ratio', offset: 1, scale: -1, above: rest, below },
  ];
}

/** Janon, Klein, Lagnoux, Nodet & Prieur 2014: [mean(y y') - q^2] / [mean((y^2 + y'^2)/2) - q^2], q = mean((y + y')/2). */
function janon(table: TermTable, y: number, z: number, offset: number, scale: number): Formula {
  const square = { term: table.term(TERM.total, y, z), weight: -0.25 };
  return {
    kind: 'ratio',
    offset,
    scale,
    above: { linear: [one(table.term(TERM.product, y, z))], square },
    below: { linear: [{ term: table.term(TERM.squares, y, z), weight: 0.5 }], square },
  };
}

/** Martinez 2011: the correlation of two columns, or the sum over several pairs of columns. */
function martinez(
  table: TermTable,
  offset: number,
  scale: number,
  ...pairs: readonly (readonly [number, number])[]
): Formula {
  const mean = (i: number): number => table.term(TERM.value, i);
  const product = (i: number, j: number): number => table.term(TERM.product, i, j);
  return {
    kind: 'correlation',
    offset,
    scale,
    pairs: pairs.map(([y, z]) => [mean(y), mean(z), product(y, y), product(z, z), product(y, z)] as const),
  };
}

/** Azzini, Mara & Rosati 2021; both indices share the denominator mean((a - b)^2 + (ba - ab)^2). */
function azzini(table: TermTable, a: number, b: number, ab: number, ba: number): readonly [Formula, Formula] {
  const below: Form = { linear: [one(table.term(TERM.gaps, a, b, ba, ab))] };
  const ratio = (scale: number, term: number): Formula => {
    return { kind: 'ratio', offset: 0, scale, above: { linear: [one(term)] }, below };
  };
  return [ratio(2, table.term(TERM.cross, ba, b, a, ab)), ratio(1, table.term(TERM.gaps, b, ba, a, ab))];
}

/**
 * Interaction of inputs j and k without those of higher order: S_jk = S^c_jk - S_j - S_k.
 *
 * BA^j and AB^k share exactly columns j and k, so mean(ba_j ab_k) - mean(a b) estimates V^c_jk. Here every part is
 * averaged with its mirror image (A and B exchanged), first-order parts included: V_jk = mean(ba_j ab_k + ba_k ab_j)/2
 * - mean(b ab_j + a ba_j)/2 - mean(b ab_k + a ba_k)/2 + mean(a b). On Ishigami and G functions this has 0.2 to 0.7
 * times the error of the one-sided form, at no extra run.
 */
export function pairIndex(table: TermTable, j: InputColumns, k: InputColumns): Formula {
  const { a, b } = j;
  const half = (i: number, l: number, m: number, n: number, sign: number): Linear => {
    return { term: table.term(TERM.products, i, l, m, n), weight: sign / 2 };
  };
  const above: Form = {
    linear: [
      half(j.ba!, k.ab!, k.ba!, j.ab!, 1),
      half(b, j.ab!, a, j.ba!, -1),
      half(b, k.ab!, a, k.ba!, -1),
      one(table.term(TERM.product, a, b)),
    ],
  };
  return { kind: 'ratio', offset: 0, scale: 1, above, below: varianceForm(table, a, b) };
}

/** The one-sided form of Saltelli 2002, centred: [mean(ba_j ab_k) - mean(a b)]/V - S_j - S_k with S of 'saltelli'. */
export function pairIndexOneSided(table: TermTable, j: InputColumns, k: InputColumns): Formula {
  const { a, b } = j;
  const above: Form = {
    linear: [
      one(table.term(TERM.product, j.ba!, k.ab!)),
      { term: table.term(TERM.product, a, b), weight: -1 },
      { term: table.term(TERM.change, b, j.ab!, a), weight: -1 },
      { term: table.term(TERM.change, b, k.ab!, a), weight: -1 },
    ],
  };
  return { kind: 'ratio', offset: 0, scale: 1, above, below: varianceForm(table, a, b) };
}

/** Superset importance (total interaction) of i and j, Liu & Owen 2006: mean((a - ab_i - ab_j + ab_ij)^2) / (4 V). */
export function supersetIndex(
  table: TermTable,
  a: number,
  b: number,
  abI: number,
  abJ: number,
  abIJ: number,
): Formula {
  const above: Form = { linear: [one(table.term(TERM.corner, a, abI, abJ, abIJ))] };
  return { kind: 'ratio', offset: 0, scale: 0.25, above, below: varianceForm(table, a, b) };
}
