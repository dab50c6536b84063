import type { Arena } from '../../backend/backend.ts';
import type { Rng } from '../../random/rng.ts';
import type { Turn } from '../../turn.ts';
import type { History } from '../history.ts';
import { ALL_DEAD, type WeightSummary } from '../log-weight.ts';
import type { FieldSpecs, Particles } from '../particles.ts';
import { makeResampler, type Resampler } from '../resampler.ts';
import type { Trigger } from '../trigger.ts';
import type { FeynmanKac, ModelKernels, NoiseSource, SmcPopulation } from './feynman-kac.ts';
import type { SmcOptions, SmcRunState } from './types.ts';

export type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** One run of a loop. */
export interface Run<F extends FieldSpecs> {
  readonly model: FeynmanKac<F>;
  /** Those of the model, where nothing else has to happen in a step. */
  readonly kernels: ModelKernels<F> | undefined;
  /** Kernels of the potential alone, where those of the moves are not. */
  readonly potentials: ModelKernels<F>['logPotential'] | undefined;
  readonly view: SmcPopulation<F>;
  readonly state: Writable<SmcRunState>;
  readonly resampler: Resampler;
  /** [N] this run's part of the flat arrays. */
  readonly logWeight: Float64Array;
  readonly ancestor: Uint32Array;
  /** [N] log G_t; NaN until the model has written it: what it forgets is an error, not the potential before. */
  readonly increment: Float64Array;
  /** [M] what the resampler draws. */
  readonly drawn: Uint32Array;
  /** log eta of the particles, and the weights with it; absent from models without lookahead. */
  readonly lookahead: Lookahead | undefined;
  base: number;
  summary: WeightSummary;
  /** Whether log-weights count as 0, whatever they hold, until the next increments are added. */
  fresh: boolean;
  /** Whether every particle is its own parent in `ancestor`. */
  identity: boolean;
}

/** Weights that look ahead. */
export interface Lookahead {
  /** [N] log eta of the particles. */
  readonly logEta: Float64Array;
  /** [N] log-weight + log eta. */
  readonly logWeight: Float64Array;
  /** log sum W exp(log eta) over the weights W before. */
  logMean: number;
}

export interface Loop<F extends FieldSpecs> {
  readonly options: SmcOptions<F>;
  readonly particles: Particles<F>;
  readonly history: History;
  /** One for each run. */
  readonly models: readonly FeynmanKac<F>[];
  readonly runs: readonly Run<F>[];
  readonly trigger: Trigger;
  readonly turn: Turn;
  readonly signal: AbortSignal;
  readonly noise: NoiseSource;
  evaluations: number;
  /** The last step taken; -1 before the first. */
  step: number;
  /** Whether a step has begun and not ended. */
  torn: boolean;
  release(): void;
}

interface Opening<F extends FieldSpecs> {
  readonly options: SmcOptions<F>;
  readonly arena: Arena;
  readonly particles: Particles<F>;
  readonly signal: AbortSignal;
}

/** What a run of n particles has before its first step. */
export function freshState(n: number): Writable<SmcRunState> {
  return {
    logNormalizer: 0,
    increment: 0,
    ess: n,
    resampled: false,
    resamplings: 0,
    collapsedAt: undefined,
    finished: false,
    nans: 0,
    floored: 0,
  };
}

export function openRun<F extends FieldSpecs>(
  opening: Opening<F>,
  model: FeynmanKac<F>,
  rng: Rng,
  index: number,
): Run<F> {
  const { options, arena, particles, signal } = opening;
  const { backend, scheme = 'systematic', particles: n, chains = n } = options;
  const rows = <A extends Float64Array | Float32Array | Uint32Array>(array: A, width: number): A =>
    array.subarray(index * n * width, (index + 1) * n * width) as A;
  // A field has two arrays, which take turns: asked for at every step, their parts are made once.
  const parts = new Map<Float64Array | Float32Array, Float64Array | Float32Array>();
  const part = <A extends Float64Array | Float32Array>(array: A, width: number): A => {
    const own = parts.get(array) ?? rows(array, width);
    parts.set(array, own);
    return own as A;
  };
  const state = freshState(n);
  const logWeight = rows(particles.logWeight, 1);
  const view: SmcPopulation<F> = {
    index,
    count: n,
    rng,
    backend,
    signal,
    normals: arena.f64(n * (model.noise ?? 0)),
    logWeight,
    get resampled() {
      return state.resampled;
    },
    get ess() {
      return state.ess;
    },
    field: (name) => part(particles.field(name), particles.fields[name]!.components),
    parent: (name) => part(particles.parent(name), particles.fields[name]!.components),
  };
  const alone = model.aim === undefined && options.nan !== 'dead' ? model.kernels : undefined;
  const whole = isWhole(alone) ? alone : undefined;
  return {
    model,
    kernels: whole,
    potentials: whole === undefined ? alone?.logPotential : undefined,
    view,
    state,
    resampler: makeResampler({ backend, arena, particles: n, slots: chains, scheme }),
    logWeight,
    ancestor: rows(particles.ancestor, 1),
    increment: arena.f64(n).fill(Number.NaN),
    drawn: chains === n ? rows(particles.ancestor, 1) : arena.u32(chains),
    lookahead:
      model.logLookahead === undefined
        ? undefined
        : { logEta: arena.f64(n), logWeight: arena.f64(n), logMean: 0 },
    base: 0,
    summary: ALL_DEAD,
    fresh: false,
    identity: true,
  };
}

function isWhole<F extends FieldSpecs>(kernels: FeynmanKac<F>['kernels']): kernels is ModelKernels<F> {
  return kernels !== undefined && 'mutate' in kernels;
}

/** Rows of a run in blocks, with turns of the event loop in between; no promise where there is nothing to wait for. */
export function inBlocks<F extends FieldSpecs>(
  loop: Loop<F>,
  run: Run<F>,
  work: (lo: number, hi: number) => void | Promise<void>,
): void | Promise<void> {
  const { count } = run.view;
  const block = Math.min(run.model.block ?? 8192, count);
  if (block < count) return blockByBlock(loop, count, block, work);
  const pending = work(0, count);
  if (pending !== undefined || loop.turn.due()) return finish(loop, pending);
}

async function finish<F extends FieldSpecs>(loop: Loop<F>, pending: void | Promise<void>): Promise<void> {
  await pending;
  if (loop.turn.due()) await loop.turn.pause(loop.signal);
}

async function blockByBlock<F extends FieldSpecs>(
  loop: Loop<F>,
  count: number,
  block: number,
  work: (lo: number, hi: number) => void | Promise<void>,
): Promise<void> {
  for (let lo = 0; lo < count; lo += block) {
    const pending = work(lo, Math.min(count, lo + block));
    if (pending !== undefined) await pending;
    if (loop.turn.due()) await loop.turn.pause(loop.signal);
  }
}

/** The numbers of one particle, field after field. */
export function particleAt<F extends FieldSpecs>(run: Run<F>, index: number): Float64Array {
  return Float64Array.from(
    Object.entries(run.model.fields).flatMap(([name, { components: k }]) =>
      Array.from(run.view.field(name).subarray(index * k, (index + 1) * k)),
    ),
  );
}
