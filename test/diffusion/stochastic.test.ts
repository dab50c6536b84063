import { expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import { gaussianDenoiser } from '../../engine/diffusion/analytic/mixture-denoiser.ts';
import type { OpenDenoiser } from '../../engine/diffusion/denoiser.ts';
import type { Grid } from '../../engine/diffusion/grid.ts';
import { edmGrid, gridOf, logSnrGrid, timeGrid } from '../../engine/diffusion/grids.ts';
import { openDenoiser } from '../../engine/diffusion/open-denoiser.ts';
import { rectifiedFlow, veLinear, vpLinear } from '../../engine/diffusion/schedules.ts';
import { dpmSolverPlusPlus2sAncestral } from '../../engine/diffusion/solver/ancestral.ts';
import { ddim } from '../../engine/diffusion/solver/ddim.ts';
import { ddpm } from '../../engine/diffusion/solver/ddpm.ts';
import { dpmSolverPlusPlus } from '../../engine/diffusion/solver/dpm-solver.ts';
import { openIntegration } from '../../engine/diffusion/solver/driver.ts';
import { edmStochastic } from '../../engine/diffusion/solver/edm-stochastic.ts';
import { eulerMaruyama } from '../../engine/diffusion/solver/euler-maruyama.ts';
import type { NoiseSupply } from '../../engine/diffusion/solver/machine.ts';
import {
  predictorCorrector,
  reverseDiffusionSteps,
} from '../../engine/diffusion/solver/predictor-corrector.ts';
import type { Integrator } from '../../engine/diffusion/solver/program.ts';
import { sdeDpmSolver, sdeDpmSolverPlusPlus } from '../../engine/diffusion/solver/sde-dpm-solver.ts';
import reference from '../reference/integrators.json' with { type: 'json' };
import { gridAt, mixtureStub, type Points, type ReferenceMixture } from '../support/diffusion.ts';

const given = reference.stochastic[0] as unknown as {
  readonly gmm: ReferenceMixture;
  readonly t_logsnr: readonly number[];
  readonly t_time: readonly number[];
  readonly x_start: Points;
  readonly noise: readonly Points[];
  readonly solvers: readonly {
    readonly id: string;
    readonly spec: { readonly sigma?: readonly number[]; readonly sigma_levels?: readonly number[] };
    readonly x_start?: Points;
    readonly noise_corrector?: readonly Points[];
    readonly x_end: Points;
  }[];
};

const [vp, ve] = [vpLinear(), veLinear()];

/** Where an integrator takes some points with noise that is given. */
async function end(
  integrator: Integrator,
  denoiser: OpenDenoiser,
  grid: Grid,
  start: ArrayLike<number>,
  noise: NoiseSupply,
): Promise<Float64Array> {
  const particles = start.length / denoiser.dimension;
  const backend = jsBackend();
  const run = openIntegration({
    ...{ where: 'test', integrator, denoiser, grids: [grid], particles, backend, noise },
  });
  run.x().set(start);
  for (let step = 0; step < run.steps; step++) await run.advance(step);
  return run.x();
}

const snr = gridAt(vp, given.t_logsnr);
const SOLVERS: Readonly<Record<string, readonly [Integrator, Grid]>> = {
  'euler-maruyama-t': [eulerMaruyama(), gridAt(vp, given.t_time)],
  'reverse-diffusion-hat': [reverseDiffusionSteps(), snr],
  'ddim-eta1.0': [ddim({ eta: 1 }), snr],
  'ddim-eta0.5': [ddim({ eta: 0.5 }), snr],
  'ddpm-large': [ddpm({ variance: 'large' }), snr],
  'sde-dpmpp-2m-midpoint-eta1.0': [sdeDpmSolverPlusPlus(), snr],
  'sde-dpmpp-2m-midpoint-eta0.5': [sdeDpmSolverPlusPlus({ eta: 0.5 }), snr],
  'sde-dpmpp-2m-heun-eta1.0': [sdeDpmSolverPlusPlus({ type: 'heun' }), snr],
  'sde-dpmpp-2m-heun-eta0.5': [sdeDpmSolverPlusPlus({ type: 'heun', eta: 0.5 }), snr],
  'sde-dpm-2m-eps': [sdeDpmSolver(), snr],
  'dpmpp-2s-ancestral': [dpmSolverPlusPlus2sAncestral(), snr],
  'edm-alg2': [edmStochastic({ inflation: 1.003 }), gridAt(ve, given.solvers[11]!.spec.sigma!)],
  'pc-reverse-diffusion-langevin': [
    predictorCorrector(),
    gridAt(ve, [...given.solvers[12]!.spec.sigma_levels!, 0]),
  ],
};

test.each(given.solvers)('$id ends where the reference ends, with the same noise', async (row) => {
  const [integrator, grid] = SOLVERS[row.id]!;
  // The predictor of the last pair comes second in its step.
  const noise: NoiseSupply = (step, draw, out) =>
    out.set((draw === 0 && row.noise_corrector ? row.noise_corrector : given.noise)[step]!.flat());
  const start = (row.x_start ?? given.x_start).flat();
  const x = await end(integrator, mixtureStub(given.gmm, grid.schedule), grid, start, noise);
  row.x_end.flat().forEach((want, i) => void expect(Math.abs(x[i]! - want)).toBeLessThan(1e-12));
});

const supplied: NoiseSupply = (step, _, out) => out.set(given.noise[step]!.flat());

test.each([
  ['ddpm small', ddpm(), ddim({ eta: 1 })],
  ['sde-dpm-solver++(1)', sdeDpmSolverPlusPlus({ order: 1 }), ddim({ eta: 1 })],
  ['sde-dpm-solver++(2m) without noise', sdeDpmSolverPlusPlus({ eta: 0 }), plain()],
  ['its heun form without noise', sdeDpmSolverPlusPlus({ eta: 0, type: 'heun' }), plain('taylor')],
  ['edm without churn', edmStochastic({ churn: 0, method: 'euler' }), ddim()],
  ['ancestral without noise', dpmSolverPlusPlus2sAncestral({ eta: 0 }), singlestep()],
])('%s is the same solver by another formula', async (_, one, other) => {
  const denoiser = mixtureStub(given.gmm, vp);
  const grid = gridAt(vp, [...given.t_logsnr]);
  const x = await end(one, denoiser, grid, given.x_start.flat(), supplied);
  const y = await end(other, denoiser, grid, given.x_start.flat(), supplied);
  x.forEach((each, i) => void expect(Math.abs(each - y[i]!)).toBeLessThan(1e-14));
});

function plain(type: 'dpmsolver' | 'taylor' = 'dpmsolver'): Integrator {
  return dpmSolverPlusPlus({ type, lowerOrderFinal: false });
}

function singlestep(): Integrator {
  return dpmSolverPlusPlus({ multistep: false });
}

const ALL: Readonly<Record<string, () => Integrator>> = {
  'ddim-1': () => ddim({ eta: 1 }),
  'ddpm-large': () => ddpm({ variance: 'large' }),
  'euler-maruyama-t': eulerMaruyama,
  'reverse-diffusion-hat': reverseDiffusionSteps,
  'sde-dpmpp-2m': sdeDpmSolverPlusPlus,
  'sde-dpm-2m-eps': sdeDpmSolver,
  'dpmpp-2s-ancestral': dpmSolverPlusPlus2sAncestral,
  'edm-churn-heun': () => edmStochastic({ churn: 5, smallest: 0.2, largest: 0.9 }),
};

test.each(Object.entries(ALL))('%s goes from no signal to no noise by plain steps', async (_, make) => {
  const schedule = rectifiedFlow();
  const integrator = make();
  const denoiser = mixtureStub(given.gmm, schedule);
  const loud: NoiseSupply = (step, _draw, out) => void out.fill(step === 0 || step === 3 ? Number.NaN : 0.1);
  const grid = gridAt(schedule, [1, 0.7, 0.4, 0.1, 0]);
  const x = await end(integrator, denoiser, grid, given.x_start.flat(), loud);
  expect(x.every(Number.isFinite)).toBe(true);
  expect(denoiser.evaluations).toBe(3 * integrator.program(grid).evaluations);
});

interface Moments {
  readonly mean: number;
  readonly variance: number;
}

/**
 * Mean and variance of the last x of an integrator that is affine in x and in its noise: what it makes of 0, of 1, and of one
 * standard normal after the other.
 */
async function moments(integrator: Integrator, denoiser: OpenDenoiser, grid: Grid): Promise<Moments> {
  const draws: string[] = [];
  const count: NoiseSupply = (step, draw, out) => {
    draws.push(`${step} ${draw}`);
    out.fill(0);
  };
  await end(integrator, denoiser, grid, [0], count);
  const probe: NoiseSupply = (step, draw, out) => {
    out.fill(0);
    out[2 + draws.indexOf(`${step} ${draw}`)] = 1;
  };
  const start = Float64Array.from({ length: 2 + draws.length }, (_, i) => (i === 1 ? 1 : 0));
  const [constant = 0, ...responses] = await end(integrator, denoiser, grid, start, probe);
  const [slope = 0, ...noises] = responses.map((each) => each - constant);
  const { signal, noise } = grid.points[0]!;
  const variance = slope ** 2 * (signal ** 2 * VARIANCE + noise ** 2);
  return {
    mean: slope * signal * MEAN + constant,
    variance: noises.reduce((sum, each) => sum + each ** 2, variance),
  };
}

const [MEAN, VARIANCE] = [0.7, 0.36];
const law = { mean: [MEAN], covariance: [[VARIANCE]] };
const [onVp, onVe] = [vp, ve].map((schedule) =>
  openDenoiser({ where: 'test', denoiser: gaussianDenoiser(law, schedule), backend: jsBackend() }),
) as [OpenDenoiser, OpenDenoiser];

const SPAN = { start: 0.45, stop: 0.05 };
const snrGrid = (steps: number): Grid => logSnrGrid(vp, { steps, ...SPAN });
const ALWAYS = { churn: 5, smallest: 0, largest: Infinity } as const;

interface Row {
  readonly id: string;
  readonly params: {
    readonly eta?: number;
    readonly var?: 'large';
    readonly order?: 1;
    readonly typ?: 'midpoint' | 'heun';
  };
  readonly steps: number;
  readonly mean: number;
  readonly var: number;
}

function rowSolver({ id, params }: Row): Integrator {
  switch (id) {
    case 'ddim':
      return ddim({ eta: params.eta! });
    case 'sde-dpmpp-1':
      return sdeDpmSolverPlusPlus({ order: 1 });
    case 'sde-dpmpp-2m':
      return sdeDpmSolverPlusPlus({ type: params.typ! });
    case 'ddpm':
      return ddpm({ variance: 'large' });
    case 'edm-churn-heun':
      return edmStochastic(ALWAYS);
    case 'edm-churn-euler':
      return edmStochastic({ ...ALWAYS, method: 'euler' });
    default:
      return ALL[id]!();
  }
}

function momentsOf(row: Row, steps = row.steps): Promise<Moments> {
  const integrator = rowSolver(row);
  if (row.id.startsWith('edm'))
    return moments(integrator, onVe, edmGrid(ve, { steps, largest: 5, smallest: 0.05, toData: false }));
  const grid = row.id === 'euler-maruyama-t' ? timeGrid(vp, { steps, ...SPAN }) : snrGrid(steps);
  return moments(integrator, onVp, grid);
}

const table = reference.gaussian_moments[0]! as unknown as { readonly rows: readonly Row[] };

test.each(table.rows)(
  '$id $params, $steps steps: the moments on a normal law are those of the table',
  async (row) => {
    const { mean, variance } = await momentsOf(row);
    expect(Math.abs(mean - row.mean)).toBeLessThan(1e-12);
    expect(Math.abs(variance - row.var)).toBeLessThan(1e-12);
  },
);

const ORDERS: readonly (readonly [string, number])[] = [
  ['euler-maruyama-t', 1],
  ['reverse-diffusion-hat', 1],
  ['ddim', 1],
  ['ddpm', 1],
  ['sde-dpmpp-1', 1],
  ['edm-churn-euler', 1],
  ['sde-dpmpp-2m', 2],
  ['sde-dpm-2m-eps', 2],
  ['dpmpp-2s-ancestral', 2],
  ['edm-churn-heun', 2],
];

test.each(ORDERS)('%s has weak order %i, in the variance', async (id, order) => {
  for (const row of table.rows.filter(
    (each) => each.id === id && each.steps === 8 && each.params.eta !== 0,
  )) {
    const exact = id.startsWith('edm') ? 0.3625 : 0.3788372180338411;
    const errors = [];
    for (const steps of [64, 128]) errors.push((await momentsOf(row, steps)).variance - exact);
    const slope = Math.log2(Math.abs(errors[0]! / errors[1]!));
    expect(Math.abs(slope - order), `${id} ${slope}`).toBeLessThan(0.15);
    expect(rowSolver(row).order).toBe(order);
  }
});

test('edmStochastic(): noise beyond the end of the schedule is refused', () => {
  const grid = gridOf(ve, [80, 1, 0]);
  expect(() => edmStochastic({ largest: Infinity }).program(grid)).toThrow(/Try largest: 56.6/);
});
