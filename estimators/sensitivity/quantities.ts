import {
  firstAndTotal,
  pairIndex,
  pairIndexOneSided,
  supersetIndex,
  varianceForm,
} from '../../engine/math/sobol-estimators.ts';
import type { Formula, Part } from '../../engine/math/sobol-formulas.ts';
import { TERM, type TermTable, termTable } from '../../engine/math/sobol-terms.ts';
import type { Layout } from './layout.ts';
import type { EstimatorName } from './types.ts';

/** A run of neighbouring quantities. */
export interface Span {
  readonly from: number;
  readonly count: number;
}

/** Everything estimated for one output, as one list of formulas over the means of row terms. */
export interface Quantities {
  readonly formulas: readonly Formula[];
  /** Terms as words for the kernels, and how many. */
  readonly program: Uint32Array;
  readonly terms: number;
  readonly first: Span;
  readonly total: Span;
  readonly pairs: Span;
  readonly superset: Span;
  readonly closed: Span;
  readonly closedTotal: Span;
  readonly meanDimension: Span;
  readonly interaction: Span;
  /** The variance V of the output; last. */
  readonly variance: number;
}

/**
 * The quantities of a layout. Total indices of closed sets are Jansen's, closed indices those of 'saltelli'. With
 * `short` only first-order and total indices (and the variance), in the same places: what a history shows.
 */
export function quantitiesOf(layout: Layout, estimator: EstimatorName, short = false): Quantities {
  const table = termTable();
  const formulas: Formula[] = [];
  const push = (list: readonly Formula[]): Span => {
    const span = { from: formulas.length, count: list.length };
    formulas.push(...list);
    return span;
  };
  const b = layout.rows - 1;
  const indices = layout.inputs.map((columns) => firstAndTotal(estimator, table, columns));
  const first = push(indices.map(([s]) => s));
  const total = push(indices.map(([, t]) => t));
  const pairs = push(short ? [] : pairFormulas(layout, estimator, table, first, total));
  const superset = push(short ? [] : supersetFormulas(layout, table));
  const sets = short ? [] : closedFormulas(layout, table);
  const closed = push(sets.map(([s]) => s));
  const closedTotal = push(sets.map(([, t]) => t));
  const meanDimension = push(short ? [] : [{ kind: 'sum', offset: 0, parts: all(total, 1) }]);
  const interaction = push(short ? [] : [{ kind: 'sum', offset: 1, parts: all(first, -1) }]);
  const variance = push([{ kind: 'mean', of: varianceForm(table, 0, b) }]).from;
  const spans = { first, total, pairs, superset, closed, closedTotal, meanDimension, interaction };
  return { formulas, program: table.program(), terms: table.size, ...spans, variance };
}

function pairFormulas(
  layout: Layout,
  estimator: EstimatorName,
  table: TermTable,
  first: Span,
  total: Span,
): readonly Formula[] {
  // With two inputs the interaction is all that the total index has beyond the first-order one.
  if (layout.inputs.length === 2) {
    const parts = [
      { quantity: total.from, weight: 1 },
      { quantity: first.from, weight: -1 },
    ];
    return layout.pairs.map(() => ({ kind: 'sum', offset: 0, parts }));
  }
  const onePair = estimator === 'saltelli2002' ? pairIndexOneSided : pairIndex;
  return layout.pairs.map(([j, k]) => onePair(table, layout.inputs[j]!, layout.inputs[k]!));
}

function supersetFormulas(layout: Layout, table: TermTable): readonly Formula[] {
  const b = layout.rows - 1;
  return layout.superset.map(({ pair: [j, k], ab }) =>
    supersetIndex(table, 0, b, layout.inputs[j]!.ab!, layout.inputs[k]!.ab!, ab),
  );
}

function closedFormulas(layout: Layout, table: TermTable): readonly (readonly [Formula, Formula])[] {
  const b = layout.rows - 1;
  return layout.closed.map(({ ab }) => {
    return firstAndTotal('saltelli', table, { a: 0, b, ab, ba: undefined, ac: undefined, cb: undefined });
  });
}

function all(span: Span, weight: number): readonly Part[] {
  return Array.from({ length: span.count }, (_, i) => ({ quantity: span.from + i, weight }));
}

/** The means of A and of B, from which the centre is found. */
export function centreProgram(layout: Layout): Uint32Array {
  const table = termTable();
  table.term(TERM.value, 0);
  table.term(TERM.value, layout.rows - 1);
  return table.program();
}
