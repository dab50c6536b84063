import type { Arena, Backend } from '../../../engine/backend/backend.ts';
import { DegeneracyError } from '../../../engine/errors.ts';
import type { Selection } from '../../../engine/particles/smc/feynman-kac.ts';
import { makeSmc } from '../../../engine/particles/smc/smc.ts';
import type { Smc } from '../../../engine/particles/smc/types.ts';
import type { TriggerOptions } from '../../../engine/particles/trigger.ts';
import { PURPOSE } from '../../../engine/random/purpose.ts';
import type { Rng } from '../../../engine/random/rng.ts';
import type { StateFields } from '../state-space.ts';
import { backwardPath } from './backward-path.ts';
import { makeConditionalSelector } from './conditional-selection.ts';
import { type IndexChooser, makeIndexChooser } from './index-choice.ts';
import { type Slot, slotModel, slotRng } from './slots.ts';
import { makeTransitionRows, type TransitionDensity } from './transition-rows.ts';

/*
 * One conditional SMC update of a path x*_0..x*_{T-1}: a Markov kernel that keeps the law of the path given the
 * observations, for any number of particles N >= 2.
 *
 *   t = 0   x_0^0 = x*_0; the others ~ M_0
 *   t > 0   if resampled: A_0 = 0, A_1..A_{N-1} ~ W_{t-1};  x_t^0 = x*_t, the others ~ M_t
 *   end     k ~ W_{T-1}; the new path is that of particle k
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | x* | reference | [T, d] |
 * | N | particles | |
 * | f_t | logTransition | |
 *
 * | variant | changes | source |
 * |---|---|---|
 * | plain | nothing | Andrieu, Doucet & Holenstein (2010) |
 * | ancestor | A_0 ~ W_{t-1}^i f_t(x*_t given x_{t-1}^i) | Lindsten, Jordan & Schon (2014) |
 * | backward | the path is drawn backwards, B_t ~ W_t^i f_{t+1}(x_{t+1} given x_t^i) | Whiteley (2010) |
 * | systematic | A by conditional systematic resampling | Chopin & Singh (2015) |
 *
 * Draws: purpose 2 at step t for A (particle 0 for A_0), 5 for B, 6 at step T-1 for k.
 */
export type ConditionalVariant = 'plain' | 'ancestor' | 'backward' | 'systematic';

/** One path to be updated. */
export interface PathSlot extends Slot {
  readonly reference: Float64Array;
  /** For variants 'ancestor' and 'backward'. */
  readonly logTransition?: TransitionDensity | undefined;
}

export interface UpdaterOptions extends TriggerOptions {
  /** The method, for messages. */
  readonly where: string;
  readonly backend: Backend;
  readonly signal: AbortSignal;
  /** N >= 2. */
  readonly particles: number;
  readonly variant: ConditionalVariant;
}

/** Updates paths again and again in arrays of its own, many side by side in one flat run. */
export interface PathUpdater {
  /**
   * The paths after one update, [T, d] each. As many slots as at the beginning, whose models have the same fields.
   * @throws DegeneracyError when no particle is left, the reference included.
   */
  update(slots: readonly PathSlot[]): Promise<Float64Array[]>;
  release(): void;
}

/** An updater for as many paths as there are slots, which also tell what their models look like. */
export function makePathUpdater(first: readonly PathSlot[], options: UpdaterOptions): PathUpdater {
  const { where, backend, particles: n, variant } = options;
  const arena = backend.arena();
  const chooser = makeIndexChooser(where, n);
  const rows = makeTransitionRows(n, first[0]!.model.fields.x.components);
  let slots = first;
  const select: Selection<StateFields> = makeSelect({ arena, chooser, rows, ...options }, () => ({
    smc,
    slots,
  }));
  const smc = makeSmc({
    ...options,
    model: first.map((_, index) => slotModel(() => slots[index]!)),
    rngs: first.map((_, index) => slotRng(() => slots[index]!)),
    history: { kind: variant === 'backward' ? 'full' : 'paths' },
    select,
  });
  const fresh = smc.snapshot();
  return {
    async update(next) {
      slots = next;
      await smc.restore(fresh);
      while (!smc.finished) await smc.advance();
      return slots.map(({ rng, logTransition }, index) => {
        const last = finalIndex(smc, chooser, rng, index, where);
        if (variant !== 'backward') return smc.history.path(index * n + last).x!;
        const { frames } = smc.history;
        return backwardPath({ frames, index, rng, last, logTransition: logTransition! }, rows, chooser);
      });
    },
    release() {
      smc.release();
      arena.release();
    },
  };
}

/** A path of each slot drawn from an ordinary filter: where chains of paths start. */
export async function filteredPaths(
  slots: readonly Slot[],
  options: Omit<UpdaterOptions, 'variant'>,
): Promise<Float64Array[]> {
  const { where, particles } = options;
  const model = slots.map((slot) => slot.model);
  const rngs = slots.map(({ rng }) => rng);
  const smc = makeSmc({ ...options, model, rngs, history: { kind: 'paths' } });
  try {
    while (!smc.finished) await smc.advance();
    const chooser = makeIndexChooser(where, particles);
    return rngs.map((rng, index) => {
      const last = finalIndex(smc, chooser, rng, index, where);
      return smc.history.path(index * particles + last).x!;
    });
  } finally {
    smc.release();
  }
}

interface SelectParts extends UpdaterOptions {
  readonly arena: Arena;
  readonly chooser: IndexChooser;
  readonly rows: ReturnType<typeof makeTransitionRows>;
}

/** The ancestors of a conditional step, by variant. */
function makeSelect(
  { backend, arena, particles, variant, chooser, rows }: SelectParts,
  now: () => { readonly smc: Smc<StateFields>; readonly slots: readonly PathSlot[] },
): Selection<StateFields> {
  const selector = makeConditionalSelector(backend, arena, particles);
  return async (step, population, ancestor) => {
    const { index, rng } = population;
    const { smc, slots } = now();
    const draw = { rng, step, weight: smc.weight(index), summary: smc.summary(index), ancestor };
    if (variant === 'systematic') await selector.systematic(draw);
    else await selector.independent(draw);
    if (variant !== 'ancestor') return;
    const { reference, logTransition } = slots[index]!;
    rows.weigh(logTransition!, step, population.field('x'), reference, population.logWeight);
    const u = rng.stream({ purpose: PURPOSE.resampling, step }).uniform();
    ancestor[0] = chooser.choose(rows.logWeight, u) ?? 0;
  };
}

/** k ~ W_{T-1}. */
function finalIndex(
  smc: Smc<StateFields>,
  chooser: IndexChooser,
  rng: Rng,
  index: number,
  where: string,
): number {
  const { collapsedAt } = smc.runs[index]!;
  if (collapsedAt !== undefined) throw allDead(where, collapsedAt);
  const u = rng.stream({ purpose: PURPOSE.permutation, step: smc.step }).uniform();
  return chooser.choose(smc.population(index).logWeight, u)!;
}

function allDead(where: string, step: number): DegeneracyError {
  return new DegeneracyError({
    where,
    found: `every particle is dead at step ${step}`,
    expected: 'at least one that its observation allows',
    fix: 'Use more particles, or start at other parameter values.',
  });
}
