import type { Arena } from '../../array/arena.ts';
import { checkCount } from '../../check.ts';
import { OptionError, ShapeError } from '../../errors.ts';
import type { Rng } from '../../random/rng.ts';
import { makeTurn } from '../../turn.ts';
import { checkGrid } from '../check-grid.ts';
import type { OpenDenoiser } from '../denoiser.ts';
import type { Grid } from '../grid.ts';
import { execute, type Machine, type MachineSetting } from './machine.ts';
import { type PlannedOperation, planPrograms } from './plan.ts';
import { allRegisters, carriedRegisters, registerName } from './registers.ts';

export interface IntegrationOptions extends MachineSetting {
  /** One grid, or G of them with as many points that all end at noise 0 or all above it. */
  readonly grids: readonly Grid[];
  /** [n] which grid a particle follows. Default: the first, all of them. */
  readonly group?: Uint32Array;
  /** n */
  readonly particles: number;
}

/** n particles on their way through the steps of an integrator. */
export interface Integration {
  /** N */
  readonly steps: number;
  /** Model evaluations of one particle over all steps. */
  readonly evaluations: number;
  /**
   * The registers that must follow a particle, as fields of `makeParticles`: 'x', and what the solver keeps of earlier
   * steps. Where particles are resampled by somebody else (`makeSmc`), these are the fields, and `bind` lends them.
   */
  readonly fields: Readonly<Record<string, { readonly components: number }>>;
  /** The particles, [n, d]: to be filled before step 0. Another array after `gather` and `bind`: ask again. */
  x(): Float64Array;
  /**
   * Step `step` of all particles, to the next point of their grid. Normals are addressed by (rng, step, particle,
   * PURPOSE.diffusion, draw of the step).
   * @param rng not needed without noise.
   * @throws what the denoiser throws; `signal.reason` when aborted; OptionError when noise is wanted and there is no `rng`.
   */
  advance(step: number, rng?: Rng): Promise<void>;
  /**
   * Every particle becomes a copy of its `ancestor` [n], history and grid included.
   * @throws OptionError after `bind`: who lends the arrays gathers them.
   */
  gather(ancestor: Uint32Array): Promise<void>;
  /** Work on these arrays, [n, d] each, one for every name of `fields`, until the next `bind`. */
  bind(arrays: Readonly<Record<string, Float64Array>>): void;
  /** Copies of all that a later `restore` needs between two steps, by name. */
  snapshot(): Record<string, Float64Array | Uint32Array>;
  /** @throws ShapeError when an array is missing or of another length. */
  restore(saved: Readonly<Record<string, ArrayLike<number>>>): void;
  /** Give the memory back; the denoiser stays open. Idempotent. */
  release(): void;
}

/**
 * Run an integrator on n particles: its registers are arrays [n, d] of the backend.
 *
 * Each particle ends where it would end alone, whatever the others and their grids. (Where grids differ the denoiser is
 * asked with a time for each row, which may round differently from one time for all.)
 * @throws OptionError for bad counts, groups that are not there, or programs that do not go together.
 */
export function openIntegration(options: IntegrationOptions): Integration {
  const { where, integrator, grids, backend, denoiser } = options;
  const n = checkCount(where, 'particles', options.particles, { min: 1 });
  checkGrids(where, grids, denoiser);
  const d = denoiser.dimension;
  const { program, steps: planned } = planPrograms(where, integrator, grids);
  const carried = carriedRegisters(where, program).map(registerName);
  checkGroup(where, options.group, n, grids.length);
  const arena = backend.arena();
  const steps = placed(planned, arena);
  const grouped = grids.length > 1;
  const registers = allRegisters(program).map((each): [string, Float64Array] => [
    registerName(each),
    arena.f64(n * d),
  ]);
  const machine: Machine = {
    setting: options,
    n,
    d,
    registers: new Map(registers),
    grouped,
    group: grouped ? copied(arena.u32(n), options.group) : arena.u32(1),
    times: arena.f64(grouped ? n : 0),
    normals: undefined,
    score: undefined,
    chosen: undefined,
    turn: makeTurn(),
    arena,
  };
  const spare: Spare = { bound: false, rows: undefined, group: arena.u32(grouped ? n : 0) };
  return {
    steps: steps.length,
    evaluations: program.evaluations,
    fields: Object.fromEntries(carried.map((name) => [name, { components: d }])),
    x: () => machine.registers.get('x')!,
    async advance(step, rng) {
      for (const operation of steps[step]!) {
        await execute(machine, operation, step, rng);
        if (machine.turn.due()) await machine.turn.pause(options.signal);
      }
    },
    gather: (ancestor) => gather(machine, carried, spare, ancestor),
    bind(arrays) {
      checkArrays(where, carried, arrays, n * d);
      for (const name of carried) machine.registers.set(name, arrays[name]!);
      spare.bound = true;
    },
    snapshot: () => saved(machine, carried),
    restore(state) {
      checkArrays(`${where}.restore`, carried, state, n * d);
      if (grouped) checkArrays(`${where}.restore`, ['group'], state, n);
      for (const name of carried) machine.registers.get(name)!.set(state[name]!);
      if (grouped) machine.group.set(state.group!);
    },
    release: () => arena.release(),
  };
}

/** Arrays to gather into. */
interface Spare {
  /** Whether the registers are arrays of somebody else. */
  bound: boolean;
  rows: Float64Array | undefined;
  group: Uint32Array;
}

async function gather(
  machine: Machine,
  carried: readonly string[],
  spare: Spare,
  ancestor: Uint32Array,
): Promise<void> {
  const { n, d, registers, setting } = machine;
  if (ancestor.length !== n) throw wrongLength(`${setting.where}.gather`, 'ancestor', ancestor.length, n);
  if (spare.bound) throw notOwn(setting.where);
  for (const name of carried) {
    spare.rows ??= machine.arena.f64(n * d);
    const source = registers.get(name)!;
    await setting.backend.dispatch('gatherRows', [source, spare.rows, ancestor, d], n);
    registers.set(name, spare.rows);
    spare.rows = source;
  }
  if (!machine.grouped) return;
  await setting.backend.dispatch('gatherWords', [machine.group, spare.group, ancestor, 1], n);
  [machine.group, spare.group] = [spare.group, machine.group];
}

function saved(machine: Machine, carried: readonly string[]): Record<string, Float64Array | Uint32Array> {
  const { registers, grouped, group } = machine;
  const arrays = Object.fromEntries(carried.map((name) => [name, registers.get(name)!.slice()]));
  return !grouped ? arrays : { ...arrays, group: group.slice() };
}

/** The operations with their factors where kernels reach them. */
function placed(
  steps: readonly (readonly PlannedOperation[])[],
  arena: Arena,
): readonly (readonly PlannedOperation[])[] {
  const count = (each: PlannedOperation): number => (each.kind === 'combine' ? each.factors.length : 0);
  const room = arena.f64(steps.flat().reduce((sum, each) => sum + count(each), 0));
  let at = 0;
  const place = (each: PlannedOperation): PlannedOperation => {
    if (each.kind !== 'combine') return each;
    const factors = room.subarray(at, at + count(each));
    factors.set(each.factors);
    at += factors.length;
    return { ...each, factors };
  };
  return steps.map((operations) => operations.map(place));
}

function copied(own: Uint32Array, from: Uint32Array | undefined): Uint32Array {
  if (from !== undefined) own.set(from);
  return own;
}

function checkGrids(where: string, grids: readonly Grid[], { schedule }: OpenDenoiser): void {
  if (grids.length === 0)
    throw new OptionError({
      where,
      option: 'grids',
      value: grids,
      found: 'there is no grid',
      expected: 'at least one',
      fix: 'Try timeGrid(schedule, { steps: 20 }).',
    });
  for (const [g, grid] of grids.entries()) checkGrid(where, `grids[${g}]`, grid, schedule, 'the denoiser');
}

function checkGroup(where: string, group: Uint32Array | undefined, n: number, grids: number): void {
  if (group === undefined) return;
  if (group.length !== n) throw wrongLength(where, 'group', group.length, n);
  const wrong = group.findIndex((g) => g >= grids);
  if (wrong < 0) return;
  throw new OptionError({
    where,
    option: 'group',
    value: group[wrong],
    found: `group[${wrong}] is ${group[wrong]}`,
    expected: `the index of a grid, 0 to ${grids - 1}`,
  });
}

function notOwn(where: string): OptionError {
  return new OptionError({
    where: `${where}.gather`,
    option: 'ancestor',
    value: undefined,
    found: 'the registers are bound to the arrays of somebody else',
    expected: 'that they are gathered there',
  });
}

function checkArrays(
  where: string,
  names: readonly string[],
  arrays: Readonly<Record<string, ArrayLike<number>>>,
  length: number,
): void {
  for (const name of names)
    if (arrays[name]?.length !== length) throw wrongLength(where, name, arrays[name]?.length, length);
}

function wrongLength(where: string, name: string, found: number | undefined, length: number): ShapeError {
  return new ShapeError({
    where,
    found: found === undefined ? `${name} is missing` : `${name} has length ${found}`,
    expected: `${length} numbers`,
  });
}
