import { expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import { mixtureDenoiser } from '../../engine/diffusion/analytic/mixture-denoiser.ts';
import { logSnrGrid, timeGrid } from '../../engine/diffusion/grids.ts';
import { openDenoiser } from '../../engine/diffusion/open-denoiser.ts';
import { referenceFlow } from '../../engine/diffusion/reference-flow.ts';
import { vpLinear } from '../../engine/diffusion/schedules.ts';
import { searchCompensation } from '../../engine/diffusion/solver/compensation-search.ts';
import { dcSolver } from '../../engine/diffusion/solver/dc-solver.ts';
import { openIntegration } from '../../engine/diffusion/solver/driver.ts';
import { openSearch, type SearchProblem } from '../../engine/diffusion/solver/search-problem.ts';
import { type SearchProgress, searchSolver } from '../../engine/diffusion/solver/solver-search.ts';
import { rngFromSeed } from '../../engine/random/rng.ts';
import reference from '../reference/integrators.json' with { type: 'json' };

const SEED = 20_260_201;
const schedule = vpLinear();
const { weights, means, covariances } = reference.problems[0]!.gmm;
const denoiser = mixtureDenoiser({ weights, means, covariances }, schedule);
const backend = jsBackend();

function points(rows: number, particle: number): Float64Array {
  const stream = rngFromSeed(SEED).stream({ purpose: 40, particle });
  return Float64Array.from({ length: 2 * rows }, () => stream.normal());
}

/** Mean square to the exact flow of fresh points, which no search has seen. */
async function errorOn(fresh: Float64Array, solver: Parameters<SearchProblem['end']>): Promise<number> {
  const problem = await openSearch('test', { denoiser, x: fresh, backend });
  const times = solver[1].points.map(({ time }) => time);
  const exact = await referenceFlow({
    denoiser,
    x: fresh,
    from: times[0]!,
    to: times.at(-1)!,
    tolerance: 1e-8,
    backend,
  });
  const x = await problem.end(solver[0], solver[1], fresh);
  problem.release();
  return x.reduce((sum, each, i) => sum + (each - exact[i]!) ** 2, 0) / x.length;
}

test('searchCompensation(): ratios make a coarse grid better on points it has not seen, and a finer one no worse', async () => {
  const x = points(24, 0);
  const fresh = points(40, 1);
  const cases = [
    { grid: logSnrGrid(schedule, { steps: 6 }), gain: 3 },
    { grid: timeGrid(schedule, { steps: 5, stop: 0.01 }), gain: 1.2 },
    { grid: timeGrid(schedule, { steps: 8, stop: 0.01 }), gain: 0.95 },
  ];
  for (const { grid, gain } of cases) {
    const { ratios, error, plainError } = await searchCompensation({ denoiser, x, grid, backend });
    expect(ratios.slice(0, 2)).toEqual([1, 1]);
    expect(error).toBeLessThanOrEqual(plainError);
    const found = await errorOn(fresh, [dcSolver({ ratios }), grid, fresh]);
    const plain = await errorOn(fresh, [dcSolver({ ratios: ratios.map(() => 1) }), grid, fresh]);
    expect(plain / found).toBeGreaterThan(gain);
  }
});

test('searchCompensation(): a reference that is given is what it goes to', async () => {
  const x = points(6, 2);
  const grid = logSnrGrid(schedule, { steps: 4 });
  // The path of the solver itself with other ratios: the search finds those.
  const wanted = [1, 1, 0.8, 1.15];
  const run = openIntegration({
    ...{ where: 'test', integrator: dcSolver({ ratios: wanted }), grids: [grid], particles: 6, backend },
    denoiser: openDenoiser({ where: 'test', denoiser, backend }),
  });
  run.x().set(x);
  const path: Float64Array[] = [];
  for (let step = 0; step < run.steps; step++) {
    await run.advance(step);
    path.push(run.x().slice());
  }
  const { ratios, error } = await searchCompensation({ denoiser, x, grid, reference: path, backend });
  wanted.forEach((ratio, i) => void expect(Math.abs(ratios[i]! - ratio)).toBeLessThan(1e-3));
  expect(error).toBeLessThan(1e-6);
});

const settings = {
  denoiser,
  from: 1,
  to: 1e-3,
  evaluations: 6,
  population: 16,
  generations: 15,
  backend,
} as const;

test('searchSolver(): beats every known solver on points it has not seen, the same way again with the same seed', async () => {
  const x = points(96, 3);
  const seen: SearchProgress[] = [];
  const found = await searchSolver({ ...settings, x, seed: 1, onProgress: (at) => void seen.push(at) });
  expect(found.integrator.program(found.grid).evaluations).toBeLessThanOrEqual(6);
  expect(seen.map(({ generation }) => generation)).toEqual(Array.from({ length: 15 }, (_, i) => i + 1));
  expect(found.history.every((score, i) => i === 0 || score <= found.history[i - 1]!)).toBe(true);
  expect(found.score).toBeLessThan(found.baseline.score / 2);
  const short = { ...settings, x: x.slice(0, 24), generations: 2 };
  const [one, two] = [await searchSolver(short), await searchSolver(short)];
  expect(two.records).toEqual(one.records);
  expect(two.score).toBe(one.score);
});

test('searchSolver(): by the energy distance to a sample it ends no worse than the known solvers', async () => {
  const x = points(60, 4);
  const sample = await referenceFlow({
    denoiser,
    x: points(60, 5),
    from: 1,
    to: 1e-3,
    tolerance: 1e-6,
    backend,
  });
  const found = await searchSolver({ ...settings, x, score: 'energy', sample, generations: 4 });
  expect(found.score).toBeLessThanOrEqual(found.baseline.score);
  await expect(searchSolver({ ...settings, x, score: 'energy' })).rejects.toThrow(/has no `sample`/);
  const few = searchSolver({ ...settings, x: points(5, 4), score: 'energy', sample });
  await expect(few).rejects.toThrow(/at least 6 rows/);
});

test('searchSolver(): an aborted signal ends it with its reason', async () => {
  const controller = new AbortController();
  const reason = new Error('enough');
  const onProgress = (): void => controller.abort(reason);
  const search = searchSolver({ ...settings, x: points(6, 6), signal: controller.signal, onProgress });
  await expect(search).rejects.toBe(reason);
});
