import { checkCount, checkOneOf, checkOptionNames, show } from '../../check.ts';
import { OptionError } from '../../errors.ts';
import type { Source } from '../../types.ts';
import type { Grid, GridPoint } from '../grid.ts';
import { atEdge } from './ddim.ts';
import { type ExponentialStep, exponentialStep } from './exponential.ts';
import { lagrangePolynomial } from './interpolation.ts';
import { combine, edgeStep, programOf, terms } from './operations.ts';
import { phi } from './phi.ts';
import type { Integrator, Operation, SolverProgram } from './program.ts';

/*
 * A solver of its own for every step. A step from s to t is the Taylor sum of exponential.ts of `order` terms, in the noise
 * or in E[x_0], with each derivative of the model estimated from points of its own:
 *
 *   m^(k) = sum_j a_j (m_j - m_s),   sum_j a_j (lambda_j - lambda_s)^i / i! = [i = k],  i = 1..q
 *
 * | symbol | name here |
 * |---|---|
 * | s, the start index of a step | start, an index of the grid |
 * | n | order: 1 to 4 terms |
 * | q | points: values other than that at s, newest first |
 * | R | relaxation of the first derivative |
 * | z = h (noise) or -h (clean) | z |
 *
 * DPM-Solver++(2M), DPM-Solver 2M and UniP-p are among them, and with correctors UniPC-p. Differs from the paper: a
 * step with fewer values behind it than it asks for takes as many terms as it can.
 */

export const USF: Source = {
  authors: 'Liu, E., Ning, X., Yang, H. & Wang, Y.',
  year: 2024,
  title: 'A Unified Sampling Framework for Solver Searching of Diffusion Probabilistic Models',
  reference: 'ICLR, arXiv:2312.07243',
};

/**
 * A factor on the first derivative that tends to 1 with the step: 'half' z expm1(z) / (2 (expm1(z) - z)) as in DPM-Solver
 * and UniPC bh2, 'linear' z^2 / (2 (expm1(z) - z)) as in bh1, 'grow' and 'shrink' 1 +- expm1(z) / 2, a number c is
 * 1 + c h.
 */
export type DerivativeRelaxation = 'taylor' | 'half' | 'linear' | 'grow' | 'shrink' | number;

/** How one derivative is estimated. */
export interface DerivativeRule {
  /** q: how many values besides that at the start, newest first; at least the number of the derivative. */
  readonly points: number;
  /** Of the first derivative only. Default 'taylor'. */
  readonly relaxation?: DerivativeRelaxation;
}

/** A Taylor sum. */
export interface TaylorRule {
  /** Terms, 1 to 4: m and its first order - 1 derivatives. */
  readonly order: number;
  /** [order - 1]; by default each from order - 1 points. */
  readonly derivatives?: readonly DerivativeRule[];
}

/** One step of a solver schedule, to the next point of the grid. */
export interface SolverRecord extends TaylorRule {
  readonly prediction: 'clean' | 'noise';
  /** The index of the grid point the step starts from, at most 3 before the last one reached. Default: the last. */
  readonly start?: number;
  /** The step again with the model at its end, which counts as the newest value. */
  readonly corrector?: TaylorRule & {
    /** Whether the model is evaluated at the corrected state too. Default false: the value at the predicted one is kept. */
    readonly again?: boolean;
  };
}

/** Values that are kept: the start, three others and the one at the end of the step. */
const RING = 5;

/**
 * A solver with a record for every step of its grid. The one routine of Liu et al. (2024), section 4 and appendix C.
 * @throws OptionError for bad records, and from `program` when the grid has another number of steps.
 */
export function solverSchedule(records: readonly SolverRecord[]): Integrator {
  const where = 'solverSchedule';
  if (!Array.isArray(records) || records.length === 0) throw noRecords(where, records);
  records.forEach((record, i) => void checkRecordOf(where, record, i));
  return {
    name: `solver-schedule(${records.length} steps)`,
    sources: [USF],
    prediction: 'clean',
    order: orderOf(records),
    stochastic: false,
    program(grid) {
      if (grid.points.length - 1 !== records.length) throw otherSteps(where, grid, records.length);
      return scheduleProgram(grid, records);
    },
  };
}

/**
 * Of the error at the end, were the schedule stretched over more steps: the least order of a step, one more counting for the
 * first three and the last, which are made once. A step has the order of its Taylor sum, as far as there are values for it; one
 * from whose end no other starts does not count.
 */
function orderOf(records: readonly SolverRecord[]): number {
  const orders = records.map(({ order, corrector }, index) =>
    corrector === undefined ? Math.min(order, index + 1) : Math.min(corrector.order, index + 2),
  );
  const once = (index: number): boolean => index < 3 || index === orders.length - 1;
  const counted: number[] = [];
  for (let index = records.length - 1; index >= 0; index = (records[index]!.start ?? index) - 1)
    counted.push(once(index) ? orders[index]! + 1 : orders[index]!);
  return Math.min(Math.max(...orders), ...counted);
}

/** Where states and values are. State 0 is x, 1 a predicted state; then states at points from which later steps start. */
function scheduleProgram(grid: Grid, records: readonly SolverRecord[]): SolverProgram {
  const starts = records.map(({ start }, index) => start ?? index);
  const kept = new Set(starts.filter((start, index) => start < index));
  const both = records.some(({ prediction }) => prediction === 'noise');
  const steps: Operation[][] = [];
  let known = false;
  for (let index = 0; index < records.length; index++) {
    const { operations, evaluated } = writeStep({ grid, records, index, starts, known, both });
    if (kept.has(index)) operations.unshift(combine(keptState(index), terms([0], [1]), []));
    steps.push(operations);
    known = evaluated;
  }
  const states = kept.size > 0 ? 6 : records.some(({ corrector }) => corrector !== undefined) ? 2 : 1;
  return programOf(grid, { states, values: both ? 2 * RING : RING }, steps);
}

interface StepPlace {
  readonly grid: Grid;
  readonly records: readonly SolverRecord[];
  readonly index: number;
  readonly starts: readonly number[];
  /** Whether the model at the first point is there already. */
  readonly known: boolean;
  /** Whether some step wants the noise. */
  readonly both: boolean;
}

function writeStep(place: StepPlace): { readonly operations: Operation[]; readonly evaluated: boolean } {
  const { grid, records, index, starts, known, both } = place;
  const record = records[index]!;
  const [from, to] = [grid.points[index]!, grid.points[index + 1]!];
  if (atEdge(from, to)) {
    const operations = edgeStep('clean', from, to, cleanSlot(index), known);
    return { operations, evaluated: false };
  }
  const start = starts[index]!;
  const operations = known ? [] : [evaluateAt(0, from, index, both)];
  const base = start === index ? 0 : keptState(start);
  const { corrector } = record;
  const into = corrector === undefined ? 0 : 1;
  operations.push(taylorStep(place, record, start, index, base, into));
  if (corrector === undefined) return { operations, evaluated: false };
  operations.push(
    evaluateAt(1, to, index + 1, both),
    taylorStep(place, corrector, start, index + 1, base, 0),
  );
  return { operations, evaluated: corrector.again !== true };
}

/** register `into` <- the Taylor sum from `start` to the next point, with the values up to index `newest`. */
function taylorStep(
  { grid, records, index }: StepPlace,
  rule: TaylorRule,
  start: number,
  newest: number,
  base: number,
  into: number,
): Operation {
  const { prediction } = records[index]!;
  const { points } = grid;
  // Nothing of a point without signal is used again.
  const oldest = points[0]!.signal === 0 ? 1 : 0;
  const others = [newest, newest - 1, newest - 2, newest - 3, newest - 4]
    .filter((i) => i !== start && i >= oldest)
    .slice(0, 3);
  const order = Math.min(rule.order, others.length + 1);
  const step = exponentialStep(prediction, points[start]!, points[index + 1]!, order);
  const positions = others.map((i) => (points[i]!.logSnr - points[start]!.logSnr) / step.h);
  const weights = taylorWeights(step, prediction, order, rule, positions);
  const slot = prediction === 'clean' ? cleanSlot : noiseSlot;
  const used = [start, ...others].map(slot).slice(0, weights.length);
  return combine(into, terms([base], [step.state]), terms(used, weights));
}

/** Of the value at the start, and of the others at `positions` in units of the step. */
function taylorWeights(
  step: ExponentialStep,
  prediction: 'clean' | 'noise',
  order: number,
  rule: TaylorRule,
  positions: readonly number[],
): number[] {
  const weights = [step.moments[0]!];
  for (let k = 1; k < order; k++) {
    const { points = rule.order - 1, relaxation = 'taylor' } = rule.derivatives?.[k - 1] ?? {};
    const used = Math.min(Math.max(points, k), positions.length);
    const nodes = [0, ...positions.slice(0, used)];
    const z = prediction === 'noise' ? step.h : -step.h;
    const factor = step.moments[k]! * (k === 1 ? relaxationFactor(relaxation, z, step.h) : 1);
    nodes.forEach((_, j) => {
      weights[j] = (weights[j] ?? 0) + factor * lagrangePolynomial(nodes, j)[k]!;
    });
  }
  return weights;
}

function relaxationFactor(relaxation: DerivativeRelaxation, z: number, h: number): number {
  if (typeof relaxation === 'number') return 1 + relaxation * h;
  switch (relaxation) {
    case 'taylor':
      return 1;
    case 'half':
      return (0.5 * phi(1, z)) / phi(2, z);
    case 'linear':
      return 0.5 / phi(2, z);
    case 'grow':
      return 1 + 0.5 * Math.expm1(z);
    case 'shrink':
      return 1 - 0.5 * Math.expm1(z);
    default:
      return relaxation satisfies never;
  }
}

function evaluateAt(state: number, at: GridPoint, index: number, both: boolean): Operation {
  const value = cleanSlot(index);
  return { kind: 'evaluate', state, at, value, ...(both ? { other: noiseSlot(index) } : {}) };
}

function cleanSlot(index: number): number {
  return index % RING;
}

function noiseSlot(index: number): number {
  return RING + (index % RING);
}

function keptState(index: number): number {
  return 2 + (index % 4);
}

const RECORD = ['prediction', 'order', 'derivatives', 'start', 'corrector'];

function checkRecordOf(where: string, record: SolverRecord, index: number): void {
  const option = `records[${index}]`;
  checkOptionNames(`${where}: ${option}`, record, RECORD);
  checkOneOf(where, `${option}.prediction`, record.prediction, ['clean', 'noise']);
  checkTaylor(where, option, record);
  const { start = index, corrector } = record;
  checkCount(where, `${option}.start`, start, { min: Math.max(0, index - 3), max: index });
  if (corrector === undefined) return;
  checkOptionNames(`${where}: ${option}.corrector`, corrector, ['order', 'derivatives', 'again']);
  checkTaylor(where, `${option}.corrector`, corrector);
}

function checkTaylor(where: string, option: string, { order, derivatives }: TaylorRule): void {
  checkCount(where, `${option}.order`, order, { min: 1, max: 4 });
  derivatives?.forEach(({ points, relaxation = 'taylor' }, k) => {
    checkCount(where, `${option}.derivatives[${k}].points`, points, { min: k + 1, max: 3 });
    const name = `${option}.derivatives[${k}].relaxation`;
    if (typeof relaxation !== 'number' || !Number.isFinite(relaxation))
      checkOneOf(where, name, relaxation, ['taylor', 'half', 'linear', 'grow', 'shrink']);
  });
}

function noRecords(where: string, value: unknown): OptionError {
  return new OptionError({
    where,
    option: 'records',
    value,
    found: `the records are ${show(value)}`,
    expected: 'one for each step of the grid',
  });
}

function otherSteps(where: string, grid: Grid, records: number): OptionError {
  return new OptionError({
    where,
    option: 'grid',
    value: grid.points.length - 1,
    found: `the grid has ${grid.points.length - 1} steps`,
    expected: `${records}, one for each record`,
  });
}
