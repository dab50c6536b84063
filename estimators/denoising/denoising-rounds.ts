import { decodeState, encodeState } from '../../engine/array/codec.ts';
import { orRelease } from '../../engine/or-release.ts';
import type { Context, Ending } from '../../engine/sampler.ts';
import { makeTurn } from '../../engine/turn.ts';
import { answer } from './answer.ts';
import { advance, begin, denoising, finished, infoOf, open, openWindow, release } from './chain-run.ts';
import { type ChainPiece, type ChainRounds, cutShort, type Found, parts, tooEarly } from './chain-shards.ts';
import { denoise } from './denoise.ts';
import { WHERE } from './level-law.ts';
import type { ChainPlan } from './plan.ts';
import type { DenoisingMcmcState } from './state.ts';
import type { DenoisingMcmcResult } from './types.ts';

/*
 * Denoising MCMC in rounds: warm-up; chains to their ends, their kept states still noised; denoising of those, in the
 * batches of one machine where the integrator draws noise, which is addressed by the place in a batch.
 */

/** Chains on the way from one shard to another. */
interface Walking {
  readonly lo: number;
  readonly hi: number;
  readonly cycle: number;
  readonly skip: number;
  readonly stepSize: number;
  readonly evaluations: number;
  readonly startEvaluations: number;
  readonly warmupEvaluations: number;
}

/** Kept states, rows lo .. hi - 1 of [kept n], before and after denoising. */
interface Rows {
  readonly batch: number;
  readonly evaluations: number;
}

export function denoisingRounds(plan: ChainPlan): ChainRounds<DenoisingMcmcResult> {
  return {
    where: WHERE,
    example: 'denoisingMcmc({ ... })',
    fingerprint: plan.fingerprint,
    rounds: [
      { inputs: () => [new Uint8Array(0)], compute: (_, context) => warmUp(plan, context) },
      {
        inputs: ([begun], wanted) => parted(plan, begun![0]!, wanted),
        compute: (input, context) => walk(plan, input, context),
      },
      {
        inputs: ([, walked], wanted) => batches(plan, walked!, wanted),
        compute: (input, context) => denoiseRows(plan, input, context),
      },
    ],
    answer: (found, context, ending) => gathered(plan, found, context, ending),
  };
}

/** Until chains are independent: to the end of warm-up, or only to their first levels where it adapts nothing. */
async function warmUp(whole: ChainPlan, context: Context): Promise<ChainPiece> {
  const plan: ChainPlan = { ...whole, kept: 1 };
  const adapts = plan.skip === undefined || plan.mode === 'exact';
  const { state } = await begin(plan, context);
  return inUse(state, async () => {
    while (adapts && state.cycle < plan.warmup) await advance(plan, state, context);
    const { chains, cycle, skip, startEvaluations, warmupEvaluations } = state;
    const { x, level, stepSize } = chains;
    const { evaluations } = state.denoiser;
    const told = { cycle, skip, stepSize, evaluations, startEvaluations, warmupEvaluations };
    return {
      state: encodeState({ ...told, lo: 0, hi: plan.chains } satisfies Walking, { x, level }),
      evaluations,
    };
  });
}

async function inUse<T>(state: DenoisingMcmcState, use: () => Promise<T>): Promise<T> {
  const used = await orRelease(use, () => release(state));
  release(state);
  return used;
}

/** The chains of each shard. */
function parted(
  { chains: n, denoiser }: ChainPlan,
  bytes: Uint8Array,
  wanted: number,
): readonly Uint8Array[] {
  const { header, arrays } = decodeState(bytes);
  const d = denoiser.dimension;
  return parts(n, wanted).map(([lo, hi]) =>
    encodeState({ ...(header as Walking), lo, hi } satisfies Walking, {
      x: arrays.x!.slice(lo * d, hi * d),
      level: arrays.level!.slice(lo, hi),
    }),
  );
}

/** Some chains to their ends. */
async function walk(whole: ChainPlan, input: Uint8Array, context: Context): Promise<ChainPiece> {
  const { header, arrays } = decodeState(input);
  const from = header as Walking;
  const { lo, hi, cycle, skip, stepSize } = from;
  const { kept, warmup } = whole;
  const plan: ChainPlan = { ...whole, chains: hi - lo, first: lo, together: kept, denoises: false };
  const state = open(plan, context, 0);
  return inUse(state, async () => {
    const { chains } = state;
    Object.assign(state, { cycle, skip });
    chains.stepSize = stepSize;
    for (const name of ['x', 'level'] as const) chains[name].set(arrays[name]!);
    openWindow(plan, state);
    if (cycle === warmup) state.history = new Uint32Array((hi - lo) * kept * skip);
    const turn = makeTurn();
    while (!finished(plan, state)) {
      context.signal.throwIfAborted();
      await advance(plan, state, context);
      if (turn.due()) await turn.pause(context.signal);
    }
    const { evaluations } = state.denoiser;
    const { points, pending, history, warmupEvaluations } = state;
    const { moves, taken } = chains;
    const told: Walking = { ...from, evaluations, startEvaluations: 0, warmupEvaluations };
    return { state: encodeState(told, { points, pending, history, moves, taken }), evaluations };
  });
}

/** Kept states of all chains, sweep by sweep: points [kept n, d] and levels [kept n]. */
function sweeps(
  { chains: n, kept, denoiser }: ChainPlan,
  walked: readonly Uint8Array[],
): { readonly points: Float64Array; readonly level: Uint32Array } {
  const d = denoiser.dimension;
  const points = new Float64Array(kept * n * d);
  const level = new Uint32Array(kept * n);
  for (const bytes of walked) {
    const { header, arrays } = decodeState(bytes);
    const { lo, hi } = header as Walking;
    const m = hi - lo;
    for (let s = 0; s < kept; s++) {
      points.set(arrays.points!.subarray(s * m * d, (s + 1) * m * d), (s * n + lo) * d);
      level.set(arrays.pending!.subarray(s * m, (s + 1) * m), s * n + lo);
    }
  }
  return { points, level };
}

/** What each shard denoises: batches of one machine, cut further where rows are denoised without noise. */
function batches(plan: ChainPlan, walked: readonly Uint8Array[], wanted: number): readonly Uint8Array[] {
  const { chains: n, kept, together, descent, denoiser } = plan;
  const d = denoiser.dimension;
  const { points, level } = sweeps(plan, walked);
  const cuts = descent.integrator.stochastic
    ? Array.from(
        { length: Math.ceil(kept / together) },
        (_, b) => [b * together * n, Math.min(kept, (b + 1) * together) * n] as const,
      )
    : parts(kept * n, wanted);
  return cuts.map(([lo, hi], batch) =>
    encodeState({ batch, evaluations: 0 } satisfies Rows, {
      points: points.slice(lo * d, hi * d),
      level: level.slice(lo, hi),
    }),
  );
}

async function denoiseRows(plan: ChainPlan, input: Uint8Array, context: Context): Promise<ChainPiece> {
  const { header, arrays } = decodeState(input);
  const { batch } = header as Rows;
  const points = arrays.points as Float64Array;
  const state = open({ ...plan, chains: 1, kept: 1, warmup: 1, together: 1 }, context, 0);
  return inUse(state, async () => {
    await denoise(denoising(plan, state), points, arrays.level as Uint32Array, batch, context);
    const { evaluations } = state.denoiser;
    return { state: encodeState({ batch, evaluations } satisfies Rows, { points }), evaluations };
  });
}

/** The state of one machine, as far as states are denoised, and its answer. */
async function gathered(
  plan: ChainPlan,
  [begun, walked, denoised]: Found,
  context: Context,
  ending: Ending,
): Promise<DenoisingMcmcResult> {
  if (denoised === undefined) throw tooEarly(WHERE);
  const { chains: n, kept, warmup, together, denoiser } = plan;
  const pieces = walked!.map(decodeState);
  const clean = denoised.map(decodeState);
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, own) => total + own, 0);
  const rows = sum(clean.map(({ arrays }) => arrays.points!.length)) / denoiser.dimension;
  const whole = Math.floor(rows / n);
  const done = whole === kept ? kept : whole - (whole % together);
  if (done === 0) throw tooEarly(WHERE);
  const first = decodeState(begun![0]!).header as Walking;
  const headers = pieces.map(({ header }) => header as Walking);
  const denoiseEvaluations = sum(clean.map(({ header }) => (header as Rows).evaluations));
  const evaluations = first.evaluations + sum(headers.map((own) => own.evaluations)) + denoiseEvaluations;
  const { skip } = headers[0]!;
  const state = open({ ...plan, skip }, context, evaluations);
  return inUse(state, async () => {
    const { chains, history } = state;
    Object.assign(state, {
      ...{ cycle: warmup + done * skip, skip, denoiseEvaluations },
      startEvaluations: first.startEvaluations,
      warmupEvaluations: first.warmupEvaluations + sum(headers.map((own) => own.warmupEvaluations)),
      history: new Uint32Array(Math.max(history.length, n * kept * skip)),
    });
    chains.stepSize = first.stepSize;
    let at = 0;
    for (const { arrays } of clean) {
      state.points.set(arrays.points!, at);
      at += arrays.points!.length;
    }
    pieces.forEach(({ arrays }, k) => {
      const { lo, hi } = headers[k]!;
      const m = hi - lo;
      for (let t = 0; t < kept * skip; t++)
        state.history.set(arrays.history!.subarray(t * m, (t + 1) * m), t * n + lo);
      arrays.moves!.forEach((count, g) => {
        chains.moves[g]! += count;
        chains.taken[g]! += arrays.taken![g]!;
      });
    });
    const note = `By the deadline ${done} of ${kept} states of each chain were denoised.`;
    const told = done === kept ? ending : cutShort(ending, note);
    return answer(plan, state, infoOf(plan, state), told);
  });
}
