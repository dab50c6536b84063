import { makeSmc } from '../../../engine/particles/smc/smc.ts';
import type { Smc } from '../../../engine/particles/smc/types.ts';
import type { Rng } from '../../../engine/random/rng.ts';
import type { Context } from '../../../engine/sampler.ts';
import { makeTurn } from '../../../engine/turn.ts';
import type { StateFields } from '../state-space.ts';
import type { AdditivePlan } from './additive-plan.ts';
import type { AdditiveUpdate } from './additive-update.ts';
import { type BackwardTally, makeDrawingKit, NO_DRAWS } from './ancestor-draws.ts';
import { filterModel } from './filter-model.ts';
import { forwardOnly } from './forward-only.ts';
import { paris } from './paris.ts';
import { checkTerms } from './path-record.ts';
import { rejectionDraws } from './rejection-draws.ts';
import type { RunFrame } from './run-frame.ts';
import { runRngs } from './smoother-state.ts';
import { type DensityModel, makeTile } from './transition-tile.ts';

/** A filter with the conditional expectations of its particles. */
export interface AdditiveState {
  readonly smc: Smc<StateFields>;
  readonly key: readonly [number, number];
  readonly rngs: readonly Rng[];
  readonly update: AdditiveUpdate;
  readonly tally: BackwardTally;
  /** [R N, k] of the last step, and of the one before. */
  readonly tau: { now: Float64Array; before: Float64Array };
  /** [R N, d] and [R N]: the particles of the step before, and [N] a list of slots. */
  readonly previous: { readonly x: Float64Array; readonly logWeight: Float64Array };
  readonly live: Uint32Array;
  /** [R, T, k] estimates at every step, with [R, T] log normalizing constants. */
  readonly running: Float64Array;
  readonly logNormalizer: Float64Array;
  release(): void;
}

export function openAdditive(plan: AdditivePlan, ctx: Context): AdditiveState {
  const { where, runs, particles: n, dimension: d, steps, functional } = plan;
  const { backend, signal, rng } = ctx;
  const k = functional.names.length;
  const rngs = runRngs(rng, runs);
  const smc = makeSmc({
    ...plan.options,
    where,
    backend,
    signal,
    rngs,
    particles: n,
    model: filterModel(plan),
  });
  const arena = backend.arena();
  // `checkAdditive` refused a model without its density.
  const model = plan.model as DensityModel;
  const turn = makeTurn();
  const update = (): AdditiveUpdate => {
    if (plan.method === 'forward-only')
      return forwardOnly(where, arena, makeTile(where, backend, arena, model, n), n, k, turn, signal);
    const kit = makeDrawingKit(where, backend, arena, model, n, n);
    return paris(where, arena, rejectionDraws(kit, plan.maxTrials, turn, signal), plan.draws, n, d, k);
  };
  return {
    ...{ smc, rngs, key: rng.key, tally: { ...NO_DRAWS } },
    update: update(),
    tau: { now: new Float64Array(runs * n * k), before: new Float64Array(runs * n * k) },
    previous: { x: new Float64Array(runs * n * d), logWeight: new Float64Array(runs * n) },
    live: new Uint32Array(n),
    running: new Float64Array(runs * steps * k).fill(Number.NaN),
    logNormalizer: new Float64Array(runs * steps).fill(-Infinity),
    release() {
      smc.release();
      arena.release();
    },
  };
}

/** One step of the filter and of the expectations beside it. */
export async function advanceAdditive(state: AdditiveState, plan: AdditivePlan): Promise<void> {
  const { smc, previous, tau } = state;
  if (smc.finished) return;
  previous.x.set(smc.particles.field('x'));
  previous.logWeight.set(smc.particles.logWeight);
  await smc.advance();
  [tau.now, tau.before] = [tau.before, tau.now];
  for (const [run, { collapsedAt, logNormalizer }] of smc.runs.entries()) {
    state.logNormalizer[run * plan.steps + smc.step] = logNormalizer;
    if (collapsedAt === undefined) await advanceRun(state, plan, run);
  }
}

async function advanceRun(state: AdditiveState, plan: AdditivePlan, run: number): Promise<void> {
  const { smc, tau, previous, live, running } = state;
  const { where, functional, particles: n, dimension: d, steps } = plan;
  const k = functional.names.length;
  const rows = (all: Float64Array, width: number): Float64Array =>
    all.subarray(run * n * width, (run + 1) * n * width);
  const { step } = smc;
  const weight = smc.weight(run);
  const now = rows(tau.now, k);
  const children = frameOf(state, run, n);
  if (step === 0) {
    functional.initial?.(children.x, now);
    checkTerms(where, 0, now, k, weight);
  } else {
    let count = 0;
    for (let i = 0; i < n; i++) if (weight[i]! > 0) live[count++] = i;
    const parents = { x: rows(previous.x, d), logWeight: rows(previous.logWeight, 1), parentOf: itself };
    const shared = { step, rng: state.rngs[run]!, functional, parents, children };
    await state.update({ ...shared, live, count, before: rows(tau.before, k), tau: now }, state.tally);
  }
  const { sum } = smc.summary(run);
  for (let c = 0; c < k; c++) {
    let total = 0;
    for (let i = 0; i < n; i++) if (weight[i]! > 0) total += weight[i]! * now[i * k + c]!;
    running[(run * steps + step) * k + c] = total / sum;
  }
}

function frameOf({ smc }: AdditiveState, run: number, n: number): RunFrame {
  const { ancestor } = smc.particles;
  const { logWeight } = smc.population(run);
  const offset = run * n;
  return {
    x: smc.population(run).field('x'),
    logWeight,
    parentOf: (slot) => ancestor[offset + slot]! - offset,
  };
}

function itself(slot: number): number {
  return slot;
}
