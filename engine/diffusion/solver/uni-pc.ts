import { checkFlag, checkNumber, checkOneOf, checkOptionNames } from '../../check.ts';
import type { Grid, GridPoint } from '../grid.ts';
import { atEdge } from './ddim.ts';
import { exponentialStep, type Relaxation, relaxed } from './exponential.ts';
import { interpolationWeights } from './interpolation.ts';
import { lowerAtEnd, type Start, usableValues } from './multistep.ts';
import { combine, edgeStep, evaluate, type Prediction, programOf, stepsOf, terms } from './operations.ts';
import type { Integrator, Operation, SolverProgram } from './program.ts';
import { exponentialPieces, stagePoints } from './singlestep.ts';
import { UNIPC } from './sources.ts';

/*
 * UniPC: predict with the polynomial through the last p values (UniP), evaluate, then correct with the polynomial through
 * these and the new value (UniC). The new value is kept as it is: no second evaluation at the corrected state.
 *
 * | symbol | name here |
 * |---|---|
 * | p | order |
 * | r_i = (lambda_{s-i} - lambda_s) / h, r_p = 1 | nodes |
 * | B(h): B1 = h, B2 = e^h - 1 | variant: 'bh1', 'bh2' |
 * | rho_i | from the weights of the polynomial |
 *
 * B cancels from the systems R rho = b, which integrate the polynomial exactly, and so do the "varying coefficients": the
 * variants differ only where rho = 1/2 stands for the solution, in UniP-2 and UniC-1 ('varying' has none of these).
 * Differs from the published code: its corrector with varying coefficients sums other terms, and has order 1.
 */

export interface UniPcOptions {
  /** 1 to 3. Default 2. */
  readonly order?: 1 | 2 | 3;
  /** Default 'bh2'. */
  readonly variant?: 'bh1' | 'bh2' | 'varying';
  /** What the polynomials are through. Default 'clean'. */
  readonly prediction?: Prediction;
  /** 'all-but-last' costs no evaluation, 'all' one, at the end; 'none' is UniP. Default 'all-but-last'. */
  readonly corrector?: 'all-but-last' | 'all' | 'none';
  /** Default 'lower'. */
  readonly start?: Start;
  /** Use no more values than there are steps left. Default: on grids of less than 15 steps. */
  readonly lowerOrderFinal?: boolean;
}

/**
 * UniPC: order p + 1 with a corrector, at most 3 with a 'lower' start; one evaluation a step.
 * @throws OptionError for an unknown setting.
 * Source: Zhao et al. (2023), algorithms 1 to 4, theorem 3.1.
 */
export function uniPc(options: UniPcOptions = {}): Integrator {
  const where = 'uniPc';
  checkOptionNames(where, options, [
    'order',
    'variant',
    'prediction',
    'corrector',
    'start',
    'lowerOrderFinal',
  ]);
  const { order = 2, variant = 'bh2', prediction = 'clean' } = options;
  const { corrector = 'all-but-last', start = 'lower', lowerOrderFinal } = options;
  checkNumber(where, 'order', order, (p) => p === 1 || p === 2 || p === 3, '1, 2 or 3');
  checkOneOf(where, 'variant', variant, ['bh1', 'bh2', 'varying']);
  checkOneOf(where, 'prediction', prediction, ['clean', 'noise']);
  checkOneOf(where, 'corrector', corrector, ['all-but-last', 'all', 'none']);
  checkOneOf(where, 'start', start, ['lower', 'singlestep']);
  if (lowerOrderFinal !== undefined) checkFlag(where, 'lowerOrderFinal', lowerOrderFinal);
  const plan = { order, rule: RULES[variant], prediction, corrector, start } as const;
  const lower = start === 'lower' || lowerOrderFinal === true;
  return {
    name: `${corrector === 'none' ? 'unip' : 'unipc'}(${order}, ${variant})`,
    sources: [UNIPC],
    prediction,
    order: corrector === 'none' ? Math.min(order, lower ? 2 : 3) : Math.min(order + 1, lower ? 3 : 4),
    stochastic: false,
    program: (grid) => uniProgram(grid, { ...plan, lower: lowerAtEnd(grid, lowerOrderFinal) }),
  };
}

const RULES: Readonly<Record<'bh1' | 'bh2' | 'varying', Relaxation>> = {
  bh1: 'linear',
  bh2: 'half',
  varying: 'taylor',
};

interface Plan {
  readonly order: 1 | 2 | 3;
  readonly rule: Relaxation;
  readonly prediction: Prediction;
  readonly corrector: 'all-but-last' | 'all' | 'none';
  readonly start: Start;
  readonly lower: boolean;
}

/** x is state 0, the predicted state 1; the values are in a ring of p + 1. */
function uniProgram(grid: Grid, plan: Plan): SolverProgram {
  const { order, prediction, corrector, start } = plan;
  const last = grid.points.length - 2;
  const slot = (index: number): number => index % (order + 1);
  // Whether the value at the start of a step is there already, left by the corrector before.
  let known = false;
  const steps = stepsOf(grid, (from, to, index) => {
    const head = known ? [] : [evaluate(0, from, slot(index))];
    const was = known;
    known = false;
    if (atEdge(from, to)) return edgeStep(prediction, from, to, slot(index), was);
    if (start === 'singlestep' && usableValues(grid, index, order, false) < order)
      return firstStep(grid, plan, from, to, slot(index));
    const ages = Array.from(
      { length: usableValues(grid, index, order, plan.lower) },
      (_, age) => index - age,
    );
    const nodes = ages.map((i) => grid.points[i]!);
    const slots = ages.map(slot);
    const corrects = corrector === 'all' || (corrector === 'all-but-last' && index < last);
    const predict = move(plan, corrects ? 1 : 0, to, nodes, slots, nodes.length === 2);
    if (!corrects) return [...head, predict];
    known = true;
    const fresh = slot(index + 1);
    const correct = move(plan, 0, to, [...nodes, to], [...slots, fresh], nodes.length === 1);
    return [...head, predict, evaluate(1, to, fresh), correct];
  });
  const extra = start === 'singlestep' ? order - 1 : 0;
  return programOf(grid, { states: 2, values: order + 1 + extra }, steps);
}

/** The step to `to` by the polynomial through values, from the first of the nodes. */
function move(
  { prediction, rule }: Plan,
  into: number,
  to: GridPoint,
  nodes: readonly GridPoint[],
  slots: readonly number[],
  shortcut: boolean,
): Operation {
  const from = nodes[0]!;
  const step = exponentialStep(prediction, from, to, nodes.length);
  const moments = shortcut ? relaxed(step, rule) : step.moments;
  const places = nodes.map((node) => (node.logSnr - from.logSnr) / step.h);
  return combine(into, terms([0], [step.state]), terms(slots, interpolationWeights(moments, places)));
}

/** DPM-Solver of order p in place of a step that has fewer values. */
function firstStep(
  grid: Grid,
  { prediction, order }: Plan,
  from: GridPoint,
  to: GridPoint,
  slot: number,
): Operation[] {
  const fractions = order === 3 ? [1 / 3, 2 / 3] : [1 / 2];
  const values = [slot, order + 1, order + 2];
  const points = stagePoints(grid.schedule, from, to, fractions);
  return exponentialPieces(prediction, points, 'dpmsolver', { base: 0, work: 1, values }).flat();
}
