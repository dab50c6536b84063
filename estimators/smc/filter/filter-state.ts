import { decodeState, encodeState, type StateArray } from '../../../engine/array/codec.ts';
import { type Place, savedAdapter } from '../../../engine/model/place.ts';
import { makeSmc } from '../../../engine/particles/smc/smc.ts';
import type { Smc, SmcOptions } from '../../../engine/particles/smc/types.ts';
import { TAG } from '../../../engine/random/purpose.ts';
import type { Context } from '../../../engine/sampler.ts';
import { checkSavedRun } from '../../../engine/saved-run.ts';
import { quasiRandom } from '../sqmc/quasi-random.ts';
import type { StateFields } from '../state-space.ts';
import { type FilterPlace, placeFilter } from './card-place.ts';
import type { FilterPlan } from './filter-plan.ts';
import { type Lineages, makeLineages } from './lineages.ts';
import { type Measure, makeMeasure } from './measure.ts';
import { makeRows, type RowLayout, type Rows, rowLayout } from './row.ts';

/** A filter under way. */
export interface FilterState {
  readonly smc: Smc<StateFields>;
  /** Where the particles are, for provenance. */
  readonly place: Place;
  readonly key: readonly [number, number];
  readonly layout: RowLayout;
  readonly measure: Measure;
  readonly lineages: Lineages | undefined;
  /** The rows of the steps so far; of the last two, where the filter is endless. */
  rows: Rows;
  release(): void;
}

interface Header {
  readonly plan: string;
  readonly key: readonly [number, number];
  readonly smc: unknown;
  readonly lineages: readonly (readonly boolean[])[];
  /** The card whose float32 is in the particles; absent when there was none. */
  readonly adapter?: string | undefined;
}

/** A loop and what belongs to it. */
interface OpenLoop {
  readonly smc: Smc<StateFields>;
  release(): void;
}

/** @param beside as of the loop; where there is one run. */
async function openLoop(
  plan: FilterPlan,
  ctx: Context,
  { onCard }: FilterPlace,
  beside: NonNullable<SmcOptions<StateFields>['beside']>,
): Promise<OpenLoop> {
  const { where, dimension, particles, runs, sharedNoise } = plan;
  const { backend, signal, rng } = ctx;
  // Run r has the numbers of replicate r, however many there are.
  const rngs = Array.from({ length: runs }, (_, r) => rng.child(TAG.replicate, sharedNoise ? 0 : r));
  if (onCard !== undefined) {
    // A filter on the processor does without shaders and the parser of kernels.
    const { cardLoop } = await import('./card-loop.ts');
    const smc = cardLoop({ plan, ...onCard, backend, signal, rngs });
    return { smc, release: smc.release };
  }
  const model = plan.filters();
  const { noise = 0 } = model[0]!;
  const points = plan.quasiRandom
    ? await quasiRandom<StateFields>({ backend, particles, noise, field: 'x', dimension })
    : undefined;
  const hooks = { ...points?.hooks, ...(runs === 1 && { beside }) };
  const smc = makeSmc({ ...plan.loop, ...hooks, where, backend, signal, model, rngs, particles });
  return {
    smc,
    release() {
      smc.release();
      points?.release();
    },
  };
}

/**
 * @param before the card that made the particles of a run that goes on.
 * @throws OptionError for a filter that cannot run on the card which was asked for.
 */
export async function openFilter(plan: FilterPlan, ctx: Context, before?: string): Promise<FilterState> {
  const { dimension, runs, moments, functions, genealogyErrors } = plan;
  const { backend, rng } = ctx;
  const placed = await placeFilter(plan, backend);
  const { smc, release } = await openLoop(plan, ctx, placed, (_, weight) => measure.ahead(weight));
  const known = before === undefined || before === placed.place.card?.adapter;
  const arena = backend.arena();
  const layout = rowLayout({ runs, dimension, moments, functions: functions.length, genealogyErrors });
  const lineages = genealogyErrors ? makeLineages(smc) : undefined;
  const measure: Measure = makeMeasure({ plan, layout, smc, lineages, backend, arena });
  return {
    smc,
    place: known ? placed.place : { ...placed.place, earlier: before },
    key: rng.key,
    layout,
    measure,
    lineages,
    rows: makeRows(layout.width),
    release() {
      release();
      arena.release();
    },
  };
}

/** One observation further. */
export async function advanceFilter(state: FilterState): Promise<void> {
  const { smc, rows, lineages, measure, layout } = state;
  await smc.advance();
  lineages?.record();
  const row = new Float64Array(layout.width);
  await measure.take(row, rows.count === 0 ? undefined : rows.row(rows.count - 1));
  rows.push(row);
}

export function saveFilter(plan: FilterPlan, state: FilterState): Uint8Array {
  const { smc, rows, key } = state;
  const loop = smc.snapshot();
  const window = state.lineages?.snapshot() ?? { resampled: [], arrays: {} };
  const header: Header = {
    plan: plan.fingerprint,
    key,
    smc: loop.header,
    lineages: window.resampled,
    adapter: savedAdapter(state.place),
  };
  return encodeState(header, { ...loop.arrays, ...window.arrays, rows: rows.copy() });
}

/**
 * The filter as it was saved.
 * @throws OptionError for bytes of another method, other options, other data or another seed.
 */
export async function restoreFilter(plan: FilterPlan, bytes: Uint8Array, ctx: Context): Promise<FilterState> {
  const { header, arrays } = decodeState(bytes);
  const saved = header as Header | null;
  const { where } = plan;
  const own = { plan: plan.fingerprint, key: ctx.rng.key };
  checkSavedRun(where, saved, own, 'other options or observations');
  const state = await openFilter(plan, ctx, saved.adapter);
  try {
    await state.smc.restore({ header: saved.smc, arrays });
    state.lineages?.restore(saved.lineages, arrays);
    state.rows = makeRows(state.layout.width, arrays.rows as StateArray);
    // What the errors of the last step warn of is not saved: look again.
    const { rows, measure, layout } = state;
    const before = rows.count > 1 ? rows.row(rows.count - 2) : undefined;
    if (rows.count > 0) await measure.take(new Float64Array(layout.width), before);
  } catch (error) {
    state.release();
    throw error;
  }
  return state;
}
