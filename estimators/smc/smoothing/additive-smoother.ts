import { decodeState, encodeState } from '../../../engine/array/codec.ts';
import { combinedLogNormalizer } from '../../../engine/diagnostics/combined-normalizer.ts';
import { orRelease } from '../../../engine/or-release.ts';
import type { Context, Ending, Info, Result, Sampler, Step } from '../../../engine/sampler.ts';
import { checkSavedRun } from '../../../engine/saved-run.ts';
import type { Estimate, Warning } from '../../../engine/types.ts';
import { type AdditiveOptions, type AdditivePlan, checkAdditive } from './additive-plan.ts';
import { type AdditiveState, advanceAdditive, openAdditive } from './additive-state.ts';
import type { BackwardTally } from './ancestor-draws.ts';
import { combineMeans } from './combine-runs.ts';
import { loopArrays, markLoop } from './saved-state.ts';
import {
  collapseMessage,
  fallbackWarning,
  filterSample,
  joined,
  logNormalizersOf,
  unevenWarning,
  unsupportedWarning,
} from './smoother-answer.ts';
import type { SmoothedCurve, SmoothedRuns } from './smoother-types.ts';
import { ADDITIVE_SOURCES } from './sources.ts';

/**
 * `estimate` is logNormalizer, then the sums; `sample` the particles of the filter, [R N, d]. Runs are weighted by their
 * normalizing constants; standard errors are the jackknife over runs, NaN for a single one.
 */
export interface AdditiveResult extends Result {
  /** E[S_t | y_0..y_t] at the last step taken. */
  readonly functional: Estimate;
  /** The same at every step so far, [T, k]. */
  readonly running: SmoothedCurve;
  readonly runs: SmoothedRuns;
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
      return orRelease(
        () => step(state),
        () => state.release(),
      );
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
  const { smc, tally } = state;
  const { steps, functional, dimension, maxTrials } = plan;
  const { names } = functional;
  const logNormalizers = logNormalizersOf(smc);
  const last = stepValues(state, plan, smc.step);
  const sums = combineMeans(last, logNormalizers);
  const warnings = [
    fallbackWarning(tally.fallbacks, tally.draws, maxTrials),
    unsupportedWarning(tally.unsupported, tally.draws),
    unevenWarning(logNormalizers),
  ].filter((warning) => warning !== undefined);
  const ends = smc.runs.map(({ collapsedAt }) => collapsedAt ?? -1);
  const dead = steps > 0 && ends.every((at) => at >= 0);
  return {
    ...ending,
    outcome: dead
      ? { kind: 'degenerate', ess: 0, message: collapseMessage(Math.max(...ends)) }
      : ending.outcome,
    estimate: joined(combinedLogNormalizer(logNormalizers), names, sums),
    sample: filterSample(smc, dimension, logNormalizers),
    diagnostics: infoOf(state, plan, warnings),
    functional: { names, ...sums },
    running: runningCurve(state, plan),
    runs: { logNormalizer: logNormalizers, functional: last },
    acceptance: tally.accepted / tally.proposals,
    fallbackShare: tally.fallbacks / tally.draws,
  };
}

/** Sums of each run at step t, [R, k]; 0 before there is one. */
function stepValues(
  { running }: AdditiveState,
  { runs, steps, functional }: AdditivePlan,
  t: number,
): Float64Array {
  const k = functional.names.length;
  const values = new Float64Array(runs * k);
  for (let r = 0; r < runs && t >= 0; r++)
    values.set(running.subarray((r * steps + t) * k, (r * steps + t + 1) * k), r * k);
  return values;
}

/** Expectations at every step so far, runs weighted by what their normalizing constants were then. */
function runningCurve(state: AdditiveState, plan: AdditivePlan): SmoothedCurve {
  const { smc, logNormalizer } = state;
  const { runs, steps, functional } = plan;
  const k = functional.names.length;
  const nans = (): Float64Array => new Float64Array(steps * k).fill(Number.NaN);
  const curve = { value: nans(), standardError: nans() };
  for (let t = 0; t <= smc.step; t++) {
    const logZ = Float64Array.from({ length: runs }, (_, r) => logNormalizer[r * steps + t]!);
    const { value, standardError } = combineMeans(stepValues(state, plan, t), logZ);
    curve.value.set(value, t * k);
    curve.standardError.set(standardError, t * k);
  }
  return curve;
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
  checkSavedRun(WHERE, header, { plan: plan.fingerprint, key: ctx.rng.key });
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
