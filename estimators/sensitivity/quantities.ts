import {
  firstAndTotal,
  pairIndex,
  pairIndexOneSided,
  supersetIndex,
  varianceForm,
} from '../../engine/math/sobol-estimators.ts';
import type { Formula, Part } from '../../engine/math/sobol-formulas.ts';
import { TERM, termTable } from '../../engine/math/sobol-terms.ts';
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

/** The quantities of a layout. Total indices of closed sets are Jansen's, closed indices those of 'saltelli'. */
export function quantitiesOf(layout: Layout, estimator: EstimatorName): Quantities {
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
  const two = layout.inputs.length === 2;
  // With two inputs the interaction is all that the total index has beyond the first-order one.
  const rest: Formula = {
    kind: 'sum',
    offset: 0,
    parts: [
      { quantity: total.from, weight: 1 },
      { quantity: first.from, weight: -1 },
    ],
  };
  const onePair = estimator === 'saltelli2002' ? pairIndexOneSided : pairIndex;
  const pairs = push(
    layout.pairs.map(([j, k]) => (two ? rest : onePair(table, layout.inputs[j]!, layout.inputs[k]!))),
  );
  const superset = push(
    layout.superset.map(({ pair: [j, k], ab }) =>
      supersetIndex(table, 0, b, layout.inputs[j]!.ab!, layout.inputs[k]!.ab!, ab),
    ),
  );
  const sets = layout.closed.map(({ ab }) => {
    return firstAndTotal('saltelli', table, { a: 0, b, ab, ba: undefined, ac: undefined, cb: undefined });
  });
  const closed = push(sets.map(([s]) => s));
  const closedTotal = push(sets.map(([, t]) => t));
  const meanDimension = push([{ kind: 'sum', offset: 0, parts: all(total, 1) }]);
  const interaction = push([{ kind: 'sum', offset: 1, parts: all(first, -1) }]);
  const variance = push([{ kind: 'mean', of: varianceForm(table, 0, b) }]).from;
  const spans = { first, total, pairs, superset, closed, closedTotal, meanDimension, interaction };
  return { formulas, program: table.program(), terms: table.size, ...spans, variance };
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
