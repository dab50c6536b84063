import { encodeState } from '../../../engine/array/codec.ts';
import { makeMoments } from '../../../engine/particles/moments.ts';
import type { SchemeName } from '../../../engine/particles/resampling/scheme.ts';
import type { FeynmanKac } from '../../../engine/particles/smc/feynman-kac.ts';
import { makeSmc } from '../../../engine/particles/smc/smc.ts';
import type { Smc } from '../../../engine/particles/smc/types.ts';
import type { TriggerOptions } from '../../../engine/particles/trigger.ts';
import { TAG } from '../../../engine/random/purpose.ts';
import type { Rng } from '../../../engine/random/rng.ts';
import type { Context, Ending, Result, Sampler, Step } from '../../../engine/sampler.ts';
import type { Source } from '../../../engine/types.ts';
import type { Observation, StateFields, StateSpaceModel } from '../state-space.ts';
import { bootstrap } from './bootstrap.ts';
import { readObservations } from './observations.ts';

export const FILTER_SOURCES: readonly Source[] = [
  {
    authors: 'Chopin, N. & Papaspiliopoulos, O.',
    year: 2020,
    title: 'An Introduction to Sequential Monte Carlo',
    reference: 'Springer, chapters 10 and 11',
  },
];

export interface FilterOptions extends TriggerOptions {
  readonly model: StateSpaceModel;
  /** y_0..y_{T-1}; null where one is missing. */
  readonly observations: readonly Observation[];
  /** N. Default 1024. */
  readonly particles?: number;
  /** Independent filters side by side, whose normalizing constants are averaged. Default 1. */
  readonly runs?: number;
  /** Default 'systematic'. */
  readonly scheme?: SchemeName;
}

export interface FilterResult extends Result {
  /** Filtered means E[x_t | y_0..y_t], [T, d]; runs weighted by their normalizing constants. */
  readonly mean: Float64Array;
}

interface State {
  readonly smc: Smc<StateFields>;
  readonly moments: ReturnType<typeof makeMoments>;
  readonly mean: Float64Array;
  readonly rng: Rng;
  release(): void;
}

/** Filter a series of observations. */
export function particleFilter(options: FilterOptions): Sampler<State, FilterResult> {
  const where = 'particleFilter';
  const { model, particles = 1024, runs = 1 } = options;
  const observations = readObservations(where, model, options.observations);
  const d = model.dimension;
  const fk: FeynmanKac<StateFields> = bootstrap(model, observations);

  const open = (ctx: Context): State => {
    const { backend, signal, rng } = ctx;
    const rngs = Array.from({ length: runs }, (_, r) => (runs === 1 ? rng : rng.child(TAG.replicate, r)));
    const smc = makeSmc({ ...options, where, backend, signal, model: fk, rngs, particles });
    const arena = backend.arena();
    const moments = makeMoments({ backend, arena, particles, components: d });
    const mean = new Float64Array(observations.length * d);
    const release = (): void => {
      smc.release();
      arena.release();
    };
    return { smc, moments, mean, rng, release };
  };
  const step = async (state: State): Promise<Step<State>> => {
    const { smc } = state;
    if (!smc.finished) {
      await smc.advance();
      const { mean } = await state.moments(smc.population(0).field('x'), smc.weight(0), smc.summary(0).sum);
      state.mean.set(mean, smc.step * d);
    }
    const info = {
      ess: smc.runs[0]!.ess,
      evaluations: smc.evaluations,
      warnings: [],
      done: smc.step + 1,
      total: observations.length,
    };
    return { state, done: smc.finished, info };
  };
  return {
    name: 'particle-filter',
    sources: FILTER_SOURCES,
    init: async (ctx) => step(open(ctx)),
    step,
    result: async (state, ending) => answer(state, ending),
    snapshot: async (state) => encodeState(state.smc.snapshot().header, state.smc.snapshot().arrays),
    restore: async (_, ctx) => step(open(ctx)),
    dispose: (state) => state.release(),
  };
}

function answer(state: State, ending: Ending): FilterResult {
  const { smc } = state;
  const points = smc.particles.field('x').slice();
  const value = Float64Array.of(smc.runs[0]!.logNormalizer);
  return {
    estimate: { names: ['logNormalizer'], value, standardError: Float64Array.of(Number.NaN) },
    sample: {
      points,
      shape: [smc.count, points.length / smc.count],
      logWeight: smc.particles.logWeight.slice(),
    },
    diagnostics: {
      ess: smc.runs[0]!.ess,
      evaluations: smc.evaluations,
      warnings: [],
      done: smc.step + 1,
      total: undefined,
    },
    mean: state.mean.slice(),
    ...ending,
  };
}
