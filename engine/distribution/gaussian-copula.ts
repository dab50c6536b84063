import { nearestName, show } from '../check.ts';
import { OptionError } from '../errors.ts';
import { normalCdf } from '../math/erfc.ts';
import { solveLower, solveLowerColumns } from '../math/linear-algebra.ts';
import { normalQuantile } from '../wasm/twins/normal.ts';
import { sum } from '../wasm/twins/sums.ts';
import type { Dependence } from './inputs.ts';
import { checkSymmetric, type Rows } from './multivariate.ts';
import { correlate, factor } from './multivariate-normal.ts';

/** Correlations by name; pairs that are not listed have correlation 0. */
export interface NamedCorrelation {
  /** Names of all inputs in their order, or the record of inputs itself through `Object.keys`. */
  readonly names: readonly string[];
  readonly pairs: readonly (readonly [string, string, number])[];
}

/** Dependence through correlated normals. */
export interface GaussianCopula extends Dependence {
  /** Correlation of the underlying normals [d, d], row-major. */
  readonly correlation: Float64Array;
  /** Its lower Cholesky factor [d, d], row-major. */
  readonly lower: Float64Array;
}

const LARGEST = 1 - 2 ** -53;

/**
 * Gaussian copula: v_i = Phi(sum_j L_ij Phi^-1(u_j)) with L L' the correlation of the underlying normals.
 *
 * The first input keeps its own uniform up to rounding. The rank correlation of Spearman of two inputs is
 * 6 / pi asin(r / 2), a little less than r; their linear correlation depends on their laws.
 * @throws OptionError when the matrix is not symmetric with unit diagonal and positive definite, or a name is unknown.
 */
export function gaussianCopula(correlation: Rows | NamedCorrelation): GaussianCopula {
  const rows = 'pairs' in correlation ? namedRows(correlation) : correlation;
  const d = rows.length;
  const matrix = checkSymmetric('gaussianCopula', 'correlation', rows, d);
  checkDiagonal(matrix, d);
  const lower = factor('gaussianCopula', 'correlation', matrix, d);
  const component = components(matrix, d);
  return {
    dimension: d,
    correlation: matrix,
    lower,
    correlate: (z, n) => correlate(lower, d, z.subarray(0, n * d)),
    decorrelate: (z, n) => {
      for (let i = 0; i < n; i++) solveLower(lower, d, z.subarray(i * d, (i + 1) * d));
    },
    logDensity: copulaDensity(lower, d),
    linked: (i, j) => component[i] === component[j],
    transport: (u, v, n) => {
      const z = v.subarray(0, n * d);
      for (let i = 0; i < n * d; i++) z[i] = normalQuantile(u[i]!);
      correlate(lower, d, z);
      // Below 1, so that a law without an upper end still gets a finite value.
      for (let i = 0; i < n * d; i++) z[i] = Math.min(LARGEST, normalCdf(z[i]!));
    },
  };
}

/** log c(z) = -log det L - (|L^-1 z|^2 - |z|^2) / 2, summed over the rows of L that are not those of the identity. */
function copulaDensity(
  lower: Float64Array,
  d: number,
): (z: Float64Array, n: number, out: Float64Array) => void {
  const rows = Array.from({ length: d }, (_, i) => i).filter((i) => lower[i * d + i] !== 1);
  const whiten = solveLowerColumns(lower, d, identity(d), d);
  const constant = 0 - sum(Float64Array.from(rows, (i) => Math.log(lower[i * d + i]!)));
  return (z, n, out) => {
    for (let r = 0; r < n; r++) {
      const at = r * d;
      let excess = 0;
      for (let k = 0; k < rows.length; k++) {
        const i = rows[k]!;
        const own = z[at + i]!;
        let white = 0;
        for (let j = 0; j <= i; j++) white += whiten[i * d + j]! * z[at + j]!;
        excess += (white - own) * (white + own);
      }
      out[r] = constant - 0.5 * excess;
    }
  };
}

function identity(d: number): Float64Array {
  return Float64Array.from({ length: d * d }, (_, at) => (at % (d + 1) === 0 ? 1 : 0));
}

function fail(found: string, expected: string, value: unknown, fix?: string): never {
  const option = 'correlation';
  throw new OptionError({
    where: 'gaussianCopula',
    option,
    value,
    found,
    expected,
    ...(fix === undefined ? {} : { fix }),
  });
}

function checkDiagonal(matrix: Float64Array, d: number): void {
  if (d === 0) fail('`correlation` is empty', 'at least one row', d);
  for (let i = 0; i < d; i++) {
    const entry = matrix[i * d + i]!;
    if (entry !== 1) fail(`\`correlation\` is ${entry} at (${i}, ${i})`, '1 on the diagonal', entry);
  }
}

function namedRows({ names, pairs }: NamedCorrelation): number[][] {
  const rows = names.map((_, i) => names.map((_, j): number => (i === j ? 1 : 0)));
  const position = (name: string): number => {
    const i = names.indexOf(name);
    if (i >= 0) return i;
    const near = nearestName(name, names);
    const fix = near === undefined ? undefined : `Did you mean ${near}?`;
    return fail(`there is no input ${show(name)}`, `one of ${names.join(', ')}`, name, fix);
  };
  const seen = new Set<string>();
  for (const [a, b, r] of pairs) {
    const [i, j] = [position(a), position(b)].sort((x, y) => x - y) as [number, number];
    if (i === j || seen.has(`${i} ${j}`))
      fail(`pair (${a}, ${b}) ${i === j ? 'is one input twice' : 'is listed twice'}`, 'distinct pairs', a);
    seen.add(`${i} ${j}`);
    if (!(r > -1 && r < 1)) fail(`the correlation of (${a}, ${b}) is ${show(r)}`, 'a number in (-1, 1)', r);
    rows[i]![j] = r;
    rows[j]![i] = r;
  }
  return rows;
}

/** For each input the smallest index it is joined to by a chain of nonzero entries, [d]. */
function components(matrix: Float64Array, d: number): Uint32Array {
  const component = Uint32Array.from({ length: d }, (_, i) => i);
  for (let i = 0; i < d; i++) {
    for (let j = 0; j < i; j++) {
      const [a, b] = [component[i]!, component[j]!];
      if (matrix[i * d + j] === 0 || a === b) continue;
      const joined = Math.min(a, b);
      for (let k = 0; k < d; k++) if (component[k] === a || component[k] === b) component[k] = joined;
    }
  }
  return component;
}
