import { expect } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import type { Grid } from '../../engine/diffusion/grid.ts';
import { deis, ipndm } from '../../engine/diffusion/solver/adams-bashforth.ts';
import { ddim } from '../../engine/diffusion/solver/ddim.ts';
import { dpmSolver, dpmSolverPlusPlus } from '../../engine/diffusion/solver/dpm-solver.ts';
import { openIntegration } from '../../engine/diffusion/solver/driver.ts';
import type { Integrator } from '../../engine/diffusion/solver/program.ts';
import { heun, rungeKutta } from '../../engine/diffusion/solver/runge-kutta.ts';
import { uniPc } from '../../engine/diffusion/solver/uni-pc.ts';
import { mixtureStub, type Points, type ReferenceMixture } from './diffusion.ts';

type Start = 'lower' | 'singlestep';

/** The solver of a row of the reference; `corrector` and `start` where it has them. */
export function referenceSolver(
  id: string,
  corrector: 'all-but-last' | 'all' = 'all-but-last',
  start: Start = 'lower',
): Integrator {
  const lowerOrderFinal = id.endsWith('-lof');
  const name = id.replace('-lof', '');
  if (name.startsWith('uni')) return uniOf(name, { corrector, start, lowerOrderFinal });
  const multistep = { start, lowerOrderFinal };
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
    'dpmpp-2m': () => dpmSolverPlusPlus(multistep),
    'dpmpp-2m-taylor': () => dpmSolverPlusPlus({ type: 'taylor', ...multistep }),
    'dpm-2m-eps': () => dpmSolver({ multistep: true, ...multistep }),
    'dpmpp-3m-published': () => dpmSolverPlusPlus({ order: 3, d2: 'published', ...multistep }),
    'dpmpp-3m-corrected': () => dpmSolverPlusPlus({ order: 3, ...multistep }),
    'deis-tab1': () => deis({ degree: 1, start }),
    'deis-tab2': () => deis({ degree: 2, start }),
    'deis-tab3': () => deis({ degree: 3, start }),
    'deis-rhoab1': () => deis({ degree: 1, variable: 'noise-level', start }),
    'deis-rhoab2': () => deis({ degree: 2, variable: 'noise-level', start }),
    'deis-rhoab3': () => deis({ degree: 3, variable: 'noise-level', start }),
    ipndm4: ipndm,
    'rho-rk3-kutta': () => rungeKutta({ method: 'kutta3' }),
    'rho-rk4': rungeKutta,
  };
  return table[name]!();
}

const VARIANTS = { bh1: 'bh1', bh2: 'bh2', vary: 'varying' } as const;

/** unipc-2-bh1-eps */
function uniOf(
  name: string,
  rest: { corrector: 'all-but-last' | 'all'; start: Start; lowerOrderFinal: boolean },
): Integrator {
  const [kind, order, variant, noise] = name.split('-') as [string, string, keyof typeof VARIANTS, string?];
  return uniPc({
    ...rest,
    order: Number(order) as 1 | 2 | 3,
    variant: VARIANTS[variant],
    prediction: noise === undefined ? 'clean' : 'noise',
    corrector: kind === 'unip' ? 'none' : rest.corrector,
  });
}

export interface SolverPath {
  /** [N + 1], each [n, d] */
  readonly states: readonly Float64Array[];
  readonly end: Float64Array;
  /** Evaluations of a particle. */
  readonly evaluations: number;
}

/**
 * A solver on one grid, or on a grid for each point, and the states it passes.
 * @param forced states that take the place of the first ones.
 */
export async function solverPath(
  integrator: Integrator,
  grid: Grid | readonly Grid[],
  start: Points,
  gmm: ReferenceMixture,
  forced: readonly Float64Array[] = [],
): Promise<SolverPath> {
  const grids = 'points' in grid ? [grid] : grid;
  const denoiser = mixtureStub(gmm, grids[0]!.schedule);
  const particles = start.length;
  const group = 'points' in grid ? undefined : Uint32Array.from(grids, (_, g) => g);
  const run = openIntegration({
    where: 'test',
    integrator,
    denoiser,
    grids,
    particles,
    backend: jsBackend(),
    ...(group && { group }),
  });
  run.x().set(start.flat());
  const states = [run.x().slice()];
  for (let step = 0; step < run.steps; step++) {
    await run.advance(step);
    const other = forced[step + 1];
    if (other !== undefined) run.x().set(other);
    states.push(run.x().slice());
  }
  expect(denoiser.evaluations).toBe(run.evaluations * particles);
  return { states, end: states.at(-1)!, evaluations: run.evaluations };
}
