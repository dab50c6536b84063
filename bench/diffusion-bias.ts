/**
 * The bias of a solver's mean in one dimension, exact but for quadrature: nothing is drawn. With F_k a step of the solver, m_k
 * the model and y what the solver keeps of it from one step to the next (nothing, or one value),
 *
 *   V_N(x, y) = x,   V_k(x, y) = E_z[V_(k+1)(F_k(x, y, z), m_k(x))],   bias = E[V_0(x_0)] - E[x_N],   x_0 ~ q at the first time
 *
 * on even points of x and y, with polynomials of degree 5 in between and straight lines beyond; E_z by the trapezoidal rule. Right
 * to 1e-4 for the three modes on the line: twice as fine points move no bias by more.
 */
import type { OpenDenoiser } from '../engine/diffusion/denoiser.ts';
import type { Grid } from '../engine/diffusion/grid.ts';
import { type Integration, openIntegration } from '../engine/diffusion/solver/driver.ts';
import { carriedRegisters } from '../engine/diffusion/solver/registers.ts';
import { type Backend, type Denoiser, type Integrator, openDenoiser } from '../estimators/index.ts';

/** Even points of [-8, 8], which holds all but 1e-14 of the laws at hand. */
interface Axis {
  readonly count: number;
  readonly gap: number;
}

const END = 8;
const POSITIONS = axis(161);
const VALUES = axis(17);
const NOWHERE = axis(1);
const NORMALS = Array.from({ length: 15 }, (_, q) => 0.7 * (q - 7));
const DENSITY = NORMALS.map((z) => Math.exp(-0.5 * z * z));
const WEIGHTS = DENSITY.map((each) => each / DENSITY.reduce((sum, other) => sum + other, 0));

function axis(count: number): Axis {
  return { count, gap: count > 1 ? (2 * END) / (count - 1) : 1 };
}

function at({ count, gap }: Axis, i: number): number {
  return count > 1 ? i * gap - END : 0;
}

/** First of the points that a value between them is made of, and their factors. */
function stencil({ count, gap }: Axis, x: number, factor: Float64Array): number {
  factor.fill(0);
  if (count === 1) {
    factor[0] = 1;
    return 0;
  }
  const place = (x + END) / gap;
  const low = Math.max(0, Math.min(count - 6, Math.floor(place) - 2));
  const s = place - low;
  if (place < 0 || place > count - 1) {
    const from = place < 0 ? 0 : 4;
    factor[from] = from + 1 - s;
    factor[from + 1] = s - from;
    return low;
  }
  for (let j = 0; j < 6; j++) {
    let product = 1;
    for (let m = 0; m < 6; m++) if (m !== j) product *= (s - m) / (j - m);
    factor[j] = product;
  }
  return low;
}

export interface MeanBiasOptions {
  readonly integrator: Integrator;
  /** In one dimension, with a log density. */
  readonly denoiser: Denoiser;
  /** Ends above noise 0. */
  readonly grid: Grid;
  /** E[x] of the data. */
  readonly mean: number;
  readonly backend: Backend;
}

export interface MeanBias {
  readonly bias: number;
  /** Of one particle. */
  readonly evaluations: number;
}

/** What a solver that starts from the law of the first time has too much in its mean at the last one. */
export async function meanBias(options: MeanBiasOptions): Promise<MeanBias> {
  const { integrator, denoiser, grid, mean, backend } = options;
  const { points } = grid;
  const open = openDenoiser({ where: 'meanBias', denoiser, backend });
  const carried = carriedRegisters('meanBias', integrator.program(grid)).length > 1;
  const values = carried ? VALUES : NOWHERE;
  const rows = POSITIONS.count * values.count * NORMALS.length;
  const run = openIntegration({
    ...{ where: 'meanBias', integrator, denoiser: open, grids: [grid], particles: rows, backend },
    noise: (_, _draw, out) => {
      for (let i = 0; i < rows; i++) out[i] = NORMALS[i % NORMALS.length]!;
    },
  });
  const start = startingStates(run, values, rows);
  const x = Float64Array.from({ length: POSITIONS.count }, (_, i) => at(POSITIONS, i));
  // V_N = x, whatever is kept.
  let V = Float64Array.from({ length: x.length * values.count }, (_, i) => x[Math.floor(i / values.count)]!);
  for (let step = run.steps - 1; step >= 0; step--) {
    run.restore(start);
    await run.advance(step);
    const kept = carried
      ? await valuesOf(open, integrator, x, points[step]!.time)
      : new Float64Array(x.length);
    V = expected(V, run.x(), kept, values);
  }
  const density = new Float64Array(x.length);
  await open.evaluate(x, points[0]!.time, x.length, { logDensity: density });
  let [sum, total] = [0, 0];
  for (let i = 0; i < x.length; i++) {
    sum += Math.exp(density[i]!) * V[i * values.count]!;
    total += Math.exp(density[i]!);
  }
  const { evaluations } = run;
  run.release();
  open.dispose();
  return { bias: sum / total - points.at(-1)!.signal * mean, evaluations };
}

/** Rows (x, y, z), z fastest: x, and y in every register that keeps something. */
function startingStates({ fields }: Integration, values: Axis, rows: number): Record<string, Float64Array> {
  const row = (i: number): number => Math.floor(i / NORMALS.length);
  const x = Float64Array.from({ length: rows }, (_, i) => at(POSITIONS, Math.floor(row(i) / values.count)));
  const y = Float64Array.from({ length: rows }, (_, i) => at(values, row(i) % values.count));
  return Object.fromEntries(Object.keys(fields).map((name) => [name, name === 'x' ? x : y]));
}

async function valuesOf(
  open: OpenDenoiser,
  { prediction }: Integrator,
  x: Float64Array,
  time: number,
): Promise<Float64Array> {
  const out = new Float64Array(x.length);
  await open.evaluate(x, time, x.length, { [prediction]: out });
  return out;
}

/** E_z of V where the step went from each point of (x, y), with `kept` [positions] for its new y. */
function expected(
  V: Float64Array,
  moved: Float64Array,
  kept: Float64Array,
  values: Axis,
): Float64Array<ArrayBuffer> {
  const [across, along] = [new Float64Array(6), new Float64Array(6)];
  const column = new Float64Array(POSITIONS.count);
  const deep = Math.min(6, values.count);
  return Float64Array.from(V, (_, i) => {
    const position = Math.floor(i / values.count);
    if (i % values.count === 0) {
      const first = stencil(values, kept[position]!, across);
      for (let p = 0; p < column.length; p++) {
        let sum = 0;
        for (let j = 0; j < deep; j++) sum += across[j]! * V[p * values.count + first + j]!;
        column[p] = sum;
      }
    }
    let mean = 0;
    for (let q = 0; q < NORMALS.length; q++) {
      const first = stencil(POSITIONS, moved[i * NORMALS.length + q]!, along);
      for (let j = 0; j < 6; j++) mean += WEIGHTS[q]! * along[j]! * column[first + j]!;
    }
    return mean;
  });
}
