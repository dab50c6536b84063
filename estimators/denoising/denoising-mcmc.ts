import { decodeState, encodeState } from '../../engine/array/codec.ts';
import { chainMemory } from '../../engine/diagnostics/autocorrelation.ts';
import { openDenoiser } from '../../engine/diffusion/open-denoiser.ts';
import { orRelease } from '../../engine/or-release.ts';
import { PURPOSE } from '../../engine/random/purpose.ts';
import { channel } from '../../engine/random/rng.ts';
import type { Context, Info, Sampler, Step } from '../../engine/sampler.ts';
import { checkSavedRun } from '../../engine/saved-run.ts';
import type { Source } from '../../engine/types.ts';
import { answer, logLevelChains } from './answer.ts';
import { advanceChains, drawLevels, openChains, weighLevels } from './chain.ts';
import { denoise } from './denoise.ts';
import { type ChainPlan, checkDenoising, WHERE } from './plan.ts';
import type { DenoisingMcmcState } from './state.ts';
import type { DenoisingMcmcOptions, DenoisingMcmcResult } from './types.ts';

/*
 * Denoising MCMC: chains over (x, sigma) with p(x, sigma) = p_sigma(x) p(sigma), thinned; each kept state is denoised from
 * its own level. Whatever sigma was, the denoised point follows the law of the data, up to the steps of the integrator.
 *
 * | symbol | name here |
 * |---|---|
 * | p(sigma_g) | prior, levels [G] |
 * | K_sigma, p(sigma given x) | one `advanceChains`: a cycle |
 * | n_skip | skip |
 * | c | stepSize |
 *
 * Differs from the paper: moves are accepted or rejected, with steps that grow with sigma, and the level is drawn rather than
 * the most probable one ('published' does as the paper); the last state of a window is kept, not that of the smallest level;
 * c is adapted in warm-up only, towards an acceptance of 0.7.
 *
 * Source: Kim & Ye (2023).
 */

const KIM_YE: Source = {
  authors: 'Kim, B. and Ye, J. C.',
  year: 2023,
  title: 'Denoising MCMC for accelerating diffusion-based generative models',
  reference: 'arXiv:2209.14593',
};

/**
 * Sample a normal mixture or a set of points by chains that wander over noise levels.
 * @throws OptionError or ShapeError for bad options; what the denoiser throws.
 */
export function denoisingMcmc(
  options: DenoisingMcmcOptions,
): Sampler<DenoisingMcmcState, DenoisingMcmcResult> {
  const plan = checkDenoising(options);
  return {
    name: 'denoising-mcmc',
    sources: [KIM_YE, ...plan.descent.integrator.sources],
    init: (ctx) => begin(plan, ctx),
    async step(state, ctx) {
      if (!finished(plan, state)) await advance(plan, state, ctx);
      return report(plan, state);
    },
    result: async (state, ending) => answer(plan, state, infoOf(plan, state), ending),
    snapshot: async (state) => saved(plan, state),
    restore: (bytes, ctx) => goOn(plan, bytes, ctx),
    dispose: release,
  };
}

async function begin(plan: ChainPlan, ctx: Context): Promise<Step<DenoisingMcmcState>> {
  const state = open(plan, ctx, 0);
  return orRelease(
    async () => {
      const { chains } = state;
      await place(plan, chains.x, ctx);
      await weighLevels(plan, chains, ctx);
      await drawLevels(plan, chains, 0, ctx);
      return report(plan, state);
    },
    () => release(state),
  );
}

/** Where the chains begin: N(mean of the data, sigma_G^2), or where they were told to. */
async function place(plan: ChainPlan, x: Float64Array, { backend, rng }: Context): Promise<void> {
  const { start, chains, levels, denoiser } = plan;
  if (start !== undefined) return x.set(start);
  const d = denoiser.dimension;
  await backend.dispatch('normal', [x, d, ...rng.key, 0, 0, channel(PURPOSE.init)], chains);
  const top = levels[levels.length - 1]!;
  const mean = denoiser.moments?.mean;
  for (let i = 0; i < x.length; i++) x[i] = (mean?.[i % d] ?? 0) + top * x[i]!;
}

function open(plan: ChainPlan, ctx: Context, evaluations: number): DenoisingMcmcState {
  const { chains: n, kept, denoiser, warmup, skip } = plan;
  const { backend, signal, rng } = ctx;
  return {
    key: rng.key,
    denoiser: openDenoiser({ where: WHERE, denoiser, backend, signal }, evaluations),
    chains: openChains(plan, ctx),
    points: new Float64Array(kept * n * denoiser.dimension),
    history: new Uint32Array(n * (warmup > 0 ? warmup : kept * skip!)),
    cycle: 0,
    skip: skip ?? 0,
    warmupEvaluations: 0,
    denoiseEvaluations: 0,
  };
}

/** One cycle; a kept state is denoised at its end. */
async function advance(plan: ChainPlan, state: DenoisingMcmcState, ctx: Context): Promise<void> {
  const { chains, denoiser } = state;
  const { warmup, chains: n } = plan;
  const acceptance = await advanceChains(plan, chains, denoiser, state.cycle + 1, ctx);
  const cycle = state.cycle + 1;
  const since = cycle > warmup ? cycle - warmup : cycle;
  state.history.set(chains.level, (since - 1) * n);
  if (cycle <= warmup) {
    if (plan.mode === 'exact') chains.stepSize *= Math.exp((acceptance - TARGET) * cycle ** -0.6);
    if (cycle === warmup) endWarmup(plan, state);
  } else if (since % state.skip === 0) {
    await keep(plan, state, since / state.skip - 1, ctx);
  }
  state.cycle = cycle;
}

/** Acceptance that warm-up aims at: between the best for speed of one level, 0.574, and that of short steps. */
const TARGET = 0.7;

function endWarmup(plan: ChainPlan, state: DenoisingMcmcState): void {
  const { chains: n, warmup, kept } = plan;
  if (state.skip === 0) {
    const later = state.history.subarray(n * Math.floor(warmup / 2));
    const { time } = chainMemory(logLevelChains(plan, later));
    state.skip = Number.isFinite(time)
      ? Math.max(1, Math.min(Math.ceil(time / 2), Math.ceil(warmup / 2)))
      : 1;
  }
  state.history = new Uint32Array(n * kept * state.skip);
  state.warmupEvaluations = state.denoiser.evaluations;
  state.chains.moves.fill(0);
  state.chains.taken.fill(0);
}

async function keep(plan: ChainPlan, state: DenoisingMcmcState, sweep: number, ctx: Context): Promise<void> {
  const { descent, signals } = plan;
  const { chains, denoiser, points } = state;
  const before = denoiser.evaluations;
  const { x, level } = chains;
  await denoise({ where: WHERE, descent, denoiser, signals }, x, level, sweep, ctx, points, sweep * x.length);
  state.denoiseEvaluations += denoiser.evaluations - before;
}

function finished({ warmup, kept }: ChainPlan, { cycle, skip }: DenoisingMcmcState): boolean {
  return skip > 0 && cycle >= warmup + kept * skip;
}

function report(plan: ChainPlan, state: DenoisingMcmcState): Step<DenoisingMcmcState> {
  return { state, done: finished(plan, state), info: infoOf(plan, state) };
}

function infoOf({ warmup, kept, chains }: ChainPlan, { cycle, skip, denoiser }: DenoisingMcmcState): Info {
  const total = skip > 0 ? warmup + kept * skip : undefined;
  const sweeps = skip > 0 ? Math.floor(Math.max(0, cycle - warmup) / skip) : 0;
  const { evaluations } = denoiser;
  return { ess: chains * sweeps, evaluations, warnings: [], done: cycle, total };
}

interface Saved {
  readonly plan: string;
  readonly key: readonly [number, number];
  readonly evaluations: number;
  readonly cycle: number;
  readonly skip: number;
  readonly stepSize: number;
  readonly warmupEvaluations: number;
  readonly denoiseEvaluations: number;
}

function saved(plan: ChainPlan, state: DenoisingMcmcState): Uint8Array {
  const { key, denoiser, chains, points, history, cycle, skip } = state;
  const { warmupEvaluations, denoiseEvaluations } = state;
  const { evaluations } = denoiser;
  const { stepSize, x, level, moves, taken } = chains;
  const header: Saved = {
    ...{ plan: plan.fingerprint, key, evaluations, cycle, skip, stepSize },
    ...{ warmupEvaluations, denoiseEvaluations },
  };
  return encodeState(header, { x, level, moves, taken, points, history });
}

async function goOn(plan: ChainPlan, bytes: Uint8Array, ctx: Context): Promise<Step<DenoisingMcmcState>> {
  const { header, arrays } = decodeState(bytes);
  const found = header as Saved | null;
  const own = { plan: plan.fingerprint, key: ctx.rng.key };
  checkSavedRun(WHERE, found, own, 'another denoiser, other levels or options');
  const state = open(plan, ctx, found.evaluations);
  return orRelease(
    async () => {
      const { chains } = state;
      const { cycle, skip, warmupEvaluations, denoiseEvaluations } = found;
      Object.assign(state, { cycle, skip, warmupEvaluations, denoiseEvaluations });
      chains.stepSize = found.stepSize;
      for (const name of ['x', 'level', 'moves', 'taken'] as const) chains[name].set(arrays[name]!);
      state.points.set(arrays.points!);
      state.history = arrays.history as Uint32Array;
      await weighLevels(plan, chains, ctx);
      return report(plan, state);
    },
    () => release(state),
  );
}

function release({ denoiser, chains }: DenoisingMcmcState): void {
  chains.work.arena.release();
  denoiser.dispose();
}
