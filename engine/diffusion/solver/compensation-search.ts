import { checkNumber, checkOptionNames, checkRecord } from '../../check.ts';
import type { Grid } from '../grid.ts';
import { checkDenoiser } from '../open-denoiser.ts';
import { type DcSolverOptions, dcSolver } from './dc-solver.ts';
import { openIntegration } from './driver.ts';
import {
  checkEnds,
  clearlyNearer,
  exactFlow,
  meanSquare,
  openSearch,
  type SearchProblem,
  type SearchSource,
} from './search-problem.ts';

/*
 * Ratios of DC-Solver for one model and one grid. Step by step, rho_i minimises the mean square between the states after
 * step i and a reference path; then the whole of it is shrunk towards 1 as far as the end of the path gets better by it,
 * and checked on points that took no part.
 *
 * Differs from the paper: a search over an interval in place of 40 steps along gradients; the reference is the exact flow in
 * place of 200 steps of DDIM; and what is greedy may harm, so the end decides.
 */

export interface CompensationSearchOptions
  extends SearchSource,
    Pick<DcSolverOptions, 'order' | 'variant' | 'lowerOrderFinal'> {
  /** Both ends with some signal and some noise. */
  readonly grid: Grid;
  /** [N] states [n, d] of all points after each step. Default: of the exact flow. */
  readonly reference?: readonly Float64Array[];
  /** Ratios are searched between 1 - range and 1 + range. Default 1. */
  readonly range?: number;
  /** After every step of the grid. */
  readonly onProgress?: (progress: { readonly step: number; readonly steps: number }) => void;
}

export interface CompensationSearch {
  /** [N] for `dcSolver`; all 1 when the points kept back show no gain that is larger than its standard error. */
  readonly ratios: readonly number[];
  /** Mean squares at the end of the path, of the points kept back: with these ratios, and with all 1. */
  readonly error: number;
  readonly plainError: number;
  /** Rows of the denoiser, the reference path left out. */
  readonly evaluations: number;
}

const WHERE = 'searchCompensation';
const OPTIONS: Readonly<Record<keyof CompensationSearchOptions, true>> = {
  denoiser: true,
  x: true,
  backend: true,
  signal: true,
  order: true,
  variant: true,
  lowerOrderFinal: true,
  grid: true,
  reference: true,
  range: true,
  onProgress: true,
};

/**
 * Find the ratios of DC-Solver. Zhao et al. (2024), algorithm 2.
 * @throws OptionError for bad options or a grid that begins without signal or ends without noise; what the denoiser throws.
 */
export async function searchCompensation(options: CompensationSearchOptions): Promise<CompensationSearch> {
  checkOptionNames(WHERE, options, Object.keys(OPTIONS));
  checkDenoiser(WHERE, 'denoiser', options.denoiser);
  checkRecord(WHERE, 'grid', options.grid, 'a grid');
  const { grid, range = 1 } = options;
  checkNumber(WHERE, 'range', range, (r) => r > 0 && r < Infinity, 'a number > 0');
  checkEnds(WHERE, grid);
  const problem = await openSearch(WHERE, options);
  try {
    const search = await pathOf(problem, options, problem.search, 0);
    const check = await pathOf(problem, options, problem.check, problem.search.length);
    const greedy = await greedyRatios(problem, options, search, range);
    const best = await shrunk(problem, options, greedy, search[search.length - 1]!);
    const last = check[check.length - 1]!;
    const plain = greedy.map(() => 1);
    const ends = [
      await endOf(problem, options, best, problem.check),
      await endOf(problem, options, plain, problem.check),
    ];
    const [x, y] = ends as [Float64Array, Float64Array];
    const plainError = meanSquare(y, last);
    const { evaluations, dimension } = problem.denoiser;
    if (!clearlyNearer(x, y, last, dimension))
      return { ratios: plain, error: plainError, plainError, evaluations };
    return { ratios: best, error: meanSquare(x, last), plainError, evaluations };
  } finally {
    problem.release();
  }
}

/** States after each step of the points from number `offset` of x on. */
async function pathOf(
  problem: SearchProblem,
  { grid, reference }: CompensationSearchOptions,
  points: Float64Array,
  offset: number,
): Promise<Float64Array[]> {
  if (reference !== undefined) return reference.map((all) => all.slice(offset, offset + points.length));
  const path: Float64Array[] = [];
  for (let i = 1; i < grid.points.length; i++)
    path.push(await exactFlow(problem, path[i - 2] ?? points, grid.points[i - 1]!, grid.points[i]!));
  return path;
}

async function greedyRatios(
  problem: SearchProblem,
  options: CompensationSearchOptions,
  path: readonly Float64Array[],
  range: number,
): Promise<number[]> {
  const { grid, onProgress } = options;
  const { where, denoiser, backend, search: x } = problem;
  const ratios = path.map(() => 1);
  const particles = x.length / denoiser.dimension;
  let before: Record<string, Float64Array | Uint32Array> = {};
  for (let step = 0; step < ratios.length; step++) {
    const errorWith = async (ratio: number, keep = false): Promise<number> => {
      const integrator = dcSolver({ ...settings(options), ratios: ratios.with(step, ratio) });
      const run = openIntegration({ where, integrator, denoiser, grids: [grid], particles, backend });
      try {
        if (step === 0) run.x().set(x);
        else run.restore(before);
        await run.advance(step);
        const error = meanSquare(run.x(), path[step]!);
        if (keep) before = run.snapshot();
        return error;
      } finally {
        run.release();
      }
    };
    if (step > 1) ratios[step] = await minimiser(errorWith, 1 - range, 1 + range);
    await errorWith(ratios[step]!, true);
    onProgress?.({ step: step + 1, steps: ratios.length });
  }
  return ratios;
}

function settings({
  order,
  variant,
  lowerOrderFinal,
}: CompensationSearchOptions): Omit<DcSolverOptions, 'ratios'> {
  return {
    ...(order && { order }),
    ...(variant && { variant }),
    ...(lowerOrderFinal !== undefined && { lowerOrderFinal }),
  };
}

function endOf(
  problem: SearchProblem,
  options: CompensationSearchOptions,
  ratios: readonly number[],
  points: Float64Array,
): Promise<Float64Array> {
  return problem.end(dcSolver({ ...settings(options), ratios }), options.grid, points);
}

const SHARES = [1, 0.75, 0.5, 0.25, 0] as const;

/** 1 + share (ratio - 1) with the share that ends nearest to the reference. */
async function shrunk(
  problem: SearchProblem,
  options: CompensationSearchOptions,
  ratios: readonly number[],
  reference: Float64Array,
): Promise<readonly number[]> {
  let best: readonly number[] = ratios;
  let least = Infinity;
  for (const share of SHARES) {
    const tried = ratios.map((ratio) => 1 + share * (ratio - 1));
    const error = meanSquare(await endOf(problem, options, tried, problem.search), reference);
    if (error < least) [best, least] = [tried, error];
  }
  return best;
}

const SCAN = 9;
const GOLDEN = (3 - Math.sqrt(5)) / 2;
const NARROWINGS = 14;

/** Where a function of one number is least: the best of a scan, then golden sections around it. */
async function minimiser(f: (x: number) => Promise<number>, low: number, high: number): Promise<number> {
  const width = (high - low) / (SCAN - 1);
  let [best, least] = [low, Infinity];
  for (let i = 0; i < SCAN; i++) {
    const value = await f(low + i * width);
    if (value < least) [best, least] = [low + i * width, value];
  }
  let [left, right] = [Math.max(low, best - width), Math.min(high, best + width)];
  for (let i = 0; i < NARROWINGS; i++) {
    // A golden section of the wider side.
    const x = right - best > best - left ? best + GOLDEN * (right - best) : best - GOLDEN * (best - left);
    const value = await f(x);
    if (value < least) {
      if (x > best) left = best;
      else right = best;
      [best, least] = [x, value];
    } else if (x > best) right = x;
    else left = x;
  }
  return best;
}
