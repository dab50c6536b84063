import { OptionError } from '../../errors.ts';
import type { Operation, SolverProgram } from './program.ts';

/** One [n, d] array of a program. */
export interface Register {
  readonly kind: 'state' | 'value';
  readonly index: number;
}

/** 'x' for state 0, then 'state1', ..; 'value0', .. */
export function registerName({ kind, index }: Register): string {
  return kind === 'state' && index === 0 ? 'x' : `${kind}${index}`;
}

/**
 * The registers that hold something of earlier steps when a step begins, x first: what has to follow a particle that is
 * resampled, and what a saved run needs. Registers that are always written before they are read are not among them.
 * @throws OptionError when the program reads a register before it writes it.
 */
export function carriedRegisters(where: string, program: SolverProgram): Register[] {
  const carried = new Set(['x']);
  let live = new Set(['x']);
  for (let step = program.steps.length - 1; step >= 0; step--) {
    live = liveBefore(program.steps[step]!, live);
    if (step > 0) for (const name of live) carried.add(name);
  }
  const unwritten = Array.from(live).filter((name) => name !== 'x');
  if (unwritten.length > 0) throw readsUnwritten(where, unwritten[0]!);
  return allRegisters(program).filter((register) => carried.has(registerName(register)));
}

/** Every register of a program, x first. */
export function allRegisters(program: SolverProgram): Register[] {
  const of = (kind: Register['kind'], count: number): Register[] =>
    Array.from({ length: count }, (_, index) => ({ kind, index }));
  return [...of('state', program.states), ...of('value', program.values)];
}

/** The registers live before some operations, given those live after them. */
function liveBefore(operations: readonly Operation[], after: ReadonlySet<string>): Set<string> {
  const live = new Set(after);
  for (let i = operations.length - 1; i >= 0; i--) {
    const operation = operations[i]!;
    for (const register of written(operation)) live.delete(registerName(register));
    for (const register of read(operation)) live.add(registerName(register));
  }
  return live;
}

function written(operation: Operation): readonly Register[] {
  switch (operation.kind) {
    case 'evaluate': {
      const { value, other } = operation;
      return other === undefined ? [valueRegister(value)] : [valueRegister(value), valueRegister(other)];
    }
    case 'combine':
      return [{ kind: operation.into, index: operation.register }];
    case 'langevin':
      return [stateRegister(operation.state)];
    case 'change':
      return [valueRegister(operation.value)];
    default:
      return operation satisfies never;
  }
}

function read(operation: Operation): readonly Register[] {
  switch (operation.kind) {
    case 'combine':
      return [
        ...operation.states.map(({ register }) => stateRegister(register)),
        ...operation.values.map(({ register }) => valueRegister(register)),
      ];
    case 'change':
      return [valueRegister(operation.value)];
    default:
      return [stateRegister(operation.state)];
  }
}

function stateRegister(index: number): Register {
  return { kind: 'state', index };
}

function valueRegister(index: number): Register {
  return { kind: 'value', index };
}

function readsUnwritten(where: string, name: string): OptionError {
  return new OptionError({
    where,
    option: 'integrator',
    value: name,
    found: `the integrator reads the register ${name} before it has written it`,
    expected: 'a program that writes every register but x first',
  });
}
