/**
 * Row terms: what an estimator of Sobol' indices averages over the rows of its design.
 *
 * A design row n has one output in each column (A, AB^1, ..., B); u_c is the output of column c less a centre m.
 * A term is a product or square of such outputs, named by an operation and up to four columns.
 */
export const TERM = {
  /** u_i */
  value: 0,
  /** u_i u_j */
  product: 1,
  /** u_i (u_j - u_k) */
  change: 2,
  /** (u_i - u_j)^2 */
  gap: 3,
  /** (u_i - u_j)(u_k - u_l) */
  cross: 4,
  /** (u_i - u_j)^2 + (u_k - u_l)^2 */
  gaps: 5,
  /** u_i u_j + u_k u_l */
  products: 6,
  /** u_i^2 + u_j^2 */
  squares: 7,
  /** (u_i - u_j - u_k + u_l)^2 */
  corner: 8,
  /** u_i + u_j */
  total: 9,
} as const;

export type TermOperation = (typeof TERM)[keyof typeof TERM];

/** Words of a term in a program: operation, i, j, k, l. */
export const TERM_WORDS = 5;

/** The distinct terms a set of estimators needs, each averaged once. */
export interface TermTable {
  readonly size: number;
  /** Number of the term, added when it is new. Columns that an operation does not use are left out. */
  term(operation: TermOperation, i: number, j?: number, k?: number, l?: number): number;
  /** All terms as words [size, 5], the form kernels read. */
  program(): Uint32Array;
}

/** A table of terms, empty or with the terms of a program. */
export function termTable(from: Uint32Array = new Uint32Array(0)): TermTable {
  const words: number[] = [];
  const known = new Map<string, number>();
  const add = (operation: number, i: number, j: number, k: number, l: number): number => {
    const key = `${operation} ${i} ${j} ${k} ${l}`;
    const old = known.get(key);
    if (old !== undefined) return old;
    const index = known.size;
    known.set(key, index);
    words.push(operation, i, j, k, l);
    return index;
  };
  for (let w = 0; w < from.length; w += TERM_WORDS) {
    add(from[w]!, from[w + 1]!, from[w + 2]!, from[w + 3]!, from[w + 4]!);
  }
  return {
    get size() {
      return known.size;
    },
    term: (operation, i, j = 0, k = 0, l = 0) => add(operation, i, j, k, l),
    program: () => Uint32Array.from(words),
  };
}

/** Columns a term reads, 0 where it reads fewer. */
export type TermColumns = readonly [i: number, j: number, k: number, l: number];

/**
 * Sum of a term over n rows about a centre m, from its `sum` about another centre c and the sums of the columns it
 * reads about c: with u_m = u_c + shift, shift = c - m, every operation changes by a polynomial in the shift.
 * @param columns sums of u_c over the columns i, j, k, l of the term.
 */
export function recentred(
  operation: TermOperation,
  sum: number,
  [i, j, k, l]: TermColumns,
  shift: number,
  n: number,
): number {
  switch (operation) {
    case TERM.value:
      return sum + n * shift;
    case TERM.product:
      return sum + shift * (i + j) + n * shift * shift;
    case TERM.change:
      return sum + shift * (j - k);
    case TERM.products:
      return sum + shift * (i + j + (k + l)) + 2 * n * shift * shift;
    case TERM.squares:
      return sum + 2 * shift * (i + j) + 2 * n * shift * shift;
    case TERM.total:
      return sum + 2 * n * shift;
    // Differences do not see the centre.
    case TERM.gap:
    case TERM.cross:
    case TERM.gaps:
    case TERM.corner:
      return sum;
    default:
      return operation satisfies never;
  }
}
