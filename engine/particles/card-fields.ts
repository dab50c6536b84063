import type { Gpu, GpuArray } from '../backend/gpu/types.ts';
import { gatherRows } from '../backend/wgsl/gather.ts';
import { checkCount } from '../check.ts';

/** One field of a particle on the card: `components` numbers. */
export interface CardFieldSpec {
  readonly components: number;
  /** Default 'f32'. */
  readonly type?: 'f32' | 'u32';
}

export type CardFieldSpecs = Readonly<Record<string, CardFieldSpec>>;

type CardFieldArray<S extends CardFieldSpec> = GpuArray<S['type'] extends 'u32' ? 'u32' : 'f32'>;

/**
 * The state of n particles on a card: a row-major array [n, k] for each named field, twice. What `Particles` is on the
 * host, but for log-weights, which are float64 and stay there.
 */
export interface CardFields<F extends CardFieldSpecs = CardFieldSpecs> {
  readonly count: number;
  /** The particles of a field, [n, k]. Another array after `select` and `swap`: ask again. */
  field<K extends keyof F & string>(name: K): CardFieldArray<F[K]>;
  /** The other array of a field, [n, k]: what it was before `select`, or where a move writes. */
  spare<K extends keyof F & string>(name: K): CardFieldArray<F[K]>;
  /** Exchange the two arrays of the named fields. */
  swap(...names: readonly (keyof F & string)[]): void;
  /** Replace every particle by the one that `ancestor` [n] names, in all fields. Queued. */
  select(ancestor: GpuArray<'u32'>): void;
  /** Give the arrays back. Idempotent. */
  release(): void;
}

interface Store {
  readonly components: number;
  front: GpuArray;
  back: GpuArray;
}

/** @throws OptionError for a bad count; BackendError when a field is larger than the card's largest array. */
export function makeCardFields<const F extends CardFieldSpecs>(
  gpu: Gpu,
  particles: number,
  fields: F,
): CardFields<F> {
  const n = checkCount('makeCardFields', 'particles', particles, { min: 1, max: 2 ** 31 });
  const arena = gpu.arena();
  const stores = new Map<string, Store>();
  try {
    for (const [name, { components, type = 'f32' }] of Object.entries(fields)) {
      checkCount('makeCardFields', `fields.${name}.components`, components, { min: 1 });
      const take = (): GpuArray => (type === 'f32' ? arena.f32(n * components) : arena.u32(n * components));
      stores.set(name, { components, front: take(), back: take() });
    }
  } catch (error) {
    arena.release();
    throw error;
  }
  const exchange = (store: Store): void => {
    [store.front, store.back] = [store.back, store.front];
  };
  return {
    count: n,
    // The arrays were taken with the type that the specification names.
    field: (name) => stores.get(name)!.front as CardFieldArray<F[typeof name]>,
    spare: (name) => stores.get(name)!.back as CardFieldArray<F[typeof name]>,
    swap(...names) {
      for (const name of names) exchange(stores.get(name)!);
    },
    select(ancestor) {
      for (const store of stores.values()) {
        const { front, back, components: d } = store;
        gpu.run(gatherRows, { source: front, ancestor, rows: back }, { d }, n * d);
        exchange(store);
      }
    },
    release: () => arena.release(),
  };
}
