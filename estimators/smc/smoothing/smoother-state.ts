import { decodeState, encodeState, type StateArray } from '../../../engine/array/codec.ts';
import type { Arena } from '../../../engine/backend/backend.ts';
import { makeSmc } from '../../../engine/particles/smc/smc.ts';
import type { Smc } from '../../../engine/particles/smc/types.ts';
import { TAG } from '../../../engine/random/purpose.ts';
import type { Rng } from '../../../engine/random/rng.ts';
import type { Context } from '../../../engine/sampler.ts';
import { checkSavedRun } from '../../../engine/saved-run.ts';
import { makeTurn } from '../../../engine/turn.ts';
import type { StateFields } from '../state-space.ts';
import {
  type AncestorDraws,
  type BackwardTally,
  makeDrawingKit,
  makeProposals,
  NO_DRAWS,
  type Proposals,
} from './ancestor-draws.ts';
import { exactDraws } from './exact-draws.ts';
import { filterModel } from './filter-model.ts';
import { genealogyDraws } from './genealogy-draws.ts';
import { mcmcDraws } from './mcmc-draws.ts';
import { type Crossing, makeRecord, makeRecorder, type PathRecord } from './path-record.ts';
import { rejectionDraws } from './rejection-draws.ts';
import { loopArrays, markLoop } from './saved-state.ts';
import type { SmootherPlan } from './smoother-plan.ts';
import type { DensityModel } from './transition-tile.ts';

/** A smoother between two steps. */
export interface SmootherState {
  readonly smc: Smc<StateFields>;
  /** One generator a run. */
  readonly rngs: readonly Rng[];
  readonly record: PathRecord;
  readonly tally: BackwardTally;
  readonly work: SmootherWork;
  /** The step that the backward pass goes through next; T before it begins, -1 when it is over. */
  at: number;
  /** [R, P] slots of the paths at step at + 1. */
  readonly slot: Uint32Array;
  /** The least share of ancestors, at a step, that are not the filter's own; and that step. */
  leastMoved: number;
  leastMovedAt: number;
}

/** Functions and arrays that hold no state. */
export interface SmootherWork {
  readonly key: readonly [number, number];
  readonly record: (crossing: Crossing) => Promise<void>;
  readonly draw: AncestorDraws;
  readonly proposals: Proposals;
  /** [P] weights of the paths of a run. */
  readonly weight: Float64Array;
  /** [P] */
  readonly uniforms: Float64Array;
  readonly ancestor: Uint32Array;
  /** [P] 0, 1, 2, ... */
  readonly identity: Uint32Array;
  release(): void;
}

/** Generators of R runs: those of a `particleFilter` with the same seed. */
export function runRngs(rng: Rng, runs: number): Rng[] {
  return Array.from({ length: runs }, (_, r) => rng.child(TAG.replicate, r));
}

export function openSmoother(plan: SmootherPlan, ctx: Context): SmootherState {
  const { where, runs, particles: n, steps, paths, history } = plan;
  const { backend, signal, rng } = ctx;
  const rngs = runRngs(rng, runs);
  const base = { ...plan.options, where, backend, signal, rngs, particles: n, history };
  const smc = makeSmc({ ...base, model: filterModel(plan) });
  const arena = backend.arena();
  const size = { ...plan, keepPaths: plan.method !== 'fixed-lag' };
  const record = makeRecord(size);
  const work: SmootherWork = {
    key: rng.key,
    record: makeRecorder(backend, arena, size, record),
    draw: openDraws(plan, ctx, arena),
    proposals: makeProposals(backend, arena, n),
    weight: arena.f64(paths),
    uniforms: arena.f64(paths),
    ancestor: arena.u32(paths),
    identity: Uint32Array.from({ length: paths }, (_, p) => p),
    release() {
      smc.release();
      arena.release();
    },
  };
  const slot = new Uint32Array(runs * paths);
  const tally = { ...NO_DRAWS };
  return { smc, rngs, record, tally, work, at: steps, slot, leastMoved: 1, leastMovedAt: -1 };
}

function openDraws(plan: SmootherPlan, { backend, signal }: Context, arena: Arena): AncestorDraws {
  const { where, method, particles, paths, moves, maxTrials } = plan;
  if (method === 'genealogy' || method === 'fixed-lag') return genealogyDraws;
  // `checkPlan` refused a model without it.
  const model = plan.model as DensityModel;
  const kit = makeDrawingKit(where, backend, arena, model, particles, paths);
  switch (method) {
    case 'mcmc':
      return mcmcDraws(kit, moves);
    case 'exact':
      return exactDraws(kit, makeTurn(), signal);
    case 'rejection':
      return rejectionDraws(kit, maxTrials, makeTurn(), signal);
    default:
      return method satisfies never;
  }
}

interface Header {
  readonly plan: string;
  readonly key: readonly [number, number];
  readonly smc: unknown;
  readonly at: number;
  readonly tally: BackwardTally;
  readonly leastMoved: readonly [number, number];
  readonly pathEss: readonly [number, number];
}

export function encodeSmoother(state: SmootherState, plan: SmootherPlan): Uint8Array {
  const { smc, record, tally, work, at, slot, leastMoved, leastMovedAt } = state;
  const saved = smc.snapshot();
  const header: Header = {
    plan: plan.fingerprint,
    key: work.key,
    smc: saved.header,
    at,
    tally,
    leastMoved: [leastMoved, leastMovedAt],
    pathEss: [record.pathEss, record.pathEssAt],
  };
  const arrays: Record<string, StateArray> = { slot, ...markLoop(saved.arrays) };
  for (const name of RECORD_ARRAYS) arrays[`record:${name}`] = record[name];
  return encodeState(header, arrays);
}

const RECORD_ARRAYS = ['mean', 'variance', 'functional', 'paths'] as const;

/** @throws OptionError when the bytes are no snapshot, or of a method with other options or another seed. */
export async function decodeSmoother(
  bytes: Uint8Array,
  plan: SmootherPlan,
  ctx: Context,
): Promise<SmootherState> {
  const { header: found, arrays } = decodeState(bytes);
  // Checked field by field below as far as another method could have written it.
  const header = found as Header;
  checkSavedRun(plan.where, header, { plan: plan.fingerprint, key: ctx.rng.key });
  const state = openSmoother(plan, ctx);
  const { record, tally } = state;
  try {
    await state.smc.restore({ header: header.smc, arrays: loopArrays(arrays) });
    for (const name of RECORD_ARRAYS) record[name].set(arrays[`record:${name}`]!);
    state.slot.set(arrays.slot!);
  } catch (error) {
    state.work.release();
    throw error;
  }
  state.at = header.at;
  Object.assign(tally, header.tally);
  [state.leastMoved, state.leastMovedAt] = header.leastMoved;
  [record.pathEss, record.pathEssAt] = header.pathEss;
  return state;
}
