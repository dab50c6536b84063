import { spaced } from '../../../engine/check.ts';
import { combinedLogNormalizer } from '../../../engine/diagnostics/combined-normalizer.ts';
import type { Ending, Info, Result } from '../../../engine/sampler.ts';
import type { Estimate, Warning } from '../../../engine/types.ts';
import { combineMeans, combineMoments } from './combine-runs.ts';
import { collapseMessage, filterSample, joined, logNormalizersOf } from './smoother-answer.ts';
import type { SmoothedCurve, SmoothedRuns } from './smoother-types.ts';
import type { TwoFilterPlan } from './two-filter-plan.ts';
import { aliveRuns, type TwoFilterState } from './two-filter-state.ts';

/** Pairs that should count at a step; a tenth of the pairs where there are few. */
const FEWEST_PAIRS = 20;

/**
 * `estimate` is logNormalizer (of the filter), then the sums of `functional`; `sample` the particles of the filter,
 * [R N, d]. Runs count alike, except that one in which a filter collapsed counts for nothing: a run normalises its weights at every pair of steps
 * by itself, so that the bias is O(1/N). Standard errors are sd / sqrt R over runs, NaN for a single one.
 */
export interface TwoFilterResult extends Result {
  /** E[x_t | y_0..y_{T-1}], [T, d]; NaN at steps not reached. */
  readonly mean: SmoothedCurve;
  /** Var[x_t | y_0..y_{T-1}], number by number. */
  readonly variance: SmoothedCurve;
  /** Expectations of the sums of `functional`; empty without it. */
  readonly functional: Estimate;
  readonly runs: SmoothedRuns & {
    /** Smoothed means of each run, [R, T, d]. */
    readonly mean: Float64Array;
  };
  /** Smallest effective number of pairs at a step, over runs; of particles of the information filter with pairs: 'all'. */
  readonly pairEss: number;
}

export function twoFilterInfo(
  { forward, information, pairEss }: TwoFilterState,
  { steps }: TwoFilterPlan,
  warnings: readonly Warning[],
): Info {
  const smc = information.finished ? forward : information;
  const ess = smc.runs.reduce((least, run) => Math.min(least, run.ess), Infinity);
  return {
    ess: Number.isFinite(pairEss) ? pairEss : ess,
    evaluations: forward.evaluations + information.evaluations,
    warnings,
    done: forward.step + information.step + 2,
    total: 2 * steps,
  };
}

export function twoFilterAnswer(state: TwoFilterState, plan: TwoFilterPlan, ending: Ending): TwoFilterResult {
  const { forward, information, pairEss, pairEssAt } = state;
  const logNormalizers = logNormalizersOf(forward);
  const alive = new Set(aliveRuns(state));
  const equal = Float64Array.from(forward.runs, (_, r) => (alive.has(r) ? 0 : -Infinity));
  const { mean, variance } = combineMoments(state.mean, state.variance, equal);
  const names = plan.functional?.names ?? [];
  const functional = forward.finished ? state.functional.slice() : state.functional.map(() => Number.NaN);
  const sums = combineMeans(functional, equal);
  const dead = plan.steps > 0 && alive.size === 0;
  const ends = [
    ...forward.runs.map(({ collapsedAt }) => collapsedAt ?? -1),
    ...information.runs.map(({ collapsedAt: tau }) => (tau === undefined ? -1 : plan.steps - 1 - tau)),
  ];
  return {
    ...ending,
    outcome: dead
      ? { kind: 'degenerate', ess: 0, message: collapseMessage(Math.max(...ends)) }
      : ending.outcome,
    estimate: joined(combinedLogNormalizer(logNormalizers), names, sums),
    sample: filterSample(forward, plan.dimension, logNormalizers),
    diagnostics: twoFilterInfo(state, plan, warningsOf(plan, pairEss, pairEssAt)),
    ...{ mean, variance, functional: { names, ...sums } },
    runs: { logNormalizer: logNormalizers, mean: state.mean.slice(), functional },
    pairEss: Number.isFinite(pairEss) ? pairEss : Number.NaN,
  };
}

function warningsOf(plan: TwoFilterPlan, pairEss: number, step: number): readonly Warning[] {
  const pairs = plan.pairs === 'all' ? plan.particles : plan.pairs;
  const fewest = Math.min(FEWEST_PAIRS, pairs / 10);
  if (!(pairEss < fewest)) return [];
  return [
    {
      code: 'few-pairs',
      message: `The two filters hardly meet between steps ${step} and ${step + 1}: ${pairEss.toPrecision(2)} of ${spaced(pairs)} pairs count in effect (warned below ${fewest}). Use pairs: 'all', more particles, or an artificial prior nearer to the smoothed states.`,
      value: pairEss,
      threshold: fewest,
    },
  ];
}
