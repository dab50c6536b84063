import type { Arena } from '../array/arena.ts';
import type { DensityRows, MoveTarget } from './kernel.ts';

/** Proposed points of one block of chains with their densities, in arrays from an arena. */
export interface Candidates {
  /** [rows, d] */
  readonly x: Float64Array;
  /** [rows]; -Infinity where the point is out of the question, and then nothing else of the row counts. */
  readonly logPrior: Float64Array;
  readonly logLikelihood: Float64Array;
  /** [rows, d], 0 where there is no density; absent from kernels without gradient. */
  readonly priorGradient: Float64Array | undefined;
  readonly likelihoodGradient: Float64Array | undefined;
  /** [rows] 1: leave this row out. Only for the one kernel that sets it, before each use. */
  readonly out: Uint8Array;
  /**
   * Fill the densities of rows 0..n-1. The prior sees the rows that are not `out` and have finite coordinates; the
   * likelihood those of them with prior density: a user's likelihood is never asked outside the support.
   */
  evaluate(target: MoveTarget, n: number): Promise<void>;
}

export function makeCandidates(arena: Arena, rows: number, d: number, gradient: boolean): Candidates {
  const x = arena.f64(rows * d);
  const logPrior = arena.f64(rows);
  const logLikelihood = arena.f64(rows);
  const priorGradient = gradient ? arena.f64(rows * d) : undefined;
  const likelihoodGradient = gradient ? arena.f64(rows * d) : undefined;
  const out = new Uint8Array(rows);
  const live = new Uint32Array(rows);
  const some = makeSome(arena, rows, d, gradient);
  return {
    x,
    logPrior,
    logLikelihood,
    priorGradient,
    likelihoodGradient,
    out,
    async evaluate(target, n) {
      let count = 0;
      for (let i = 0; i < n; i++) if (out[i] === 0 && isFinitePoint(x, i, d)) live[count++] = i;
      await some(target.logPrior, x, n, live, count, logPrior, priorGradient);
      count = 0;
      for (let i = 0; i < n; i++) if (logPrior[i]! > -Infinity) live[count++] = i;
      await some(target.logLikelihood, x, n, live, count, logLikelihood, likelihoodGradient);
    },
  };
}

function isFinitePoint(x: Float64Array, row: number, d: number): boolean {
  for (let at = row * d; at < row * d + d; at++) if (!Number.isFinite(x[at]!)) return false;
  return true;
}

type SomeRows = (
  density: DensityRows,
  x: Float64Array,
  n: number,
  live: Uint32Array,
  count: number,
  out: Float64Array,
  gradient: Float64Array | undefined,
) => Promise<void>;

/** Evaluates the `count` rows listed in `live` of n, packed side by side; the others become -Infinity with gradient 0. */
function makeSome(arena: Arena, rows: number, d: number, gradient: boolean): SomeRows {
  const points = arena.f64(rows * d);
  const values = arena.f64(rows);
  const slopes = gradient ? arena.f64(rows * d) : undefined;
  return async (density, x, n, live, count, out, gradientOut) => {
    if (count === n) return density(x, n, out, gradientOut);
    for (let j = 0; j < count; j++) copyRow(x, live[j]!, points, j, d);
    if (count > 0) await density(points, count, values, gradientOut === undefined ? undefined : slopes);
    out.fill(-Infinity, 0, n);
    gradientOut?.fill(0, 0, n * d);
    for (let j = 0; j < count; j++) {
      out[live[j]!] = values[j]!;
      if (gradientOut !== undefined && slopes !== undefined) copyRow(slopes, j, gradientOut, live[j]!, d);
    }
  };
}

/** Row `from` of `source` [n, d] to row `to` of `target`. */
export function copyRow(
  source: Float64Array,
  from: number,
  target: Float64Array,
  to: number,
  d: number,
): void {
  for (let c = 0; c < d; c++) target[to * d + c] = source[from * d + c]!;
}
