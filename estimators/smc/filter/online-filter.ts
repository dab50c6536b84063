import type { Backend } from '../../../engine/backend/backend.ts';
import { checkBackend } from '../../../engine/backend/check-backend.ts';
import { defaultBackend } from '../../../engine/backend/choose.ts';
import { onProcessor } from '../../../engine/backend/provenance.ts';
import { checkCount, checkOptionNames } from '../../../engine/check.ts';
import { OptionError } from '../../../engine/errors.ts';
import { rngFromSeed } from '../../../engine/random/rng.ts';
import type { Context } from '../../../engine/sampler.ts';
import { VERSION } from '../../../engine/version.ts';
import type { Observation, StateSpaceModel } from '../state-space.ts';
import { filterAnswer, lastStep } from './filter-answer.ts';
import { checkModel, type FilterPlan, filterPlan, SETTINGS } from './filter-plan.ts';
import { advanceFilter, type FilterState, openFilter, restoreFilter, saveFilter } from './filter-state.ts';
import type { FilterResult, FilterSettings, FilterStep } from './filter-types.ts';
import { readObservation } from './observations.ts';
import { makeRows } from './row.ts';

export interface OnlineFilterOptions extends FilterSettings {
  readonly model: StateSpaceModel;
  /** R. Default 1. */
  readonly runs?: number;
  /** An integer in [0, 2^53 - 1]. */
  readonly seed: number;
  /** Default: the best this machine has. */
  readonly backend?: Backend;
  /** Ends the filter: `push` then rejects with its reason. */
  readonly signal?: AbortSignal;
  /** Bytes of an earlier `snapshot()` of a filter with the same options and seed, to go on from. */
  readonly from?: Uint8Array;
}

/** A particle filter that is fed one observation at a time; what it holds does not grow. */
export interface OnlineFilter {
  /** The last step taken; -1 before the first. */
  readonly step: number;
  /**
   * Take in y_t, null where it is missing, and tell what is known of x_t. Calls made before the last one is done are
   * queued. After a rejected call the filter is of no more use.
   * @throws ShapeError for an observation of another length or not finite, which is not taken in.
   */
  push(y: Observation): Promise<FilterStep>;
  /**
   * The answer of `particleFilter` as of now, of whose steps only the last is there.
   */
  result(): Promise<FilterResult>;
  /** Everything needed to go on later, by option `from`. */
  snapshot(): Promise<Uint8Array>;
  /** Give the memory back. Idempotent. */
  dispose(): void;
}

const WHERE = 'onlineFilter';

/**
 * Open a filter that is fed as the data come in. Pushing all of a series gives the bits of `particleFilter` with the same
 * seed and options.
 * @throws OptionError for options that cannot be used, or for `from` of another filter.
 */
export async function onlineFilter(options: OnlineFilterOptions): Promise<OnlineFilter> {
  const { model, runs = 1, seed, from } = options;
  checkOptionNames(WHERE, options, ['model', 'runs', 'seed', 'backend', 'signal', 'from', ...SETTINGS]);
  checkModel(WHERE, 'model', model);
  checkBackend(WHERE, options.backend);
  checkCount(WHERE, 'seed', seed, { min: 0 });
  const series: Series = { length: 0 };
  const plan = filterPlan({
    ...options,
    where: WHERE,
    models: [model],
    observations: series,
    runs,
    steps: undefined,
  });
  const backend = options.backend ?? (await defaultBackend());
  const signal = options.signal ?? new AbortController().signal;
  const ctx: Context = { rng: rngFromSeed(seed), backend, signal };
  const state = await (from === undefined ? openFilter(plan, ctx) : restoreFilter(plan, from, ctx));
  series.length = state.smc.step + 1;
  return feed({ plan, state, series, model, seed, ctx });
}

interface Feeding {
  readonly plan: FilterPlan;
  readonly state: FilterState;
  readonly series: Series;
  readonly model: StateSpaceModel;
  readonly seed: number;
  readonly ctx: Context;
}

function feed({ plan, state, series, model, seed, ctx }: Feeding): OnlineFilter {
  const { backend, signal } = ctx;
  let queue: Promise<unknown> = Promise.resolve();
  let open = true;
  let failed: { readonly error: unknown } | undefined;
  const after = <T>(work: () => T | Promise<T>): Promise<T> => {
    const next = queue.then(() => {
      if (!open) throw closed();
      if (failed !== undefined) throw failed.error;
      signal.throwIfAborted();
      return work();
    });
    queue = next.catch(() => undefined);
    return next;
  };
  const take = async (y: Observation): Promise<FilterStep> => {
    append(series, readObservation(WHERE, model, y, series.length));
    keepLast(state);
    try {
      // A filter that has collapsed stays as it is.
      if (!state.smc.finished) await advanceFilter(state);
    } catch (error) {
      failed = { error };
      throw error;
    }
    return lastStep(plan, state);
  };
  return {
    get step() {
      return state.smc.step;
    },
    push: (y) => after(() => take(y)),
    result: () =>
      after(() =>
        filterAnswer(plan, state, {
          outcome: { kind: 'converged' },
          provenance: { seed, version: VERSION, ...onProcessor(backend), notes: [] },
        }),
      ),
    snapshot: () => after(() => saveFilter(plan, state)),
    dispose() {
      if (open) state.release();
      open = false;
    },
  };
}

/** Only the last row is needed by the next step. */
function keepLast(state: FilterState): void {
  const { rows, layout } = state;
  if (rows.count > 1) state.rows = makeRows(layout.width, rows.row(rows.count - 1));
}

interface Series {
  /** y_t of the last two steps. */
  [step: number]: Float64Array | null;
  length: number;
}

/** Take in an observation; those before the last two are forgotten. */
function append(series: Series, y: Float64Array | null): void {
  delete series[series.length - 2];
  series[series.length++] = y;
}

function closed(): OptionError {
  return new OptionError({
    where: WHERE,
    option: 'push',
    value: undefined,
    found: 'the filter was disposed of',
    expected: 'a filter that is open',
  });
}
