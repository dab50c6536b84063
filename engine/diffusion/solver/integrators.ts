import { deis, ipndm, pndm } from './adams-bashforth.ts';
import { dpmSolverPlusPlus2sAncestral } from './ancestral.ts';
import { ddim } from './ddim.ts';
import { ddpm } from './ddpm.ts';
import { dpmSolver, dpmSolverPlusPlus } from './dpm-solver.ts';
import { edmStochastic } from './edm-stochastic.ts';
import { eulerMaruyama } from './euler-maruyama.ts';
import { predictorCorrector, reverseDiffusionSteps } from './predictor-corrector.ts';
import { pfEuler } from './probability-flow.ts';
import type { Integrator } from './program.ts';
import { heun, rungeKutta } from './runge-kutta.ts';
import { sdeDpmSolver, sdeDpmSolverPlusPlus } from './sde-dpm-solver.ts';
import { uniPc } from './uni-pc.ts';

/** Deterministic solvers as they are used, by name: for tests, plots and tables over all of them. */
export const DETERMINISTIC_INTEGRATORS: Readonly<Record<string, () => Integrator>> = {
  'pf-euler': () => pfEuler(),
  ddim: () => ddim(),
  heun: () => heun(),
  midpoint: () => heun({ fraction: 0.5 }),
  'dpm-solver-2': () => dpmSolver({ order: 2 }),
  'dpm-solver-3': () => dpmSolver({ order: 3 }),
  'dpm-solver-3, on the grid': () => dpmSolver({ order: 3, stages: 'grid' }),
  'dpm-solver(2M)': () => dpmSolver({ order: 2, multistep: true }),
  'dpm-solver(3M)': () => dpmSolver({ order: 3, multistep: true }),
  'dpm-solver++(2S)': () => dpmSolverPlusPlus({ order: 2, multistep: false }),
  'dpm-solver++(3S)': () => dpmSolverPlusPlus({ order: 3, multistep: false }),
  'dpm-solver++(2M)': () => dpmSolverPlusPlus({ order: 2 }),
  'dpm-solver++(3M)': () => dpmSolverPlusPlus({ order: 3 }),
  'deis-tab1': () => deis({ degree: 1 }),
  'deis-tab2': () => deis({ degree: 2 }),
  'deis-tab3': () => deis({ degree: 3 }),
  'deis-rhoab3': () => deis({ degree: 3, variable: 'noise-level' }),
  ipndm: () => ipndm(),
  pndm: () => pndm(),
  's-pndm': () => pndm({ order: 2 }),
  'rho-rk3': () => rungeKutta({ method: 'kutta3' }),
  'rho-rk4': () => rungeKutta({ method: 'rk4' }),
  'unipc-1': () => uniPc({ order: 1 }),
  'unipc-2': () => uniPc({ order: 2 }),
  'unipc-3': () => uniPc({ order: 3 }),
  'unip-3': () => uniPc({ order: 3, corrector: 'none' }),
};

/** Stochastic solvers as they are used, by name. */
export const STOCHASTIC_INTEGRATORS: Readonly<Record<string, () => Integrator>> = {
  'euler-maruyama': () => eulerMaruyama(),
  'reverse-diffusion': () => reverseDiffusionSteps(),
  'ddim(1)': () => ddim({ eta: 1 }),
  'ddpm(large)': () => ddpm({ variance: 'large' }),
  'sde-dpm-solver++(2m)': () => sdeDpmSolverPlusPlus(),
  'sde-dpm-solver(2m)': () => sdeDpmSolver(),
  'dpm-solver++(2s, ancestral)': () => dpmSolverPlusPlus2sAncestral(),
  'edm-stochastic': () => edmStochastic({ largest: 10 }),
  'predictor-corrector': () => predictorCorrector(),
};
