import type { Backend } from '../../backend/backend.ts';
import { defaultBackend } from '../../backend/choose.ts';
import { OptionError, ShapeError } from '../../errors.ts';
import type { Denoiser, OpenDenoiser } from '../denoiser.ts';
import type { Grid, GridPoint } from '../grid.ts';
import { openDenoiser } from '../open-denoiser.ts';
import { referenceFlow } from '../reference-flow.ts';
import { openIntegration } from './driver.ts';
import type { Integrator } from './program.ts';

/*
 * What searches for solvers work with: a model in use, points to search with and others to check what was found.
 */

export interface SearchSource {
  readonly denoiser: Denoiser;
  /** [n, d] at the first time; a third of them, the last ones, are kept back to check what was found. */
  readonly x: Float64Array;
  readonly backend?: Backend;
  readonly signal?: AbortSignal;
}

export interface SearchProblem {
  readonly where: string;
  readonly denoiser: OpenDenoiser;
  readonly backend: Backend;
  readonly signal: AbortSignal | undefined;
  /** Points to search with, and points to check with. */
  readonly search: Float64Array;
  readonly check: Float64Array;
  /** Where an integrator takes points. */
  end(integrator: Integrator, grid: Grid, x: Float64Array): Promise<Float64Array>;
  release(): void;
}

/** @throws ShapeError unless x is [n, d] with n >= 3. */
export async function openSearch(where: string, source: SearchSource): Promise<SearchProblem> {
  const { denoiser, x, signal } = source;
  const d = denoiser.dimension;
  const n = x.length / d;
  if (!Number.isInteger(n) || n < 3)
    throw new ShapeError({
      where,
      found: `\`x\` has ${x.length} numbers`,
      expected: `at least 3 rows of ${d}`,
    });
  const backend = source.backend ?? (await defaultBackend());
  const open = openDenoiser({ where, denoiser, backend, ...(signal && { signal }) });
  const kept = n - Math.floor(n / 3);
  return {
    ...{ where, denoiser: open, backend, signal },
    search: x.slice(0, kept * d),
    check: x.slice(kept * d),
    async end(integrator, grid, points) {
      const run = openIntegration({
        ...{ where, integrator, denoiser: open, grids: [grid], particles: points.length / d, backend },
        ...(signal && { signal }),
      });
      try {
        run.x().set(points);
        for (let step = 0; step < run.steps; step++) await run.advance(step);
        return run.x().slice();
      } finally {
        run.release();
      }
    },
    release: () => open.dispose(),
  };
}

/** Of a search the flow need not be known to the last digit. */
const TOLERANCE = 1e-7;

/** Where the exact flow takes points, from one grid point to another. */
export function exactFlow(
  { denoiser, backend, signal }: SearchProblem,
  x: Float64Array,
  from: GridPoint,
  to: GridPoint,
): Promise<Float64Array> {
  const times = { from: from.time, to: to.time, tolerance: TOLERANCE };
  return referenceFlow({ denoiser: denoiser.source, x, backend, ...times, ...(signal && { signal }) });
}

/** @throws OptionError when the first or the last time of a grid has no signal or no noise. */
export function checkEnds(where: string, { points }: Grid): void {
  const bad = [points[0]!, points[points.length - 1]!].find(({ logSnr }) => !Number.isFinite(logSnr));
  if (bad === undefined) return;
  throw new OptionError({
    where,
    option: 'grid',
    value: bad.time,
    found: `the grid has an end at time ${bad.time}, with signal ${bad.signal} and noise ${bad.noise}`,
    expected: 'both ends with some signal and some noise, where the flow is known',
  });
}

/** Mean of the squares of differences. */
export function meanSquare(x: Float64Array, y: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += (x[i]! - y[i]!) ** 2;
  return sum / x.length;
}

/**
 * Whether x [n, d] is nearer to `reference` than y is, by more than the standard error of the mean difference of squares over
 * rows: what only happened to fit the points of a search is not.
 */
export function clearlyNearer(x: Float64Array, y: Float64Array, reference: Float64Array, d: number): boolean {
  const n = x.length / d;
  const gains = new Float64Array(n);
  let mean = 0;
  for (let i = 0; i < n; i++) {
    for (let at = i * d; at < (i + 1) * d; at++)
      gains[i] = gains[i]! + (y[at]! - reference[at]!) ** 2 - (x[at]! - reference[at]!) ** 2;
    mean += gains[i]! / n;
  }
  let squares = 0;
  for (let i = 0; i < n; i++) squares += (gains[i]! - mean) ** 2;
  return mean > 0 && (n === 1 || mean > Math.sqrt(squares / (n - 1) / n));
}
