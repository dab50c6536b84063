import { expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import { mixtureDenoiser } from '../../engine/diffusion/analytic/mixture-denoiser.ts';
import type { Grid } from '../../engine/diffusion/grid.ts';
import { logSnrGrid } from '../../engine/diffusion/grids.ts';
import { referenceFlow } from '../../engine/diffusion/reference-flow.ts';
import { vpLinear } from '../../engine/diffusion/schedules.ts';
import { deis, pndm } from '../../engine/diffusion/solver/adams-bashforth.ts';
import { dpmSolver, dpmSolverPlusPlus } from '../../engine/diffusion/solver/dpm-solver.ts';
import { pfEuler } from '../../engine/diffusion/solver/probability-flow.ts';
import type { Integrator } from '../../engine/diffusion/solver/program.ts';
import { uniPc } from '../../engine/diffusion/solver/uni-pc.ts';
import reference from '../reference/integrators.json' with { type: 'json' };
import { referenceSolver, solverPath } from '../support/diffusion-solvers.ts';

const { certification, problems } = reference;
const { gmm } = problems[0]!;
const schedule = vpLinear();
const EXACT = certification.exact_flow_end.flat();
const COUNTS = [64, 128, 256] as const;

function gridOfCertification(steps: number): Grid {
  return logSnrGrid(schedule, { steps, start: certification.t_start, stop: certification.t_end });
}

/** The flow at the first points of a grid, from the start of the certification. */
async function exactStates(grid: Grid): Promise<Float64Array[]> {
  const states: Float64Array[] = [Float64Array.from(certification.x_start.flat())];
  for (let i = 1; i <= 3; i++) {
    const [from, to] = [grid.points[i - 1]!.time, grid.points[i]!.time];
    const denoiser = mixtureDenoiser(gmm, schedule);
    states.push(await referenceFlow({ denoiser, x: states[i - 1]!, from, to, backend: jsBackend() }));
  }
  return states;
}

test('certification: the errors of every solver at 64, 128, 256 steps, and their slopes', async () => {
  const grids = COUNTS.map(gridOfCertification);
  const exact = await Promise.all(grids.map(exactStates));
  const wrong: string[] = [];
  for (const row of certification.rows) {
    const exactly = row.start === 'exact';
    const integrator = referenceSolver(row.id, 'all', exactly ? 'singlestep' : 'lower');
    const errors: number[] = [];
    for (const [g, grid] of grids.entries()) {
      const forced = exactly ? exact[g]!.slice(0, valuesOf(row.id)) : [];
      const { end } = await solverPath(integrator, grid, certification.x_start, gmm, forced);
      errors.push(rms(end));
      const printed = row.rms_error[g + 2]!;
      const label = `${row.id} ${row.start} ${COUNTS[g]}: ${errors[g]} for ${printed}`;
      if (!(Math.abs(errors[g]! / printed - 1) < 6e-4)) wrong.push(label);
    }
    // The observed order of solvers that are not held up by their first steps.
    if (row.start === 'lower') continue;
    const { order } = integrator;
    const slope = Math.log2(errors[1]! / errors[2]!);
    if (!(Math.abs(slope - order) < (order === 4 ? 0.3 : 0.15)))
      wrong.push(`${row.id} ${row.start}: slope ${slope}, order ${order}`);
  }
  expect(wrong).toEqual([]);
});

/** Values that a solver keeps: its first steps, one less, start from exact states. */
function valuesOf(id: string): number {
  const digit = Number(/\d/.exec(id)![0]);
  return id.startsWith('deis') ? digit + 1 : digit;
}

function rms(end: Float64Array): number {
  return Math.sqrt(EXACT.reduce((sum, want, i) => sum + (end[i]! - want) ** 2, 0) / EXACT.length);
}

test('start: singlestep steps in place of lower ones give back the order; PNDM and Euler in time', async () => {
  const rows: readonly (readonly [Integrator, number, number?])[] = [
    [dpmSolverPlusPlus({ order: 3, start: 'singlestep' }), 3],
    [dpmSolver({ order: 3, multistep: true, start: 'singlestep' }), 3],
    [deis({ degree: 2, start: 'singlestep' }), 3],
    [deis({ degree: 3, start: 'singlestep' }), 4],
    [deis({ degree: 3, variable: 'noise-level', start: 'singlestep' }), 4],
    [uniPc({ order: 2, start: 'singlestep', corrector: 'all' }), 3],
    [uniPc({ order: 3, start: 'singlestep', corrector: 'all' }), 4],
    [uniPc({ order: 3, start: 'singlestep', corrector: 'none' }), 3],
    [pfEuler(), 1],
    [pndm(), 2, 2.7e-6],
    [pndm({ order: 2 }), 2, 8.9e-6],
  ];
  for (const [integrator, order, known] of rows) {
    const errors: number[] = [];
    for (const steps of [128, 256]) {
      const { end } = await solverPath(integrator, gridOfCertification(steps), certification.x_start, gmm);
      errors.push(rms(end));
    }
    const slope = Math.log2(errors[0]! / errors[1]!);
    expect(integrator.order, integrator.name).toBe(order);
    expect(Math.abs(slope - order), integrator.name).toBeLessThan(order === 4 ? 0.3 : 0.15);
    if (known !== undefined) expect(Math.abs(errors[1]! / known - 1), integrator.name).toBeLessThan(0.02);
  }
});
