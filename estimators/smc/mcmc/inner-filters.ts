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

/** A header that goes through JSON, and arrays by name. */
export type SavedFilters = ReturnType<Smc<FieldSpecs>['snapshot']>;

interface Saved {
  readonly particles: number;
  readonly started: number;
  readonly evaluations: number;
  readonly keys: readonly (readonly [number, number])[];
  readonly smc: unknown;
}

/** What changes. */
interface Bank {
  readonly plan: SmcSquaredPlan;
  readonly ctx: Context;
  /** Generators of the outer particles. */
  readonly owners: readonly Rng[];
  /** [n] filter of each outer particle. */
  readonly home: Uint32Array;
  /** What each filter is. */
  readonly slots: FilterJob[];
  particles: number;
  started: number;
  evaluations: number;
  smc: Smc<StateFields> | undefined;
  trial: Trial | undefined;
}

/** Fresh filters that may take the places of old ones. */
interface Trial {
  readonly smc: Smc<StateFields>;
  /** Outer particle of each. */
  readonly rows: readonly number[];
  readonly jobs: readonly FilterJob[];
}

export function makeInnerFilters(plan: SmcSquaredPlan, ctx: Context): InnerFilters {
  const { particles: n } = plan;
  const bank: Bank = {
    ...{
      plan,
      ctx,
      particles: plan.innerParticles,
      started: 0,
      evaluations: 0,
      smc: undefined,
      trial: undefined,
    },
    owners: Array.from({ length: n }, (_, r) => ctx.rng.child(TAG.outerParticle, r)),
    home: Uint32Array.from({ length: n }, (_, r) => r),
    slots: [],
  };
  return {
    get particles() {
      return bank.particles;
    },
    get evaluations() {
      return bank.evaluations;
    },
    open: (theta) => openFilters(bank, theta),
    async advance(increment) {
      const smc = bank.smc!;
      await smc.advance();
      bank.evaluations += n * bank.particles;
      for (let r = 0; r < n; r++) increment[r] = smc.runs[bank.home[r]!]!.increment;
    },
    async follow(ancestor, theta) {
      await handOver(bank.smc!, bank.home, ancestor);
      for (let r = 0; r < n; r++) bank.slots[bank.home[r]!] = jobOf(bank, r, theta, r);
      bank.started++;
    },
    try: (rows, x, out) => tryFilters(bank, rows, x, out),
    async accept(accepted) {
      const trial = bank.trial!;
      for (const r of accepted) {
        const source = trial.rows.indexOf(r);
        await bank.smc!.adopt(bank.home[r]!, trial.smc, source);
        bank.slots[bank.home[r]!] = trial.jobs[source]!;
      }
      endTrial(bank);
    },
    double: (theta, out) => doubleFilters(bank, theta, out),
    snapshot: () => saveFilters(bank),
    restore: (saved, theta) => restoreFilters(bank, saved, theta),
    release() {
      endTrial(bank);
      bank.smc?.release();
      bank.smc = undefined;
    },
  };
}

/** A filter for outer particle r at row `row` of x [m, p], with the next key. */
function jobOf({ plan, owners, started }: Bank, r: number, x: Float64Array, row: number): FilterJob {
  const p = plan.prior.names.length;
  const model = plan.models.filter(x.slice(row * p, (row + 1) * p));
  return { model, rng: owners[r]!.child(TAG.innerFilter, started) };
}

function setupOf({ plan, ctx, particles }: Bank): FilterSetup {
  const { where, scheme, innerTrigger } = plan;
  return { where, backend: ctx.backend, signal: ctx.signal, particles, scheme, ...innerTrigger };
}

function openLoop(bank: Bank): void {
  bank.smc?.release();
  const at = bank.slots.map((_, f) => (): Slot => bank.slots[f]!);
  bank.smc = makeSmc({ ...setupOf(bank), model: at.map(slotModel), rngs: at.map(slotRng) });
}

function openFilters(bank: Bank, theta: Float64Array): void {
  for (let r = 0; r < bank.home.length; r++) {
    bank.home[r] = r;
    bank.slots[r] = jobOf(bank, r, theta, r);
  }
  bank.started++;
  openLoop(bank);
}

async function tryFilters(
  bank: Bank,
  rows: readonly number[],
  x: Float64Array,
  out: Float64Array,
): Promise<void> {
  endTrial(bank);
  const jobs = rows.map((r, row) => jobOf(bank, r, x, row));
  bank.started++;
  const steps = bank.smc!.step + 1;
  const smc = await runFilters(jobs, setupOf(bank), steps);
  bank.trial = { smc, rows, jobs };
  bank.evaluations += rows.length * bank.particles * steps;
  for (let i = 0; i < rows.length; i++) out[i] = smc.runs[i]!.logNormalizer;
}

function endTrial(bank: Bank): void {
  bank.trial?.smc.release();
  bank.trial = undefined;
}

async function doubleFilters(bank: Bank, theta: Float64Array, out: Float64Array): Promise<void> {
  const steps = bank.smc!.step + 1;
  bank.particles *= 2;
  openFilters(bank, theta);
  const smc = bank.smc!;
  while (smc.step + 1 < steps && !smc.finished) await smc.advance();
  bank.evaluations += out.length * bank.particles * steps;
  for (let r = 0; r < out.length; r++) out[r] = smc.runs[r]!.logNormalizer;
}

function saveFilters({ smc, slots, home, particles, started, evaluations }: Bank): SavedFilters {
  const { header, arrays } = smc!.snapshot();
  const saved: Saved = {
    particles,
    started,
    evaluations,
    keys: slots.map(({ rng }) => rng.key),
    smc: header,
  };
  return { header: saved, arrays: { ...prefixed(arrays), [`${INNER}home`]: home.slice() } };
}

async function restoreFilters(
  bank: Bank,
  { header, arrays }: SavedFilters,
  theta: Float64Array,
): Promise<void> {
  // Written by `saveFilters`.
  const { keys, smc, ...counts } = header as Saved;
  Object.assign(bank, counts);
  bank.home.set(arrays[`${INNER}home`]!);
  for (let r = 0; r < bank.home.length; r++) {
    const filter = bank.home[r]!;
    bank.slots[filter] = { ...jobOf(bank, r, theta, r), rng: rngFromKey(...keys[filter]!) };
  }
  openLoop(bank);
  await bank.smc!.restore({ header: smc, arrays: unprefixed(arrays) });
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
