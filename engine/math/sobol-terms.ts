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

/** An empty table of terms. */
export function termTable(): TermTable {
  const words: number[] = [];
  const known = new Map<string, number>();
  return {
    get size() {
      return known.size;
    },
    term(operation, i, j = 0, k = 0, l = 0) {
      const key = `${operation} ${i} ${j} ${k} ${l}`;
      const old = known.get(key);
      if (old !== undefined) return old;
      const index = known.size;
      known.set(key, index);
      words.push(operation, i, j, k, l);
      return index;
    },
    program: () => Uint32Array.from(words),
  };
}
