import type { FieldSpecs } from '../../../engine/particles/particles.ts';
import { makeSmc } from '../../../engine/particles/smc/smc.ts';
import type { Smc } from '../../../engine/particles/smc/types.ts';
import { TAG } from '../../../engine/random/purpose.ts';
import { type Rng, rngFromKey } from '../../../engine/random/rng.ts';
import type { Context } from '../../../engine/sampler.ts';
import type { StateFields } from '../state-space.ts';
import { type FilterJob, type FilterSetup, runFilters } from './pseudo-marginal.ts';
import { type Slot, slotModel, slotRng } from './slots.ts';
import type { SmcSquaredPlan } from './smc-squared-plan.ts';

/*
 * The filters of n outer particles in one flat run, and which filter belongs to which particle: `home` is a permutation that
 * changes as filters are handed over, so that copies are made only of what has more than one child. Every filter that starts, and
 * every copy that goes on, has a key of its own, child(3, number) of its outer particle's: two copies with one key would move alike.
 */
export interface InnerFilters {
  /** N_x now. */
  readonly particles: number;
  /** Model evaluations so far. */
  readonly evaluations: number;
  /** Fresh filters at the rows of theta [n, p], before their first step. */
  open(theta: Float64Array): void;
  /** One step of all. log p-hat(y_t | y_0..y_{t-1}, theta) of each outer particle into `increment` [n]. */
  advance(increment: Float64Array): Promise<void>;
  /** After a resampling of the outer particles: particle r goes on with a filter of the particle `ancestor[r]` was. */
  follow(ancestor: ArrayLike<number>, theta: Float64Array): Promise<void>;
  /** log Z-hat of fresh filters of the particles listed over the steps so far, at rows of `x` [m, p], into `out` [m]. */
  try(particles: readonly number[], x: Float64Array, out: Float64Array): Promise<void>;
  /** The particles of the last `try` that are to go on with their fresh filter. */
  accept(particles: readonly number[]): Promise<void>;
  /** All filters anew with twice the particles, over the steps so far; log Z-hat of each into `out` [n]. */
  double(theta: Float64Array, out: Float64Array): Promise<void>;
  snapshot(): {
    readonly header: unknown;
    readonly arrays: ReturnType<Smc<FieldSpecs>['snapshot']>['arrays'];
  };
  restore(
    saved: { readonly header: unknown; readonly arrays: ReturnType<Smc<FieldSpecs>['snapshot']>['arrays'] },
    theta: Float64Array,
  ): Promise<void>;
  release(): void;
}

interface Saved {
  readonly particles: number;
  readonly started: number;
  readonly evaluations: number;
  readonly keys: readonly (readonly [number, number])[];
  readonly smc: unknown;
}

export function makeInnerFilters(plan: SmcSquaredPlan, ctx: Context): InnerFilters {
  const { where, models, scheme, innerTrigger, particles: n } = plan;
  const p = plan.prior.names.length;
  const { backend, signal } = ctx;
  const owners: readonly Rng[] = Array.from({ length: n }, (_, r) => ctx.rng.child(TAG.outerParticle, r));
  const home = Uint32Array.from({ length: n }, (_, r) => r);
  const slots: FilterJob[] = [];
  let particles = plan.innerParticles;
  let started = 0;
  let evaluations = 0;
  let smc: Smc<StateFields> | undefined;
  let trial:
    | { readonly smc: Smc<StateFields>; readonly rows: readonly number[]; readonly jobs: FilterJob[] }
    | undefined;

  const setup = (): FilterSetup => ({ where, backend, signal, particles, scheme, ...innerTrigger });
  const job = (r: number, theta: Float64Array): FilterJob => ({
    model: models.filter(theta),
    rng: owners[r]!.child(TAG.innerFilter, started),
  });
  const row = (x: Float64Array, r: number): Float64Array => x.slice(r * p, (r + 1) * p);
  const openLoop = (): Smc<StateFields> => {
    const at = slots.map((_, f) => (): Slot => slots[f]!);
    return makeSmc({ ...setup(), model: at.map(slotModel), rngs: at.map(slotRng) });
  };
  const open = (theta: Float64Array): void => {
    for (let r = 0; r < n; r++) {
      home[r] = r;
      slots[r] = job(r, row(theta, r));
    }
    started++;
    smc?.release();
    smc = openLoop();
  };
  const endTrial = (): void => {
    trial?.smc.release();
    trial = undefined;
  };

  return {
    get particles() {
      return particles;
    },
    get evaluations() {
      return evaluations;
    },
    open,
    async advance(increment) {
      await smc!.advance();
      evaluations += n * particles;
      for (let r = 0; r < n; r++) increment[r] = smc!.runs[home[r]!]!.increment;
    },
    async follow(ancestor, theta) {
      await handOver(smc!, home, ancestor);
      for (let r = 0; r < n; r++) slots[home[r]!] = job(r, row(theta, r));
      started++;
    },
    async try(rows, x, out) {
      endTrial();
      const jobs = rows.map((r, i) => job(r, row(x, i)));
      started++;
      const steps = smc!.step + 1;
      trial = { smc: await runFilters(jobs, setup(), steps), rows, jobs };
      evaluations += rows.length * particles * steps;
      for (let i = 0; i < rows.length; i++) out[i] = trial.smc.runs[i]!.logNormalizer;
    },
    async accept(accepted) {
      for (const r of accepted) {
        const source = trial!.rows.indexOf(r);
        await smc!.adopt(home[r]!, trial!.smc, source);
        slots[home[r]!] = trial!.jobs[source]!;
      }
      endTrial();
    },
    async double(theta, out) {
      const steps = smc!.step + 1;
      particles *= 2;
      open(theta);
      while (smc!.step + 1 < steps && !smc!.finished) await smc!.advance();
      evaluations += n * particles * steps;
      for (let r = 0; r < n; r++) out[r] = smc!.runs[r]!.logNormalizer;
    },
    snapshot() {
      const { header, arrays } = smc!.snapshot();
      const keys = slots.map(({ rng }) => rng.key);
      const saved: Saved = { particles, started, evaluations, keys, smc: header };
      return { header: saved, arrays: { ...prefixed(arrays), 'inner:home': home.slice() } };
    },
    async restore({ header, arrays }, theta) {
      // Written by `snapshot` above.
      const saved = header as Saved;
      ({ particles, started, evaluations } = saved);
      home.set(arrays['inner:home']!);
      for (let r = 0; r < n; r++)
        slots[home[r]!] = { model: models.filter(row(theta, r)), rng: rngFromKey(...saved.keys[home[r]!]!) };
      smc?.release();
      smc = openLoop();
      await smc.restore({ header: saved.smc, arrays: unprefixed(arrays) });
    },
    release() {
      endTrial();
      smc?.release();
      smc = undefined;
    },
  };
}

/**
 * Filters after a resampling: a filter stays with the first child of its particle; the others get the places of filters that have
 * none, and their state. `home` [n] is updated: the filter of each particle.
 */
async function handOver(
  smc: Smc<StateFields>,
  home: Uint32Array,
  ancestor: ArrayLike<number>,
): Promise<void> {
  const n = home.length;
  const wanted = Uint32Array.from({ length: n }, (_, r) => home[ancestor[r]!]!);
  const taken = new Uint8Array(n);
  const waiting: number[] = [];
  for (let r = 0; r < n; r++) {
    if (taken[wanted[r]!] === 1) waiting.push(r);
    taken[wanted[r]!] = 1;
    home[r] = wanted[r]!;
  }
  let free = 0;
  for (const r of waiting) {
    while (taken[free] === 1) free++;
    taken[free] = 1;
    await smc.adopt(free, smc, wanted[r]!);
    home[r] = free;
  }
}

const INNER = 'inner:';

function prefixed<A>(arrays: Readonly<Record<string, A>>): Record<string, A> {
  return Object.fromEntries(Object.entries(arrays).map(([name, array]) => [`${INNER}${name}`, array]));
}

function unprefixed<A>(arrays: Readonly<Record<string, A>>): Record<string, A> {
  const own = Object.entries(arrays).filter(([name]) => name.startsWith(INNER));
  return Object.fromEntries(own.map(([name, array]) => [name.slice(INNER.length), array]));
}
