import { OptionError } from '../../errors.ts';
import type { Grid } from '../grid.ts';
import type { Integrator, Operation, SolverProgram, Term, TimeChoice } from './program.ts';
import type { Register } from './registers.ts';

/** What the kernel `combineRows` adds up at most. */
const MOST_TERMS = 8;

/** A number of a program: one for every group of particles, [G]. */
type PerGroup = Float64Array;

/** An operation of G programs at once: the same registers, with the scalars of each. */
export type PlannedOperation =
  | {
      readonly kind: 'evaluate';
      readonly state: number;
      readonly value: number;
      readonly prediction: 'clean' | 'noise';
      readonly other: number | undefined;
      readonly time: PerGroup;
      readonly chooseTimes: TimeChoice | undefined;
    }
  | {
      readonly kind: 'combine';
      readonly target: Register;
      readonly sources: readonly Register[];
      /** [G, sources], a row for each group; [G, sources + 1] with the factor of z last when noise is drawn. */
      readonly factors: Float64Array;
      /** Which draw of the step its z is; undefined without noise. */
      readonly draw: number | undefined;
    }
  | {
      readonly kind: 'langevin';
      readonly state: number;
      readonly time: PerGroup;
      readonly ratio: PerGroup;
      readonly scale: PerGroup;
      readonly draw: number;
    }
  | Change;

type Combine = Extract<Operation, { kind: 'combine' }>;
type Langevin = Extract<Operation, { kind: 'langevin' }>;
type Change = Extract<Operation, { kind: 'change' }>;

/**
 * The programs of an integrator on G grids as one.
 * @returns the first of the programs, and the operations of each step.
 * @throws OptionError when the programs differ in more than their scalars.
 */
export function planPrograms(
  where: string,
  integrator: Integrator,
  grids: readonly Grid[],
): { readonly program: SolverProgram; readonly steps: readonly (readonly PlannedOperation[])[] } {
  const programs = grids.map((grid) => integrator.program(grid));
  const program = programs[0]!;
  programs.forEach((other, g) => {
    if (other.steps.length !== program.steps.length)
      throw differs(where, g, `${other.steps.length} steps`, `${program.steps.length} steps`);
  });
  const steps = program.steps.map((_, step) =>
    planStep(
      where,
      integrator,
      programs.map(({ steps }) => steps[step]!),
      step,
    ),
  );
  return { program, steps };
}

function planStep(
  where: string,
  integrator: Integrator,
  groups: readonly (readonly Operation[])[],
  step: number,
): PlannedOperation[] {
  const first = groups[0]!;
  if (groups.length > 1) checkShapes(where, groups, step);
  let draws = 0;
  return first.map((operation, at) => {
    const alike = groups.map((operations) => operations[at]!);
    const noisy = alike.some(
      (each) => each.kind === 'langevin' || (each.kind === 'combine' && each.noise !== 0),
    );
    return plan(where, operation, alike, integrator.prediction, noisy ? draws++ : undefined);
  });
}

function checkShapes(where: string, groups: readonly (readonly Operation[])[], step: number): void {
  const shape = groups[0]!.map(shapeOf).join('; ');
  groups.forEach((operations, g) => {
    const own = operations.map(shapeOf).join('; ');
    if (own !== shape) throw differs(where, g, `'${own}' in step ${step}`, `'${shape}'`);
  });
}

function plan(
  where: string,
  first: Operation,
  alike: readonly Operation[],
  usual: Integrator['prediction'],
  draw: number | undefined,
): PlannedOperation {
  switch (first.kind) {
    case 'evaluate': {
      const { kind, state, value, prediction = usual, other, chooseTimes } = first;
      return { kind, state, value, prediction, other, chooseTimes, time: times(alike) };
    }
    case 'combine': {
      const sources = [...registersOf('state', first.states), ...registersOf('value', first.values)];
      checkTerms(where, sources.length + (draw === undefined ? 0 : 1));
      return {
        kind: 'combine',
        target: { kind: first.into, index: first.register },
        sources,
        factors: Float64Array.from(alike.flatMap((each) => factorsOf(each as Combine, draw !== undefined))),
        draw,
      };
    }
    case 'langevin': {
      const ratio = Float64Array.from(alike, (each) => (each as Langevin).ratio);
      const scale = Float64Array.from(alike, (each) => (each as Langevin).scale);
      return { kind: 'langevin', state: first.state, time: times(alike), ratio, scale, draw: draw! };
    }
    case 'change':
      return first;
    default:
      return first satisfies never;
  }
}

function checkTerms(where: string, terms: number): void {
  if (terms >= 1 && terms <= MOST_TERMS) return;
  throw new OptionError({
    where,
    option: 'integrator',
    value: terms,
    found: `the integrator adds up ${terms} registers`,
    expected: `1 to ${MOST_TERMS}, noise included`,
    fix: 'Divide the operation in two.',
  });
}

function times(alike: readonly Operation[]): Float64Array {
  return Float64Array.from(alike, (each) => (each as Exclude<Operation, Combine | Change>).at.time);
}

function registersOf(kind: Register['kind'], terms: readonly Term[]): Register[] {
  return terms.map(({ register }) => ({ kind, index: register }));
}

function factorsOf({ states, values, noise }: Combine, noisy: boolean): number[] {
  const factors = [...states, ...values].map(({ factor }) => factor);
  return noisy ? [...factors, noise] : factors;
}

/** What programs of one plan share, as text: 'evaluate state 0 into value 1'. */
function shapeOf(operation: Operation): string {
  if (operation.kind === 'langevin') return `langevin on state ${operation.state}`;
  if (operation.kind === 'evaluate') {
    const { prediction = 'value', state, value, other, chooseTimes } = operation;
    const more = other === undefined ? '' : ` and ${other}`;
    const when = chooseTimes === undefined ? '' : ' at chosen times';
    return `evaluate the ${prediction} of state ${state} into value ${value}${more}${when}`;
  }
  if (operation.kind === 'change') return `${operation.change.name} value ${operation.value}`;
  const list = (name: string, terms: readonly Term[]): string =>
    terms.map(({ register }) => `${name} ${register}`).join(', ');
  const { into, register, states, values } = operation;
  return `combine ${list('state', states)}, ${list('value', values)} into ${into} ${register}`;
}

function differs(where: string, group: number, found: string, expected: string): OptionError {
  return new OptionError({
    where,
    option: `grids[${group}]`,
    value: group,
    found: `on grids[${group}] the integrator does ${found}`,
    expected: `what it does on grids[0], ${expected}`,
    fix: 'Give grids with as many points that all end at noise 0, or all above it.',
  });
}
