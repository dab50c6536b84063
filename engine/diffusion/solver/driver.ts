import type { Backend } from '../../backend/backend.ts';
import { checkCount } from '../../check.ts';
import { OptionError, ShapeError } from '../../errors.ts';
import { PURPOSE } from '../../random/purpose.ts';
import { channel, type Rng } from '../../random/rng.ts';
import { makeTurn, type Turn } from '../../turn.ts';
import type { OpenDenoiser, Times } from '../denoiser.ts';
import type { Grid } from '../grid.ts';
import type { NoiseSchedule } from '../schedule.ts';
import { combine } from './combine.ts';
import { type PlannedOperation, planPrograms } from './plan.ts';
import type { Integrator } from './program.ts';
import { allRegisters, carriedRegisters, type Register, registerName } from './registers.ts';

/** Standard normals of the `draw`-th draw of a step, counted from 0, into `out` [n, d]. */
export type NoiseSupply = (step: number, draw: number, out: Float64Array) => void | Promise<void>;

export interface IntegrationOptions {
  /** Who asks, for messages. */
  readonly where: string;
  readonly integrator: Integrator;
  readonly denoiser: OpenDenoiser;
  /** One grid, or G of them with as many points that all end at noise 0 or all above it. */
  readonly grids: readonly Grid[];
  /** [n] which grid a particle follows. Default: the first, all of them. */
  readonly group?: Uint32Array;
  /** n */
  readonly particles: number;
  readonly backend: Backend;
  readonly signal?: AbortSignal;
  /** In place of addressed normals: noise known to a test, quasi-random points. */
  readonly noise?: NoiseSupply;
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
  /** Every particle becomes a copy of its `ancestor` [n], history and grid included. */
  gather(ancestor: Uint32Array): Promise<void>;
  /** Work on these arrays, [n, d] each, one for every name of `fields`, until the next `gather` or `bind`. */
  bind(arrays: Readonly<Record<string, Float64Array>>): void;
  /** Copies of all that a later `restore` needs between two steps, by name. */
  snapshot(): Record<string, Float64Array | Uint32Array>;
  /** @throws ShapeError when an array is missing or of another length. */
  restore(saved: Readonly<Record<string, ArrayLike<number>>>): void;
  /** Give the memory back; the denoiser stays open. Idempotent. */
  release(): void;
}

/** What the operations work on. */
interface Machine {
  readonly options: IntegrationOptions;
  readonly n: number;
  readonly d: number;
  readonly registers: Map<string, Float64Array>;
  /** [n] the group of each particle; undefined when there is one. */
  group: Uint32Array | undefined;
  /** [n, d] z, and the score of a Langevin move; made when they are first needed. */
  normals: Float64Array | undefined;
  score: Float64Array | undefined;
  /** [n] times of the rows. */
  readonly times: Float64Array | undefined;
  /** [n] times that depend on the particles; made when they are first needed. */
  chosen: Float64Array | undefined;
  readonly turn: Turn;
  take(length: number): Float64Array;
}

/**
 * Run an integrator on n particles: its registers are arrays [n, d] of the backend.
 *
 * The result does not depend on which particles share a call or a group: each particle ends where it would end alone.
 * @throws OptionError for bad counts, groups that are not there, or programs that do not go together.
 */
export function openIntegration(options: IntegrationOptions): Integration {
  const { where, integrator, grids, backend, denoiser } = options;
  const n = checkCount(where, 'particles', options.particles, { min: 1 });
  checkGrids(where, grids, denoiser);
  const d = denoiser.dimension;
  const { program, steps } = planPrograms(where, integrator, grids);
  const carried = carriedRegisters(where, program).map(registerName);
  checkGroup(where, options.group, n, grids.length);
  const arena = backend.arena();
  const grouped = grids.length > 1;
  const registers = allRegisters(program).map((each): [string, Float64Array] => [
    registerName(each),
    arena.f64(n * d),
  ]);
  const machine: Machine = {
    options,
    n,
    d,
    registers: new Map(registers),
    group: grouped ? copied(arena.u32(n), options.group) : undefined,
    normals: undefined,
    score: undefined,
    times: grouped ? arena.f64(n) : undefined,
    chosen: undefined,
    turn: makeTurn(),
    take: (length) => arena.f64(length),
  };
  const spare: Spare = { rows: undefined, group: grouped ? arena.u32(n) : undefined };
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
    },
    snapshot: () => saved(machine, carried),
    restore(state) {
      checkArrays(`${where}.restore`, carried, state, n * d);
      if (machine.group !== undefined) checkArrays(`${where}.restore`, ['group'], state, n);
      for (const name of carried) machine.registers.get(name)!.set(state[name]!);
      machine.group?.set(state.group!);
    },
    release: () => arena.release(),
  };
}

async function execute(
  machine: Machine,
  operation: PlannedOperation,
  step: number,
  rng: Rng | undefined,
): Promise<void> {
  switch (operation.kind) {
    case 'evaluate':
      return evaluateModel(machine, operation, step);
    case 'combine': {
      const sources = operation.sources.map((each) => register(machine, each));
      if (operation.draw !== undefined) sources.push(await normals(machine, step, operation.draw, rng));
      const { n, d, group } = machine;
      const rows = Math.max(1, Math.floor(65536 / d));
      for (let lo = 0; lo < n; lo += rows) {
        combine(
          register(machine, operation.target),
          sources,
          operation.factors,
          group,
          d,
          lo,
          Math.min(n, lo + rows),
        );
        if (machine.turn.due()) await machine.turn.pause(machine.options.signal);
      }
      return;
    }
    case 'langevin':
      return langevinMove(machine, operation, step, rng);
    case 'change': {
      const value = register(machine, { kind: 'value', index: operation.value });
      return operation.change.apply(value, [machine.n, machine.d]);
    }
    default:
      return operation satisfies never;
  }
}

async function evaluateModel(
  machine: Machine,
  operation: Extract<PlannedOperation, { kind: 'evaluate' }>,
  step: number,
): Promise<void> {
  const { n, d, options } = machine;
  const { prediction, other, chooseTimes } = operation;
  const x = register(machine, { kind: 'state', index: operation.state });
  let times = timesOf(machine, operation.time);
  if (chooseTimes !== undefined) {
    machine.chosen ??= machine.take(n);
    chooseTimes(x, times, [n, d], machine.chosen);
    times = machine.chosen;
  }
  const out = register(machine, { kind: 'value', index: operation.value });
  const wanted =
    other === undefined
      ? { [prediction]: out }
      : {
          [prediction]: out,
          [prediction === 'clean' ? 'noise' : 'clean']: register(machine, { kind: 'value', index: other }),
        };
  return options.denoiser.evaluate(x, times, n, wanted, step);
}

function register({ registers }: Machine, which: Register): Float64Array {
  return registers.get(registerName(which))!;
}

/** One time for all rows where there is one group, else the array of their times. */
function timesOf({ group, times, n }: Machine, byGroup: Float64Array): Times {
  if (group === undefined || times === undefined) return byGroup[0]!;
  for (let i = 0; i < n; i++) times[i] = byGroup[group[i]!]!;
  return times;
}

async function normals(
  machine: Machine,
  step: number,
  draw: number,
  rng: Rng | undefined,
): Promise<Float64Array> {
  const { options, n, d } = machine;
  machine.normals ??= machine.take(n * d);
  const z = machine.normals;
  if (options.noise !== undefined) await options.noise(step, draw, z);
  else {
    if (rng === undefined) throw noGenerator(options);
    const last = channel(PURPOSE.diffusion, draw);
    await options.backend.dispatch('normal', [z, d, ...rng.key, 0, step, last], n);
  }
  return z;
}

/** x + e s + sqrt(2 e) z with e = 2 a (r |z| / |s|)^2, each particle by its own score s and its own z. */
async function langevinMove(
  machine: Machine,
  { state, time, ratio, scale, draw }: Extract<PlannedOperation, { kind: 'langevin' }>,
  step: number,
  rng: Rng | undefined,
): Promise<void> {
  const { n, d, group, options } = machine;
  machine.score ??= machine.take(n * d);
  const s = machine.score;
  const x = register(machine, { kind: 'state', index: state });
  await options.denoiser.evaluate(x, timesOf(machine, time), n, { score: s }, step);
  const z = await normals(machine, step, draw, rng);
  for (let i = 0; i < n; i++) {
    const g = group === undefined ? 0 : group[i]!;
    let square = 0;
    let length = 0;
    for (let at = i * d; at < (i + 1) * d; at++) {
      square += s[at]! * s[at]!;
      length += z[at]! * z[at]!;
    }
    const e = (2 * scale[g]! * ratio[g]! * ratio[g]! * length) / square;
    const root = Math.sqrt(2 * e);
    for (let at = i * d; at < (i + 1) * d; at++) x[at] = x[at]! + e * s[at]! + root * z[at]!;
  }
}

/** Arrays to gather into. */
interface Spare {
  rows: Float64Array | undefined;
  group: Uint32Array | undefined;
}

async function gather(
  machine: Machine,
  carried: readonly string[],
  spare: Spare,
  ancestor: Uint32Array,
): Promise<void> {
  const { n, d, registers, options } = machine;
  if (ancestor.length !== n) throw wrongLength(`${options.where}.gather`, 'ancestor', ancestor.length, n);
  for (const name of carried) {
    spare.rows ??= machine.take(n * d);
    const source = registers.get(name)!;
    await options.backend.dispatch('gatherRows', [source, spare.rows, ancestor, d], n);
    registers.set(name, spare.rows);
    spare.rows = source;
  }
  if (machine.group === undefined || spare.group === undefined) return;
  await options.backend.dispatch('gatherWords', [machine.group, spare.group, ancestor, 1], n);
  [machine.group, spare.group] = [spare.group, machine.group];
}

function saved(machine: Machine, carried: readonly string[]): Record<string, Float64Array | Uint32Array> {
  const { registers, group } = machine;
  const arrays = Object.fromEntries(carried.map((name) => [name, registers.get(name)!.slice()]));
  return group === undefined ? arrays : { ...arrays, group: group.slice() };
}

function copied(own: Uint32Array, from: Uint32Array | undefined): Uint32Array {
  if (from !== undefined) own.set(from);
  return own;
}

function checkGrids(where: string, grids: readonly Grid[], { schedule }: OpenDenoiser): void {
  const wrong = grids.findIndex((grid) => !sameSchedule(grid.schedule, schedule));
  if (wrong < 0 && grids.length > 0) return;
  const grid = grids[wrong];
  throw new OptionError({
    where,
    option: 'grids',
    value: grids,
    found: grid === undefined ? 'there is no grid' : `a grid has times of ${grid.schedule.describe()}`,
    expected: `times of the denoiser's schedule, ${schedule.describe()}`,
    fix: 'Make the grid from `denoiser.schedule`.',
  });
}

function sameSchedule(one: NoiseSchedule, other: NoiseSchedule): boolean {
  return one === other || one.describe() === other.describe();
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

function noGenerator({ where, integrator }: IntegrationOptions): OptionError {
  return new OptionError({
    where,
    option: 'rng',
    value: undefined,
    found: `${integrator.name} draws noise and there is no generator`,
    expected: 'a generator',
    fix: 'Pass one to `advance`.',
  });
}
