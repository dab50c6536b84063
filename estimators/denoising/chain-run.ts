import { decodeState, encodeState } from '../../engine/array/codec.ts';
import { chainMemory } from '../../engine/diagnostics/autocorrelation.ts';
import { openDenoiser } from '../../engine/diffusion/open-denoiser.ts';
import { orRelease } from '../../engine/or-release.ts';
import { PURPOSE } from '../../engine/random/purpose.ts';
import { channel } from '../../engine/random/rng.ts';
import type { Context, Info, Step } from '../../engine/sampler.ts';
import { checkSavedRun } from '../../engine/saved-run.ts';
import { moveChains, openChains } from './chain.ts';
import { type Denoising, denoise } from './denoise.ts';
import { denoisedSweeps, logLevelChains } from './diagnostics.ts';
import { drawLevels } from './level-draws.ts';
import { WHERE } from './level-law.ts';
import type { ChainPlan } from './plan.ts';
import type { DenoisingMcmcState } from './state.ts';

/*
 * A run of chains from its beginning, cycle by cycle: warm-up, kept states, and their denoising when enough of them wait.
 */

/** Chains at their first levels. */
export async function begin(plan: ChainPlan, ctx: Context): Promise<Step<DenoisingMcmcState>> {
  const state = open(plan, ctx, 0);
  return orRelease(
    async () => {
      await place(plan, state, ctx);
      await drawLevels(plan, state.chains, state.denoiser, 0, ctx);
      state.startEvaluations = state.denoiser.evaluations;
      state.warmupEvaluations = state.denoiser.evaluations;
      openWindow(plan, state);
      return report(plan, state);
    },
    () => release(state),
  );
}

/** Noise that the paper's program puts on denoised points before its chains begin, in units of the data. */
const PUBLISHED_START = 0.5;

/** Where the chains begin: N(mean of the data, sigma_G^2), that denoised, or where they were told to. */
async function place(plan: ChainPlan, state: DenoisingMcmcState, ctx: Context): Promise<void> {
  const { start, chains: n, levels, denoiser } = plan;
  const { x, level, work } = state.chains;
  if (typeof start !== 'string') return x.set(start);
  const d = denoiser.dimension;
  const { backend, rng } = ctx;
  const address = (sub: number) => [...rng.key, 0, 0, channel(PURPOSE.init, sub)] as const;
  await backend.dispatch('normal', [x, d, ...address(0)], n);
  const top = levels[levels.length - 1]!;
  const mean = denoiser.moments?.mean;
  for (let i = 0; i < x.length; i++) x[i] = (mean?.[i % d] ?? 0) + top * x[i]!;
  if (start === 'noise') return;
  level.fill(levels.length - 1);
  await denoise(denoising(plan, state), x, level, MOST_BATCHES, ctx);
  if (plan.mode !== 'published') return;
  await backend.dispatch('normal', [work.normals, d, ...address(1)], n);
  for (let i = 0; i < x.length; i++) x[i]! += PUBLISHED_START * work.normals[i]!;
}

/** No batch of kept states has this number. */
const MOST_BATCHES = 2 ** 32 - 1;

/** Room for chains, nowhere yet. */
export function open(plan: ChainPlan, ctx: Context, evaluations: number): DenoisingMcmcState {
  const { chains: n, kept, denoiser, warmup, skip, together, pick } = plan;
  const { backend, signal, rng } = ctx;
  const d = denoiser.dimension;
  const room = pick === 'min-sigma' ? n : 0;
  return {
    key: rng.key,
    denoiser: openDenoiser({ where: WHERE, denoiser, backend, signal }, evaluations),
    chains: openChains(plan, ctx),
    points: new Float64Array(kept * n * d),
    pending: new Uint32Array(together * n),
    lowest: { x: new Float64Array(room * d), level: new Uint32Array(room) },
    history: new Uint32Array(n * (warmup > 0 ? warmup : kept * skip!)),
    cycle: 0,
    skip: skip ?? 0,
    startEvaluations: 0,
    warmupEvaluations: 0,
    denoiseEvaluations: 0,
  };
}

/** One cycle; states that were kept are denoised when there are enough of them. */
export async function advance(plan: ChainPlan, state: DenoisingMcmcState, ctx: Context): Promise<void> {
  const { chains, denoiser } = state;
  const { warmup, chains: n } = plan;
  const cycle = state.cycle + 1;
  const acceptance = await moveChains(plan, chains, denoiser, cycle, ctx);
  await drawLevels(plan, chains, denoiser, cycle, ctx);
  const since = cycle > warmup ? cycle - warmup : cycle;
  state.history.set(chains.level, (since - 1) * n);
  if (cycle <= warmup) {
    if (plan.mode === 'exact') chains.stepSize *= Math.exp((acceptance - TARGET) * cycle ** -0.6);
    if (cycle === warmup) endWarmup(plan, state);
  } else {
    noteLowest(plan, state);
    if (since % state.skip === 0) await keep(plan, state, since / state.skip, ctx);
  }
  state.cycle = cycle;
}

/** Acceptance that warm-up aims at: between the best for speed of one level, 0.574, and that of short steps. */
const TARGET = 0.7;

function endWarmup(plan: ChainPlan, state: DenoisingMcmcState): void {
  const { chains: n, warmup, kept } = plan;
  if (state.skip === 0) {
    const later = state.history.subarray(n * Math.floor(warmup / 2));
    const { time } = chainMemory(logLevelChains(plan.levels, n, later));
    state.skip = Number.isFinite(time)
      ? Math.max(1, Math.min(Math.ceil(time / 2), Math.ceil(warmup / 2)))
      : 1;
  }
  state.history = new Uint32Array(n * kept * state.skip);
  state.warmupEvaluations = state.denoiser.evaluations;
  state.chains.moves.fill(0);
  state.chains.taken.fill(0);
  openWindow(plan, state);
}

/** The state now is the first of a window. */
export function openWindow({ pick }: ChainPlan, { lowest, chains }: DenoisingMcmcState): void {
  if (pick === 'last') return;
  lowest.x.set(chains.x);
  lowest.level.set(chains.level);
}

/** Chains at a level below the lowest of their window. */
function noteLowest({ pick, denoiser }: ChainPlan, { lowest, chains }: DenoisingMcmcState): void {
  if (pick === 'last') return;
  const d = denoiser.dimension;
  chains.level.forEach((level, i) => {
    if (level >= lowest.level[i]!) return;
    lowest.level[i] = level;
    for (let c = i * d; c < (i + 1) * d; c++) lowest.x[c] = chains.x[c]!;
  });
}

/** Keep a state of each chain, the one of number `sweeps`; denoise those that wait when they are enough, or the last. */
async function keep(plan: ChainPlan, state: DenoisingMcmcState, sweeps: number, ctx: Context): Promise<void> {
  const { pick, together, kept, chains: n, denoises } = plan;
  const { chains, denoiser, points, pending, lowest } = state;
  const { x, level } = pick === 'last' ? chains : lowest;
  const d = denoiser.dimension;
  const waiting = ((sweeps - 1) % together) + 1;
  points.set(x, (sweeps - 1) * n * d);
  pending.set(level, (waiting - 1) * n);
  openWindow(plan, state);
  if (!denoises || (waiting < together && sweeps < kept)) return;
  const before = denoiser.evaluations;
  const rows = points.subarray((sweeps - waiting) * n * d, sweeps * n * d);
  const batch = Math.floor((sweeps - 1) / together);
  await denoise(denoising(plan, state), rows, pending.subarray(0, waiting * n), batch, ctx);
  state.denoiseEvaluations += denoiser.evaluations - before;
}

/** What denoises the kept states. */
export function denoising(
  { descent, signals, tweedie, clip }: ChainPlan,
  { denoiser }: DenoisingMcmcState,
): Denoising {
  return { where: WHERE, descent, denoiser, signals, tweedie, clip };
}

/** Whether all states are kept. */
export function finished({ warmup, kept }: ChainPlan, { cycle, skip }: DenoisingMcmcState): boolean {
  return skip > 0 && cycle >= warmup + kept * skip;
}

/** The state as a step of the runner. */
export function report(plan: ChainPlan, state: DenoisingMcmcState): Step<DenoisingMcmcState> {
  return { state, done: finished(plan, state), info: infoOf(plan, state) };
}

/** Progress in cycles. */
export function infoOf(plan: ChainPlan, { cycle, skip, denoiser }: DenoisingMcmcState): Info {
  const { warmup, kept, chains } = plan;
  const total = skip > 0 ? warmup + kept * skip : undefined;
  const { evaluations } = denoiser;
  return { ess: chains * denoisedSweeps(plan, cycle, skip), evaluations, warnings: [], done: cycle, total };
}

interface Saved {
  readonly plan: string;
  readonly key: readonly [number, number];
  readonly evaluations: number;
  readonly cycle: number;
  readonly skip: number;
  readonly stepSize: number;
  readonly startEvaluations: number;
  readonly warmupEvaluations: number;
  readonly denoiseEvaluations: number;
}

/** A run as bytes. */
export function saved(plan: ChainPlan, state: DenoisingMcmcState): Uint8Array {
  const { key, denoiser, chains, points, pending, lowest, history, cycle, skip } = state;
  const { startEvaluations, warmupEvaluations, denoiseEvaluations } = state;
  const { evaluations } = denoiser;
  const { stepSize, x, level, moves, taken } = chains;
  const header: Saved = {
    ...{ plan: plan.fingerprint, key, evaluations, cycle, skip, stepSize },
    ...{ startEvaluations, warmupEvaluations, denoiseEvaluations },
  };
  const kept = { points, pending, lowestX: lowest.x, lowestLevel: lowest.level, history };
  return encodeState(header, { x, level, moves, taken, ...kept });
}

/** A run from its bytes. */
export async function goOn(
  plan: ChainPlan,
  bytes: Uint8Array,
  ctx: Context,
): Promise<Step<DenoisingMcmcState>> {
  const { header, arrays } = decodeState(bytes);
  const found = header as Saved | null;
  const own = { plan: plan.fingerprint, key: ctx.rng.key };
  checkSavedRun(WHERE, found, own, 'another denoiser, other levels or options');
  const state = open(plan, ctx, found.evaluations);
  return orRelease(
    async () => {
      const { chains } = state;
      const { cycle, skip, startEvaluations, warmupEvaluations, denoiseEvaluations } = found;
      Object.assign(state, { cycle, skip, startEvaluations, warmupEvaluations, denoiseEvaluations });
      chains.stepSize = found.stepSize;
      for (const name of ['x', 'level', 'moves', 'taken'] as const) chains[name].set(arrays[name]!);
      state.points.set(arrays.points!);
      state.pending.set(arrays.pending!);
      state.lowest.x.set(arrays.lowestX!);
      state.lowest.level.set(arrays.lowestLevel!);
      state.history = arrays.history as Uint32Array;
      return report(plan, state);
    },
    () => release(state),
  );
}

/** Give memory back. */
export function release({ denoiser, chains }: DenoisingMcmcState): void {
  chains.work.arena.release();
  denoiser.dispose();
}
