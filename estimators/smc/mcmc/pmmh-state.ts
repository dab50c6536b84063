import { decodeState, encodeState } from '../../../engine/array/codec.ts';
import type { Arena } from '../../../engine/backend/backend.ts';
import { sampleVariance } from '../../../engine/diagnostics/autocorrelation.ts';
import { DegeneracyError } from '../../../engine/errors.ts';
import type { ChainStates, MarkovKernel, MoveTarget } from '../../../engine/kernel/kernel.ts';
import { orRelease } from '../../../engine/or-release.ts';
import { PURPOSE, TAG } from '../../../engine/random/purpose.ts';
import type { Rng } from '../../../engine/random/rng.ts';
import type { Context } from '../../../engine/sampler.ts';
import { checkSavedRun } from '../../../engine/saved-run.ts';
import { middleOf } from './chain-checks.ts';
import { type ChainRecord, keepDraws, makeChainRecord, restoreRecord, savedRecord } from './chain-record.ts';
import type { PmmhPlan } from './pmmh-plan.ts';
import type { LikelihoodNoise } from './pmmh-types.ts';
import { type FilterSetup, movedChains, pseudoMarginal, runFilters } from './pseudo-marginal.ts';
import { makeSharedNoise, type SharedNoise } from './shared-noise.ts';
import { makeWarmUp, type WarmUp, warmUpMean } from './warm-up.ts';

/** Chains of (theta, log Z-hat) between two iterations. */
export interface PmmhState {
  readonly ctx: Context;
  readonly rngs: readonly Rng[];
  readonly states: ChainStates;
  readonly kernel: MarkovKernel;
  readonly target: MoveTarget;
  /** [C] filters started so far under the key of each chain. */
  readonly started: Float64Array;
  readonly shared: SharedNoise | undefined;
  readonly warmUp: WarmUp;
  /** theta and log Z-hat, [C, n, p + 1]. */
  readonly record: ChainRecord;
  iteration: number;
  /** Proposals accepted after the warm-up. */
  accepted: number;
  evaluations: number;
  noise: LikelihoodNoise | undefined;
  readonly arena: Arena;
}

/** Arrays, kernel and target; the chains have no place yet. */
function openState(plan: PmmhPlan, ctx: Context): PmmhState {
  const { where, prior, chains: count } = plan;
  const { backend, signal } = ctx;
  const p = prior.names.length;
  const arena = backend.arena();
  const context = { where, backend, signal, dimension: p, prior: prior.law, gradient: false };
  const target = pseudoMarginal({
    ...{ where, prior, chains: count },
    estimate: (chains, x, out) => estimate(plan, state, chains, x, out, false),
  });
  const state: PmmhState = {
    ctx,
    rngs: Array.from({ length: count }, (_, chain) => ctx.rng.child(TAG.chain, chain)),
    states: { count, x: arena.f64(count * p), logPrior: arena.f64(count), logLikelihood: arena.f64(count) },
    kernel: plan.kernel.open({ ...context, chains: count, block: count }),
    target,
    started: new Float64Array(count),
    shared: plan.correlation > 0 ? openNoise(plan, ctx) : undefined,
    warmUp: makeWarmUp(plan.warmup, count, p),
    record: makeChainRecord(count, p + 1, plan.iterations),
    iteration: 0,
    accepted: 0,
    evaluations: 0,
    noise: undefined,
    arena,
  };
  return state;
}

function openNoise(plan: PmmhPlan, ctx: Context): SharedNoise {
  const { chains, models, particles, correlation } = plan;
  const { noise = 0, fields } = models.filter(middleOf(plan.prior), true);
  const dimension = fields.x.components;
  const { steps } = models;
  return makeSharedNoise({ backend: ctx.backend, chains, steps, particles, noise, dimension, correlation });
}

/** log Z-hat of a fresh filter for each chain listed, at the rows of x [n, p]. */
async function estimate(
  plan: PmmhPlan,
  state: PmmhState,
  chains: readonly number[],
  x: Float64Array,
  out: Float64Array,
  first: boolean,
): Promise<void> {
  const { models, particles } = plan;
  const { shared, started, rngs } = state;
  const p = plan.prior.names.length;
  const jobs = chains.map((chain, row) => {
    const rng = rngs[chain]!.child(TAG.innerFilter, started[chain]!);
    started[chain] = started[chain]! + 1;
    return { model: models.filter(x.slice(row * p, (row + 1) * p), shared !== undefined), rng };
  });
  const mixed =
    shared === undefined ? {} : { noise: shared.noise(chains, first), select: shared.select(chains, first) };
  const smc = await runFilters(jobs, { ...setup(plan, state.ctx), ...mixed }, models.steps);
  for (let row = 0; row < chains.length; row++) out[row] = smc.runs[row]!.logNormalizer;
  smc.release();
  state.evaluations += chains.length * particles * models.steps;
}

function setup({ where, particles, scheme, trigger }: PmmhPlan, { backend, signal }: Context): FilterSetup {
  return { where, backend, signal, particles, scheme, ...trigger };
}

/** Starts drawn in vain from the prior before a chain gives up. */
const TRIES = 50;

/** Chains at their start, with a first filter each; a start drawn from the prior where nothing is possible is drawn anew. */
export async function startChains(plan: PmmhPlan, ctx: Context): Promise<PmmhState> {
  const state = openState(plan, ctx);
  const start = async (): Promise<PmmhState> => {
    await placeChains(plan, state);
    if (plan.warmup === 0) await measureNoise(plan, state);
    return state;
  };
  return orRelease(start, () => releasePmmh(state));
}

async function placeChains(plan: PmmhPlan, state: PmmhState): Promise<void> {
  const { states, rngs } = state;
  const p = plan.prior.names.length;
  let waiting = rngs.map((_, chain) => chain);
  for (let attempt = 0; waiting.length > 0; attempt++) {
    if (attempt === (plan.started ? 1 : TRIES)) throw nowhere(plan, waiting[0]!);
    for (const chain of waiting) states.x.set(startAt(plan, rngs[chain]!, chain, attempt), chain * p);
    await plan.prior.rows(states.x, states.count, states.logPrior);
    const asked = waiting.filter((chain) => states.logPrior[chain]! > -Infinity);
    const x = new Float64Array(asked.length * p);
    asked.forEach((chain, row) => {
      x.set(states.x.subarray(chain * p, (chain + 1) * p), row * p);
    });
    const out = new Float64Array(asked.length);
    if (asked.length > 0) await estimate(plan, state, asked, x, out, true);
    asked.forEach((chain, row) => {
      states.logLikelihood[chain] = out[row]!;
      if (out[row]! > -Infinity) state.shared?.accept(chain);
    });
    const settled = new Set(asked.filter((_, row) => out[row]! > -Infinity));
    waiting = waiting.filter((chain) => !settled.has(chain));
  }
}

function startAt(plan: PmmhPlan, rng: Rng, chain: number, attempt: number): Float64Array {
  if (attempt === 0) return plan.start(rng, chain);
  const stream = rng.stream({ purpose: PURPOSE.init, sub: attempt });
  const u = Float64Array.from(plan.prior.names, () => stream.uniform());
  plan.prior.law.transport(u, u);
  return u;
}

/** One proposal for every chain. */
export async function iteratePmmh(plan: PmmhPlan, state: PmmhState): Promise<void> {
  const { states, kernel, target, shared, record, ctx } = state;
  const p = plan.prior.names.length;
  const iteration = state.iteration + 1;
  const before = { x: states.x.slice(), logLikelihood: states.logLikelihood.slice() };
  const outcome = await kernel.move(states, target, { rng: ctx.rng, step: iteration, move: 0 });
  if (shared !== undefined) for (const chain of movedChains(before, states, p)) shared.accept(chain);
  state.warmUp.learn(iteration, states.x, kernel);
  state.iteration = iteration;
  if (iteration > plan.warmup) {
    state.accepted += outcome.accepted;
    keepDraws(record, (chain) => [
      ...states.x.subarray(chain * p, (chain + 1) * p),
      states.logLikelihood[chain]!,
    ]);
  }
  if (iteration === plan.warmup) await measureNoise(plan, state);
}

/** Standard deviation of log Z-hat at which chains of independent filters are cheapest: the middle of 1.0 to 1.7. */
const BEST_NOISE = 1.3;

async function measureNoise(plan: PmmhPlan, state: PmmhState): Promise<void> {
  const { noiseFilters: filters, models, particles, prior } = plan;
  if (filters < 2) return;
  const p = prior.names.length;
  const theta = plan.warmup > 0 ? warmUpMean(state.warmUp, p) : state.states.x.slice(0, p);
  const density = new Float64Array(1);
  await prior.rows(theta, 1, density);
  if (density[0] === -Infinity) theta.set(state.states.x.subarray(0, p));
  const pilot = state.ctx.rng.child(TAG.pilot, 0);
  const jobs = Array.from({ length: filters }, (_, r) => ({
    model: models.filter(theta),
    rng: pilot.child(TAG.innerFilter, r),
  }));
  const smc = await runFilters(jobs, setup(plan, state.ctx), models.steps);
  const values = Float64Array.from(smc.runs, (run) => run.logNormalizer);
  smc.release();
  state.evaluations += filters * particles * models.steps;
  const standardDeviation = values.includes(-Infinity) ? Infinity : Math.sqrt(sampleVariance(values));
  const factor = standardDeviation === Infinity ? 4 : (standardDeviation / BEST_NOISE) ** 2;
  const suggestedParticles = Math.max(1, Math.ceil(particles * factor));
  state.noise = { theta: Float64Array.from(theta), standardDeviation, filters, suggestedParticles };
}

interface Saved {
  readonly plan: string;
  readonly key: readonly [number, number];
  readonly iteration: number;
  readonly accepted: number;
  readonly evaluations: number;
  readonly count: number;
  readonly tuning: Readonly<Record<string, unknown>>;
  readonly noise: (Omit<LikelihoodNoise, 'theta'> & { readonly theta: readonly number[] }) | null;
}

export function savePmmh(plan: PmmhPlan, state: PmmhState): Uint8Array {
  const { ctx, states, started, warmUp, record, shared, kernel, noise } = state;
  const { iteration, accepted, evaluations } = state;
  const header: Saved = {
    ...{ plan: plan.fingerprint, key: ctx.rng.key, iteration, accepted, evaluations, count: record.count },
    tuning: kernel.snapshot(),
    noise: noise === undefined ? null : { ...noise, theta: [...noise.theta] },
  };
  const { x, logPrior, logLikelihood } = states;
  const arrays = { x, logPrior, logLikelihood, started, warmUp: warmUp.draws, draws: savedRecord(record) };
  return encodeState(header, { ...arrays, ...(shared === undefined ? {} : { held: shared.held }) });
}

/** @throws OptionError when the bytes belong to another method, configuration or seed. */
export function restorePmmh(plan: PmmhPlan, bytes: Uint8Array, ctx: Context): PmmhState {
  const { header, arrays } = decodeState(bytes);
  const saved = header as Saved | null;
  checkSavedRun(plan.where, saved, { plan: plan.fingerprint, key: ctx.rng.key });
  const state = openState(plan, ctx);
  const { states, started, warmUp, shared, record, kernel } = state;
  states.x.set(arrays.x!);
  states.logPrior.set(arrays.logPrior!);
  states.logLikelihood.set(arrays.logLikelihood!);
  started.set(arrays.started!);
  warmUp.draws.set(arrays.warmUp!);
  shared?.held.set(arrays.held!);
  restoreRecord(record, arrays.draws!, saved.count);
  kernel.restore(saved.tuning);
  const { iteration, accepted, evaluations, noise } = saved;
  Object.assign(state, { iteration, accepted, evaluations });
  if (noise !== null) state.noise = { ...noise, theta: Float64Array.from(noise.theta) };
  return state;
}

export function releasePmmh({ kernel, arena }: PmmhState): void {
  kernel.dispose();
  arena.release();
}

function nowhere({ where, started }: PmmhPlan, chain: number): DegeneracyError {
  return new DegeneracyError({
    where,
    found: started
      ? `chain ${chain} starts where the observations are impossible`
      : `${TRIES} draws from the prior gave chain ${chain} no place at which the observations are possible`,
    expected: 'a start at which a filter survives',
    fix: 'Give `start`, or use more particles.',
  });
}
