import { OptionError } from '../../errors.ts';
import type { Grid } from '../grid.ts';
import type { Integrator, Operation, SolverProgram } from './program.ts';

export type Evaluate = Extract<Operation, { kind: 'evaluate' }>;

/** Another solver, whose programs are those of `integrator` written over. */
export function rewritten(
  integrator: Integrator,
  name: string,
  sources: Integrator['sources'],
  rewrite: (program: SolverProgram, grid: Grid) => SolverProgram,
): Integrator {
  return {
    ...integrator,
    name: `${integrator.name}, ${name}`,
    sources: [...integrator.sources, ...sources],
    program: (grid) => rewrite(integrator.program(grid), grid),
  };
}

/** What an evaluation returns, and where. */
export function predictionOf(integrator: Integrator, operation: Evaluate): 'clean' | 'noise' {
  return operation.prediction ?? integrator.prediction;
}

/** @throws OptionError when the solver works with the noise. */
export function checkClean(where: string, integrator: Integrator): void {
  if (integrator.prediction === 'clean') return;
  throw new OptionError({
    where,
    option: 'integrator',
    value: integrator.name,
    found: `${integrator.name} works with the noise`,
    expected: 'a solver that works with the clean data',
    fix: 'Try dpmSolverPlusPlus() or ddim().',
  });
}
