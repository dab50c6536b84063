import { expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import { mixtureDenoiser } from '../../engine/diffusion/analytic/mixture-denoiser.ts';
import type { Denoiser, Prediction } from '../../engine/diffusion/denoiser.ts';
import type { Grid } from '../../engine/diffusion/grid.ts';
import { edmGrid, logSnrGrid, timeGrid } from '../../engine/diffusion/grids.ts';
import { openDenoiser } from '../../engine/diffusion/open-denoiser.ts';
import { convert } from '../../engine/diffusion/prediction.ts';
import { rectifiedFlow, veLinear, vpCosine, vpLinear } from '../../engine/diffusion/schedules.ts';
import { deis, ipndm, pndm } from '../../engine/diffusion/solver/adams-bashforth.ts';
import { ddim } from '../../engine/diffusion/solver/ddim.ts';
import { dpmSolver, dpmSolverPlusPlus, singlestepOrders } from '../../engine/diffusion/solver/dpm-solver.ts';
import { openIntegration } from '../../engine/diffusion/solver/driver.ts';
import { DETERMINISTIC_INTEGRATORS } from '../../engine/diffusion/solver/integrators.ts';
import type { Integrator } from '../../engine/diffusion/solver/program.ts';
import { heun, rungeKutta } from '../../engine/diffusion/solver/runge-kutta.ts';
import { uniPc } from '../../engine/diffusion/solver/uni-pc.ts';
import { OptionError } from '../../engine/errors.ts';
import reference from '../reference/integrators.json' with { type: 'json' };
import { gridAt, type Points, type Problem, problemGrid } from '../support/diffusion.ts';
import { referenceSolver, solverPath } from '../support/diffusion-solvers.ts';

const problems = reference.problems as unknown as readonly Problem[];

function distance(found: ArrayLike<number>, wanted: Points): number {
  return Math.max(...wanted.flat().map((want, i) => Math.abs(found[i]! - want)));
}

test('deterministic solvers: every output of the reference, its path and its evaluations', async () => {
  const wrong: string[] = [];
  for (const problem of problems) {
    const grid = problemGrid(problem);
    for (const row of problem.solvers) {
      const { states, evaluations } = await solverPath(
        referenceSolver(row.id),
        grid,
        problem.x_start,
        problem.gmm,
      );
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
      const { states, evaluations } = await solverPath(integrator, levels, x_start, gmm);
      expect(evaluations, row.id).toBe(row.nfe);
      expect(distance(states.at(-1)!, row.x_end), row.id).toBeLessThan(1e-10);
      row.path_point0?.forEach((point, i) => {
        expect(distance(states[i]!, [point]), `${row.id} at ${i}`).toBeLessThan(1e-10);
      });
    }
    const options = { smallest: each.sigma_min, steps: each.levels };
    const grids = each.sigma_start.map((largest) => edmGrid(schedule, { ...options, largest }));
    const { end } = await solverPath(heun(), grids, each.x, gmm);
    expect(distance(end, each.x_end)).toBeLessThan(1e-10);
  }
});

/** The largest difference along two paths, relative to the size of the states. */
async function apart(one: Integrator, other: Integrator, grid: Grid): Promise<number> {
  const { gmm, x_start } = problems[0]!;
  const [left, right] = [
    await solverPath(one, grid, x_start, gmm),
    await solverPath(other, grid, x_start, gmm),
  ];
  const size = Math.max(...left.states.flatMap((state) => Array.from(state, Math.abs)));
  return Math.max(...left.states.map((state, i) => distance(state, [Array.from(right.states[i]!)]))) / size;
}

// Rounding: up to 12 steps of a few roundings each, 1e-16 of the state, grown by the flow.
test('identities: solvers that are the same method pass the same states', async () => {
  const grids = problems.map(problemGrid);
  const same: readonly (readonly [string, Integrator, Integrator, number])[] = [
    ['DPM-1 = DDIM', dpmSolver({ order: 1 }), ddim(), 1e-14],
    ['DPM++1 = DDIM', dpmSolverPlusPlus({ order: 1 }), ddim(), 1e-14],
    ['tAB0 = DDIM', deis({ degree: 0 }), ddim(), 1e-14],
    ['rhoAB0 = DDIM', deis({ degree: 0, variable: 'noise-level' }), ddim(), 1e-14],
    ['iPNDM-1 = DDIM', ipndm({ order: 1 }), ddim(), 1e-14],
    ['UniP-1 = DDIM', uniPc({ order: 1, corrector: 'none' }), ddim(), 1e-14],
    ['rhoRK-Heun = Heun', rungeKutta({ method: 'heun2' }), heun(), 0],
    ['2M = UniP-2', dpmSolverPlusPlus(), uniPc({ corrector: 'none' }), 1e-14],
    ['3M = UniP-3', dpmSolverPlusPlus({ order: 3 }), uniPc({ order: 3, corrector: 'none' }), 1e-14],
  ];
  for (const [name, one, other, bound] of same)
    for (const grid of grids)
      expect(await apart(one, other, grid), `${name} on ${grid.schedule.name}`).toBeLessThanOrEqual(bound);
  const free = (variant: 'bh1' | 'bh2' | 'varying'): Integrator =>
    uniPc({ order: 3, variant, start: 'singlestep', lowerOrderFinal: false });
  for (const grid of grids) {
    expect(await apart(free('bh1'), free('bh2'), grid)).toBeLessThan(1e-14);
    expect(await apart(free('varying'), free('bh2'), grid)).toBeLessThan(1e-14);
  }
  // In VE the stage of DPM-Solver-2 is at the geometric mean of the noise levels.
  const [from, to] = [grids[3]!.points[0]!, grids[3]!.points[1]!];
  const stage = dpmSolver()
    .program(grids[3]!)
    .steps[0]!.filter(({ kind }) => kind === 'evaluate')[1]!;
  expect((stage as { at: { noise: number } }).at.noise).toBeCloseTo(Math.sqrt(from.noise * to.noise), 12);
});

test('singlestep: orders of a budget of evaluations, on the grid and inside of the steps between', async () => {
  expect([7, 8, 9].map((budget) => singlestepOrders(budget))).toEqual([
    [3, 3, 1],
    [3, 3, 2],
    [3, 3, 2, 1],
  ]);
  expect([4, 5].map((budget) => singlestepOrders(budget, 2))).toEqual([
    [2, 2],
    [2, 2, 1],
  ]);
  const { gmm, x_start } = problems[0]!;
  const fine = logSnrGrid(vpLinear(), { steps: 9, start: 0.9, stop: 0.01 });
  const coarse: Grid = { ...fine, points: [0, 3, 6, 8, 9].map((i) => fine.points[i]!) };
  for (const solver of [dpmSolver, dpmSolverPlusPlus]) {
    const on = await solverPath(solver({ order: 3, multistep: false, stages: 'grid' }), fine, x_start, gmm);
    const inside = await solverPath(
      solver({ order: 3, multistep: false, orders: singlestepOrders(9) }),
      coarse,
      x_start,
      gmm,
    );
    expect(on.evaluations).toBe(9);
    expect(inside.evaluations).toBe(9);
    expect(distance(on.end, [Array.from(inside.end)])).toBeLessThan(1e-13);
    const toData = edmGrid(veLinear(), { steps: 9 });
    const { evaluations, end } = await solverPath(
      solver({ order: 3, multistep: false, stages: 'grid' }),
      toData,
      [[56, -24]],
      gmm,
    );
    expect(evaluations).toBe(9);
    expect(end.every(Number.isFinite)).toBe(true);
  }
});

test('factories: an option of the other kind of solver is refused, and others out of range', () => {
  const wrong: readonly (readonly [() => Integrator, RegExp])[] = [
    [() => dpmSolver({ d2: 'published' }), /there is no option `d2`/],
    [() => dpmSolverPlusPlus({ fractions: [0.5] }), /there is no option `fractions`/],
    [() => dpmSolver({ order: 4 as 3 }), /option `order` is 4; expected 1, 2 or 3/],
    [() => dpmSolver({ order: 3, fractions: [0.5] }), /expected 2 rising numbers/],
    [() => dpmSolver({ order: 3, fractions: [0.5, 0.4] }), /expected 2 rising numbers/],
    [() => dpmSolver({ orders: [2, 5] }), /option `orders\[1\]` is 5/],
    [() => heun({ fraction: 0 }), /option `fraction` is 0; expected a number in \(0, 1\]/],
    [() => deis({ degree: 4 as 3 }), /option `degree` is 4/],
    [() => ipndm({ order: 5 as 4 }), /option `order` is 5/],
    [() => pndm({ order: 3 as 4 }), /option `order` is 3; expected 2 or 4/],
    [() => uniPc({ variant: 'bh3' as 'bh2' }), /option `variant` is "bh3"/],
  ];
  for (const [make, message] of wrong) {
    expect(make).toThrow(OptionError);
    expect(make).toThrow(message);
  }
  const grid = logSnrGrid(vpLinear(), { steps: 5 });
  expect(() => dpmSolver({ orders: [2, 2] }).program(grid)).toThrow(/has 2 orders; expected 5/);
});

test('rectified flow: DDIM is Euler on the velocity, from signal 0 to noise 0', async () => {
  const schedule = rectifiedFlow();
  const grid = timeGrid(schedule, { steps: 8, start: 1, stop: 0 });
  const { gmm, x_start } = problems[0]!;
  const denoiser = mixtureDenoiser(gmm, schedule);
  const open = openDenoiser({ where: 'test', denoiser, backend: jsBackend() });
  const x = Float64Array.from(x_start.flat());
  const [clean, noise] = [x.slice(), x.slice()];
  for (let i = 0; i < 8; i++) {
    const { time } = grid.points[i]!;
    await open.evaluate(x, time, 4, { clean, noise });
    // u = E[e] - E[x_0]
    for (let k = 0; k < x.length; k++) x[k] = x[k]! - (noise[k]! - clean[k]!) / 8;
  }
  const { end } = await solverPath(ddim(), grid, x_start, gmm);
  expect(distance(end, [Array.from(x)])).toBeLessThan(1e-14);
});

test('predictions: a model may give E[x_0], E[e], a score, v or a velocity, and the path is the same', async () => {
  const { gmm, x_start } = problems[0]!;
  for (const schedule of [vpLinear(), vpCosine(), veLinear(), rectifiedFlow()]) {
    const grid = logSnrGrid(schedule, { steps: 8, start: 0.9 * schedule.end, stop: 0.02 });
    const law = mixtureDenoiser(gmm, schedule);
    for (const integrator of [uniPc({ order: 3 }), dpmSolver({ order: 3 }), deis()]) {
      const wanted = await solverPath(integrator, grid, x_start, gmm);
      for (const prediction of ['clean', 'noise', 'score', 'v', 'flow'] as const) {
        const denoiser = openDenoiser({
          where: 'test',
          denoiser: saying(law, prediction),
          backend: jsBackend(),
        });
        const run = openIntegration({
          where: 'test',
          integrator,
          denoiser,
          grids: [grid],
          particles: 4,
          backend: jsBackend(),
        });
        run.x().set(x_start.flat());
        for (let step = 0; step < run.steps; step++) await run.advance(step);
        const size = Math.max(1, ...x_start.flat().map(Math.abs));
        const away = distance(run.x(), [Array.from(wanted.end)]) / size;
        expect(away, `${schedule.name} ${integrator.name} ${prediction}`).toBeLessThan(1e-12);
      }
    }
  }
});

/** A law that gives its model in another form. */
function saying(
  { dimension, schedule, predict, prediction: own }: Denoiser,
  prediction: Prediction,
): Denoiser {
  return {
    ...{ dimension, schedule, prediction },
    predict(x, time, out) {
      const values = new Float64Array(out.length);
      predict(x, time, values);
      convert(own, prediction, schedule, x, values, time, out.length / dimension, dimension, out);
    },
  };
}

test.each(Object.entries(DETERMINISTIC_INTEGRATORS))(
  '%s: exact for a point mass, from no signal to no noise',
  async (_, make) => {
    const schedule = rectifiedFlow();
    const point = [1.5, -2];
    const denoiser: Denoiser = {
      ...{ dimension: 2, schedule, prediction: 'clean' },
      predict: (_x, _time, out) => void out.set([...point, ...point]),
    };
    const open = openDenoiser({ where: 'test', denoiser, backend: jsBackend() });
    const integrator = make();
    for (const grid of [
      timeGrid(schedule, { steps: 7, start: 1, stop: 0 }),
      timeGrid(schedule, { steps: 20, start: 1, stop: 0 }),
      logSnrGrid(schedule, { steps: 6, start: 0.99, stop: 0.01 }),
    ]) {
      const run = openIntegration({
        where: 'test',
        integrator,
        denoiser: open,
        grids: [grid],
        particles: 2,
        backend: jsBackend(),
      });
      const start = grid.points[0]!;
      const z = [0.3, -0.7, -1.1, 2];
      run.x().set(z.map((e, i) => start.signal * point[i % 2]! + start.noise * e));
      for (let step = 0; step < run.steps; step++) {
        await run.advance(step);
        const { signal, noise } = grid.points[step + 1]!;
        const wanted = z.map((e, i) => signal * point[i % 2]! + noise * e);
        expect(distance(run.x(), [wanted]), `${grid.name} step ${step}`).toBeLessThan(1e-12);
      }
    }
  },
);
