import { expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import { gaussianDenoiser, mixtureDenoiser } from '../../engine/diffusion/analytic/mixture-denoiser.ts';
import type { Denoiser, OpenDenoiser } from '../../engine/diffusion/denoiser.ts';
import { type Grid, gridPoint } from '../../engine/diffusion/grid.ts';
import { gridOf, logSnrGrid } from '../../engine/diffusion/grids.ts';
import { openDenoiser } from '../../engine/diffusion/open-denoiser.ts';
import { referenceFlow } from '../../engine/diffusion/reference-flow.ts';
import { veLinear, vpLinear } from '../../engine/diffusion/schedules.ts';
import { adaptiveDpm } from '../../engine/diffusion/solver/adaptive-dpm.ts';
import { cascadeRatios, dcSolver } from '../../engine/diffusion/solver/dc-solver.ts';
import { ddim } from '../../engine/diffusion/solver/ddim.ts';
import { dpmSolver, dpmSolverPlusPlus } from '../../engine/diffusion/solver/dpm-solver.ts';
import { openIntegration } from '../../engine/diffusion/solver/driver.ts';
import { analyticFirstStep, finalDenoise } from '../../engine/diffusion/solver/ends.ts';
import type { Integrator } from '../../engine/diffusion/solver/program.ts';
import { type SolverRecord, solverSchedule } from '../../engine/diffusion/solver/solver-schedule.ts';
import { teleport, teleportErrors, teleportPoint } from '../../engine/diffusion/solver/teleport.ts';
import { thresholded } from '../../engine/diffusion/solver/thresholding.ts';
import { timeShifted } from '../../engine/diffusion/solver/time-shift.ts';
import { uniPc } from '../../engine/diffusion/solver/uni-pc.ts';
import reference from '../reference/integrators.json' with { type: 'json' };
import { mixtureStub, type Points, type Problem, problemGrid } from '../support/diffusion.ts';

const backend = jsBackend();
const problems = reference.problems as unknown as readonly (Problem & {
  readonly dc_solver: readonly {
    readonly variant: 'bh1' | 'bh2';
    readonly ratios: readonly number[];
    readonly x_end: Points;
  }[];
})[];

async function end(
  integrator: Integrator,
  denoiser: OpenDenoiser,
  grid: Grid,
  start: ArrayLike<number>,
): Promise<Float64Array> {
  const particles = start.length / denoiser.dimension;
  const run = openIntegration({ where: 'test', integrator, denoiser, grids: [grid], particles, backend });
  run.x().set(start);
  for (let step = 0; step < run.steps; step++) await run.advance(step);
  return run.x();
}

function largestGap(x: ArrayLike<number>, y: ArrayLike<number>): number {
  return Array.from(x).reduce((most, each, i) => Math.max(most, Math.abs(each - y[i]!)), 0);
}

function rms(x: ArrayLike<number>, y: ArrayLike<number>): number {
  return Math.sqrt(Array.from(x).reduce((sum, each, i) => sum + (each - y[i]!) ** 2, 0) / x.length);
}

test.each(problems)('dcSolver() ends where the reference ends on $id', async (problem) => {
  const grid = problemGrid(problem);
  const denoiser = mixtureStub(problem.gmm, grid.schedule);
  for (const { variant, ratios, x_end } of problem.dc_solver) {
    const x = await end(dcSolver({ ratios, variant }), denoiser, grid, problem.x_start.flat());
    expect(largestGap(x, x_end.flat())).toBeLessThan(1e-12);
  }
  const ones = ratiosOf(grid, 1);
  const plain = uniPc({ order: 3, variant: 'bh1', lowerOrderFinal: true });
  const x = await end(dcSolver({ ratios: ones }), denoiser, grid, problem.x_start.flat());
  expect(largestGap(x, await end(plain, denoiser, grid, problem.x_start.flat()))).toBe(0);
});

function ratiosOf({ points }: Grid, ratio: number): number[] {
  return points.slice(1).map((_, i) => (i < 2 ? 1 : ratio));
}

test('cascadeRatios(): polynomials of polynomials of polynomials, 1 in the first two steps', () => {
  const K = [0, 1, 2, 3].map((k) =>
    [0, 1, 2].map((m) => [0, 1, 2].map((j) => 0.1 * k - 0.2 * m + 0.3 * j + 0.5)),
  );
  const [c, n] = [7.5 / 12, 5 / 50];
  const rho = (i: number): number => {
    let sum = 0;
    for (let k = 0; k < 4; k++)
      for (let m = 0; m < 3; m++)
        for (let j = 0; j < 3; j++) sum += K[k]![m]![j]! * n ** (2 - j) * c ** (2 - m) * (i / 5) ** k;
    return sum;
  };
  const ratios = cascadeRatios(K, { guidance: 7.5, steps: 5 });
  expect(largestGap(ratios, [1, 1, rho(3), rho(4), rho(5)])).toBeLessThan(1e-12);
  expect(() => cascadeRatios([[[1]]], { guidance: 1, steps: 5 })).toThrow(/4 x 3 x 3/);
});

const HALF = [{ points: 1, relaxation: 'half' }] as const;
const KNOWN: Readonly<Record<string, readonly [Integrator, (i: number, last: boolean) => SolverRecord]>> = {
  'DPM-Solver++(2M)': [
    dpmSolverPlusPlus({ lowerOrderFinal: false }),
    () => ({ prediction: 'clean', order: 2, derivatives: HALF }),
  ],
  'DPM-Solver++(2M) taylor': [
    dpmSolverPlusPlus({ type: 'taylor', lowerOrderFinal: false }),
    () => ({ prediction: 'clean', order: 2 }),
  ],
  'DPM-Solver(2M) by the noise': [
    dpmSolver({ multistep: true, lowerOrderFinal: false }),
    () => ({ prediction: 'noise', order: 2, derivatives: HALF }),
  ],
  'UniP-3': [
    uniPc({ order: 3, corrector: 'none', lowerOrderFinal: false }),
    (i) => ({ prediction: 'clean', ...(i === 1 ? { order: 2, derivatives: HALF } : { order: 3 }) }),
  ],
  'UniPC-2': [
    uniPc({ order: 2, lowerOrderFinal: false }),
    (i, last) => ({
      ...{ prediction: 'clean', order: 2, derivatives: HALF },
      ...(last ? {} : { corrector: i === 0 ? { order: 2, derivatives: HALF } : { order: 3 } }),
    }),
  ],
  'UniPC-3': [
    uniPc({ order: 3, lowerOrderFinal: false }),
    (i, last) => ({
      ...{ prediction: 'clean', ...(i === 1 ? { order: 2, derivatives: HALF } : { order: 3 }) },
      ...(last ? {} : { corrector: i === 0 ? { order: 2, derivatives: HALF } : { order: 4 } }),
    }),
  ],
  'UniPC-2 bh1 by the noise': [
    uniPc({ order: 2, variant: 'bh1', prediction: 'noise', lowerOrderFinal: false }),
    (i, last) => ({
      ...{ prediction: 'noise', order: 2, derivatives: LINEAR },
      ...(last ? {} : { corrector: i === 0 ? { order: 2, derivatives: LINEAR } : { order: 3 } }),
    }),
  ],
  'DPM-Solver-2 on the grid': [
    dpmSolver({ stages: 'grid', type: 'taylor' }),
    (i) => ({
      prediction: 'noise',
      ...(i % 2 === 1 ? { order: 2, start: i - 1, derivatives: [{ points: 1 }] } : { order: 1 }),
    }),
  ],
};
const LINEAR = [{ points: 1, relaxation: 'linear' }] as const;

test('solverSchedule() has the order of the solver that its records make, with the start that it has', () => {
  const orders = Object.entries(KNOWN).map(([name, [, record]]) => {
    const records = Array.from({ length: 12 }, (_, i) => record(i, i === 11));
    return [name, solverSchedule(records).order];
  });
  expect(Object.fromEntries(orders)).toEqual({
    'DPM-Solver++(2M)': 2,
    'DPM-Solver++(2M) taylor': 2,
    'DPM-Solver(2M) by the noise': 2,
    // Their first step is of order 1.
    'UniP-3': 2,
    'UniPC-2': 3,
    'UniPC-3': 3,
    'UniPC-2 bh1 by the noise': 3,
    'DPM-Solver-2 on the grid': 2,
  });
  const low = { prediction: 'clean', order: 1 } as const;
  expect(solverSchedule([low, low, low]).order).toBe(1);
  expect(solverSchedule([...new Array<SolverRecord>(6).fill({ ...low, order: 3 }), low, low]).order).toBe(1);
});

test.each(Object.entries(KNOWN))(
  'solverSchedule() is %s with records of it',
  async (_, [integrator, record]) => {
    for (const problem of problems) {
      const grid = problemGrid(problem);
      const denoiser = mixtureStub(problem.gmm, grid.schedule);
      const steps = grid.points.length - 1;
      const records = Array.from({ length: steps }, (_, i) => record(i, i === steps - 1));
      const schedule = solverSchedule(records);
      expect(schedule.program(grid).evaluations).toBe(integrator.program(grid).evaluations);
      const x = await end(schedule, denoiser, grid, problem.x_start.flat());
      const y = await end(integrator, denoiser, grid, problem.x_start.flat());
      expect(largestGap(x, y)).toBeLessThan(3e-14);
    }
  },
);

const [vp, ve] = [vpLinear(), veLinear()];
const gmm = problems[0]!.gmm as unknown as Parameters<typeof mixtureDenoiser>[0];

test('solverSchedule(): relaxations tend to 1 with the step, and a correction evaluated again costs one more', async () => {
  const relaxations = ['half', 'linear', 'grow', 'shrink', 0.3] as const;
  const { x_start, exact_flow_end } = reference.certification;
  const denoiser = mixtureStub(problems[0]!.gmm, vp);
  for (const relaxation of relaxations)
    for (const prediction of ['clean', 'noise'] as const) {
      const errors: number[] = [];
      for (const steps of [32, 64]) {
        const record = { prediction, order: 2, derivatives: [{ points: 1, relaxation }] };
        const solver = solverSchedule(Array.from({ length: steps }, () => record));
        const x = await end(
          solver,
          denoiser,
          logSnrGrid(vp, { steps, start: 0.45, stop: 0.05 }),
          x_start.flat(),
        );
        errors.push(rms(x, exact_flow_end.flat()));
      }
      expect(Math.abs(Math.log2(errors[0]! / errors[1]!) - 2)).toBeLessThan(0.15);
    }
  const again = [
    { prediction: 'clean', order: 1, corrector: { order: 2, again: true } },
    { prediction: 'clean', order: 2 },
  ] as const;
  expect(solverSchedule(again).program(logSnrGrid(vp, { steps: 2 })).evaluations).toBe(3);
});

test('finalDenoise() and analyticFirstStep() change evaluations by one, and say what they should', async () => {
  const grid = logSnrGrid(vp, { steps: 12 });
  const start = problems[0]!.x_start.flat();
  for (const integrator of [dpmSolverPlusPlus(), dpmSolver({ multistep: true }), uniPc({ order: 3 })]) {
    const denoiser = openDenoiser({ where: 'test', denoiser: mixtureDenoiser(gmm, vp), backend });
    const plain = await end(integrator, denoiser, grid, start);
    const clean = new Float64Array(plain.length);
    await denoiser.evaluate(plain, grid.points[12]!.time, 4, { clean });
    const denoised = await end(finalDenoise(integrator), denoiser, grid, start);
    expect(largestGap(denoised, clean)).toBeLessThan(1e-14);
    expect(finalDenoise(integrator).program(grid).evaluations).toBe(13);
    // What is left out is of the order of alpha / sigma = 0.0066 of the first evaluation.
    const mean = [0.015, 0.185];
    const known = analyticFirstStep(integrator, { mean });
    expect(known.program(grid).evaluations).toBe(11);
    const gap = rms(await end(known, denoiser, grid, start), plain);
    expect(gap).toBeLessThan(0.03);
    expect(gap).toBeGreaterThan(0);
  }
  const normal = gaussianDenoiser({ mean: [2], covariance: [[1e-12]] }, vp);
  const point = openDenoiser({ where: 'test', denoiser: normal, backend });
  const one = analyticFirstStep(dpmSolver({ multistep: true }), { mean: [2] });
  const [x, y] = [one, dpmSolver({ multistep: true })].map((each) => end(each, point, grid, [0.3]));
  expect(largestGap(await x!, await y!)).toBeLessThan(1e-9);
});

test('thresholded(): E[x_0] stays within its bounds, by the quantile of its own coordinates', async () => {
  const d = 201;
  const out = Float64Array.from({ length: d }, (_, c) => (c - 100) / 25);
  const wild: Denoiser = {
    ...{ name: 'wild', dimension: d, schedule: vp, prediction: 'clean' },
    predict: (x, _, to) => {
      for (let at = 0; at < x.length; at++) to[at] = (at < d ? 1 : 0.1) * out[at % d]!;
    },
  };
  const denoiser = openDenoiser({ where: 'test', denoiser: wild, backend });
  const x = await end(
    thresholded(ddim(), { quantile: 0.9, bound: 2 }),
    denoiser,
    gridOf(vp, [0.5, 0]),
    new Float64Array(2 * d),
  );
  // |x_0| of the first is 0, then pairs of 1/25 .. 4: its quantile of 0.9 is 3.6. The second lies within.
  const want = out.map((each) => (2 * Math.min(3.6, Math.max(-3.6, each))) / 3.6);
  expect(largestGap(x.subarray(0, d), want)).toBeLessThan(1e-12);
  expect(
    largestGap(
      x.subarray(d),
      out.map((each) => 0.1 * each),
    ),
  ).toBeLessThan(1e-15);
  expect(() => thresholded(dpmSolver())).toThrow(/works with the noise/);
});

test('timeShifted(): variances on a wide normal law, with an exact model and one of too much noise', async () => {
  // The model is linear and the start of variance 1: no sampling. Values of methods/diffusion-integrators.md, which have some.
  const d = 2000;
  const times = Array.from({ length: 11 }, (_, i) => (Math.round(999 - (999 * i) / 10) + 1) / 1000);
  const model = (sd: number, factor: number): OpenDenoiser => {
    const predict: Denoiser['predict'] = (x, time, out) => {
      for (let i = 0; i < x.length; i++) {
        const t = typeof time === 'number' ? time : time[Math.floor(i / d)]!;
        const [alpha, sigma] = [vp.signal(t), vp.noise(t)];
        out[i] = (factor * sigma * x[i]!) / (alpha * alpha * sd * sd + sigma * sigma);
      }
    };
    const denoiser: Denoiser = { dimension: d, schedule: vp, prediction: 'noise', predict };
    return openDenoiser({ where: 'test', denoiser, backend });
  };
  const start = Float64Array.from({ length: d }, (_, c) => (c % 2 === 0 ? 1 : -1));
  const variance = async (sd: number, factor: number, window: number): Promise<number> => {
    const integrator = window === 0 ? ddim() : timeShifted(ddim(), { window, cutoff: 300 });
    return (await end(integrator, model(sd, factor), gridOf(vp, times), start))[0]! ** 2;
  };
  const cases = [
    [0.5, 1, 0, 0.139],
    [0.5, 1.02, 0, 0.098],
    [0.5, 1.02, 40, 0.112],
    [0.5, 1.02, 80, 0.123],
    [1, 1, 0, 0.687],
    [1, 1, 40, 0.663],
    [1, 1, 80, 0.64],
  ] as const;
  for (const [sd, factor, window, want] of cases)
    expect(
      Math.abs((await variance(sd, factor, window)) / want - 1),
      `${sd} ${factor} ${window}`,
    ).toBeLessThan(0.02);
});

test('timeShifted(): few coordinates, and solvers whose steps begin otherwise, are refused', async () => {
  const denoiser = openDenoiser({ where: 'test', denoiser: mixtureDenoiser(gmm, vp), backend });
  const shift = { window: 40, cutoff: 300 };
  const grid = logSnrGrid(vp, { steps: 4 });
  await expect(end(timeShifted(ddim(), shift), denoiser, grid, [0, 0])).rejects.toThrow(/at least 100/);
  expect(() => timeShifted(uniPc(), shift).program(grid)).toThrow(/do not begin by an evaluation/);
  const batch = timeShifted(dpmSolverPlusPlus(), { ...shift, statistic: 'batch' });
  expect((await end(batch, denoiser, grid, [0.5, 1, -1, 0.3])).every(Number.isFinite)).toBe(true);
});

test('teleport() jumps where the reference jumps', () => {
  const { mean, covariance, x_start, x_skip, sigma_start, sigma_skip } = reference.teleportation[0]!;
  const x = new Float64Array(8);
  const [from, to] = [gridPoint(ve, sigma_start), gridPoint(ve, sigma_skip)];
  teleport({ mean, covariance }).jump(Float64Array.from(x_start.flat()), 4, from, to, x);
  expect(largestGap(x, x_skip.flat())).toBeLessThan(1e-12);
  // Of rank one, the rest scaled with the noise.
  const low = teleport({ mean: [0, 0], variances: [4], directions: [[0, 1]] });
  low.jump(Float64Array.of(3, 5), 1, gridPoint(ve, 3), gridPoint(ve, 1), x);
  expect(largestGap(x.subarray(0, 2), [1, 5 * Math.sqrt(5 / 13)])).toBeLessThan(1e-14);
  expect(() =>
    teleport({
      mean: [0, 0],
      variances: [1, 1],
      directions: [
        [1, 0],
        [0.5, 1],
      ],
    }),
  ).toThrow(/right angles/);
});

test('teleportErrors() tells the error of a jump to within a tenth, and a tolerance where to go', async () => {
  const { weights, means, covariances } = problems[0]!.gmm;
  const mean = [0, 1].map((c) => weights.reduce((sum, w, k) => sum + w * means[k]![c]!, 0));
  const covariance = [0, 1].map((i) =>
    [0, 1].map((j) =>
      weights.reduce(
        (sum, w, k) => sum + w * (covariances[k]![i]![j]! + means[k]![i]! * means[k]![j]!),
        -mean[i]! * mean[j]!,
      ),
    ),
  );
  const jump = teleport({ mean, covariance });
  const model = mixtureDenoiser(gmm, ve);
  const denoiser = openDenoiser({ where: 'test', denoiser: model, backend });
  const levels = [80, 20, 5, 2];
  const grid = gridOf(ve, levels);
  const probes = Float64Array.from(problems[3]!.x_start.flat());
  const errors = await teleportErrors(jump, denoiser, grid, probes);
  let exact: Float64Array = probes;
  for (const [i, to] of levels.slice(1).entries()) {
    exact = await referenceFlow({
      denoiser: model,
      x: exact,
      from: levels[i]!,
      to,
      tolerance: 1e-10,
      backend,
    });
    const jumped = new Float64Array(8);
    jump.jump(probes, 4, grid.points[0]!, grid.points[i + 1]!, jumped);
    const error = rms(jumped, exact) / rms(exact, new Float64Array(8));
    expect(Math.abs(errors[i + 1]! / error - 1)).toBeLessThan(0.1);
  }
  expect(teleportPoint(errors, 1e-2)).toBe(2);
  expect(teleportPoint(errors, 1e-9)).toBe(0);
  expect(teleportPoint(errors, 0.9)).toBe(2);
});

test('adaptiveDpm(): errors and evaluations at the published tolerances', async () => {
  const { x_start, exact_flow_end, t_start, t_end } = reference.certification;
  const x = Float64Array.from(x_start.flat());
  const common = { denoiser: mixtureDenoiser(gmm, vp), x, from: t_start, to: t_end, backend } as const;
  // Order, factor on the tolerances, error, least and most evaluations: methods/diffusion-integrators.md.
  const cases = [
    [2, 1, 1.1e-2, 14, 26],
    [3, 1, 3.8e-3, 12, 27],
    [2, 1e-4, 1.7e-6, 600, 1400],
    [3, 1e-4, 5e-7, 130, 270],
  ] as const;
  for (const [order, factor, error, least, most] of cases) {
    const tolerances = { absolute: 0.0078 * factor, relative: 0.05 * factor };
    const found = await adaptiveDpm({ ...common, order, ...tolerances });
    expect(Math.abs(rms(found.x, exact_flow_end.flat()) / error - 1)).toBeLessThan(0.05);
    if (factor === 1)
      expect([Math.min(...found.evaluations), Math.max(...found.evaluations)]).toEqual([least, most]);
    else expect(found.evaluations.every((each) => each >= least && each <= most)).toBe(true);
  }
  const alone = await adaptiveDpm({ ...common, x: x.slice(2, 4) });
  expect(alone.x).toEqual((await adaptiveDpm(common)).x.slice(2, 4));
  await expect(adaptiveDpm({ ...common, from: 0.1, to: 0.4 })).rejects.toThrow(/a later `from`/);
  await expect(adaptiveDpm({ ...common, to: 0 })).rejects.toThrow(/some signal and some noise/);
});
