import { summarise } from '../../../engine/particles/log-weight.ts';
import { PURPOSE } from '../../../engine/random/purpose.ts';
import { channel } from '../../../engine/random/rng.ts';
import type { Context } from '../../../engine/sampler.ts';
import { runFrame } from './run-frame.ts';
import type { SmootherPlan } from './smoother-plan.ts';
import type { SmootherState } from './smoother-state.ts';

/** One step of the filter, or one step back along all paths. */
export async function advanceSmoother(state: SmootherState, plan: SmootherPlan, ctx: Context): Promise<void> {
  const { smc } = state;
  const lagged = plan.method === 'fixed-lag';
  if (!smc.finished) {
    await smc.advance();
    if (lagged) await recordLagged(state, plan);
  } else if (state.at >= 0 && state.at < plan.steps) {
    await stepBack(state, plan, ctx);
    state.at--;
  }
  if (!smc.finished || state.at < plan.steps) return;
  // No way back without paths, nor where no run is left.
  state.at = lagged || alive(state).length === 0 ? -1 : plan.steps - 1;
}

/** Runs that did not collapse. */
export function alive({ smc }: SmootherState): number[] {
  return smc.runs.flatMap(({ collapsedAt }, r) => (collapsedAt === undefined ? [r] : []));
}

async function stepBack(state: SmootherState, plan: SmootherPlan, ctx: Context): Promise<void> {
  const { smc, tally, work } = state;
  const { particles: n, paths } = plan;
  const step = state.at;
  const before = { ...tally };
  for (const run of alive(state)) {
    const frame = runFrame(smc.history.frames[step]!, run, n);
    const slot = state.slot.subarray(run * paths, (run + 1) * paths);
    const weight = pathWeights(state, plan, run);
    if (step === plan.steps - 1) {
      await drawEnds(state, plan, ctx, run);
      await work.record({ run, step, frame, slot, ...weight, after: undefined });
      continue;
    }
    const children = runFrame(smc.history.frames[step + 1]!, run, n);
    const { ancestor, identity: particle } = work;
    const shared = { step, rng: state.rngs[run]!, parents: frame, children, count: paths };
    await work.draw({ ...shared, child: slot, particle, block: 0, ancestor }, tally);
    await work.record({ run, step, frame, slot: ancestor, ...weight, after: { frame: children, slot } });
    slot.set(ancestor);
  }
  const draws = tally.draws - before.draws;
  const moved = (tally.moved - before.moved) / draws;
  if (draws > 0 && moved < state.leastMoved) [state.leastMoved, state.leastMovedAt] = [moved, step];
}

/** Where the paths of a run end: independent draws from the last weights; every particle once for the genealogy. */
async function drawEnds(
  { smc, slot, work, rngs }: SmootherState,
  { method, paths, steps, particles: n }: SmootherPlan,
  { backend }: Context,
  run: number,
): Promise<void> {
  const { ancestor, uniforms, proposals, identity } = work;
  if (method === 'genealogy') {
    slot.set(identity, run * paths);
    return;
  }
  const [k0, k1] = rngs[run]!.key;
  const address = [k0, k1, 0, steps - 1, channel(PURPOSE.backward)] as const;
  await backend.dispatch('uniform', [uniforms, 1, ...address], paths);
  await proposals.aim(runFrame(smc.history.frames[steps - 1]!, run, n).logWeight);
  await proposals.draw(uniforms, ancestor, paths);
  slot.set(ancestor, run * paths);
}

/** Weights of the paths of a run: those of the last particles for the genealogy, else equal. */
function pathWeights(
  { smc, work }: SmootherState,
  { where, method, particles: n, paths }: SmootherPlan,
  run: number,
): { readonly weight: Float64Array; readonly sum: number } {
  const { weight } = work;
  if (method === 'genealogy' || method === 'fixed-lag') {
    const { logWeight } = runFrame(smc.history.frames.at(-1)!, run, n);
    return { weight, sum: summarise(where, logWeight, weight).sum };
  }
  return { weight: weight.fill(1), sum: paths };
}

/** Steps whose whole lag is over, or all that are left when the filter is: x_t by the ancestors of the last particles. */
async function recordLagged(state: SmootherState, plan: SmootherPlan): Promise<void> {
  const { smc } = state;
  const { lag, steps } = plan;
  const last = smc.step;
  const from = Math.max(0, last - lag);
  if (last < lag && last < steps - 1) return;
  for (let step = from; step <= (last === steps - 1 ? last : from); step++) await recordAt(state, plan, step);
}

async function recordAt(state: SmootherState, plan: SmootherPlan, step: number): Promise<void> {
  const { smc, work } = state;
  const { history } = smc;
  const { particles: n } = plan;
  const back = smc.step - step;
  const slots = history.ancestry(back);
  const next = back === 0 ? undefined : history.ancestry(back - 1);
  const frame = history.frames.at(-1 - back)!;
  const frameAfter = history.frames.at(-back)!;
  for (const run of alive(state)) {
    const own = (all: Uint32Array): Uint32Array =>
      all.subarray(run * n, (run + 1) * n).map((slot) => slot - run * n);
    const weight = pathWeights(state, plan, run);
    const after = next && { frame: runFrame(frameAfter, run, n), slot: own(next) };
    await work.record({ run, step, frame: runFrame(frame, run, n), slot: own(slots), ...weight, after });
  }
}
