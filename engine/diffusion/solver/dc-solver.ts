import { checkNumber, checkOptionNames, show } from '../../check.ts';
import { OptionError } from '../../errors.ts';
import type { Source } from '../../types.ts';
import type { Grid } from '../grid.ts';
import { atEdge } from './ddim.ts';
import { lagrangePolynomial } from './interpolation.ts';
import { combineValue, terms } from './operations.ts';
import type { Integrator, Operation, SolverProgram } from './program.ts';
import { rewritten } from './rewrite.ts';
import { uniPc } from './uni-pc.ts';

/*
 * Dynamic compensation: before the step from t_{i-1} to t_i, once three model values are there, the newest is replaced by the
 * polynomial in t through the last three, taken at t* = rho_i t_{i-1} + (1 - rho_i) t_{i-2}. The replacement stays in the
 * memory. rho = 1 changes nothing.
 *
 * | symbol | name here |
 * |---|---|
 * | rho_i | ratios[i - 1], 1 for the first two steps |
 * | K + 1 = 3 | VALUES |
 * | CFG | guidance |
 *
 * Differs from the published code: no step into noise 0 compensates.
 */

const ZHAO: Source = {
  authors: 'Zhao, W., Wang, H., Zhou, J. & Lu, J.',
  year: 2024,
  title: 'DC-Solver: Improving Predictor-Corrector Diffusion Sampler via Dynamic Compensation',
  reference: 'ECCV, arXiv:2409.03755',
};

const VALUES = 3;

export interface DcSolverOptions {
  /** rho of every step of the grid, [N]; the first two must be 1. `searchCompensation` finds them. */
  readonly ratios: readonly number[];
  /** That of UniPC. Default 3. */
  readonly order?: 2 | 3;
  /** That of UniPC. Default 'bh1'. */
  readonly variant?: 'bh1' | 'bh2';
  /** Default true. */
  readonly lowerOrderFinal?: boolean;
}

/**
 * UniPC with dynamic compensation. Zhao et al. (2024), algorithm 1.
 * @throws OptionError for bad ratios, and from `program` when the grid has another number of steps.
 */
export function dcSolver(options: DcSolverOptions): Integrator {
  const where = 'dcSolver';
  checkOptionNames(where, options, ['ratios', 'order', 'variant', 'lowerOrderFinal']);
  const { ratios, order = 3, variant = 'bh1', lowerOrderFinal = true } = options;
  checkNumber(where, 'order', order, (p) => p === 2 || p === 3, '2 or 3');
  checkRatios(where, ratios);
  const base = uniPc({ order, variant, lowerOrderFinal });
  const integrator = rewritten(base, 'compensated', [ZHAO], (program, grid) => {
    if (ratios.length !== program.steps.length) throw otherSteps(where, ratios, program.steps.length);
    return compensated(program, grid, ratios);
  });
  return { ...integrator, name: `dc-solver(${order}, ${variant})` };
}

function compensated(program: SolverProgram, grid: Grid, ratios: readonly number[]): SolverProgram {
  const { points } = grid;
  const newest: number[] = [];
  const steps = program.steps.map((step, index): readonly Operation[] => {
    const [from, to] = [points[index]!, points[index + 1]!];
    const known = newest.length > index;
    const taken = step.flatMap((each) => (each.kind === 'evaluate' ? [each.value] : []));
    newest.push(...taken);
    const last = newest
      .slice(0, index + 1)
      .slice(-VALUES)
      .reverse();
    if (last.length < VALUES || points[index + 1 - VALUES]!.signal === 0 || atEdge(from, to)) return step;
    const nodes = last.map((_, age) => points[index - age]!.time);
    const move = replaceNewest(last, nodes, ratios[index]!);
    return known ? [move, ...step] : [step[0]!, move, ...step.slice(1)];
  });
  return { ...program, steps };
}

/** m_0 <- sum_j L_j(t*) m_j */
function replaceNewest(registers: readonly number[], nodes: readonly number[], ratio: number): Operation {
  // L_j at t* is the constant of the polynomial through the nodes less t*; to the last digit 1, 0, 0 where ratio = 1.
  const at = ratio * nodes[0]! + (1 - ratio) * nodes[1]!;
  const shifted = nodes.map((node) => node - at);
  const factors =
    ratio === 1
      ? nodes.map((_, j) => (j === 0 ? 1 : 0))
      : nodes.map((_, j) => lagrangePolynomial(shifted, j)[0]!);
  return combineValue(registers[0]!, [], terms(registers, factors));
}

/**
 * Ratios from a cascade of polynomials in guidance c = CFG / 12, steps n = N / 50 and place y = i / N: with
 * a_km = K_km0 n^2 + K_km1 n + K_km2 and b_k = a_k0 c^2 + a_k1 c + a_k2, rho_i = sum_k b_k y^k for i >= 3, else 1.
 * @param coefficients K, [4][3][3], of your own fit.
 * @throws OptionError for coefficients of another shape.
 * Source: Zhao et al. (2024), section 3.4.
 */
export function cascadeRatios(
  coefficients: readonly (readonly (readonly number[])[])[],
  place: { readonly guidance: number; readonly steps: number },
): number[] {
  const where = 'cascadeRatios';
  checkOptionNames(where, place, ['guidance', 'steps']);
  const { guidance, steps } = place;
  checkNumber(where, 'guidance', guidance, Number.isFinite, 'a number');
  checkNumber(where, 'steps', steps, (n) => Number.isInteger(n) && n >= 1, 'an integer >= 1');
  checkShape(where, coefficients);
  const [c, n] = [guidance / 12, steps / 50];
  const square = (of: readonly number[], x: number): number => (of[0]! * x + of[1]!) * x + of[2]!;
  const b = coefficients.map((rows) =>
    square(
      rows.map((row) => square(row, n)),
      c,
    ),
  );
  return Array.from({ length: steps }, (_, index) => {
    const y = (index + 1) / steps;
    return index < 2 ? 1 : b.reduceRight((sum, each) => sum * y + each, 0);
  });
}

function checkShape(where: string, coefficients: unknown): void {
  const numbers = (row: unknown): boolean =>
    Array.isArray(row) && row.length === 3 && row.every((x) => Number.isFinite(x));
  const rows = (each: unknown): boolean => Array.isArray(each) && each.length === 3 && each.every(numbers);
  if (Array.isArray(coefficients) && coefficients.length === 4 && coefficients.every(rows)) return;
  throw new OptionError({
    where,
    option: 'coefficients',
    value: coefficients,
    found: `the coefficients are ${show(coefficients)}`,
    expected: '4 x 3 x 3 numbers',
  });
}

function checkRatios(where: string, ratios: unknown): void {
  const found =
    !Array.isArray(ratios) || ratios.length === 0 || !ratios.every((r) => Number.isFinite(r))
      ? `option \`ratios\` is ${show(ratios)}`
      : ratios.slice(0, 2).some((r) => r !== 1)
        ? `option \`ratios\` begins with ${ratios.slice(0, 2).join(', ')}`
        : undefined;
  if (found === undefined) return;
  throw new OptionError({
    where,
    option: 'ratios',
    value: ratios,
    found,
    expected: 'a number for each step of the grid, the first two 1',
  });
}

function otherSteps(where: string, ratios: readonly number[], steps: number): OptionError {
  return new OptionError({
    where,
    option: 'ratios',
    value: ratios,
    found: `there are ${ratios.length} ratios`,
    expected: `${steps}, one for each step of the grid`,
  });
}
