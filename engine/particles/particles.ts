import type { Arena, Backend, KernelCall } from '../backend/backend.ts';
import { checkCount } from '../check.ts';
import { OptionError, ShapeError } from '../errors.ts';
import { permuteInPlace } from './in-place.ts';

/** One field of a particle: `components` numbers. */
export interface FieldSpec {
  readonly components: number;
  /** Default 'float64'. Weights are float64 always. */
  readonly type?: 'float64' | 'float32';
}

export type FieldSpecs = Readonly<Record<string, FieldSpec>>;
export type FieldArray<S extends FieldSpec> = S['type'] extends 'float32' ? Float32Array : Float64Array;

export interface ParticlesOptions<F extends FieldSpecs> {
  readonly backend: Backend;
  /** n, at least 1. */
  readonly particles: number;
  readonly fields: F;
  /**
   * Permute ancestors and copy within one array: half the memory, another (equally valid) run. Part of a run's
   * configuration. Default false.
   */
  readonly inPlace?: boolean;
}

/**
 * n particles: one row-major array [n, k] for each named field, twice (the particles and their parents), with
 * log-weights, ancestors and eves. A step is: draw `ancestor`; `select`; `advance`; write the fields from the parents.
 */
export interface Particles<F extends FieldSpecs = FieldSpecs> {
  readonly count: number;
  /** Slots held: count rounded up to a multiple of 64. Slots from `count` on are never counted. */
  readonly capacity: number;
  readonly fields: F;
  readonly inPlace: boolean;
  /** [n] natural log, unnormalised. Starts at 0; slots beyond n stay at -Infinity. */
  readonly logWeight: Float64Array;
  /** [n] slot of the parent at the previous step; starts as the identity. */
  readonly ancestor: Uint32Array;
  /** Index of the ancestor at step 0, [n]. */
  eve(): Uint32Array;
  /** The particles of a field, [n, k]. Another array after `select` and `advance`: ask again. */
  field<K extends keyof F & string>(name: K): FieldArray<F[K]>;
  /** What the particles were before `advance`, [n, k]; the same array as `field` when in place. */
  parent<K extends keyof F & string>(name: K): FieldArray<F[K]>;
  /** Replace every particle (and eve) by its `ancestor`, which is permuted first when in place. */
  select(): Promise<void>;
  /** The particles become the parents; `field` is then to be written. */
  advance(): void;
  /** Copies of everything that a later `restore` needs, by name. */
  state(): Record<string, SavedArray>;
  /** @throws ShapeError when an array is missing or of another length. */
  restore(state: Readonly<Record<string, ArrayLike<number>>>): void;
  /** Give the memory back. Idempotent. */
  release(): void;
}

type SavedArray = Float64Array | Float32Array | Uint32Array;

/** The two arrays of a field. */
interface Store {
  readonly name: string;
  readonly components: number;
  front: Float64Array | Float32Array;
  back: Float64Array | Float32Array;
}

/** Particles per allocation unit: whole cache lines and device workgroups. */
const UNIT = 64;

/** @throws OptionError for a bad count, no field, or a field without components. */
export function makeParticles<const F extends FieldSpecs>(options: ParticlesOptions<F>): Particles<F> {
  const { backend, fields, inPlace = false } = options;
  const n = checkCount('makeParticles', 'particles', options.particles, { min: 1, max: 4294967232 });
  checkFields(fields);
  const capacity = Math.ceil(n / UNIT) * UNIT;
  const arena = backend.arena();
  const stores = new Map(
    Object.entries(fields).map(([name, spec]) => [name, makeStore(arena, name, spec, n, capacity, inPlace)]),
  );
  const logWeight = arena.f64(capacity).fill(-Infinity, n).subarray(0, n);
  const ancestor = identity(arena.u32(capacity).subarray(0, n));
  let eve = identity(arena.u32(capacity).subarray(0, n));
  let spareEve = inPlace ? eve : arena.u32(capacity).subarray(0, n);
  const store = (name: string): Store => stores.get(name) ?? unknownField(name, fields);

  const select = async (): Promise<void> => {
    if (inPlace) permuteInPlace(ancestor);
    const gathers = Array.from(stores.values(), (s) => gathering(s, ancestor));
    await backend.chain(
      [...gathers, { kernel: 'gatherWords', args: [eve, spareEve, ancestor, 1], over: 'rows' }],
      n,
    );
    stores.forEach(swap);
    [eve, spareEve] = [spareEve, eve];
  };

  const saved = (): [string, SavedArray][] => [
    ['logWeight', logWeight],
    ['ancestor', ancestor],
    ['eve', eve],
    ...Array.from(stores.values(), (s): [string, SavedArray] => [`field:${s.name}`, s.front]),
  ];

  return {
    count: n,
    capacity,
    fields,
    inPlace,
    logWeight,
    ancestor,
    eve: () => eve,
    // makeStore took the array type from the very specification that FieldArray reads.
    field: (name) => store(name).front as FieldArray<F[typeof name]>,
    parent: (name) => store(name).back as FieldArray<F[typeof name]>,
    select,
    advance: () => stores.forEach(swap),
    state: () => Object.fromEntries(saved().map(([name, array]) => [name, array.slice()])),
    restore: (state) => restoreArrays(saved(), state),
    release: () => arena.release(),
  };
}

function identity(index: Uint32Array): Uint32Array {
  for (let i = 0; i < index.length; i++) index[i] = i;
  return index;
}

function makeStore(
  arena: Arena,
  name: string,
  spec: FieldSpec,
  n: number,
  capacity: number,
  inPlace: boolean,
): Store {
  const { components, type = 'float64' } = spec;
  const take = (): Float64Array | Float32Array => {
    if (type === 'float64') return arena.f64(capacity * components).subarray(0, n * components);
    const words = arena.u32(capacity * components);
    return new Float32Array(words.buffer, words.byteOffset, n * components);
  };
  const front = take();
  return { name, components, front, back: inPlace ? front : take() };
}

function swap(store: Store): void {
  [store.front, store.back] = [store.back, store.front];
}

function gathering({ front, back, components }: Store, ancestor: Uint32Array): KernelCall {
  if (front instanceof Float64Array && back instanceof Float64Array)
    return { kernel: 'gatherRows', args: [front, back, ancestor, components], over: 'rows' };
  return { kernel: 'gatherWords', args: [words(front), words(back), ancestor, components], over: 'rows' };
}

function words(array: Float32Array | Float64Array): Uint32Array {
  return new Uint32Array(array.buffer, array.byteOffset, array.byteLength / 4);
}

function checkFields(fields: FieldSpecs): void {
  const names = Object.keys(fields);
  for (const name of names)
    checkCount('makeParticles', `fields.${name}.components`, fields[name]!.components, { min: 1 });
  if (names.length > 0) return;
  throw new OptionError({
    where: 'makeParticles',
    option: 'fields',
    value: fields,
    found: 'option `fields` is empty',
    expected: 'at least one field',
    fix: 'Try fields: { x: { components: 1 } }.',
  });
}

function unknownField(name: string, fields: FieldSpecs): never {
  throw new OptionError({
    where: 'particles',
    option: 'field',
    value: name,
    found: `there is no field ${JSON.stringify(name)}`,
    expected: `one of ${Object.keys(fields).join(', ')}`,
  });
}

function restoreArrays(
  targets: readonly [string, SavedArray][],
  state: Readonly<Record<string, ArrayLike<number>>>,
): void {
  for (const [name, target] of targets) checkSaved(name, state[name], target.length);
  for (const [name, target] of targets) target.set(state[name]!);
}

function checkSaved(name: string, array: ArrayLike<number> | undefined, length: number): void {
  if (array?.length === length) return;
  throw new ShapeError({
    where: 'particles.restore',
    found: array === undefined ? `${name} is missing` : `${name} has length ${array.length}`,
    expected: `${length} numbers`,
  });
}
