import { decodeState, encodeState, type StateArray } from '../../../engine/array/codec.ts';
import { TAG } from '../../../engine/random/purpose.ts';
import type { Rng } from '../../../engine/random/rng.ts';
import type { Context, Info } from '../../../engine/sampler.ts';
import { checkSavedRun } from '../../../engine/saved-run.ts';
import type { Warning } from '../../../engine/types.ts';
import { lacksDensity } from '../densities.ts';
import { type ChainRecord, keepDraws, makeChainRecord, restoreRecord, savedRecord } from './chain-record.ts';
import type { GibbsPlan } from './gibbs-plan.ts';
import type { ParameterUpdate } from './parameter-update.ts';
import {
  keepPaths,
  makePathRecord,
  type PathRecord,
  restorePathRecord,
  savedPathRecord,
} from './path-record.ts';
import { filteredPaths, makePathUpdater, type PathSlot, type PathUpdater } from './path-updater.ts';
import { makeWarmUp, type WarmUp } from './warm-up.ts';

/** Chains of parameters and paths between two sweeps. */
export interface GibbsState {
  readonly rngs: readonly Rng[];
  readonly key: readonly [number, number];
  thetas: readonly Float64Array[];
  paths: readonly Float64Array[];
  /** Sweeps so far, those of the warm-up included. */
  sweep: number;
  evaluations: number;
  readonly record: ChainRecord;
  readonly moments: PathRecord;
  readonly warmUp: WarmUp;
  readonly parameters: ParameterUpdate;
  /** Opened at the first sweep. */
  updater: PathUpdater | undefined;
}

/** Starting parameters, and a path of each chain from a filter there. */
export async function openChains(plan: GibbsPlan, ctx: Context): Promise<GibbsState> {
  const rngs = chainRngs(plan, ctx);
  const thetas = rngs.map((rng, chain) => plan.start(rng, chain));
  const slots = thetas.map((theta, c) => ({
    model: plan.models.filter(theta),
    rng: rngs[c]!.child(TAG.innerFilter, 0),
  }));
  const paths = await filteredPaths(slots, { ...loopOptions(plan, ctx) });
  return stateOf(plan, ctx, thetas, paths);
}

/** theta given the path, then the path by conditional SMC at the new theta. */
export async function sweep(plan: GibbsPlan, ctx: Context, state: GibbsState): Promise<void> {
  const { rngs, parameters, warmUp } = state;
  const number = state.sweep + 1;
  const thetas: Float64Array[] = [];
  for (const [chain, path] of state.paths.entries())
    thetas.push(await parameters.update(chain, path, state.thetas[chain]!, number));
  const slots = thetas.map((theta, c) =>
    slotOf(plan, theta, rngs[c]!.child(TAG.innerFilter, number), state.paths[c]!),
  );
  state.updater ??= makePathUpdater(slots, { ...loopOptions(plan, ctx), variant: plan.variant });
  const paths = await state.updater.update(slots);
  warmUp.learn(
    number,
    thetas.flatMap((theta) => [...theta]),
    parameters.kernel,
  );
  if (number > plan.warmup) {
    keepDraws(state.record, (c) => thetas[c]!);
    keepPaths(state.moments, paths, state.paths);
  }
  state.thetas = thetas;
  state.paths = paths;
  state.sweep = number;
  state.evaluations += plan.chains * plan.particles * plan.models.steps;
}

function slotOf(plan: GibbsPlan, theta: Float64Array, rng: Rng, reference: Float64Array): PathSlot {
  const { where, variant, models } = plan;
  const model = models.at(theta);
  const needed = variant === 'ancestor' || variant === 'backward';
  if (needed && model.logTransition === undefined)
    throw lacksDensity(where, model, 'logTransition', `variant '${variant}'`, "use variant: 'plain'");
  const logTransition: PathSlot['logTransition'] = (step, parent, x, out) =>
    model.logTransition!(step, parent, x, out);
  return { model: models.filter(theta), rng, reference, logTransition };
}

function loopOptions(plan: GibbsPlan, ctx: Context) {
  const { where, particles, trigger } = plan;
  return { where, particles, ...trigger, backend: ctx.backend, signal: ctx.signal };
}

function chainRngs(plan: GibbsPlan, ctx: Context): Rng[] {
  return Array.from({ length: plan.chains }, (_, chain) => ctx.rng.child(TAG.chain, chain));
}

function stateOf(
  plan: GibbsPlan,
  ctx: Context,
  thetas: readonly Float64Array[],
  paths: readonly Float64Array[],
): GibbsState {
  const { chains, names, iterations, warmup, models } = plan;
  const rngs = chainRngs(plan, ctx);
  return {
    rngs,
    key: ctx.rng.key,
    thetas,
    paths,
    sweep: 0,
    evaluations: chains * plan.particles * models.steps,
    record: makeChainRecord(chains, names.length, iterations),
    moments: makePathRecord(chains, models.steps, paths[0]!.length / models.steps, iterations),
    warmUp: makeWarmUp(warmup, chains, names.length),
    parameters: plan.open(ctx, rngs),
    updater: undefined,
  };
}

/** Progress, in sweeps. */
export function gibbsInfo(plan: GibbsPlan, state: GibbsState, warnings: readonly Warning[]): Info {
  return {
    ess: state.record.count * plan.chains,
    evaluations: state.evaluations,
    warnings,
    done: state.sweep,
    total: plan.warmup + plan.iterations,
  };
}

interface Saved {
  readonly plan: string;
  readonly key: readonly [number, number];
  readonly sweep: number;
  readonly evaluations: number;
  readonly count: number;
  readonly moments: { readonly count: number; readonly batches: number };
  readonly tuning: Readonly<Record<string, unknown>> | null;
}

export function saveChains(plan: GibbsPlan, state: GibbsState): Uint8Array {
  const { key, record, moments, warmUp, parameters } = state;
  const paths = savedPathRecord(moments);
  const header: Saved = {
    plan: plan.fingerprint,
    key,
    sweep: state.sweep,
    evaluations: state.evaluations,
    count: record.count,
    moments: paths.header,
    tuning: parameters.kernel?.snapshot() ?? null,
  };
  return encodeState(header, {
    ...paths.arrays,
    thetas: joined(state.thetas),
    paths: joined(state.paths),
    draws: savedRecord(record),
    warmUp: warmUp.draws,
  });
}

/** @throws OptionError when the bytes belong to another method, configuration or seed. */
export function restoreChains(plan: GibbsPlan, bytes: Uint8Array, ctx: Context): GibbsState {
  const { header, arrays } = decodeState(bytes);
  const known = header as Saved | null;
  checkSavedRun(plan.where, known, { plan: plan.fingerprint, key: ctx.rng.key });
  const { chains, names } = plan;
  const state = stateOf(plan, ctx, cut(arrays.thetas!, chains, names.length), cut(arrays.paths!, chains));
  restoreRecord(state.record, arrays.draws! as Float64Array, known.count);
  restorePathRecord(state.moments, known.moments, arrays);
  state.warmUp.draws.set(arrays.warmUp!);
  state.sweep = known.sweep;
  state.evaluations = known.evaluations;
  if (known.tuning !== null) state.parameters.kernel?.restore(known.tuning);
  return state;
}

/** Rows one after the other. */
export function joined(rows: readonly Float64Array[]): Float64Array {
  const width = rows[0]!.length;
  const all = new Float64Array(rows.length * width);
  for (const [i, row] of rows.entries()) all.set(row, i * width);
  return all;
}

function cut(all: StateArray, rows: number, width: number = all.length / rows): Float64Array[] {
  return Array.from({ length: rows }, (_, i) => Float64Array.from(all.subarray(i * width, (i + 1) * width)));
}

export function releaseChains(state: GibbsState): void {
  state.updater?.release();
  state.updater = undefined;
  state.parameters.release();
}
