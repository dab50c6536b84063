/**
 * The bias of a solver's mean in one dimension, exact but for quadrature: nothing is drawn. With F_k a step of the solver, m_k
 * the model and y what the solver keeps of it from one step to the next (nothing, or one value),
 *
 *   V_N(x, y) = x,   V_k(x, y) = E_z[V_(k+1)(F_k(x, y, z), m_k(x))],   bias = E[V_0(x_0)] - E[x_N],   x_0 ~ q at the first time
 *
 * on even points of x and y, with polynomials of degree 5 in between and straight lines beyond; E_z by the trapezoidal rule. Right
 * to 1e-4 for the three modes on the line: twice as fine points move no bias by more.
 */
import { type Backend, type Denoiser, type Grid, type Integrator, openDenoiser } from 'ensample';

type OpenDenoiser = ReturnType<typeof openDenoiser>;
type Step = ReturnType<Integrator['program']>['steps'][number];

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
  const { steps, evaluations } = integrator.program(grid);
  const carried = steps.some(readsOlder);
  const values = carried ? VALUES : NOWHERE;
  const x = Float64Array.from({ length: POSITIONS.count }, (_, i) => at(POSITIONS, i));
  // V_N = x, whatever is kept.
  let V = Float64Array.from({ length: x.length * values.count }, (_, i) => x[Math.floor(i / values.count)]!);
  for (const [k, step] of [...steps.entries()].reverse()) {
    const moved = await stepped(open, integrator, step, values);
    const kept = carried ? await valuesOf(open, integrator, x, points[k]!.time) : new Float64Array(x.length);
    V = expected(V, moved, kept, values);
  }
  const density = new Float64Array(x.length);
  await open.evaluate(x, points[0]!.time, x.length, { logDensity: density });
  let [sum, total] = [0, 0];
  for (let i = 0; i < x.length; i++) {
    sum += Math.exp(density[i]!) * V[i * values.count]!;
    total += Math.exp(density[i]!);
  }
  open.dispose();
  return { bias: sum / total - points.at(-1)!.signal * mean, evaluations };
}

/** Whether a step uses a value of an earlier one. */
function readsOlder(step: Step): boolean {
  const written = new Set<number>();
  return step.some((operation) => {
    if (operation.kind === 'evaluate') written.add(operation.value);
    return operation.kind === 'combine' && operation.values.some(({ register }) => !written.has(register));
  });
}

/** Where a step leads from rows (x, y, z), z fastest, with y in every register that keeps something. */
async function stepped(
  open: OpenDenoiser,
  integrator: Integrator,
  step: Step,
  values: Axis,
): Promise<Float64Array> {
  const rows = POSITIONS.count * values.count * NORMALS.length;
  const row = (i: number): number => Math.floor(i / NORMALS.length);
  const x = Float64Array.from({ length: rows }, (_, i) => at(POSITIONS, Math.floor(row(i) / values.count)));
  const y = Float64Array.from({ length: rows }, (_, i) => at(values, row(i) % values.count));
  const [states, kept] = [new Map([[0, x]]), new Map<number, Float64Array>()];
  for (const operation of step) {
    if (operation.kind === 'evaluate') {
      const out = new Float64Array(rows);
      const wanted = { [operation.prediction ?? integrator.prediction]: out };
      await open.evaluate(states.get(operation.state)!, operation.at.time, rows, wanted);
      kept.set(operation.value, out);
    } else if (operation.kind === 'combine' && operation.into === 'state') {
      const terms = [
        ...operation.states.map(({ register, factor }) => ({ factor, from: states.get(register)! })),
        ...operation.values.map(({ register, factor }) => ({ factor, from: kept.get(register) ?? y })),
      ];
      const { noise } = operation;
      const out = Float64Array.from({ length: rows }, (_, i) => noise * NORMALS[i % NORMALS.length]!);
      for (const { factor, from } of terms)
        for (let i = 0; i < rows; i++) out[i] = out[i]! + factor * from[i]!;
      states.set(operation.register, out);
    } else throw new Error(`${integrator.name} does more than evaluate and combine`);
  }
  return states.get(0)!;
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
