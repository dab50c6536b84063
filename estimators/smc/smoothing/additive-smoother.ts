import { decodeState, encodeState } from '../../../engine/array/codec.ts';
import type { Context, Ending, Info, Result, Sampler, Step } from '../../../engine/sampler.ts';
import type { Estimate, Warning } from '../../../engine/types.ts';
import { type AdditiveOptions, type AdditivePlan, checkAdditive } from './additive-plan.ts';
import { type AdditiveState, advanceAdditive, openAdditive } from './additive-state.ts';
import type { BackwardTally } from './ancestor-draws.ts';
import { combineMeans, combineNormalizers } from './combine-runs.ts';
import { checkSaved, loopArrays, markLoop } from './saved-state.ts';
import {
  collapseMessage,
  fallbackWarning,
  filterSample,
  joined,
  logNormalizersOf,
  unevenWarning,
  unsupportedWarning,
} from './smoother-answer.ts';
import type { Curve } from './smoother-types.ts';
import { ADDITIVE_SOURCES } from './sources.ts';

/**
 * `estimate` is logNormalizer, then the sums; `sample` the particles of the filter, [R N, d]. Runs are weighted by their
 * normalizing constants; standard errors are the jackknife over runs, NaN for a single one.
 */
export interface AdditiveResult extends Result {
  /** E[S_t | y_0..y_t] at the last step taken. */
  readonly functional: Estimate;
  /** The same at every step so far, [T, k]. */
  readonly running: Curve;
  /** [R] */
  readonly logNormalizers: Float64Array;
  /** Share of proposals accepted; NaN for 'forward-only'. */
  readonly acceptance: number;
  /** Share of ancestors that ran out of trials and were drawn exactly. */
  readonly fallbackShare: number;
}

const WHERE = 'additiveSmoother';

/**
 * Expectations, given all observations so far, of sums along the path of a hidden Markov model, while the filter goes:
 * no history is kept, memory is O(N (d + k)).
 *
 * @throws OptionError for bad options, among them draws: 1, and a model without the densities the method needs.
 */
export function additiveSmoother(options: AdditiveOptions): Sampler<AdditiveState, AdditiveResult> {
  const plan = checkAdditive(options);
  const step = async (state: AdditiveState): Promise<Step<AdditiveState>> => {
    await advanceAdditive(state, plan);
    return report(state, plan);
  };
  return {
    name: 'additive-smoother',
    sources: ADDITIVE_SOURCES,
    async init(ctx) {
      const state = openAdditive(plan, ctx);
      try {
        return await step(state);
      } catch (error) {
        // The runner disposes of states it has seen.
        state.release();
        throw error;
      }
    },
    step,
    result: async (state, ending) => answer(state, plan, ending),
    snapshot: async (state) => encode(state, plan),
    restore: async (bytes, ctx) => report(await decode(bytes, plan, ctx), plan),
    dispose: (state) => state.release(),
  };
}

function report(state: AdditiveState, plan: AdditivePlan): Step<AdditiveState> {
  return { state, done: state.smc.finished, info: infoOf(state, plan, []) };
}

function infoOf({ smc }: AdditiveState, { steps }: AdditivePlan, warnings: readonly Warning[]): Info {
  const ess = smc.runs.reduce((least, run) => Math.min(least, run.ess), Infinity);
  return { ess, evaluations: smc.evaluations, warnings, done: smc.step + 1, total: steps };
}

function answer(state: AdditiveState, plan: AdditivePlan, ending: Ending): AdditiveResult {
  const { smc, tally, running, logNormalizer } = state;
  const { runs, steps, functional, dimension, maxTrials } = plan;
  const { names } = functional;
  const k = names.length;
  const logNormalizers = logNormalizersOf(smc);
  const curve = { value: new Float64Array(steps * k), standardError: new Float64Array(steps * k) };
  curve.value.fill(Number.NaN);
  curve.standardError.fill(Number.NaN);
  for (let t = 0; t <= smc.step; t++) {
    const values = new Float64Array(runs * k);
    for (let r = 0; r < runs; r++)
      values.set(running.subarray((r * steps + t) * k, (r * steps + t + 1) * k), r * k);
    const { value, standardError } = combineMeans(
      values,
      Float64Array.from({ length: runs }, (_, r) => logNormalizer[r * steps + t]!),
    );
    curve.value.set(value, t * k);
    curve.standardError.set(standardError, t * k);
  }
  const from = Math.max(0, smc.step) * k;
  const last = {
    value: steps === 0 ? new Float64Array(k) : curve.value.slice(from, from + k),
    standardError:
      steps === 0 ? new Float64Array(k).fill(Number.NaN) : curve.standardError.slice(from, from + k),
  };
  const warnings = [
    fallbackWarning(tally.fallbacks, tally.draws, maxTrials),
    unsupportedWarning(tally.unsupported, tally.draws),
    unevenWarning(logNormalizers),
  ].filter((warning) => warning !== undefined);
  const collapsed = smc.runs.map(({ collapsedAt }) => collapsedAt);
  const dead = steps > 0 && collapsed.every((at) => at !== undefined);
  return {
    ...ending,
    outcome: dead
      ? { kind: 'degenerate', ess: 0, message: collapseMessage(Math.max(...collapsed)) }
      : ending.outcome,
    estimate: joined(combineNormalizers(logNormalizers), names, last),
    sample: filterSample(smc, dimension, logNormalizers),
    diagnostics: infoOf(state, plan, warnings),
    functional: { names, ...last },
    running: curve,
    logNormalizers,
    acceptance: tally.accepted / tally.proposals,
    fallbackShare: tally.fallbacks / tally.draws,
  };
}

interface Header {
  readonly plan: string;
  readonly key: readonly [number, number];
  readonly smc: unknown;
  readonly tally: BackwardTally;
}

function encode(state: AdditiveState, plan: AdditivePlan): Uint8Array {
  const { smc, tau, running, logNormalizer, tally, key } = state;
  const saved = smc.snapshot();
  const header: Header = { plan: plan.fingerprint, key, smc: saved.header, tally };
  return encodeState(header, { tau: tau.now, running, logNormalizer, ...markLoop(saved.arrays) });
}

async function decode(bytes: Uint8Array, plan: AdditivePlan, ctx: Context): Promise<AdditiveState> {
  const { header: found, arrays } = decodeState(bytes);
  // Checked below as far as another method could have written it.
  const header = found as Header;
  checkSaved(WHERE, header?.plan === plan.fingerprint, header?.key, ctx.rng.key);
  const state = openAdditive(plan, ctx);
  try {
    await state.smc.restore({ header: header.smc, arrays: loopArrays(arrays) });
    state.tau.now.set(arrays.tau!);
    state.running.set(arrays.running!);
    state.logNormalizer.set(arrays.logNormalizer!);
    Object.assign(state.tally, header.tally);
  } catch (error) {
    state.release();
    throw error;
  }
  return state;
}
