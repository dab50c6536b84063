import { toldPlace } from '../../../engine/model/place.ts';
import { roundedInputs, roundedOutputs } from '../../../engine/model/single-precision.ts';
import type { Ending } from '../../../engine/sampler.ts';
import type { IntervalEstimate, Warning } from '../../../engine/types.ts';
import { pairedInterval, pairWarnings } from './antithetic.ts';
import type { Plan } from './monte-carlo-plan.ts';
import type { MonteCarloResult } from './monte-carlo-types.ts';
import {
  type Interval,
  iidInterval,
  replicateInterval,
  toEstimate,
  withoutInterval,
} from './output-intervals.ts';
import { column, estimateOf, reaches, replicateEstimates, type Statistic } from './output-statistics.ts';
import { type PointRunState, runInfo } from './point-run.ts';

/** Events a replicate must see for Student's interval to hold; with fewer it covers too seldom, as a slow test shows. */
const FEW_HITS = 10;

/** The answer from the points evaluated so far. */
export function answer(state: PointRunState, { outcome, provenance }: Ending, plan: Plan): MonteCarloResult {
  const { evaluator, done } = state;
  const statistics = plan.statistics(evaluator.outputs);
  const intervals = statistics.map((statistic) => interval(state, plan, statistic));
  const pick = (kind: Statistic['what']['kind']): IntervalEstimate => {
    const at = statistics.flatMap(({ what }, i) => (what.kind === kind ? [i] : []));
    return toEstimate(
      at.map((i) => statistics[i]!.name),
      at.map((i) => intervals[i]!),
      plan.level,
    );
  };
  const d = plan.space.dimension;
  return {
    estimate: toEstimate(
      statistics.map(({ name }) => name),
      intervals,
      plan.level,
    ),
    mean: pick('mean'),
    variance: pick('variance'),
    quantiles: pick('quantile'),
    probabilities: pick('probability'),
    outputs: { names: [...evaluator.outputs], values: state.y.slice(0, done * evaluator.outputs.length) },
    sample: { points: state.x.slice(0, done * d), shape: [done, d], logWeight: new Float64Array(done) },
    outcome,
    diagnostics: runInfo(state, plan, warningsOf(state, plan, statistics, intervals)),
    provenance: toldPlace(provenance, evaluator.place),
    design: { perReplicate: plan.perReplicate, independent: plan.design === 'iid' },
    failures: [...state.failures],
    failed: state.failed,
  };
}

/**
 * One statistic: replicates where there are at least two whole ones (an unfinished one is left out), else the
 * iid interval for independent points. After drop-row the points of a net are no net, but replicates stay independent.
 */
function interval(state: PointRunState, plan: Plan, statistic: Statistic): Interval {
  const k = state.evaluator.outputs.length;
  const columnOf = (lo: number, hi: number) => column(state.y, k, statistic.output, lo, hi);
  const whole = Math.floor(state.done / plan.perReplicate);
  if (plan.replicates > 1 && whole >= 2) {
    const columns = Array.from({ length: whole }, (_, r) =>
      columnOf(r * plan.perReplicate, (r + 1) * plan.perReplicate),
    );
    const found = replicateInterval(replicateEstimates(statistic, columns), plan.level);
    // Extremes of short replicates stand in for a far quantile, all off to the same side.
    const far = columns.some(({ values }) => !reaches(statistic, values.length));
    return far ? withoutInterval(found.value) : found;
  }
  if (plan.design === 'antithetic' && plan.replicates === 1)
    return pairedInterval(
      statistic,
      { y: state.y, k, output: statistic.output, rows: state.done },
      plan.level,
    );
  const data = columnOf(0, state.done);
  return plan.design === 'iid'
    ? iidInterval(statistic, data, plan.level)
    : withoutInterval(estimateOf(statistic, data));
}

/** True for a probability whose replicates saw less than `FEW_HITS` events each, of one kind or the other. */
function fewHits(state: PointRunState, plan: Plan, { what }: Statistic, value: number): boolean {
  if (what.kind !== 'probability') return false;
  return Math.min(value, 1 - value) * state.done < FEW_HITS * plan.replicates;
}

function warningsOf(
  state: PointRunState,
  plan: Plan,
  statistics: readonly Statistic[],
  intervals: readonly Interval[],
): readonly Warning[] {
  const warnings: Warning[] = [...plan.warnings];
  const unseen = statistics.filter(({ what }, i) => what.kind === 'probability' && intervals[i]!.value === 0);
  for (const { name } of unseen) {
    warnings.push({
      code: 'event-unseen',
      message: `${name}: none of the ${state.done} points was in the event, so its probability is only known to be small. Use more points, or a rare-event method.`,
      value: 0,
    });
  }
  const rare = statistics.findIndex(
    (statistic, i) =>
      plan.design !== 'iid' &&
      intervals[i]!.value > 0 &&
      fewHits(state, plan, statistic, intervals[i]!.value),
  );
  if (rare >= 0) {
    const hits = Math.round(intervals[rare]!.value * state.done);
    warnings.push({
      code: 'few-events',
      message: `${statistics[rare]!.name}: only ${hits} of ${state.done} points were in the event, too few for an interval from replicates (warned below ${FEW_HITS} a replicate). Use more points, or design: 'iid', whose interval is exact.`,
      value: hits,
      threshold: FEW_HITS * plan.replicates,
    });
  }
  const { place, outputs } = state.evaluator;
  warnings.push(...oneReplicate(plan, statistics));
  if (plan.design === 'antithetic') warnings.push(...pairWarnings(outputs, state.y, state.done));
  if (plan.missing === 'drop-row' && state.failed > 0) {
    const percent = ((100 * state.failed) / state.done).toPrecision(2);
    warnings.push({
      code: 'rows-dropped',
      message: `${state.failed} of ${state.done} rows (${percent} %) were left out because the model failed there; results describe the inputs where it works. The points are listed in \`failures\`.`,
      value: state.failed,
    });
  }
  const all = outputs.map((name, k) => {
    const of = (kind: 'mean' | 'variance'): number =>
      intervals[statistics.findIndex(({ output, what }) => output === k && what.kind === kind)]!.value;
    return { name, mean: of('mean'), variance: of('variance') };
  });
  const rounded =
    roundedInputs(place, plan.space) ?? roundedOutputs(place, all, 'much of its variance may be rounding');
  if (rounded !== undefined) warnings.push(rounded);
  return warnings;
}

/** One randomisation tells no error, but of means and variances from independent points or pairs. */
function oneReplicate({ replicates, design }: Plan, statistics: readonly Statistic[]): readonly Warning[] {
  if (replicates > 1 || design === 'iid') return [];
  const pairs = design === 'antithetic';
  if (pairs && statistics.every(({ what }) => what.kind === 'mean' || what.kind === 'variance')) return [];
  return [
    {
      code: 'one-replicate',
      message: pairs
        ? 'Pairs give no interval of a quantile or a probability. Use replicates: 8 for those (slightly less sharp).'
        : 'With one randomisation there is no standard error. Use replicates: 8 for intervals (slightly less sharp).',
      value: 1,
      threshold: 2,
    },
  ];
}
