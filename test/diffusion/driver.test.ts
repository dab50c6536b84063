import { expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import { ddim } from '../../engine/diffusion/solver/ddim.ts';
import { type IntegrationOptions, openIntegration } from '../../engine/diffusion/solver/driver.ts';
import reference from '../reference/integrators.json' with { type: 'json' };
import { mixtureStub, type Problem } from '../support/diffusion.ts';

const problem = reference.problems[0] as unknown as Problem;

function options(extra: Partial<IntegrationOptions> = {}): IntegrationOptions {
  const { denoiser, grid } = mixtureStub(problem);
  return {
    where: 'test',
    integrator: ddim(),
    denoiser,
    grids: [grid],
    particles: problem.x_start.length,
    backend: jsBackend(),
    ...extra,
  };
}

test('openIntegration(): ddim ends where the reference ends', async () => {
  const run = openIntegration(options());
  run.x().set(problem.x_start.flat());
  for (let step = 0; step < run.steps; step++) await run.advance(step);
  const want = problem.solvers.find(({ id }) => id === 'ddim')!.x_end.flat();
  Array.from(run.x()).forEach((x, i) => {
    expect(Math.abs(x - want[i]!)).toBeLessThan(1e-10);
  });
});
