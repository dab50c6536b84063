import { decodeState, encodeState } from '../../engine/array/codec.ts';
import { orRelease } from '../../engine/or-release.ts';
import type { Context, Ending } from '../../engine/sampler.ts';
import { makeTurn } from '../../engine/turn.ts';
import { type ChainPiece, type ChainRounds, cutShort, type Found, parts, tooEarly } from './chain-shards.ts';
import { DENSITY_WHERE, type NoisedDensityPlan, type NoisedDensityResult } from './noised-density.ts';
import {
  advance,
  answer,
  begin,
  fingerprintOf,
  lastCycle,
  type NoisedDensityState,
  open,
  release,
} from './noised-density-run.ts';

/*
 * Chains of a noised density in rounds: warm-up, then chains to their ends.
 */

/** Chains on the way from one shard to another. */
interface Walking {
  readonly lo: number;
  readonly hi: number;
  readonly cycle: number;
  readonly stepSize: number;
  readonly evaluations: number;
  readonly taken: [number, number];
}

/** What a chain goes on with, each with the numbers of a row. */
const FIELDS = ['clean', 'level', 'logDensity', 'gradient'] as const;

export function noisedDensityRounds(plan: NoisedDensityPlan): ChainRounds<NoisedDensityResult> {
  return {
    where: DENSITY_WHERE,
    example: 'noisedDensityMcmc({ ... })',
    fingerprint: fingerprintOf(plan),
    rounds: [
      { inputs: () => [new Uint8Array(0)], compute: (_, context) => warmUp(plan, context) },
      {
        inputs: ([begun], wanted) => parted(plan, begun![0]!, wanted),
        compute: (input, context) => walk(plan, input, context),
      },
    ],
    answer: (found, context, ending) => gathered(plan, found, context, ending),
  };
}

async function inUse<T>(state: NoisedDensityState, use: () => Promise<T>): Promise<T> {
  const used = await orRelease(use, () => release(state));
  release(state);
  return used;
}

/** To the end of warm-up, which adapts the step to all chains. */
async function warmUp(whole: NoisedDensityPlan, context: Context): Promise<ChainPiece> {
  const plan = { ...whole, kept: 1 };
  const { state } = await begin(plan, context);
  return inUse(state, async () => {
    while (state.cycle < plan.warmup) await advance(plan, state, context);
    const { cycle, stepSize, taken, clean, level, logDensity, gradient } = state;
    const { evaluations } = state.density;
    const told: Walking = { lo: 0, hi: plan.chains, cycle, stepSize, evaluations, taken };
    return { state: encodeState(told, { clean, level, logDensity, gradient }), evaluations };
  });
}

/** The chains of each shard. */
function parted({ chains: n }: NoisedDensityPlan, bytes: Uint8Array, wanted: number): readonly Uint8Array[] {
  const { header, arrays } = decodeState(bytes);
  return parts(n, wanted).map(([lo, hi]) => {
    const own = FIELDS.map((name) => {
      const width = arrays[name]!.length / n;
      return [name, arrays[name]!.slice(lo * width, hi * width)] as const;
    });
    return encodeState({ ...(header as Walking), lo, hi } satisfies Walking, Object.fromEntries(own));
  });
}

/** Some chains to their ends. */
async function walk(whole: NoisedDensityPlan, input: Uint8Array, context: Context): Promise<ChainPiece> {
  const { header, arrays } = decodeState(input);
  const from = header as Walking;
  const { lo, hi, cycle, stepSize } = from;
  const plan: NoisedDensityPlan = { ...whole, chains: hi - lo, first: lo };
  const state = await open(plan, context, 0);
  return inUse(state, async () => {
    Object.assign(state, { cycle, stepSize });
    for (const name of FIELDS) state[name].set(arrays[name]!);
    const turn = makeTurn();
    while (state.cycle < lastCycle(plan)) {
      context.signal.throwIfAborted();
      await advance(plan, state, context);
      if (turn.due()) await turn.pause(context.signal);
    }
    const { points, history, taken } = state;
    const { evaluations } = state.density;
    return { state: encodeState({ ...from, evaluations, taken }, { points, history }), evaluations };
  });
}

/** The state of one machine with the chains that are there, and its answer. */
async function gathered(
  whole: NoisedDensityPlan,
  [begun, walked]: Found,
  context: Context,
  ending: Ending,
): Promise<NoisedDensityResult> {
  if (walked === undefined) throw tooEarly(DENSITY_WHERE);
  const pieces = walked.map(decodeState);
  const headers = pieces.map(({ header }) => header as Walking);
  const { hi: n } = headers.at(-1)!;
  const { evaluations: before, stepSize } = decodeState(begun![0]!).header as Walking;
  const plan: NoisedDensityPlan = { ...whole, chains: n };
  const { d, kept, skip, warmup, chains } = { ...plan, chains: whole.chains };
  const evaluations = headers.reduce((sum, own) => sum + own.evaluations, before);
  const state = await open(plan, context, evaluations);
  return inUse(state, async () => {
    Object.assign(state, { cycle: warmup + kept * skip, stepSize });
    pieces.forEach(({ arrays }, k) => {
      const { lo, hi, taken } = headers[k]!;
      const m = hi - lo;
      for (let s = 0; s < kept; s++)
        state.points.set(arrays.points!.subarray(s * m * d, (s + 1) * m * d), (s * n + lo) * d);
      for (let t = 0; t < kept * skip; t++)
        state.history.set(arrays.history!.subarray(t * m, (t + 1) * m), t * n + lo);
      state.taken = [state.taken[0] + taken[0], state.taken[1] + taken[1]];
    });
    const note = `By the deadline the first ${n} of ${chains} chains were at their ends; the answer is theirs.`;
    return answer(plan, state, n === chains ? ending : cutShort(ending, note));
  });
}
