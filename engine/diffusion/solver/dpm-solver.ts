import { checkFlag, checkNumber, checkOneOf, checkOptionNames } from '../../check.ts';
import { OptionError } from '../../errors.ts';
import type { Source } from '../../types.ts';
import type { Grid, GridPoint } from '../grid.ts';
import { atEdge } from './ddim.ts';
import { exponentialStep, relaxed } from './exponential.ts';
import { interpolationWeights } from './interpolation.ts';
import { lowerAtEnd, type MultistepMove, multistepProgram, type Start } from './multistep.ts';
import { combine, edgeStep, type Prediction, programOf, stepsOf, terms } from './operations.ts';
import type { Integrator, Operation, SolverProgram } from './program.ts';
import { exponentialPieces, type SolverType, type StepRegisters, stagePoints } from './singlestep.ts';
import { DPM_SOLVER, DPM_SOLVER_PLUS_PLUS } from './sources.ts';

/*
 * DPM-Solver (noise) and DPM-Solver++ (E[x_0]), with the evaluations inside each step (singlestep) or in a memory
 * (multistep). Formulas: exponential.ts, singlestep.ts.
 *
 * | symbol | name here |
 * |---|---|
 * | k | order |
 * | r1, r2 | fractions |
 * | D1, D2 of the multistep solver | from the polynomial through the last k values |
 *
 * Differs from the published code: D2 of order 3 is the second derivative of that polynomial, twice what the code takes,
 * which is of second order only (`d2: 'published'`).
 */

export interface DpmOptions {
  /** 1, 2 or 3. Default 2. */
  readonly order?: 1 | 2 | 3;
  /** One evaluation a step, with a memory; or `order` of them inside each step. */
  readonly multistep?: boolean;
  /** How a single difference stands for the derivative: also in the steps of order 2 of a solver of order 3. Default 'dpmsolver'. */
  readonly type?: SolverType;
  /** Singlestep: where the stages are, as fractions of a step in log-SNR. Default [1/2] or [1/3, 2/3]. */
  readonly fractions?: readonly number[];
  /**
   * Singlestep: 'inside' the steps of the grid, or on the 'grid' itself, so that every step of the grid costs one
   * evaluation: `singlestepOrders` tells which of them belong together. Default 'inside'.
   */
  readonly stages?: 'inside' | 'grid';
  /** Singlestep, inside: the order of each step of the grid, [N]. Default `order` for all. */
  readonly orders?: readonly number[];
  /** Multistep. Default 'lower'. */
  readonly start?: Start;
  /** Multistep: use no more values than there are steps left. Default: on grids of less than 15 steps. */
  readonly lowerOrderFinal?: boolean;
  /** Multistep of order 3. Default 'exact'. */
  readonly d2?: 'exact' | 'published';
}

/**
 * DPM-Solver: by the noise, singlestep unless asked otherwise.
 * @throws OptionError for an option that is not one of the kind of solver asked for.
 */
export function dpmSolver(options: DpmOptions = {}): Integrator {
  return dpm('dpmSolver', 'dpm-solver', 'noise', { ...options, multistep: options.multistep ?? false });
}

/**
 * DPM-Solver++: by E[x_0], multistep unless asked otherwise. Order 2 is the usual choice for few steps.
 * @throws OptionError for an option that is not one of the kind of solver asked for.
 */
export function dpmSolverPlusPlus(options: DpmOptions = {}): Integrator {
  return dpm('dpmSolverPlusPlus', 'dpm-solver++', 'clean', {
    ...options,
    multistep: options.multistep ?? true,
  });
}

/**
 * Orders of singlestep steps that cost as many evaluations as asked for, most of them of order 3 (or 2), the last ones
 * lower: 3, 3, 2, 1 for 9. A grid of as many steps, even in log-SNR, takes them as `orders`.
 * Source: Lu et al., DPM-Solver (2022), appendix C, "DPM-Solver-fast".
 */
export function singlestepOrders(evaluations: number, order: 1 | 2 | 3 = 3): number[] {
  const whole = Math.floor(evaluations / order);
  const rest = evaluations % order;
  const repeated = (count: number): number[] => new Array<number>(Math.max(0, count)).fill(order);
  if (order < 3) return rest === 0 ? repeated(whole) : [...repeated(whole), rest];
  if (rest === 0) return whole === 0 ? [] : [...repeated(whole - 1), 2, 1];
  return [...repeated(whole), rest];
}

const COMMON = ['order', 'multistep', 'type'];

function dpm(
  where: string,
  family: string,
  prediction: Prediction,
  options: DpmOptions & { readonly multistep: boolean },
): Integrator {
  const { multistep, type = 'dpmsolver', order = 2 } = options;
  checkFlag(where, 'multistep', multistep);
  const own = multistep ? ['start', 'lowerOrderFinal', 'd2'] : ['fractions', 'stages', 'orders'];
  checkOptionNames(where, options, [...COMMON, ...own]);
  checkOneOf(where, 'type', type, ['dpmsolver', 'taylor']);
  checkOrder(where, 'order', order);
  const sources: Source[] = prediction === 'noise' ? [DPM_SOLVER] : [DPM_SOLVER_PLUS_PLUS, DPM_SOLVER];
  const base = { sources, prediction, stochastic: false } as const;
  const suffix = type === 'taylor' && order > 1 ? ', taylor' : '';
  const name = `${family}(${order}${multistep ? 'M' : 'S'}${suffix})`;
  return multistep
    ? { ...base, ...multistepDpm(where, name, prediction, options) }
    : { ...base, ...singlestepDpm(where, name, prediction, options) };
}

type Half = Pick<Integrator, 'name' | 'order' | 'program'>;

function multistepDpm(where: string, name: string, prediction: Prediction, options: DpmOptions): Half {
  const { order = 2, type = 'dpmsolver', start = 'lower', lowerOrderFinal, d2 = 'exact' } = options;
  checkOneOf(where, 'start', start, ['lower', 'singlestep']);
  checkOneOf(where, 'd2', d2, ['exact', 'published']);
  if (lowerOrderFinal !== undefined) checkFlag(where, 'lowerOrderFinal', lowerOrderFinal);
  const move = (to: GridPoint, nodes: readonly GridPoint[]): MultistepMove =>
    multistepMove(prediction, to, nodes, type, d2);
  const reached =
    start === 'singlestep' && d2 === 'exact' && lowerOrderFinal !== true ? order : Math.min(order, 2);
  return {
    name: d2 === 'published' && order === 3 ? name.replace(')', ', published)') : name,
    order: reached,
    program(grid) {
      const rule = { prediction, order, move, lowerOrderFinal: lowerAtEnd(grid, lowerOrderFinal) };
      if (start === 'lower' || order === 1) return multistepProgram(grid, rule);
      const write = (from: GridPoint, to: GridPoint, registers: StepRegisters): Operation[] =>
        exponentialPieces(
          prediction,
          stagePoints(grid.schedule, from, to, THIRDS[order]),
          type,
          registers,
        ).flat();
      return multistepProgram(grid, { ...rule, start: { evaluations: order, write } });
    },
  };
}

/** The step by the polynomial through the values at `nodes`; `type` is that of steps with two values. */
function multistepMove(
  prediction: Prediction,
  to: GridPoint,
  nodes: readonly GridPoint[],
  type: SolverType,
  d2: 'exact' | 'published',
): MultistepMove {
  const from = nodes[0]!;
  const step = exponentialStep(prediction, from, to, nodes.length);
  const half = nodes.length === 2 && type === 'dpmsolver';
  const moments = relaxed(step, half ? 'half' : 'taylor');
  if (nodes.length === 3 && d2 === 'published') moments[2] = moments[2]! / 2;
  const at = nodes.map((node) => (node.logSnr - from.logSnr) / step.h);
  return { state: step.state, values: interpolationWeights(moments, at) };
}

const THIRDS: Readonly<Record<number, readonly number[]>> = { 1: [], 2: [1 / 2], 3: [1 / 3, 2 / 3] };

function singlestepDpm(where: string, name: string, prediction: Prediction, options: DpmOptions): Half {
  const { order = 2, type = 'dpmsolver', fractions = THIRDS[order]!, stages = 'inside', orders } = options;
  checkOneOf(where, 'stages', stages, ['inside', 'grid']);
  checkFractions(where, fractions, order);
  orders?.forEach((each, i) => void checkOrder(where, `orders[${i}]`, each));
  const onGrid = stages === 'grid';
  return {
    name: onGrid ? name.replace(')', ', on the grid)') : name,
    // The last steps on a grid are of lower orders.
    order: onGrid || orders !== undefined ? Math.min(order, 2, ...(orders ?? [])) : order,
    program(grid) {
      if (onGrid) return gridProgram(grid, prediction, order, type);
      if (orders !== undefined) checkOrders(where, orders, grid);
      const fractionsOf = (index: number): readonly number[] => {
        const each = orders?.[index] ?? order;
        return each === order ? fractions : THIRDS[each]!;
      };
      const steps = stepsOf(grid, (from, to, index) => {
        if (atEdge(from, to)) return edgeStep(prediction, from, to, 0);
        const points = stagePoints(grid.schedule, from, to, fractionsOf(index));
        return exponentialPieces(prediction, points, type, { base: 0, work: 1, values: [0, 1, 2] }).flat();
      });
      const most = Math.max(order, ...(orders ?? []));
      return programOf(grid, { states: most > 1 ? 2 : 1, values: most }, steps);
    },
  };
}

/** Blocks of steps of the grid, each a singlestep step whose stages are the points between; x_s waits in state 1. */
function gridProgram(grid: Grid, prediction: Prediction, order: 1 | 2 | 3, type: SolverType): SolverProgram {
  const { points } = grid;
  const last = points.length - 1;
  const [first, end] = [points[0]!.signal === 0 ? 1 : 0, points[last]!.noise === 0 ? last - 1 : last];
  const steps: Operation[][] = first === 1 ? [edgeStep(prediction, points[0]!, points[1]!, 0)] : [];
  for (const each of singlestepOrders(end - steps.length, order)) {
    const block = points.slice(steps.length, steps.length + each + 1);
    const [head, ...tail] = exponentialPieces(prediction, block, type, {
      base: 1,
      work: 0,
      values: [0, 1, 2],
    });
    steps.push([combine(1, terms([0], [1]), []), ...head!], ...tail);
  }
  if (end < last) steps.push(edgeStep(prediction, points[last - 1]!, points[last]!, 0));
  return programOf(grid, { states: 2, values: order }, steps);
}

function checkOrder(where: string, option: string, order: unknown): void {
  checkNumber(where, option, order, (k) => k === 1 || k === 2 || k === 3, '1, 2 or 3');
}

function checkFractions(where: string, fractions: readonly number[], order: number): void {
  const rising = fractions.every((r, i) => r > (fractions[i - 1] ?? 0) && r < 1);
  if (fractions.length === order - 1 && rising) return;
  throw new OptionError({
    where,
    option: 'fractions',
    value: fractions,
    found: `option \`fractions\` is [${fractions.join(', ')}]`,
    expected: `${order - 1} rising numbers between 0 and 1`,
    fix: `Leave it out for [${THIRDS[order]!.map((r) => r.toFixed(3)).join(', ')}].`,
  });
}

function checkOrders(where: string, orders: readonly number[], grid: Grid): void {
  const steps = grid.points.length - 1;
  if (orders.length === steps) return;
  throw new OptionError({
    where,
    option: 'orders',
    value: orders,
    found: `option \`orders\` has ${orders.length} orders`,
    expected: `${steps}, one for each step of the grid`,
  });
}
