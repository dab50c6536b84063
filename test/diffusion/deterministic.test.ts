import { expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import type { Grid } from '../../engine/diffusion/grid.ts';
import { edmGrid } from '../../engine/diffusion/grids.ts';
import { veLinear } from '../../engine/diffusion/schedules.ts';
import { deis, ipndm } from '../../engine/diffusion/solver/adams-bashforth.ts';
import { ddim } from '../../engine/diffusion/solver/ddim.ts';
import { dpmSolver, dpmSolverPlusPlus } from '../../engine/diffusion/solver/dpm-solver.ts';
import { type IntegrationOptions, openIntegration } from '../../engine/diffusion/solver/driver.ts';
import type { Integrator } from '../../engine/diffusion/solver/program.ts';
import { heun, rungeKutta } from '../../engine/diffusion/solver/runge-kutta.ts';
import { type UniPcOptions, uniPc } from '../../engine/diffusion/solver/uni-pc.ts';
import reference from '../reference/integrators.json' with { type: 'json' };
import { gridAt, mixtureStub, type Points, type Problem, problemGrid } from '../support/diffusion.ts';

const problems = reference.problems as unknown as readonly Problem[];

/** The solver of a row of the reference. */
function solver(id: string): Integrator {
  const lowerOrderFinal = id.endsWith('-lof');
  const name = id.replace('-lof', '');
  const uni = /^(unipc?)-(\d)-(bh1|bh2|vary)(-eps)?$/.exec(name);
  if (uni !== null) {
    const [, kind, order, variant, noise] = uni;
    return uniPc({
      order: Number(order) as 1 | 2 | 3,
      variant: (variant === 'vary' ? 'varying' : variant) as NonNullable<UniPcOptions['variant']>,
      prediction: noise === undefined ? 'clean' : 'noise',
      corrector: kind === 'unip' ? 'none' : 'all-but-last',
      lowerOrderFinal,
    });
  }
  const table: Readonly<Record<string, () => Integrator>> = {
    ddim,
    'heun-sigmahat': heun,
    'midpoint-sigmahat': () => heun({ fraction: 0.5 }),
    'dpm-2s': dpmSolver,
    'dpm-2s-taylor': () => dpmSolver({ type: 'taylor' }),
    'dpm-3s': () => dpmSolver({ order: 3 }),
    'dpm-3s-taylor': () => dpmSolver({ order: 3, type: 'taylor' }),
    'dpmpp-2s': () => dpmSolverPlusPlus({ multistep: false }),
    'dpmpp-3s': () => dpmSolverPlusPlus({ order: 3, multistep: false }),
    'dpmpp-2m': () => dpmSolverPlusPlus({ lowerOrderFinal }),
    'dpmpp-2m-taylor': () => dpmSolverPlusPlus({ type: 'taylor', lowerOrderFinal }),
    'dpm-2m-eps': () => dpmSolver({ multistep: true, lowerOrderFinal }),
    'dpmpp-3m-published': () => dpmSolverPlusPlus({ order: 3, d2: 'published', lowerOrderFinal }),
    'dpmpp-3m-corrected': () => dpmSolverPlusPlus({ order: 3, lowerOrderFinal }),
    'deis-tab1': () => deis({ degree: 1 }),
    'deis-tab2': () => deis({ degree: 2 }),
    'deis-tab3': () => deis({ degree: 3 }),
    'deis-rhoab1': () => deis({ degree: 1, variable: 'noise-level' }),
    'deis-rhoab2': () => deis({ degree: 2, variable: 'noise-level' }),
    'deis-rhoab3': () => deis({ degree: 3, variable: 'noise-level' }),
    ipndm4: ipndm,
    'rho-rk3-kutta': () => rungeKutta({ method: 'kutta3' }),
    'rho-rk4': rungeKutta,
  };
  return table[name]!();
}

interface Path {
  /** [N + 1], each [n, d] */
  readonly states: readonly Float64Array[];
  /** Evaluations of a particle. */
  readonly evaluations: number;
}

async function path(
  integrator: Integrator,
  grids: readonly Grid[],
  start: Points,
  gmm: Problem['gmm'],
  extra: Partial<IntegrationOptions> = {},
): Promise<Path> {
  const denoiser = mixtureStub(gmm, grids[0]!.schedule);
  const backend = jsBackend();
  const particles = start.length;
  const run = openIntegration({ where: 'test', integrator, denoiser, grids, particles, backend, ...extra });
  run.x().set(start.flat());
  const states = [run.x().slice()];
  for (let step = 0; step < run.steps; step++) {
    await run.advance(step);
    states.push(run.x().slice());
  }
  expect(denoiser.evaluations).toBe(run.evaluations * particles);
  return { states, evaluations: run.evaluations };
}

function distance(found: ArrayLike<number>, wanted: Points): number {
  return Math.max(...wanted.flat().map((want, i) => Math.abs(found[i]! - want)));
}

test('deterministic solvers: every output of the reference, its path and its evaluations', async () => {
  const wrong: string[] = [];
  for (const problem of problems) {
    const grid = problemGrid(problem);
    for (const row of problem.solvers) {
      const { states, evaluations } = await path(solver(row.id), [grid], problem.x_start, problem.gmm);
      const along = (row.path_point0 ?? []).map((point, i) => distance(states[i]!, [point]));
      const away = Math.max(distance(states.at(-1)!, row.x_end), ...along);
      if (!(away < 1e-10)) wrong.push(`${problem.id} ${row.id}: ${away} away`);
      if (evaluations !== row.nfe) wrong.push(`${problem.id} ${row.id}: ${evaluations} evaluations`);
    }
  }
  expect(wrong).toEqual([]);
});

test('EDM: every output of the reference, on the levels to noise 0', async () => {
  for (const { gmm, grid, x_start, solvers, per_sample_start: each } of reference.edm) {
    const schedule = veLinear();
    const levels = gridAt(schedule, grid.sigma);
    for (const row of solvers) {
      const fraction = Number(/alpha(.*)$/.exec(row.id)?.[1]);
      const integrator = Number.isNaN(fraction) ? ddim() : heun({ fraction });
      const { states, evaluations } = await path(integrator, [levels], x_start, gmm);
      expect(evaluations, row.id).toBe(row.nfe);
      expect(distance(states.at(-1)!, row.x_end), row.id).toBeLessThan(1e-10);
      row.path_point0?.forEach((point, i) => {
        expect(distance(states[i]!, [point]), `${row.id} at ${i}`).toBeLessThan(1e-10);
      });
    }
    const options = { smallest: each.sigma_min, steps: each.levels };
    const grids = each.sigma_start.map((largest) => edmGrid(schedule, { ...options, largest }));
    const group = Uint32Array.from(grids, (_, g) => g);
    const { states } = await path(heun(), grids, each.x, gmm, { group });
    expect(distance(states.at(-1)!, each.x_end)).toBeLessThan(1e-10);
  }
});
