import { decodeState, encodeState } from '../../../engine/array/codec.ts';
import { weightedMoments } from '../../../engine/particles/moments.ts';
import { makeSmc } from '../../../engine/particles/smc/smc.ts';
import type { Smc } from '../../../engine/particles/smc/types.ts';
import { TAG } from '../../../engine/random/purpose.ts';
import type { Rng } from '../../../engine/random/rng.ts';
import type { Context } from '../../../engine/sampler.ts';
import { checkSavedRun } from '../../../engine/saved-run.ts';
import { makeTurn } from '../../../engine/turn.ts';
import type { StateFields } from '../state-space.ts';
import { filterModel } from './filter-model.ts';
import { allPairs, drawnPairs, type PairMeans, type PairSums } from './pair-sums.ts';
import { checkTerms } from './path-record.ts';
import { informationFilter } from './reversed-model.ts';
import { runFrame } from './run-frame.ts';
import { loopArrays, markLoop } from './saved-state.ts';
import { runRngs } from './smoother-state.ts';
import type { DensityModel } from './transition-tile.ts';
import type { TwoFilterPlan } from './two-filter-plan.ts';

/** Two filters that meet. */
export interface TwoFilterState {
  readonly key: readonly [number, number];
  readonly rngs: readonly Rng[];
  /** Backward in time: its step tau is t = T - 1 - tau. Goes first, and remembers. */
  readonly information: Smc<StateFields>;
  readonly forward: Smc<StateFields>;
  readonly pairs: PairSums;
  /** [R, T, d]; NaN where not reached. */
  readonly mean: Float64Array;
  readonly variance: Float64Array;
  /** [R, k] sums of the terms gone through. */
  readonly functional: Float64Array;
  /** Smallest effective number of pairs at a step, and that step. */
  pairEss: number;
  pairEssAt: number;
  release(): void;
}

export function openTwoFilters(plan: TwoFilterPlan, ctx: Context): TwoFilterState {
  const { where, runs, particles: n, dimension: d, steps, functional, reversed, observations } = plan;
  const { backend, signal, rng } = ctx;
  // `checkTwoFilters` refused a model without its density.
  const model = plan.model as DensityModel;
  const rngs = runRngs(rng, runs);
  const base = { ...plan.options, where, backend, signal, particles: n };
  const forward = makeSmc({ ...base, rngs, model: filterModel(plan) });
  const information = makeSmc({
    ...base,
    rngs: rngs.map((own) => own.child(TAG.innerFilter, 0)),
    model: informationFilter(model, observations, reversed),
    history: { kind: 'full' },
  });
  const arena = backend.arena();
  const kit = { where, backend, arena, model, n, functional };
  const curve = (): Float64Array => new Float64Array(runs * steps * d).fill(Number.NaN);
  return {
    ...{ key: rng.key, rngs, information, forward, mean: curve(), variance: curve() },
    pairs: plan.pairs === 'all' ? allPairs(kit, makeTurn(), signal) : drawnPairs(kit, plan.pairs),
    functional: new Float64Array(runs * (functional?.names.length ?? 0)),
    ...{ pairEss: Infinity, pairEssAt: -1 },
    release() {
      forward.release();
      information.release();
      arena.release();
    },
  };
}

/** One step of the information filter, or of the filter with the pairs that it closes. */
export async function advanceTwoFilters(state: TwoFilterState, plan: TwoFilterPlan): Promise<void> {
  const { information, forward } = state;
  if (!information.finished) {
    await information.advance();
    return;
  }
  if (forward.finished) return;
  await forward.advance();
  for (const run of aliveRuns(state)) {
    if (forward.step < plan.steps - 1) await meet(state, plan, run);
    else lastStep(state, plan, run);
  }
}

/** Runs in which neither filter collapsed so far. */
export function aliveRuns({ information, forward }: TwoFilterState): number[] {
  return forward.runs.flatMap(({ collapsedAt }, r) =>
    collapsedAt === undefined && information.runs[r]!.collapsedAt === undefined ? [r] : [],
  );
}

async function meet(state: TwoFilterState, plan: TwoFilterPlan, run: number): Promise<void> {
  const { information, forward, rngs } = state;
  const { particles: n, steps, reversed, dimension: d } = plan;
  const { step } = forward;
  const { logWeight } = forward.population(run);
  const x = forward.population(run).field('x');
  const after = runFrame(information.history.frames[steps - 2 - step]!, run, n);
  const logPrior = new Float64Array(n);
  reversed.logPrior(step + 1, after.x, logPrior);
  const children = { x: after.x, logWeight: after.logWeight, logPrior };
  const center = weightedMoments(x, logWeight).mean;
  const found = await state.pairs({ step, rng: rngs[run]!, parents: { x, logWeight }, children, center });
  const at = (run * steps + step) * d;
  for (let c = 0; c < d; c++) {
    const off = found.mean[c]!;
    state.mean[at + c] = center[c]! + off;
    state.variance[at + c] = Math.max(0, found.mean[d + c]! - off * off);
  }
  addSums(state, plan, run, found);
  if (found.ess < state.pairEss) [state.pairEss, state.pairEssAt] = [found.ess, step];
}

function addSums(
  { functional }: TwoFilterState,
  { dimension: d, functional: asked }: TwoFilterPlan,
  run: number,
  { mean }: PairMeans,
): void {
  const k = asked?.names.length ?? 0;
  for (let at = 2 * d; at < mean.length; at++) functional[run * k + ((at - 2 * d) % k)]! += mean[at]!;
}

/** At the end the filter is the smoother. */
function lastStep(state: TwoFilterState, plan: TwoFilterPlan, run: number): void {
  const { forward, functional } = state;
  const { where, steps, dimension: d, particles: n, functional: asked } = plan;
  const x = forward.population(run).field('x');
  const { mean, covariance } = weightedMoments(x, forward.population(run).logWeight);
  const at = (run * steps + steps - 1) * d;
  state.mean.set(mean, at);
  for (let c = 0; c < d; c++) state.variance[at + c] = covariance[c * d + c]!;
  if (steps > 1 || asked?.initial === undefined) return;
  // A single step has no pair that its s_0 could come from.
  const k = asked.names.length;
  const terms = new Float64Array(n * k);
  asked.initial(x, terms);
  const weight = forward.weight(run);
  const { sum } = forward.summary(run);
  checkTerms(where, 0, terms, k, weight);
  for (let i = 0; i < n; i++)
    if (weight[i]! > 0)
      for (let c = 0; c < k; c++) functional[run * k + c]! += (weight[i]! / sum) * terms[i * k + c]!;
}

interface Header {
  readonly plan: string;
  readonly key: readonly [number, number];
  readonly information: unknown;
  readonly forward: unknown;
  readonly pairEss: readonly [number, number];
}

const ARRAYS = ['mean', 'variance', 'functional'] as const;

export function encodeTwoFilters(state: TwoFilterState, plan: TwoFilterPlan): Uint8Array {
  const { key, pairEss, pairEssAt, mean, variance, functional } = state;
  const [information, forward] = [state.information.snapshot(), state.forward.snapshot()];
  const header: Header = {
    plan: plan.fingerprint,
    key,
    information: information.header,
    forward: forward.header,
    pairEss: [pairEss, pairEssAt],
  };
  return encodeState(header, {
    ...{ mean, variance, functional },
    ...markLoop(information.arrays, 'information'),
    ...markLoop(forward.arrays, 'forward'),
  });
}

/** @throws OptionError when the bytes are no snapshot, or of a method with other options or another seed. */
export async function decodeTwoFilters(
  bytes: Uint8Array,
  plan: TwoFilterPlan,
  ctx: Context,
): Promise<TwoFilterState> {
  const { header: found, arrays } = decodeState(bytes);
  // Checked below as far as another method could have written it.
  const header = found as Header;
  checkSavedRun(plan.where, header, { plan: plan.fingerprint, key: ctx.rng.key });
  const state = openTwoFilters(plan, ctx);
  try {
    const { information, forward } = state;
    await information.restore({ header: header.information, arrays: loopArrays(arrays, 'information') });
    await forward.restore({ header: header.forward, arrays: loopArrays(arrays, 'forward') });
    for (const name of ARRAYS) state[name].set(arrays[name]!);
    [state.pairEss, state.pairEssAt] = header.pairEss;
  } catch (error) {
    state.release();
    throw error;
  }
  return state;
}
